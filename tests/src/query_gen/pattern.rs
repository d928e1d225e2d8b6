//! Group graph patterns, drawn from triples that are there.

use super::query::variables_in_scope;
use super::theme::Theme;
use super::{Bound, Element, Expression, condition, path, subject_of};
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
    "1.0E6",
];

/// The graphs a query may see; none: all.
#[derive(Clone, Debug, Default)]
pub(super) struct Graphs {
    pub(super) default: Option<Vec<String>>,
    pub(super) named: Option<Vec<String>>,
}

/// Draws patterns and remembers which variable stands for which term.
pub(super) struct Patterns<'a> {
    pub(super) theme: Theme,
    quads: &'a [Quad],
    graphs: Graphs,
    /// The graph that the pattern being drawn is matched in.
    graph: Option<String>,
    /// Inside EXISTS: the variables outside, and whether a triple binds them for certain.
    outside: Option<Vec<(Bound, bool)>>,
    names: HashMap<String, String>,
    samples: HashMap<String, Term>,
    used: Vec<Term>,
    fresh: usize,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(quads: &'a [Quad], graphs: Graphs, theme: Theme) -> Self {
        Self {
            theme,
            quads,
            graphs,
            graph: None,
            outside: None,
            names: HashMap::new(),
            samples: HashMap::new(),
            used: Vec::new(),
            fresh: 0,
        }
    }

    /// The variables of a pattern that solutions can bind.
    pub(super) fn in_scope(&self, elements: &[Element]) -> Vec<Bound> {
        let names = variables_in_scope(elements).into_iter();
        names.map(|name| Bound { sample: self.samples.get(&name).cloned(), name }).collect()
    }

    pub(super) fn group(&mut self, rng: &mut StdRng, depth: usize) -> Vec<Element> {
        let mut elements = Vec::new();
        let only_path = self.theme == Theme::Path && rng.random_bool(0.4);
        if !only_path && rng.random_bool(0.95) {
            let triples = Element::Triples(self.triples(rng));
            let alone = self.theme != Theme::Graph && rng.random_bool(0.07) && self.outside.is_none();
            elements.push(if alone { self.graph(rng, |_, _| vec![triples]) } else { triples });
        }
        if only_path || self.theme.calls_for(Theme::Path, rng, 0.05) {
            elements.extend(self.path(rng));
        }
        if depth > 0 {
            self.nested(rng, depth - 1, &mut elements);
        }
        if self.outside.is_none() && self.theme.calls_for(Theme::Values, rng, 0.06) {
            elements.push(self.values(rng, &elements));
        }
        let bind = match self.theme {
            Theme::Functions => 0.6,
            Theme::Exists if depth > 0 => 0.25,
            _ => 0.1,
        };
        if rng.random_bool(bind) {
            let bound = self.in_scope(&elements);
            let value = condition::value(rng, &bound, 2);
            let value = self.with_exists(rng, &elements, depth, value, 0.02);
            elements.push(Element::Bind(value, self.fresh_name("b")));
        }
        let filters =
            if self.theme == Theme::Exists && depth > 0 || rng.random_bool(0.35) { rng.random_range(1..=2) } else { 0 };
        for _ in 0..filters {
            let bound = self.filter_scope(rng, &elements);
            let text = condition::condition(rng, &bound, 2);
            elements.push(Element::Filter(self.with_exists(rng, &elements, depth, text, 0.03)));
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
            elements.push(Element::Filter(condition::condition(rng, &bound, 1).into()));
        }
        elements
    }

    /// Triples only, for a query whose pattern is its template.
    pub(super) fn plain_triples(&mut self, rng: &mut StdRng) -> Vec<[String; 3]> {
        self.triples(rng)
    }

    /// Mostly what the group binds; sometimes names of other groups, which are out of scope here.
    fn filter_scope(&self, rng: &mut StdRng, elements: &[Element]) -> Vec<Bound> {
        let mut bound = self.in_scope(elements);
        if let Some(outside) = &self.outside {
            bound.extend(outside.iter().map(|(bound, _)| bound.clone()));
        }
        if rng.random_bool(0.15) || bound.is_empty() {
            let mut all: Vec<_> = self.samples.iter().filter(|(name, _)| !name.starts_with('g')).collect();
            all.sort_by_key(|(name, _)| name.as_str());
            bound.extend(all.iter().map(|(name, term)| Bound { name: (*name).clone(), sample: Some((*term).clone()) }));
        }
        bound
    }

    fn nested(&mut self, rng: &mut StdRng, depth: usize, elements: &mut Vec<Element>) {
        let optionals = if rng.random_bool(0.3) { rng.random_range(1..=2) } else { 0 };
        for _ in 0..optionals {
            let group = self.group(rng, depth);
            elements.push(Element::Optional(group));
        }
        if rng.random_bool(0.14) {
            let branches = (0..rng.random_range(2..=3)).map(|_| self.group(rng, depth)).collect();
            elements.push(Element::Union(branches));
        }
        if self.theme.calls_for(Theme::Graph, rng, 0.04) {
            elements.push(self.graph(
                rng,
                |patterns, rng| {
                    if rng.random_bool(0.05) { Vec::new() } else { patterns.group(rng, depth) }
                },
            ));
        }
        if rng.random_bool(0.06) {
            elements.push(Element::Group(self.group(rng, depth)));
        }
        // What MINUS shares with its left side and what is bound from outside EXISTS are not told apart by all readings
        // of the standard, nor is what a sub-query there sees.
        if self.outside.is_some() {
            return;
        }
        if self.theme.calls_for(Theme::SubQuery, rng, 0.07) {
            let query = self.sub_query(rng, depth);
            elements.push(Element::Query(Box::new(query)));
        }
        if self.theme.calls_for(Theme::Minus, rng, 0.04) {
            let group =
                if rng.random_bool(0.7) { vec![Element::Triples(self.triples(rng))] } else { self.group(rng, depth) };
            let place = if rng.random_bool(0.85) { elements.len() } else { rng.random_range(0..=elements.len()) };
            elements.insert(place, Element::Minus(group));
        }
    }

    pub(super) fn is_in_graph(&self) -> bool {
        self.graph.is_some()
    }

    /// The text alone, or with EXISTS beside or around it.
    fn with_exists(
        &mut self,
        rng: &mut StdRng,
        elements: &[Element],
        depth: usize,
        text: String,
        otherwise: f64,
    ) -> Expression {
        if !self.theme.calls_for(Theme::Exists, rng, otherwise) || (depth == 0 && rng.random_bool(0.7)) {
            return text.into();
        }
        let exists = self.exists(rng, elements, depth.saturating_sub(1));
        let form = match rng.random_range(0..10) {
            0..4 => "{}",
            4 => "{} && ({})",
            5 => "{} || ({})",
            6 => "! ({})",
            7 => "IF({}, {}, false)",
            8 => "COALESCE(({}), {})",
            _ => "({}) = {}",
        };
        let text_first = matches!(form, "COALESCE(({}), {})" | "({}) = {}");
        let pieces = if text_first { [text.into(), exists] } else { [exists, text.into()] };
        Expression::fill(form, pieces)
    }

    /// EXISTS or NOT EXISTS about what `elements` bind.
    pub(super) fn exists(&mut self, rng: &mut StdRng, elements: &[Element], depth: usize) -> Expression {
        let certain: Vec<String> = elements
            .iter()
            .filter(|element| matches!(element, Element::Triples(_)))
            .flat_map(|element| variables_in_scope(std::slice::from_ref(element)))
            .collect();
        let mut outside = self.outside.clone().unwrap_or_default();
        for bound in self.in_scope(elements) {
            let is_certain = certain.contains(&bound.name);
            outside.push((bound, is_certain));
        }
        let before = self.outside.replace(outside);
        let group = if depth > 0 || rng.random_bool(0.4) {
            self.group(rng, depth.min(1))
        } else {
            vec![Element::Triples(self.triples(rng))]
        };
        self.outside = before;
        Expression::Exists { exists: rng.random_bool(0.5), group }
    }

    /// What `inside` draws, matched in one of the named graphs.
    fn graph(&mut self, rng: &mut StdRng, inside: impl FnOnce(&mut Self, &mut StdRng) -> Vec<Element>) -> Element {
        let is_named = |graph: &String| self.graphs.named.as_ref().is_none_or(|named| named.contains(graph));
        let mut graphs: Vec<String> =
            self.quads.iter().map(|quad| quad.graph_name.to_string()).filter(is_named).collect();
        if let Some(around) = self.graph.clone().filter(|_| rng.random_bool(0.5)) {
            graphs = vec![around];
        }
        let chosen = graphs.choose(rng).cloned();
        let before = std::mem::replace(&mut self.graph, chosen.clone().or_else(|| Some(String::new())));
        let group = inside(self, rng);
        self.graph = before;
        let name = match chosen {
            Some(graph) if rng.random_bool(0.5) => graph,
            _ if rng.random_bool(0.08) => "<urn:no:such:graph>".to_owned(),
            graph => {
                let inner = variables_in_scope(&group);
                let usual = rng.random_bool(0.7) && !inner.contains(&"g".to_owned());
                let name = if usual { "g".to_owned() } else { self.fresh_name("g") };
                if let Some(iri) = graph.and_then(|g| NamedNode::new(g.trim_matches(['<', '>'])).ok()) {
                    self.samples.insert(name.clone(), iri.into());
                }
                format!("?{name}")
            }
        };
        Element::Graph(name, group)
    }

    /// The triples that the pattern being drawn is matched with.
    fn visible(&self) -> Vec<&'a Quad> {
        let quads = self.quads.iter();
        match (&self.graph, &self.graphs.default) {
            (Some(graph), _) => quads.filter(|quad| quad.graph_name.to_string() == *graph).collect(),
            (None, Some(graphs)) => quads.filter(|quad| graphs.contains(&quad.graph_name.to_string())).collect(),
            (None, None) => quads.collect(),
        }
    }

    fn path(&mut self, rng: &mut StdRng) -> Option<Element> {
        let visible = self.visible();
        let start = self.used.choose(rng).filter(|_| rng.random_bool(0.8)).cloned();
        let walk = path::walk(rng, &visible, start.as_ref()).or_else(|| path::walk(rng, &visible, None))?;
        let subject = if rng.random_bool(0.8) || !walk.from.is_named_node() {
            self.variable(rng, &walk.from)
        } else {
            constant(rng, &walk.from)
        };
        let object = match rng.random_range(0..100) {
            0..5 => subject.clone(),
            5..25 => constant(rng, &walk.to),
            _ => self.variable(rng, &walk.to),
        };
        if subject.starts_with(['"', '-', '1']) || self.is_zero_length_from_outside(&walk.path, [&subject, &object]) {
            return None;
        }
        self.used.extend([walk.from, walk.to].into_iter().filter(Term::is_named_node));
        Some(Element::Triples(vec![[subject, walk.path, object]]))
    }

    /// A path of length zero from a term that EXISTS puts in the place of a variable is there whether the term is in the
    /// graph or not; other readings join with the nodes of the graph. Both are one where the term is in the graph.
    fn is_zero_length_from_outside(&self, path: &str, ends: [&String; 2]) -> bool {
        let Some(outside) = &self.outside else { return false };
        let in_graph = self.graph.is_none() && self.graphs.default.is_none();
        let doubtful = |end: &String| {
            outside.iter().any(|(bound, certain)| end.strip_prefix('?') == Some(&bound.name) && !(*certain && in_graph))
        };
        path.contains(['*', '?']) && ends.into_iter().any(doubtful)
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
        let visible = self.visible();
        let mut chosen: Vec<Quad> = Vec::new();
        for _ in 0..count {
            let next = match self.used.choose(rng).cloned() {
                Some(term) if rng.random_bool(0.985) => touching(rng, &visible, &term),
                _ => visible.choose(rng).copied().cloned(),
            };
            let Some(quad) = next.or_else(|| visible.choose(rng).copied().cloned()) else { break };
            let terms = [subject_of(&quad), quad.object.clone()];
            self.used.extend(terms.into_iter().filter(Term::is_named_node));
            if !chosen.contains(&quad) {
                chosen.push(quad);
            }
        }
        chosen
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
        let object = match rng.random_bool(general) {
            true if rng.random_bool(0.03) => "[]".to_owned(),
            true => self.variable(rng, &quad.object),
            false => constant(rng, &quad.object),
        };
        // A subject that is a literal is no subject, whatever the pattern was drawn from.
        let subject = if subject.starts_with(['"', '-', '1']) { "?s".to_owned() } else { subject };
        [subject, predicate, object]
    }

    fn variable(&mut self, rng: &mut StdRng, term: &Term) -> String {
        let key = term.to_string();
        if rng.random_bool(0.02) {
            // Another term's variable: `?x ?p ?x`, or a join that hardly holds.
            let mut names: Vec<&String> = self.samples.keys().filter(|name| !name.starts_with('g')).collect();
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

    pub(super) fn fresh_name(&mut self, stem: &str) -> String {
        self.fresh += 1;
        format!("{stem}{}", self.fresh)
    }

    /// Some variables of the group with terms of the data, and UNDEF.
    pub(super) fn values(&self, rng: &mut StdRng, elements: &[Element]) -> Element {
        let bound = self.in_scope(elements);
        let (names, rows) = self.table(rng, &bound);
        Element::Values(names, rows)
    }

    /// A table for some of these variables.
    pub(super) fn table(&self, rng: &mut StdRng, bound: &[Bound]) -> (Vec<String>, Vec<Vec<String>>) {
        let count = rng.random_range(1..=2).min(bound.len());
        let chosen: Vec<Bound> = bound.choose_multiple(rng, count).cloned().collect();
        let names = chosen.iter().map(|b| b.name.clone()).collect();
        let cell = |rng: &mut StdRng, bound: &Bound| match (&bound.sample, rng.random_range(0..10)) {
            (_, 0..2) => "UNDEF".to_owned(),
            (Some(term), 2..7) if !term.is_blank_node() => term.to_string(),
            _ => self.any_term(rng),
        };
        let rows = (0..rng.random_range(0..5)).map(|_| chosen.iter().map(|b| cell(rng, b)).collect()).collect();
        (names, rows)
    }

    fn any_term(&self, rng: &mut StdRng) -> String {
        let Some(quad) = self.quads.choose(rng) else { return "1".to_owned() };
        let term = if rng.random_bool(0.5) { subject_of(quad) } else { quad.object.clone() };
        if term.is_blank_node() { "1".to_owned() } else { term.to_string() }
    }
}

fn touching(rng: &mut StdRng, visible: &[&Quad], term: &Term) -> Option<Quad> {
    let as_subject: Vec<&Quad> = visible.iter().filter(|quad| subject_of(quad) == *term).copied().collect();
    let as_object: Vec<&Quad> = visible.iter().filter(|quad| quad.object == *term).copied().collect();
    let (first, second) = if rng.random_bool(0.65) { (as_subject, as_object) } else { (as_object, as_subject) };
    first.choose(rng).or_else(|| second.choose(rng)).map(|quad| (*quad).clone())
}

pub(super) fn constant(rng: &mut StdRng, term: &Term) -> String {
    if rng.random_bool(0.12) || term.is_blank_node() {
        return STRANGERS.choose(rng).map_or_else(|| term.to_string(), |text| (*text).to_owned());
    }
    term.to_string()
}
