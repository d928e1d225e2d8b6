//! R2RML documents, and the virtual graph they make of a source's tables.
//!
//! Pure: text and a [`weft_model::contract::Description`] in, data out. This crate does not know SPARQL, connectors or
//! any transport.
//!
//! A [`Mapping`] is what one document says. A [`VirtualGraph`] is a mapping checked against the tables of its source: a
//! flat list of [`TripleMap`]s, each saying that every row of a table (or of a join of two) is one triple.

mod r2rml;
mod suggestion;
mod virtual_graph;

pub use r2rml::{
    Location, Mapping, MappingError, MappingLimits, ObjectMap, PredicateObjectMap, TermKind, TermMap, TriplesMap,
};
pub use virtual_graph::{
    Build, GraphMap, InvalidValues, Join, MappedTerm, TripleMap, VirtualGraph, blank_node_label, blank_node_text,
};
