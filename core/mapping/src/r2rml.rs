//! What an R2RML document says, with the place of every statement.
//!
//! All of R2RML is understood. `rr:inverseExpression` is read and changes nothing, as it never does: the planner inverts
//! templates by itself. Anything else is an error that names it, never silently ignored.
//!
//! Two words of Weft's own are for sources that hold RDF: the term type `weft:EncodedTerm`, which any term map with a
//! column may have, and `weft:inDefaultGraph`. Others make terms that sources share: `weft:normalise`, `weft:codeList`,
//! `weft:unit` and `weft:convertTo`. They are explained in `ontology/mapping-extensions.ttl`.

mod document;
mod extension;
mod name;
mod query;
mod reader;
mod template;
mod term_map;
mod vocabulary;

pub use name::SqlName;
pub(crate) use query::{configuration, is_same};
pub(crate) use template::is_relative;

use crate::code_list::CodeList;
use crate::normalise::{NormalisedValue, NormaliserLimits};
use crate::unit::Conversion;
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
    /// The codes of one code list.
    pub codes: usize,
    pub normaliser: NormaliserLimits,
    /// Errors reported; one more says how many there are besides.
    pub errors: usize,
}

impl Default for MappingLimits {
    fn default() -> Self {
        Self {
            document_bytes: 8 << 20,
            triples: 100_000,
            codes: 100_000,
            normaliser: NormaliserLimits::default(),
            errors: 100,
        }
    }
}

/// Gives the text of a file by the name a document has for it.
pub type ReadFile<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

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
    pub table: LogicalTable,
    pub table_location: Location,
    pub subject: TermMap,
    pub classes: Vec<NamedNode>,
    /// Graphs of all triples, `rr:defaultGraph` among them. Empty: the graph of the source.
    pub graphs: Vec<TermMap>,
    pub predicate_objects: Vec<PredicateObjectMap>,
    /// Whether the triples are in the default graph of queries, too.
    pub in_default_graph: bool,
}

/// R2RML section 5: where the rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum LogicalTable {
    Named(SqlName),
    /// An R2RML view: the table of the source that is made of this query.
    Query(String),
}

/// One predicate with one object: a `rr:predicateObjectMap` with several of either is several of these.
#[derive(Clone, Debug, PartialEq)]
pub struct PredicateObjectMap {
    pub location: Location,
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
        conditions: Vec<(SqlName, SqlName)>,
        location: Location,
    },
}

/// R2RML section 7: how a row becomes a term.
#[derive(Clone, Debug, PartialEq)]
pub enum TermMap {
    Constant { term: Term, location: Location },
    Column { column: SqlName, kind: TermKind, location: Location },
    Template { shape: IriShape, columns: Vec<SqlName>, kind: TermKind, location: Location },
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
    /// The IRI that a code stands for (`weft:codeList`).
    Coded(Arc<CodeList>),
    /// A number of a unit (`weft:unit`), or the same in another (`weft:convertTo`).
    Measured {
        unit: NamedNode,
        conversion: Option<Conversion>,
        datatype: Option<NamedNode>,
        /// The node that has number and unit (`weft:quantity`), which is then the term.
        node: Option<Box<TermMap>>,
    },
    /// What the kind says, of values that are normalised before (`weft:normalise`): one for each column, where it is.
    Normalised {
        values: Vec<Option<NormalisedValue>>,
        kind: Box<TermKind>,
    },
}

impl TermKind {
    /// The kind of the terms themselves, whatever happens to the values before.
    pub fn of_terms(&self) -> &Self {
        match self {
            Self::Normalised { kind, .. } => kind.of_terms(),
            other => other,
        }
    }
}

impl TermMap {
    pub(crate) fn location(&self) -> &Location {
        let (Self::Constant { location, .. } | Self::Column { location, .. } | Self::Template { location, .. }) = self;
        location
    }

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
        let none = |_: &str| Err("the mapping is no file, so nothing is beside it".to_owned());
        reader::read(file, turtle, base, limits, &none)
    }

    /// [`Mapping::parse_within`] of a document that may name files beside it. `files` gives the text of such a file, or says
    /// why it does not.
    pub fn parse_beside(
        file: &str,
        turtle: &str,
        base: &str,
        limits: &MappingLimits,
        files: &ReadFile<'_>,
    ) -> Result<Self, Vec<MappingError>> {
        reader::read(file, turtle, base, limits, files)
    }
}

/// A message about something in a triples map, which it names.
pub(crate) fn within(triples_map: Option<&str>, message: String) -> String {
    match triples_map {
        Some(name) if !message.contains(name) => format!("{message} (triples map {name})"),
        _ => message,
    }
}

/// Errors in the order of lines, each once, and no more than `limit`.
pub(crate) fn ordered(mut errors: Vec<MappingError>, limit: usize) -> Vec<MappingError> {
    let place = |error: &MappingError| (error.location.file.clone(), error.location.line);
    errors.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.message.cmp(&b.message)));
    errors.dedup();
    let more = errors.len().saturating_sub(limit);
    if more > 0 {
        errors.truncate(limit);
        let last = errors.last().map(|error| error.location.clone());
        errors.extend(last.map(|location| MappingError { location, message: format!("and {more} more errors") }));
    }
    errors
}
