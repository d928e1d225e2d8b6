//! Which variables every solution of a pattern binds, so that joins on them can be equalities.

use oxrdf::Variable;
use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern};

pub(super) fn variables(pattern: &GraphPattern) -> Vec<Variable> {
    let mut found = match pattern {
        GraphPattern::Bgp { patterns } => {
            let of = |triple: &spargebra::term::TriplePattern| {
                [term(&triple.subject), name(&triple.predicate), term(&triple.object)]
            };
            patterns.iter().flat_map(of).flatten().collect()
        }
        GraphPattern::Path { subject, object, .. } => [term(subject), term(object)].into_iter().flatten().collect(),
        GraphPattern::Join { left, right } | GraphPattern::Lateral { left, right } => {
            [variables(left), variables(right)].concat()
        }
        GraphPattern::Union { left, right } => {
            let right = variables(right);
            variables(left).into_iter().filter(|variable| right.contains(variable)).collect()
        }
        GraphPattern::Graph { name: graph, inner } => variables(inner).into_iter().chain(name(graph)).collect(),
        GraphPattern::Values { variables, bindings } => {
            let bound = |column: &usize| bindings.iter().all(|row| row[*column].is_some());
            (0..variables.len()).filter(bound).map(|column| variables[column].clone()).collect()
        }
        GraphPattern::Project { inner, variables: shown } | GraphPattern::Group { inner, variables: shown, .. } => {
            variables(inner).into_iter().filter(|variable| shown.contains(variable)).collect()
        }
        GraphPattern::LeftJoin { left: inner, .. }
        | GraphPattern::Minus { left: inner, .. }
        | GraphPattern::Filter { inner, .. }
        | GraphPattern::Extend { inner, .. }
        | GraphPattern::OrderBy { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. } => variables(inner),
        // What another endpoint makes of it is not known.
        GraphPattern::Service { .. } => Vec::new(),
    };
    found.sort_unstable_by(|a: &Variable, b: &Variable| a.as_str().cmp(b.as_str()));
    found.dedup();
    found
}

fn term(pattern: &TermPattern) -> Option<Variable> {
    if let TermPattern::Variable(variable) = pattern { Some(variable.clone()) } else { None }
}

fn name(pattern: &NamedNodePattern) -> Option<Variable> {
    if let NamedNodePattern::Variable(variable) = pattern { Some(variable.clone()) } else { None }
}
