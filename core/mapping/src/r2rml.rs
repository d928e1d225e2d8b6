//! What an R2RML document says, with the place of every statement.
//!
//! The part of R2RML that is understood: `rr:tableName`, templates, columns, constants, `rr:termType`, `rr:datatype`,
//! `rr:language`, classes, referencing object maps with join conditions, constant graph maps, and the shortcuts. Anything
//! else is an error that names it, never silently ignored.

use oxrdf::{NamedNode, Term};
use std::fmt;
use std::sync::Arc;
use weft_model::term::IriShape;

/// A place in a mapping document. Lines start at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub file: Arc<str>,
    pub line: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One thing wrong with a mapping document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct MappingError {
    pub location: Location,
    pub message: String,
}

/// One R2RML document.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    pub triples_maps: Vec<TriplesMap>,
}

/// R2RML section 6: how the rows of one table become triples.
#[derive(Clone, Debug, PartialEq)]
pub struct TriplesMap {
    /// IRI or blank node label, for messages.
    pub name: String,
    pub location: Location,
    pub table: String,
    pub subject: TermMap,
    pub classes: Vec<NamedNode>,
    /// Constant graphs of all triples; empty: the graph of the source.
    pub graphs: Vec<NamedNode>,
    pub predicate_objects: Vec<PredicateObjectMap>,
}

/// One predicate with one object: a `rr:predicateObjectMap` with several of either is several of these.
#[derive(Clone, Debug, PartialEq)]
pub struct PredicateObjectMap {
    pub location: Location,
    pub predicate: NamedNode,
    pub object: ObjectMap,
    /// Further constant graphs, beside those of the triples map.
    pub graphs: Vec<NamedNode>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ObjectMap {
    Term(TermMap),
    /// R2RML section 8: the subject of another triples map, joined on (child column, parent column).
    Reference {
        parent: usize,
        conditions: Vec<(String, String)>,
        location: Location,
    },
}

/// R2RML section 7: how a row becomes a term.
#[derive(Clone, Debug, PartialEq)]
pub enum TermMap {
    Constant { term: Term, location: Location },
    Column { column: String, kind: TermKind, location: Location },
    Template { shape: IriShape, columns: Vec<String>, kind: TermKind, location: Location },
}

#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    Iri,
    BlankNode,
    /// The natural datatype of the column when neither is given.
    Literal {
        datatype: Option<NamedNode>,
        language: Option<String>,
    },
}

// Mapping::parse(file, text, base) -> Result<Mapping, Vec<MappingError>>
