//! Which names are names of one thing.
//!
//! Links that say so are closed to an equivalence: every name reached over them, in either direction, is a name of the same
//! thing. Each name is kept once, and has a number; those of a class stand together in the order of their code points, so that
//! the first is the representative.

use crate::links::Iris;
use crate::lookup::Pattern;
use crate::statements::{Counts, Statistics};
use crate::{ALIASES_GRAPH, IndexError, SAME_THING};
use oxrdf::vocab::xsd;
use oxrdf::{NamedNode, Term, Triple};
use std::cmp::Ordering;
use std::fmt;
use weft_model::Aliases;
use weft_model::term::{EncodedTerm, encode_iri, encode_literal};

#[cfg(test)]
mod tests;

/// From a thing to its names.
const ALIAS: &str = "https://weft.dev/ns#alias";

/// The classes of two names and more. See [`AliasBuilder`].
#[derive(Default)]
pub struct AliasTable {
    names: Iris,
    /// The thing each name is a name of.
    things: Vec<u32>,
    /// The names of each thing, one thing after the other.
    members: Vec<u32>,
    /// Where those of each thing begin, and last their number.
    first_members: Vec<u32>,
}

impl fmt::Debug for AliasTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasTable").field("names", &self.len()).field("things", &self.things()).finish_non_exhaustive()
    }
}

impl AliasTable {
    /// The number of names.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Names as statements: `?thing weft:alias "IRI"^^xsd:anyURI`. They are literals, so that no view gives them other
    /// names. The encoded cells of those that fit.
    pub(crate) fn matching<'a>(&'a self, pattern: &Pattern) -> Box<dyn Iterator<Item = [String; 4]> + 'a> {
        let [subject, predicate, object, graph] = pattern;
        let is =
            |wanted: &Option<String>, known: &str| wanted.as_ref().is_none_or(|wanted| *wanted == encode_iri(known));
        if !is(predicate, ALIAS) || !is(graph, ALIASES_GRAPH) {
            return Box::new(std::iter::empty());
        }
        let things = match (subject, object) {
            (None, None) => 0..self.things(),
            (Some(term), _) | (None, Some(term)) => {
                let name = match EncodedTerm::read(term) {
                    Ok(EncodedTerm::Iri(iri)) => Some(iri),
                    Ok(EncodedTerm::Typed { lexical, .. }) => Some(lexical),
                    _ => None,
                };
                match name.and_then(|name| self.thing(name)) {
                    Some(thing) => thing..thing + 1,
                    None => 0..0,
                }
            }
        };
        let (subject, object) = (subject.clone(), object.clone());
        let statements = things.flat_map(move |thing| self.statements(thing));
        Box::new(statements.filter(move |[thing, _, name, _]| {
            subject.as_ref().is_none_or(|wanted| wanted == thing) && object.as_ref().is_none_or(|wanted| wanted == name)
        }))
    }

    fn statements(&self, thing: usize) -> impl Iterator<Item = [String; 4]> {
        let members = self.members(thing);
        let first = members.first().map_or_else(String::new, |first| encode_iri(self.name(*first)));
        members.iter().map(move |number| {
            let name = encode_literal(self.name(*number), xsd::ANY_URI.as_str());
            [first.clone(), encode_iri(ALIAS), name, encode_iri(ALIASES_GRAPH)]
        })
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let (names, things) = (self.len() as u64, self.things() as u64);
        let counts = || Counts { rows: names, distinct: [things, 1, names, 1] };
        let predicates = [(NamedNode::new_unchecked(ALIAS), counts())].into();
        Statistics { all: counts(), predicates, ..Statistics::default() }
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number)
    }

    fn thing(&self, iri: &str) -> Option<usize> {
        self.names.find(iri).map(|number| self.things[number as usize] as usize)
    }

    fn members(&self, thing: usize) -> &[u32] {
        match (self.first_members.get(thing), self.first_members.get(thing + 1)) {
            (Some(start), Some(end)) => self.members.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Aliases for AliasTable {
    fn names(&self, iri: &str) -> Vec<&str> {
        let members = self.thing(iri).map_or(&[] as &[u32], |thing| self.members(thing));
        members.iter().map(|number| self.name(*number)).collect()
    }

    fn representative(&self, iri: &str) -> Option<&str> {
        let first = self.members(self.thing(iri)?).first()?;
        Some(self.name(*first))
    }

    fn for_each_thing(&self, visit: &mut dyn FnMut(&[&str])) {
        let mut names = Vec::new();
        for thing in 0..self.things() {
            names.clear();
            names.extend(self.members(thing).iter().map(|number| self.name(*number)));
            visit(&names);
        }
    }

    fn things(&self) -> usize {
        self.first_members.len().saturating_sub(1)
    }
}

/// Collects links, and closes them.
#[derive(Default)]
pub struct AliasBuilder {
    names: Iris,
    /// For each name, another one of its class; for one of them, itself.
    parents: Vec<u32>,
}

impl fmt::Debug for AliasBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasBuilder").field("names", &self.parents.len()).finish_non_exhaustive()
    }
}

impl AliasBuilder {
    /// Takes a confirmed link into account, whatever it says.
    pub fn add(&mut self, link: &Triple) -> Result<(), IndexError> {
        match (link.subject.as_ref(), &link.object) {
            (oxrdf::NamedOrBlankNodeRef::NamedNode(one), Term::NamedNode(other))
                if link.predicate.as_str() == SAME_THING =>
            {
                self.link(one.as_str(), other.as_str())
            }
            _ => Ok(()),
        }
    }

    /// The two are names of one thing.
    pub fn link(&mut self, one: &str, other: &str) -> Result<(), IndexError> {
        if one == other {
            return Ok(());
        }
        let (one, other) = (self.number(one)?, self.number(other)?);
        let (one, other) = (self.root(one), self.root(other));
        // The smaller number wins, whatever the order of the links.
        let (root, child) = if one < other { (one, other) } else { (other, one) };
        self.parents[child as usize] = root;
        Ok(())
    }

    /// The classes, none of which may have more names than `most`.
    pub fn finish(mut self, most: usize) -> Result<AliasTable, IndexError> {
        let count = u32::try_from(self.parents.len()).unwrap_or(u32::MAX);
        let mut numbered: Vec<u32> = vec![u32::MAX; self.parents.len()];
        let mut sizes: Vec<u32> = Vec::new();
        let mut things: Vec<u32> = Vec::with_capacity(self.parents.len());
        for number in 0..count {
            let thing = &mut numbered[self.root(number) as usize];
            if *thing == u32::MAX {
                *thing = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
                sizes.push(0);
            }
            sizes[*thing as usize] += 1;
            things.push(*thing);
        }
        let mut first_members: Vec<u32> = Vec::with_capacity(sizes.len() + 1);
        let mut next = 0;
        for size in &sizes {
            first_members.push(next);
            next += size;
        }
        first_members.push(next);
        let mut places = first_members.clone();
        let mut members = vec![0; things.len()];
        for (number, thing) in (0..count).zip(&things) {
            let place = &mut places[*thing as usize];
            members[*place as usize] = number;
            *place += 1;
        }
        let table = AliasTable { names: self.names, things, members, first_members };
        table.in_order().check(most)
    }

    fn number(&mut self, name: &str) -> Result<u32, IndexError> {
        let number = self.names.intern(name);
        match (number as usize).cmp(&self.parents.len()) {
            Ordering::Less => {}
            Ordering::Equal if number < u32::MAX => self.parents.push(number),
            _ => return Err(IndexError::Names),
        }
        Ok(number)
    }

    /// The last of the class, which from now on is found in fewer steps.
    fn root(&mut self, mut number: u32) -> u32 {
        while self.parents[number as usize] != number {
            let above = self.parents[self.parents[number as usize] as usize];
            self.parents[number as usize] = above;
            number = above;
        }
        number
    }
}

impl AliasTable {
    /// With the names of each thing in the order of their code points.
    fn in_order(mut self) -> Self {
        for bounds in self.first_members.windows(2) {
            let members = &mut self.members[bounds[0] as usize..bounds[1] as usize];
            members.sort_unstable_by(|a, b| self.names.get(*a).cmp(self.names.get(*b)));
        }
        self
    }

    fn check(self, most: usize) -> Result<Self, IndexError> {
        let largest = (0..self.things()).max_by_key(|thing| self.members(*thing).len());
        match largest.map(|thing| self.members(thing)) {
            Some(members @ [first, ..]) if members.len() > most => {
                Err(IndexError::Aliases { name: self.name(*first).to_owned(), names: members.len(), most })
            }
            _ => Ok(self),
        }
    }
}
