//! R2RML documents, and the virtual graph they make of a source's tables.
//!
//! Pure: text and a [`weft_model::contract::Description`] in, data out. This crate does not know SPARQL, connectors or
//! any transport.
//!
//! A [`Mapping`] is what one document says. A [`VirtualGraph`] is a mapping checked against the tables of its source: a
//! flat list of [`TripleMap`]s, each saying that every row of a table (or of a join of two) is one triple.

mod code_list;
mod normalise;
mod ontology;
mod r2rml;
mod review;
mod suggest;
mod suggestion;
mod unit;
mod virtual_graph;

pub use code_list::CodeList;
pub use normalise::{NormalisedValue, Normaliser, NormaliserError, NormaliserLimits};
pub use ontology::{Ontology, OntologyLimits, SaturationError};
pub use r2rml::{
    Location, LogicalTable, Mapping, MappingError, MappingLimits, ObjectMap, PredicateObjectMap, ReadFile, SqlName,
    TermKind, TermMap, TriplesMap,
};
pub use review::{Coverage, Review, review};
pub use suggest::{OntologyTerms, SuggestError, SuggestRequest, Suggestion, source_namespace, suggest};
pub use unit::Conversion;
pub use virtual_graph::{
    Build, GraphMap, InvalidValues, Join, MappedTerm, Required, Requirement, TripleMap, VirtualGraph, WrittenTerm,
    blank_node_label, blank_node_text,
};
