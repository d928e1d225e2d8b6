//! The graphs a query is about (SPARQL section 13).

use oxrdf::NamedNode;

/// A dataset chosen by the query (FROM, FROM NAMED) or the request. Graphs that no source has are empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dataset {
    /// The default graph is the union of these.
    pub default: Vec<NamedNode>,
    pub named: Vec<NamedNode>,
}

impl Dataset {
    /// The dataset of a query text.
    pub(crate) fn of_query(dataset: &spargebra::algebra::QueryDataset) -> Self {
        Self { default: dataset.default.clone(), named: dataset.named.clone().unwrap_or_default() }
    }
}
