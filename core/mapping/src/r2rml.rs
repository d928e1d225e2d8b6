//! What an R2RML document says, with the place of every statement.
//!
//! The part of R2RML that is understood: `rr:tableName`, templates, columns, constants, `rr:termType`, `rr:datatype`,
//! `rr:language`, classes, referencing object maps with join conditions, constant predicate and graph maps, and the
//! shortcuts. Anything else is an error that names it, never silently ignored.
//!
//! Two words of Weft's own are for sources that hold RDF: the term type `weft:EncodedTerm`, which any term map with a
//! column may have, and `weft:inDefaultGraph`. They are explained in Weft's ontology.

mod document;
mod reader;
mod template;
mod term_map;
mod vocabulary;

pub(crate) use template::is_relative;

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

/// How much a mapping may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingLimits {
    /// The length of one document.
    pub document_bytes: usize,
    /// Triple maps: predicates times objects times graphs.
    pub triples: usize,
    /// Errors reported; one more says how many there are besides.
    pub errors: usize,
}

impl Default for MappingLimits {
    fn default() -> Self {
        Self { document_bytes: 8 << 20, triples: 100_000, errors: 100 }
    }
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
    pub table_location: Location,
    pub subject: TermMap,
    pub classes: Vec<NamedNode>,
    /// Graphs of all triples, `rr:defaultGraph` among them: constants or encoded columns. Empty: the graph of the source.
    pub graphs: Vec<TermMap>,
    pub predicate_objects: Vec<PredicateObjectMap>,
    /// Whether the triples are in the default graph of queries, too.
    pub in_default_graph: bool,
}

/// One predicate with one object: a `rr:predicateObjectMap` with several of either is several of these.
#[derive(Clone, Debug, PartialEq)]
pub struct PredicateObjectMap {
    pub location: Location,
    /// An IRI or an encoded column.
    pub predicate: TermMap,
    pub object: ObjectMap,
    /// Further graphs, beside those of the triples map.
    pub graphs: Vec<TermMap>,
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
    /// Whatever the column says, encoded (`weft:EncodedTerm`).
    Encoded,
}

impl TermMap {
    /// The IRI of a constant map.
    pub fn iri(&self) -> Option<&NamedNode> {
        match self {
            Self::Constant { term: Term::NamedNode(iri), .. } => Some(iri),
            _ => None,
        }
    }
}

impl Mapping {
    /// Reads an R2RML document in Turtle, within the default limits. `file` is its name in errors, `base` what relative
    /// IRIs are resolved against, in the document and in the data. All errors are given, in the order of lines; a document
    /// with syntax errors gives only these.
    pub fn parse(file: &str, turtle: &str, base: &str) -> Result<Self, Vec<MappingError>> {
        Self::parse_within(file, turtle, base, &MappingLimits::default())
    }

    /// [`Mapping::parse`] with limits of one's own.
    pub fn parse_within(
        file: &str,
        turtle: &str,
        base: &str,
        limits: &MappingLimits,
    ) -> Result<Self, Vec<MappingError>> {
        reader::read(file, turtle, base, limits)
    }
}

/// Errors in the order of lines, each once, and no more than `limit`.
pub(crate) fn ordered(mut errors: Vec<MappingError>, limit: usize) -> Vec<MappingError> {
    errors.sort_by(|a, b| a.location.line.cmp(&b.location.line).then_with(|| a.message.cmp(&b.message)));
    errors.dedup();
    let more = errors.len().saturating_sub(limit);
    if more > 0 {
        errors.truncate(limit);
        let last = errors.last().map(|error| error.location.clone());
        errors.extend(last.map(|location| MappingError { location, message: format!("and {more} more errors") }));
    }
    errors
}
