//! Random queries over what a scenario holds, mostly with an answer: patterns are drawn from the data and loosened.
//!
//! What the standard leaves open is not drawn where it would show: which rows a LIMIT takes in a sub-query, sums of
//! floating numbers and choices among values without an order below other operators, MINUS and sub-queries in EXISTS that
//! share what is bound outside, a DESCRIBE or CONSTRUCT with LIMIT.

mod aggregate;
mod condition;
mod expression;
mod features;
mod graph_form;
mod path;
mod pattern;
mod query;
mod sub_query;
mod text;
mod theme;

pub use expression::Expression;
pub use features::features;
pub use query::{Aggregate, Dataset, Dedup, Element, Form, Item, Query, Table, variables_in_scope};

use oxrdf::{NamedOrBlankNode, Quad, Term};
use pattern::{Graphs, Patterns};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use theme::Theme;

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
        // Tables that have their predicates for themselves are there for what can move into a source.
        let apart = self.quads.iter().any(|quad| quad.predicate.as_str().contains("-s"));
        let theme = Theme::draw(rng, if apart { 0.45 } else { 0.12 });
        let (dataset, graphs) =
            if theme.calls_for(Theme::Dataset, rng, 0.01) { self.dataset(rng) } else { Default::default() };
        let mut patterns = Patterns::new(self.quads, graphs, theme);
        let depth = match theme {
            Theme::Mixed | Theme::Groups | Theme::Functions => *[0, 0, 1, 1, 1, 1, 2].choose(rng).unwrap_or(&1),
            _ => *[1, 1, 1, 1, 2].choose(rng).unwrap_or(&1),
        };
        let is_plain = theme == Theme::Star;
        let pattern = if is_plain { patterns.star(rng) } else { patterns.group(rng, depth) };
        let bound = patterns.in_scope(&pattern);
        let mut query = Query { dataset, ..Query::new(pattern) };
        match theme {
            Theme::Construct => patterns.construct(rng, &mut query, &bound),
            Theme::Describe => patterns.describe(rng, &mut query, &bound),
            _ if rng.random_bool(0.06) => query.form = Form::Ask,
            _ => {
                let groups = if is_plain { 0.35 } else { 0.12 };
                if !bound.is_empty() && theme.calls_for(Theme::Groups, rng, groups) {
                    aggregate::group(rng, &mut query, &bound, &mut patterns);
                } else {
                    project(rng, &mut query, &bound);
                }
                if !is_plain && rng.random_bool(0.04) {
                    let visible: Vec<Bound> = query
                        .projected()
                        .into_iter()
                        .filter_map(|name| bound.iter().find(|b| b.name == name).cloned())
                        .collect();
                    query.values = (!visible.is_empty()).then(|| patterns.table(rng, &visible));
                }
                modify(rng, &mut query, &bound, is_plain);
            }
        }
        query
    }

    /// FROM and FROM NAMED some graphs that are there.
    fn dataset(&self, rng: &mut StdRng) -> (Vec<Dataset>, Graphs) {
        let mut names: Vec<String> = self.quads.iter().map(|quad| quad.graph_name.to_string()).collect();
        names.sort();
        names.dedup();
        if rng.random_bool(0.08) {
            names.push("<urn:no:such:graph>".to_owned());
        }
        let (default, named) = *[(1, 0), (2, 0), (3, 0), (1, 1), (1, 2), (0, 2), (2, 2)].choose(rng).unwrap_or(&(1, 0));
        let default: Vec<String> = names.choose_multiple(rng, default).cloned().collect();
        let named: Vec<String> = names.choose_multiple(rng, named).cloned().collect();
        let mut clauses: Vec<Dataset> = default.iter().cloned().map(Dataset::From).collect();
        clauses.extend(named.iter().cloned().map(Dataset::FromNamed));
        clauses.shuffle(rng);
        (clauses, Graphs { default: Some(default), named: Some(named) })
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
        if rng.random_bool(0.15) {
            let text = condition::value(rng, bound, 1).into();
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
