//! How many rows the engine behind the oracle may come to hold for a pattern. It cannot be stopped while it multiplies rows
//! that have nothing in common, and takes all memory there is.

use oxrdf::{Dataset, GraphNameRef, QuadRef, TermRef, Variable};
use spargebra::Query;
use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use std::collections::{BTreeSet, HashMap};

/// The most rows of any part of the query, roughly: what has a variable in common is taken not to multiply.
pub(super) fn most_rows(query: &Query, data: &Dataset) -> f64 {
    let (Query::Select { pattern, .. }
    | Query::Construct { pattern, .. }
    | Query::Describe { pattern, .. }
    | Query::Ask { pattern, .. }) = query;
    let mut most = 0.0;
    size(pattern, data, &mut most);
    most
}

#[derive(Clone)]
struct Size {
    rows: f64,
    variables: BTreeSet<Variable>,
}

impl Size {
    fn join(self, other: Self) -> Self {
        let apart = self.variables.is_disjoint(&other.variables);
        let rows = if apart { self.rows * other.rows } else { self.rows.max(other.rows) };
        Self { rows, variables: self.variables.into_iter().chain(other.variables).collect() }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a rough count")]
fn size(pattern: &GraphPattern, data: &Dataset, most: &mut f64) -> Size {
    use GraphPattern as P;
    let found = match pattern {
        P::Bgp { patterns } => triples(patterns, data),
        P::Values { variables, bindings } => {
            Size { rows: bindings.len() as f64, variables: variables.iter().cloned().collect() }
        }
        P::Join { left, right } => size(left, data, most).join(size(right, data, most)),
        P::LeftJoin { left, right, .. } => {
            let left = size(left, data, most);
            let rows = left.rows;
            let joined = left.join(size(right, data, most));
            Size { rows: joined.rows.max(rows), ..joined }
        }
        P::Union { left, right } => {
            let (left, right) = (size(left, data, most), size(right, data, most));
            Size { rows: left.rows + right.rows, variables: left.variables.union(&right.variables).cloned().collect() }
        }
        P::Minus { left, right } => {
            size(right, data, most);
            size(left, data, most)
        }
        P::Project { inner, variables } => {
            Size { variables: variables.iter().cloned().collect(), ..size(inner, data, most) }
        }
        P::Group { inner, variables, .. } => {
            Size { variables: variables.iter().cloned().collect(), ..size(inner, data, most) }
        }
        P::Graph { inner, .. }
        | P::Filter { inner, .. }
        | P::Extend { inner, .. }
        | P::OrderBy { inner, .. }
        | P::Distinct { inner }
        | P::Reduced { inner }
        | P::Slice { inner, .. } => size(inner, data, most),
        _ => Size { rows: data.len() as f64, variables: BTreeSet::new() },
    };
    *most = most.max(found.rows);
    found
}

/// The patterns joined so that those with a variable in common come together.
fn triples(patterns: &[TriplePattern], data: &Dataset) -> Size {
    let mut apart: Vec<Size> = Vec::new();
    for pattern in patterns {
        let mut joined = Size { rows: matches(pattern, data), variables: variables(pattern) };
        let (connected, others): (Vec<_>, Vec<_>) =
            apart.into_iter().partition(|known| !known.variables.is_disjoint(&joined.variables));
        apart = others;
        for known in connected {
            joined = joined.join(known);
        }
        apart.push(joined);
    }
    let nothing = Size { rows: 1.0, variables: BTreeSet::new() };
    apart.into_iter().fold(nothing, Size::join)
}

/// Triples of one graph that match, in the graph with most of them.
fn matches(pattern: &TriplePattern, data: &Dataset) -> f64 {
    let quads: Vec<QuadRef<'_>> = match &pattern.predicate {
        NamedNodePattern::NamedNode(predicate) => data.quads_for_predicate(predicate).collect(),
        NamedNodePattern::Variable(_) => data.iter().collect(),
    };
    let mut graphs: HashMap<GraphNameRef<'_>, f64> = HashMap::new();
    for quad in quads {
        if fits(&pattern.subject, quad.subject.into()) && fits(&pattern.object, quad.object) {
            *graphs.entry(quad.graph_name).or_default() += 1.0;
        }
    }
    graphs.into_values().fold(0.0, f64::max)
}

fn fits(pattern: &TermPattern, term: TermRef<'_>) -> bool {
    match (pattern, term) {
        (TermPattern::NamedNode(node), TermRef::NamedNode(found)) => node.as_ref() == found,
        (TermPattern::Literal(literal), TermRef::Literal(found)) => literal.as_ref() == found,
        (TermPattern::NamedNode(_) | TermPattern::Literal(_), _) => false,
        _ => true,
    }
}

fn variables(pattern: &TriplePattern) -> BTreeSet<Variable> {
    let mut found = BTreeSet::new();
    for term in [&pattern.subject, &pattern.object] {
        if let TermPattern::Variable(variable) = term {
            found.insert(variable.clone());
        }
    }
    if let NamedNodePattern::Variable(variable) = &pattern.predicate {
        found.insert(variable.clone());
    }
    found
}
