//! Group graph patterns, drawn from triples that are there.

use super::{Bound, Element, condition, subject_of};
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, Quad, Term};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use std::collections::HashMap;

/// IRIs that no triple has, some of which no template could have built.
const STRANGERS: &[&str] = &[
    "<http://example.com/part/999>",
    "<http://example.com/part/01>",
    "<http://example.com/part/a%2fb>",
    "<http://example.com/part/a/b>",
    "<http://example.com/nothing/1>",
    "<http://example.com/rev/1>",
    "<http://example.com/rev/A/x>",
    "<http://example.com/day/2024-1-1>",
    "<urn:x>",
    "\"no such text\"",
    "\"bolt\"@de",
    "-77",
    "1.0e6",
];

/// Draws patterns and remembers which variable stands for which term.
pub(super) struct Patterns<'a> {
    quads: &'a [Quad],
    names: HashMap<String, String>,
    samples: HashMap<String, Term>,
    used: Vec<Term>,
    fresh: usize,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(quads: &'a [Quad]) -> Self {
        Self { quads, names: HashMap::new(), samples: HashMap::new(), used: Vec::new(), fresh: 0 }
    }

    /// The variables of a pattern that solutions can bind.
    pub(super) fn in_scope(&self, elements: &[Element]) -> Vec<Bound> {
        let mut names = Vec::new();
        elements.iter().for_each(|element| variables(element, &mut names));
        names.sort();
        names.dedup();
        names.into_iter().map(|name| Bound { sample: self.samples.get(&name).cloned(), name }).collect()
    }

    pub(super) fn group(&mut self, rng: &mut StdRng, depth: usize) -> Vec<Element> {
        let mut elements = Vec::new();
        if rng.random_bool(0.95) {
            let triples = Element::Triples(self.triples(rng));
            elements.push(if rng.random_bool(0.1) { self.graph(rng, vec![triples]) } else { triples });
        }
        if depth > 0 {
            self.nested(rng, depth - 1, &mut elements);
        }
        if rng.random_bool(0.1) {
            elements.push(self.values(rng, &elements));
        }
        if rng.random_bool(0.12) {
            let bound = self.in_scope(&elements);
            let name = self.fresh_name("b");
            elements.push(Element::Bind(condition::value(rng, &bound, 2), name));
        }
        let filters = if rng.random_bool(0.4) { rng.random_range(1..=2) } else { 0 };
        for _ in 0..filters {
            let bound = self.filter_scope(rng, &elements);
            elements.push(Element::Filter(condition::condition(rng, &bound, 2)));
        }
        if rng.random_bool(0.2) {
            elements.shuffle(rng);
        }
        elements
    }

    /// Some properties of one thing, perhaps with a condition: what a single table can answer.
    pub(super) fn star(&mut self, rng: &mut StdRng) -> Vec<Element> {
        let Some(first) = self.quads.choose(rng).cloned() else { return self.group(rng, 0) };
        let subject = subject_of(&first);
        // Predicates of one table end alike where tables are set apart.
        let table = |quad: &Quad| quad.predicate.as_str().rsplit_once('-').map(|(_, table)| table.to_owned());
        let same = |quad: &&Quad| subject_of(quad) == subject && table(quad) == table(&first);
        let mut about: Vec<Quad> = self.quads.iter().filter(same).cloned().collect();
        about.sort_by(|a, b| a.predicate.cmp(&b.predicate));
        about.dedup_by(|a, b| a.predicate == b.predicate);
        let count = rng.random_range(1..=4).min(about.len());
        let name = self.variable(rng, &subject);
        let mut triples = Vec::new();
        for quad in about.choose_multiple(rng, count) {
            let is_type = quad.predicate.as_ref() == rdf::TYPE;
            let object = if is_type { quad.object.to_string() } else { self.variable(rng, &quad.object) };
            triples.push([name.clone(), quad.predicate.to_string(), object]);
        }
        let mut elements = vec![Element::Triples(triples)];
        if rng.random_bool(0.3) {
            let bound = self.in_scope(&elements);
            elements.push(Element::Filter(condition::condition(rng, &bound, 1)));
        }
        elements
    }

    /// Mostly what the group binds; sometimes names of other groups, which are out of scope here.
    fn filter_scope(&self, rng: &mut StdRng, elements: &[Element]) -> Vec<Bound> {
        let mut bound = self.in_scope(elements);
        if rng.random_bool(0.15) || bound.is_empty() {
            let mut all: Vec<_> = self.samples.iter().collect();
            all.sort_by_key(|(name, _)| name.as_str());
            bound.extend(all.iter().map(|(name, term)| Bound { name: (*name).clone(), sample: Some((*term).clone()) }));
        }
        bound
    }

    fn nested(&mut self, rng: &mut StdRng, depth: usize, elements: &mut Vec<Element>) {
        let optionals = if rng.random_bool(0.4) { rng.random_range(1..=2) } else { 0 };
        for _ in 0..optionals {
            let group = self.group(rng, depth);
            elements.push(Element::Optional(group));
        }
        if rng.random_bool(0.18) {
            let branches = (0..rng.random_range(2..=3)).map(|_| self.group(rng, depth)).collect();
            elements.push(Element::Union(branches));
        }
        if rng.random_bool(0.08) {
            let group = self.group(rng, depth);
            elements.push(self.graph(rng, group));
        }
        if rng.random_bool(0.08) {
            elements.push(Element::Group(self.group(rng, depth)));
        }
    }

    fn graph(&mut self, rng: &mut StdRng, group: Vec<Element>) -> Element {
        let graphs: Vec<String> = self.quads.iter().map(|quad| quad.graph_name.to_string()).collect();
        let name = match graphs.choose(rng) {
            Some(graph) if rng.random_bool(0.55) => graph.clone(),
            _ if rng.random_bool(0.1) => "<urn:no:such:graph>".to_owned(),
            graph => {
                let name = if rng.random_bool(0.7) { "g".to_owned() } else { self.fresh_name("g") };
                if let Some(iri) = graph.and_then(|g| NamedNode::new(g.trim_matches(['<', '>'])).ok()) {
                    self.samples.insert(name.clone(), iri.into());
                }
                format!("?{name}")
            }
        };
        Element::Graph(name, group)
    }

    /// A connected set of triples, made general.
    fn triples(&mut self, rng: &mut StdRng) -> Vec<[String; 3]> {
        let sizes: &[usize] = if self.used.is_empty() { &[1, 1, 2, 2, 2, 3, 3, 4, 5] } else { &[1, 1, 1, 2, 2, 3] };
        let count = sizes.choose(rng).copied().unwrap_or(1);
        let quads = self.connected(rng, count);
        if quads.is_empty() {
            return vec![["?s".to_owned(), "?p".to_owned(), "?o".to_owned()]];
        }
        quads.iter().map(|quad| self.generalize(rng, quad)).collect()
    }

    fn connected(&mut self, rng: &mut StdRng, count: usize) -> Vec<Quad> {
        let mut chosen: Vec<Quad> = Vec::new();
        for _ in 0..count {
            let next = match self.used.choose(rng).cloned() {
                Some(term) if rng.random_bool(0.985) => self.touching(rng, &term),
                _ => self.quads.choose(rng).cloned(),
            };
            let Some(quad) = next.or_else(|| self.quads.choose(rng).cloned()) else { break };
            let terms = [subject_of(&quad), quad.object.clone()];
            self.used.extend(terms.into_iter().filter(Term::is_named_node));
            if !chosen.contains(&quad) {
                chosen.push(quad);
            }
        }
        chosen
    }

    fn touching(&self, rng: &mut StdRng, term: &Term) -> Option<Quad> {
        let as_subject: Vec<&Quad> = self.quads.iter().filter(|quad| subject_of(quad) == *term).collect();
        let as_object: Vec<&Quad> = self.quads.iter().filter(|quad| quad.object == *term).collect();
        let (first, second) = if rng.random_bool(0.65) { (as_subject, as_object) } else { (as_object, as_subject) };
        first.choose(rng).or_else(|| second.choose(rng)).map(|quad| (*quad).clone())
    }

    fn generalize(&mut self, rng: &mut StdRng, quad: &Quad) -> [String; 3] {
        let subject = subject_of(quad);
        let is_type = quad.predicate.as_ref() == rdf::TYPE;
        let subject = if rng.random_bool(0.9) { self.variable(rng, &subject) } else { constant(rng, &subject) };
        let predicate = match rng.random_range(0..100) {
            0..6 => self.variable(rng, &quad.predicate.clone().into()),
            6 => "ex:unheardOf".to_owned(),
            _ => quad.predicate.to_string(),
        };
        let general = if is_type { 0.25 } else { 0.8 };
        let object =
            if rng.random_bool(general) { self.variable(rng, &quad.object) } else { constant(rng, &quad.object) };
        // A subject that is a literal is no subject, whatever the pattern was drawn from.
        let subject = if subject.starts_with(['"', '-', '1']) { "?s".to_owned() } else { subject };
        [subject, predicate, object]
    }

    fn variable(&mut self, rng: &mut StdRng, term: &Term) -> String {
        let key = term.to_string();
        if rng.random_bool(0.02) {
            // Another term's variable: `?x ?p ?x`, or a join that hardly holds.
            let mut names: Vec<&String> = self.samples.keys().collect();
            names.sort();
            if let Some(name) = names.choose(rng) {
                return format!("?{name}");
            }
        }
        if let Some(name) = self.names.get(&key)
            && rng.random_bool(0.97)
        {
            return format!("?{name}");
        }
        let name = self.fresh_name(if term.is_literal() { "v" } else { "x" });
        self.names.insert(key, name.clone());
        self.samples.insert(name.clone(), term.clone());
        format!("?{name}")
    }

    fn fresh_name(&mut self, stem: &str) -> String {
        self.fresh += 1;
        format!("{stem}{}", self.fresh)
    }

    /// Some variables of the group with terms of the data, and UNDEF.
    fn values(&self, rng: &mut StdRng, elements: &[Element]) -> Element {
        let bound = self.in_scope(elements);
        let count = rng.random_range(1..=2).min(bound.len());
        let chosen: Vec<Bound> = bound.choose_multiple(rng, count).cloned().collect();
        let names = chosen.iter().map(|b| b.name.clone()).collect();
        let cell = |rng: &mut StdRng, bound: &Bound| match (&bound.sample, rng.random_range(0..10)) {
            (_, 0..2) => "UNDEF".to_owned(),
            (Some(term), 2..7) if !term.is_blank_node() => term.to_string(),
            _ => self.any_term(rng),
        };
        let rows = (0..rng.random_range(0..5)).map(|_| chosen.iter().map(|b| cell(rng, b)).collect()).collect();
        Element::Values(names, rows)
    }

    fn any_term(&self, rng: &mut StdRng) -> String {
        let Some(quad) = self.quads.choose(rng) else { return "1".to_owned() };
        let term = if rng.random_bool(0.5) { subject_of(quad) } else { quad.object.clone() };
        if term.is_blank_node() { "1".to_owned() } else { term.to_string() }
    }
}

fn constant(rng: &mut StdRng, term: &Term) -> String {
    if rng.random_bool(0.12) || term.is_blank_node() {
        return STRANGERS.choose(rng).map_or_else(|| term.to_string(), |text| (*text).to_owned());
    }
    term.to_string()
}

fn variables(element: &Element, names: &mut Vec<String>) {
    let mut add = |text: &str| names.extend(text.strip_prefix('?').map(str::to_owned));
    match element {
        Element::Triples(triples) => triples.iter().flatten().for_each(|term| add(term)),
        Element::Filter(_) => {}
        Element::Bind(_, name) => names.push(name.clone()),
        Element::Values(columns, _) => names.extend(columns.iter().cloned()),
        Element::Graph(name, group) => {
            add(name);
            group.iter().for_each(|element| variables(element, names));
        }
        Element::Optional(group) | Element::Group(group) => {
            group.iter().for_each(|element| variables(element, names));
        }
        Element::Union(branches) => branches.iter().flatten().for_each(|element| variables(element, names)),
    }
}
