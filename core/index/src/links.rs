//! Links in memory: numbers in sorted tables, and each IRI once.
//!
//! Ten million links are about 1.5 GB so, a fifth of what a store of quads takes. Any combination of bound subject, predicate
//! and object is a range of one of two orders.

use crate::IndexError;
use crate::lookup::Pattern;
use crate::statements::{Counts, Statistics};
use hashbrown::HashTable;
use oxrdf::{NamedNode, Triple};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use weft_model::term::encode_iri;

/// Collects links up to a limit.
pub(crate) struct LinkTableBuilder {
    iris: Iris,
    links: Vec<[u32; 3]>,
    limit: u64,
}

/// Links that are complete.
pub(crate) struct LinkTable {
    iris: Iris,
    /// Subject, predicate, object, in that order, each once.
    links: Vec<[u32; 3]>,
    /// Positions in `links` in the order of objects, predicates, subjects.
    by_object: Vec<u32>,
    /// The graph they are in, encoded.
    graph: String,
}

impl LinkTableBuilder {
    pub(crate) fn new(limit: u64) -> Self {
        // Positions are 32 bits.
        let limit = limit.min(u64::from(u32::MAX / 2));
        Self { iris: Iris::default(), links: Vec::new(), limit }
    }

    /// Adds links. What is no IRI is no link, and the link store has none.
    pub(crate) fn add(&mut self, triples: &[Triple]) -> Result<(), IndexError> {
        for triple in triples {
            let (oxrdf::NamedOrBlankNode::NamedNode(subject), oxrdf::Term::NamedNode(object)) =
                (&triple.subject, &triple.object)
            else {
                continue;
            };
            let link = [subject.as_str(), triple.predicate.as_str(), object.as_str()].map(|iri| self.iris.intern(iri));
            self.links.push(link);
        }
        if self.links.len() as u64 > self.limit {
            return Err(IndexError::TooManyIndexedLinks { limit: self.limit });
        }
        Ok(())
    }

    pub(crate) fn finish(self, graph: &str) -> LinkTable {
        let Self { mut iris, mut links, .. } = self;
        links.sort_unstable();
        links.dedup();
        links.shrink_to_fit();
        iris.text.shrink_to_fit();
        let mut by_object: Vec<u32> = (0..u32::try_from(links.len()).unwrap_or(u32::MAX)).collect();
        by_object.sort_unstable_by_key(|position| {
            let [subject, predicate, object] = links[*position as usize];
            [object, predicate, subject]
        });
        LinkTable { iris, links, by_object, graph: encode_iri(graph) }
    }
}

impl LinkTable {
    pub(crate) fn len(&self) -> u64 {
        self.links.len() as u64
    }

    /// The encoded cells of the links that fit.
    pub(crate) fn matching<'a>(&'a self, pattern: &Pattern) -> impl Iterator<Item = [String; 4]> + use<'a> {
        let found = self.find(pattern);
        let (order, range, rest) = found.unwrap_or((Order::Subjects, 0..0, [None; 3]));
        range
            .map(move |position| match order {
                Order::Subjects => self.links[position],
                Order::Objects => self.links[self.by_object[position] as usize],
            })
            .filter(move |link| link.iter().zip(&rest).all(|(iri, wanted)| wanted.is_none_or(|wanted| wanted == *iri)))
            .map(|link| {
                let [subject, predicate, object] = link.map(|iri| encode_iri(self.iris.get(iri)));
                [subject, predicate, object, self.graph.clone()]
            })
    }

    /// The range of an order that holds what fits, and what must be compared besides; nothing where a term is not known.
    fn find(&self, pattern: &Pattern) -> Option<(Order, Range<usize>, [Option<u32>; 3])> {
        let [subject, predicate, object, graph] = pattern;
        if graph.as_ref().is_some_and(|graph| *graph != self.graph) {
            return None;
        }
        let known = |term: &Option<String>| match term {
            None => Some(None),
            Some(text) => self.iris.find(text.strip_prefix('I')?).map(Some),
        };
        let wanted = [known(subject)?, known(predicate)?, known(object)?];
        Some(match wanted {
            [Some(subject), ..] => (Order::Subjects, self.of_subject(subject), wanted),
            [None, _, Some(object)] => (Order::Objects, self.of_object(object), wanted),
            _ => (Order::Subjects, 0..self.links.len(), wanted),
        })
    }

    fn of_subject(&self, subject: u32) -> Range<usize> {
        let start = self.links.partition_point(|link| link[0] < subject);
        start..start + self.links[start..].partition_point(|link| link[0] == subject)
    }

    fn of_object(&self, object: u32) -> Range<usize> {
        let of = |position: &u32| self.links[*position as usize][2];
        let start = self.by_object.partition_point(|position| of(position) < object);
        start..start + self.by_object[start..].partition_point(|position| of(position) == object)
    }

    /// Counted in the two orders, without sets of terms.
    pub(crate) fn statistics(&self) -> Statistics {
        let mut all = Counts { rows: self.len(), distinct: [0, 0, 0, u64::from(!self.links.is_empty())] };
        let mut predicates: HashMap<u32, (Counts, [Option<u32>; 2])> = HashMap::new();
        let mut last = [None; 2];
        let mut count = |place: usize, term: u32, predicate: u32, last: &mut [Option<u32>; 2]| {
            let column = place * 2;
            if last[place].replace(term) != Some(term) {
                all.distinct[column] += 1;
            }
            let (counts, last) = predicates.entry(predicate).or_default();
            counts.rows += u64::from(place == 0);
            if last[place].replace(term) != Some(term) {
                counts.distinct[column] += 1;
            }
        };
        for [subject, predicate, _] in &self.links {
            count(0, *subject, *predicate, &mut last);
        }
        for position in &self.by_object {
            let [_, predicate, object] = self.links[*position as usize];
            count(1, object, predicate, &mut last);
        }
        all.distinct[1] = predicates.len() as u64;
        let named = |(predicate, (counts, _)): (u32, (Counts, [Option<u32>; 2]))| {
            let distinct = [counts.distinct[0], 1, counts.distinct[2], 1];
            (NamedNode::new_unchecked(self.iris.get(predicate)), Counts { rows: counts.rows, distinct })
        };
        let predicates: BTreeMap<NamedNode, Counts> = predicates.into_iter().map(named).collect();
        Statistics { all, predicates, classes: BTreeMap::new(), unnamed_classes: true }
    }
}

#[derive(Clone, Copy)]
enum Order {
    Subjects,
    Objects,
}

/// Texts one after another, and where each ends; found by their hash.
#[derive(Default)]
pub(crate) struct Iris {
    text: String,
    ends: Vec<usize>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Iris {
    pub(crate) fn get(&self, number: u32) -> &str {
        text_of(&self.text, &self.ends, number)
    }

    pub(crate) fn find(&self, iri: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(iri);
        self.numbers.find(hash, |number| self.get(*number) == iri).copied()
    }

    /// There are at most three for each of at most 2^31 links, of which many are the same: were there more than numbers, the
    /// memory would have been used up long before.
    pub(crate) fn intern(&mut self, iri: &str) -> u32 {
        if let Some(known) = self.find(iri) {
            return known;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(iri);
        self.ends.push(self.text.len());
        let Self { text, ends, numbers, hasher } = self;
        let hash = hasher.hash_one(iri);
        numbers.insert_unique(hash, number, |known| hasher.hash_one(text_of(text, ends, *known)));
        number
    }
}

fn text_of<'a>(text: &'a str, ends: &[usize], number: u32) -> &'a str {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &text[start..ends[number]]
}

#[cfg(test)]
mod tests;
