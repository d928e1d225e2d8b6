//! How well a term of the ontology fits a table or column.

use super::terms::{OntologyTerm, OntologyTerms, TermClass, is_datatype};
use super::words::{Words, likeness, weight};
use oxrdf::NamedNode;
use oxrdf::vocab::{rdf, rdfs};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::contract::DataType;

/// From here on a term is taken.
pub(super) const TAKEN: f64 = 0.7;
/// From here on a term is told of.
const TOLD: f64 = 0.45;
/// Terms told of beside the taken one.
const RUNNERS_UP: usize = 3;
/// What a term gets whose definition has all words of a name: told of, never taken.
const BY_DEFINITION: f64 = 0.5;

/// Letters that two words have in common at their beginning, for one to be looked at for the other.
const STEM: usize = 3;

/// A term and how well it fits, from 0 to 1.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) iri: NamedNode,
    pub(super) score: f64,
}

/// What is looked for.
pub(super) struct Wanted<'a> {
    /// Ways to say it, with how much each counts.
    pub(super) names: Vec<(Words, f64)>,
    pub(super) kind: WantedKind<'a>,
}

/// What kind of term it has to be.
#[derive(Clone, Copy)]
pub(super) enum WantedKind<'a> {
    Class,
    /// The property of a column, of things of this class.
    Literal {
        data_type: DataType,
        class: Option<&'a NamedNode>,
    },
    /// The property of a reference, between things of these classes.
    Reference {
        class: Option<&'a NamedNode>,
        target: Option<&'a NamedNode>,
    },
}

/// The terms of an ontology by their words.
pub(super) struct Matcher<'a> {
    terms: &'a OntologyTerms,
    /// Terms by the beginnings of the words of their names.
    by_stem: BTreeMap<String, BTreeSet<usize>>,
    /// Terms by the words of their definitions.
    by_definition: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(terms: &'a OntologyTerms) -> Self {
        let mut by_stem: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let mut by_definition: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (i, term) in terms.terms.iter().enumerate() {
            for word in term.names.iter().flat_map(|(words, _)| words) {
                by_stem.entry(stem(word)).or_default().insert(i);
            }
            for word in term.definition.iter().filter(|word| weight(word) >= 1.0) {
                by_definition.entry(word).or_default().insert(i);
            }
        }
        Self { terms, by_stem, by_definition }
    }

    /// The terms that are worth telling of, best first; equal ones in the order of their IRIs.
    pub(super) fn candidates(&self, wanted: &Wanted<'_>) -> Vec<Candidate> {
        let by_name: BTreeSet<usize> = wanted
            .names
            .iter()
            .flat_map(|(words, _)| words)
            .filter_map(|word| self.by_stem.get(&stem(word)))
            .flatten()
            .copied()
            .collect();
        let by_definition = self.defined_by(wanted);
        let mut found = Vec::new();
        for &i in by_name.union(&by_definition) {
            let term = &self.terms.terms[i];
            let name = name_score(wanted, term);
            let name = if by_definition.contains(&i) { name.max(BY_DEFINITION) } else { name };
            let score = name * self.kind_score(wanted.kind, term);
            if score >= TOLD {
                found.push(Candidate { iri: term.iri.clone(), score });
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.iri.cmp(&b.iri)));
        found.truncate(1 + 2 * RUNNERS_UP);
        found
    }

    /// Terms whose definition has all words of the first name.
    fn defined_by(&self, wanted: &Wanted<'_>) -> BTreeSet<usize> {
        let Some((words, _)) = wanted.names.first() else { return BTreeSet::new() };
        let mut telling = words.iter().filter(|word| weight(word) >= 1.0 && word.len() > STEM);
        let with = |word: &String| self.by_definition.get(word.as_str()).cloned().unwrap_or_default();
        let Some(first) = telling.next() else { return BTreeSet::new() };
        telling.fold(with(first), |found, word| found.intersection(&with(word)).copied().collect())
    }

    fn kind_score(&self, kind: WantedKind<'_>, term: &OntologyTerm) -> f64 {
        match kind {
            WantedKind::Class if term.class == TermClass::Class => 1.0,
            WantedKind::Class => 0.0,
            _ if term.class == TermClass::Class => 0.0,
            WantedKind::Literal { data_type, class } => {
                literal_score(term, data_type) * self.class_score(&term.domains, class)
            }
            WantedKind::Reference { class, target } => {
                let literal = term.class == TermClass::DatatypeProperty || term.ranges.iter().any(is_datatype);
                let form = if literal { 0.4 } else { 1.0 };
                form * self.class_score(&term.domains, class) * self.class_score(&term.ranges, target)
            }
        }
    }

    /// How well a domain or range fits a class. Nothing is known of a class that is the source's own.
    fn class_score(&self, declared: &BTreeSet<NamedNode>, class: Option<&NamedNode>) -> f64 {
        match class {
            _ if declared.is_empty() => 0.97,
            None => 0.9,
            Some(class) if declared.iter().all(|declared| self.terms.is_below(class, declared)) => 1.0,
            // An instance of a class above may well be one of this class.
            Some(class) if declared.iter().any(|declared| self.terms.is_below(declared, class)) => 0.9,
            Some(_) => 0.75,
        }
    }
}

fn stem(word: &str) -> String {
    word.chars().take(STEM).collect()
}

fn name_score(wanted: &Wanted<'_>, term: &OntologyTerm) -> f64 {
    let pairs = wanted.names.iter().flat_map(|name| term.names.iter().map(move |known| (name, known)));
    pairs.map(|((a, counts), (b, known))| likeness(a, b) * counts * known).fold(0.0, f64::max)
}

/// How well the values of a column fit the range of a property.
fn literal_score(term: &OntologyTerm, data_type: DataType) -> f64 {
    let form = match term.class {
        TermClass::ObjectProperty => return 0.4,
        TermClass::DatatypeProperty => 1.0,
        _ => 0.99,
    };
    form * term.ranges.iter().map(|range| range_score(range, data_type)).fold(1.0, f64::min)
}

fn range_score(range: &NamedNode, data_type: DataType) -> f64 {
    if *range == rdfs::LITERAL {
        return 1.0;
    }
    if *range == rdf::LANG_STRING {
        return if data_type == DataType::Text { 1.0 } else { 0.4 };
    }
    let Some(name) = range.as_str().strip_prefix("http://www.w3.org/2001/XMLSchema#") else { return 0.4 };
    let is = |names: &[&str]| names.contains(&name);
    let texts = is(&["string", "normalizedString", "token", "anyURI", "NMTOKEN", "language", "Name", "NCName"]);
    let fractions = is(&["decimal", "double", "float"]);
    let times = is(&["dateTime", "dateTimeStamp"]);
    let others = is(&["date", "time", "boolean", "duration", "hexBinary", "base64Binary", "gYear", "gYearMonth"]);
    let integers = !texts && !fractions && !times && !others;
    match data_type {
        DataType::Text if texts => 1.0,
        // Text may say anything.
        DataType::Text => 0.8,
        DataType::Boolean if name == "boolean" => 1.0,
        DataType::Int64 if integers => 1.0,
        DataType::Int64 if fractions || name == "gYear" => 0.95,
        DataType::Decimal { .. } | DataType::Float64 if fractions => 1.0,
        DataType::Decimal { .. } if integers => 0.9,
        DataType::Date if name == "date" => 1.0,
        DataType::Timestamp { .. } if times => 1.0,
        DataType::Date if times => 0.9,
        DataType::Timestamp { .. } if name == "date" => 0.85,
        DataType::Binary if is(&["hexBinary", "base64Binary"]) => 1.0,
        _ => 0.4,
    }
}

/// What was found for one thing: the term, where one is good enough, and what else was near.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) taken: Option<Candidate>,
    pub(super) others: Vec<Candidate>,
}

/// Gives each term to the thing it fits best and each thing the best term that is left. Things come in a fixed order, which
/// decides between equals.
pub(super) fn assign(candidates: &[Vec<Candidate>]) -> Vec<Choice> {
    let mut pairs: Vec<(usize, &Candidate)> = candidates
        .iter()
        .enumerate()
        .flat_map(|(thing, found)| found.iter().map(move |candidate| (thing, candidate)))
        .filter(|(_, candidate)| candidate.score >= TAKEN)
        .collect();
    pairs.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(&b.0)).then_with(|| a.1.iri.cmp(&b.1.iri)));
    let mut choices = vec![Choice::default(); candidates.len()];
    let mut given = BTreeSet::new();
    for (thing, candidate) in pairs {
        if choices[thing].taken.is_none() && given.insert(&candidate.iri) {
            choices[thing].taken = Some(candidate.clone());
        }
    }
    for (choice, found) in choices.iter_mut().zip(candidates) {
        let taken = choice.taken.as_ref().map(|taken| &taken.iri);
        choice.others = found.iter().filter(|other| Some(&other.iri) != taken).take(RUNNERS_UP).cloned().collect();
    }
    choices
}
