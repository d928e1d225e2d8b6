//! The query over representatives.

use crate::rewrite::Rename;
use oxrdf::NamedNode;
use spargebra::Query;
use spargebra::term::{TermPattern, TriplePattern};
use weft_model::Aliases;

/// The query with the representative for every IRI that has one: subjects and objects of patterns, paths and templates,
/// and terms of VALUES and of expressions. Predicates and names of graphs are no things, functions and datatypes are not
/// terms of the query, and what another endpoint is asked by SERVICE it is asked as it stands.
pub(crate) fn with_representatives(query: Query, aliases: &dyn Aliases) -> Query {
    let node = |node: &NamedNode| match aliases.representative(node.as_str()) {
        Some(name) => NamedNode::new_unchecked(name),
        None => node.clone(),
    };
    let rename = Rename::nodes(&node);
    match query {
        Query::Select { dataset, pattern, base_iri } => {
            Query::Select { dataset, pattern: rename.pattern(&pattern), base_iri }
        }
        Query::Ask { dataset, pattern, base_iri } => {
            Query::Ask { dataset, pattern: rename.pattern(&pattern), base_iri }
        }
        Query::Describe { dataset, pattern, base_iri } => {
            Query::Describe { dataset, pattern: rename.pattern(&pattern), base_iri }
        }
        Query::Construct { template, dataset, pattern, base_iri } => Query::Construct {
            template: template.into_iter().map(|triple| in_template(triple, &node)).collect(),
            dataset,
            pattern: rename.pattern(&pattern),
            base_iri,
        },
    }
}

fn in_template(triple: TriplePattern, node: &dyn Fn(&NamedNode) -> NamedNode) -> TriplePattern {
    let term = |term: TermPattern| match term {
        TermPattern::NamedNode(named) => node(&named).into(),
        other => other,
    };
    TriplePattern { subject: term(triple.subject), predicate: triple.predicate, object: term(triple.object) }
}
