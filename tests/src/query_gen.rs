//! Random queries over what a scenario holds, mostly with an answer: patterns are drawn from the data and loosened.

mod aggregate;
mod condition;
mod pattern;
mod query;

pub use query::{Aggregate, Dedup, Element, Form, Item, Query};

use oxrdf::{NamedOrBlankNode, Quad, Term};
use pattern::Patterns;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

/// Draws queries about one scenario.
pub struct QueryGenerator<'a> {
    quads: &'a [Quad],
}

/// A variable in scope and a term it was drawn for.
#[derive(Clone, Debug)]
struct Bound {
    name: String,
    sample: Option<Term>,
}

impl<'a> QueryGenerator<'a> {
    /// `quads`: the triples of the scenario in their named graphs.
    pub fn new(quads: &'a [Quad]) -> Self {
        Self { quads }
    }

    /// A query that parses.
    pub fn query(&self, rng: &mut StdRng) -> Query {
        loop {
            let query = self.draw(rng);
            if spargebra::SparqlParser::new().parse_query(&query.text()).is_ok() {
                return query;
            }
        }
    }

    fn draw(&self, rng: &mut StdRng) -> Query {
        let mut patterns = Patterns::new(self.quads);
        // Tables that have their predicates for themselves are there for what can move into a source.
        let apart = self.quads.iter().any(|quad| quad.predicate.as_str().contains("-s"));
        let plain = rng.random_bool(if apart { 0.65 } else { 0.15 });
        let depth = *[0, 0, 1, 1, 1, 1, 2].choose(rng).unwrap_or(&1);
        let pattern = if plain { patterns.star(rng) } else { patterns.group(rng, depth) };
        let bound = patterns.in_scope(&pattern);
        let mut query = Query::new(pattern);
        if rng.random_bool(0.08) {
            query.form = Form::Ask;
            return query;
        }
        if rng.random_bool(if plain { 0.35 } else { 0.18 }) && !bound.is_empty() {
            aggregate::group(rng, &mut query, &bound, plain);
        } else {
            project(rng, &mut query, &bound);
        }
        modify(rng, &mut query, &bound, plain);
        query
    }
}

fn project(rng: &mut StdRng, query: &mut Query, bound: &[Bound]) {
    let dedup = match rng.random_range(0..100) {
        0..25 => Dedup::Distinct,
        25..29 => Dedup::Reduced,
        _ => Dedup::All,
    };
    let mut items: Vec<Item> = Vec::new();
    if rng.random_bool(0.7) && !bound.is_empty() {
        let count = rng.random_range(1..=bound.len());
        items = bound.choose_multiple(rng, count).map(|b| Item::Variable(b.name.clone())).collect();
        if rng.random_bool(0.1) {
            let text = condition::value(rng, bound, 1);
            items.push(Item::Expression { text, name: "k".to_owned() });
        }
        if rng.random_bool(0.02) {
            items.push(Item::Variable("nowhere".to_owned()));
        }
    }
    query.form = Form::Select { dedup, items };
}

/// ORDER BY, LIMIT and OFFSET.
fn modify(rng: &mut StdRng, query: &mut Query, bound: &[Bound], plain: bool) {
    let Form::Select { items, dedup } = &query.form else { return };
    let is_plain = !items.iter().any(|item| matches!(item, Item::Aggregate(_)));
    let mut names: Vec<String> = items
        .iter()
        .filter_map(|item| match item {
            Item::Variable(name) | Item::Expression { name, .. } => Some(name.clone()),
            // What these give is not determined enough to sort by.
            Item::Aggregate(aggregate) => aggregate.is_determined().then(|| aggregate.name.clone()),
        })
        .collect();
    if items.is_empty() {
        names = bound.iter().map(|b| b.name.clone()).collect();
    } else if query.group_by.is_empty() && *dedup == Dedup::All && is_plain && rng.random_bool(0.2) {
        names.extend(bound.iter().map(|b| b.name.clone()));
    }
    names.sort();
    names.dedup();
    names.shuffle(rng);
    if plain {
        // Values are what a source can sort by.
        names.retain(|name| name.starts_with(['v', 'a']));
    }
    if rng.random_bool(if plain { 0.5 } else { 0.2 }) && !names.is_empty() {
        let count = rng.random_range(1..=names.len().min(3));
        query.order_by = names[..count].iter().map(|name| (name.clone(), rng.random_bool(0.4))).collect();
    }
    let limited = if query.order_by.is_empty() { 0.08 } else { 0.4 };
    if rng.random_bool(if plain { 0.5 } else { limited }) {
        query.limit = Some(*[0, 1, 2, 3, 5, 10, 100].choose(rng).unwrap_or(&1));
        query.offset = rng.random_bool(0.3).then(|| rng.random_range(0..5));
    }
}

fn subject_of(quad: &Quad) -> Term {
    match &quad.subject {
        NamedOrBlankNode::NamedNode(node) => node.clone().into(),
        NamedOrBlankNode::BlankNode(node) => node.clone().into(),
    }
}
