//! A mapping that fits its source: what the planner unfolds a query with.

mod blank_node;
mod computed;
mod datatype;
mod reference;
mod resolve;
mod table;
mod term;

pub use blank_node::{blank_node_label, blank_node_text};
pub(crate) use datatype::natural;
pub(crate) use table::{Tables, column};

use crate::code_list::CodeList;
use crate::normalise::NormalisedValue;
use crate::r2rml::Location;
use crate::unit::Conversion;
use oxrdf::NamedNode;
use std::sync::Arc;
use weft_model::contract::{DataType, Description};
use weft_model::term::{LiteralType, TermType};

/// All triples a source can give.
#[derive(Clone, Debug)]
pub struct VirtualGraph {
    pub source: Arc<str>,
    /// The named graph of the source: where triples are whose map names no graph.
    pub graph: NamedNode,
    pub description: Arc<Description>,
    pub triples: Vec<TripleMap>,
    /// All graphs that rows can name, where that is known without reading them.
    pub column_graphs: Option<Vec<NamedNode>>,
    pub invalid_values: InvalidValues,
    /// Where the mapping says the terms that not every value is one of.
    pub written: Vec<WrittenTerm>,
}

/// A term map of the document, for messages about data that does not fit it.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenTerm {
    pub table: String,
    pub term: MappedTerm,
    pub triples_map: String,
    pub location: Location,
}

impl VirtualGraph {
    /// Where the mapping says a term that rows of one of these tables did not make.
    pub fn written<'a>(&'a self, tables: &[&str], term: &MappedTerm) -> Option<&'a WrittenTerm> {
        let of_tables = || self.written.iter().filter(|written| tables.contains(&written.table.as_str()));
        // A plan may read the same columns as a wider type.
        of_tables()
            .find(|written| written.term == *term)
            .or_else(|| of_tables().find(|written| written.term.columns == term.columns))
    }
}

/// What becomes of a value that is no term of its mapping: an IRI that is none, a number out of the range of its
/// datatype.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidValues {
    /// The query fails.
    #[default]
    Refuse,
    /// There is no triple, and the report of the answer counts it.
    LeaveOut,
}

/// Every row of `table` (joined with `join`, where there is one) in which no column used is null gives one triple.
#[derive(Clone, Debug, PartialEq)]
pub struct TripleMap {
    pub table: String,
    pub subject: MappedTerm,
    pub predicate: MappedTerm,
    pub object: MappedTerm,
    pub graph: GraphMap,
    /// Whether the triple is also in the default graph, the union of what this is true for.
    pub in_default_graph: bool,
    /// The parent table of a referencing object map, when its rows must be looked at: `object` then names columns of
    /// that table. A reference whose object can be computed from a declared foreign key alone has none.
    pub join: Option<Join>,
    /// What else must hold of the row: none in a mapping, some in what an ontology makes of it.
    pub requires: Vec<Requirement>,
}

/// A condition on the rows of a triple map, beside those that its own terms are.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    pub term: MappedTerm,
    /// Whether the columns are those of the joined table.
    pub joined: bool,
    pub is: Required,
}

/// What a term must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Required {
    /// There: no column is null, and the values are a term.
    Bound,
    /// This IRI.
    Iri(NamedNode),
    /// There, and not this IRI.
    OtherThan(NamedNode),
    /// There, and no literal.
    Resource,
}

/// The named graph a triple is in.
#[derive(Clone, Debug, PartialEq)]
pub enum GraphMap {
    /// This graph.
    Constant(NamedNode),
    /// The graph the row names. Rows that name none are no triples: [`TripleMap::requires`] says so where there may be some.
    Term(MappedTerm),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub table: String,
    /// (column of the triple's table, column of the joined table)
    pub on: Vec<(String, String)>,
}

/// A term map whose columns are known.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedTerm {
    /// What the term is, and so the columns it is laid out in.
    pub term_type: TermType,
    /// The source columns, one for each column of `term_type`; one or more when `build` says how they become one.
    pub columns: Vec<String>,
    pub build: Build,
}

/// How source columns become the columns of the term type.
#[derive(Clone, Debug, PartialEq)]
pub enum Build {
    /// One to one, converted to the wanted type: numbers, dates and times in their canonical XSD lexical form where text
    /// is wanted.
    Columns,
    /// The columns are one encoded term already (`weft_model::term::encode`), with labels that hold everywhere.
    Encoded,
    /// Encoded IRIs. Anything else is invalid data: predicates and graphs are nothing else.
    EncodedIri,
    /// Encoded terms as a source writes them. `labels` tells its blank nodes from those of others, as in
    /// [`Build::BlankNode`]. Unless there may be `literals`, these are invalid data.
    EncodedTerm { labels: weft_model::term::IriShape, literals: bool },
    /// An IRI, taken from one text column as it is (relative ones are resolved against the base).
    IriColumn { base: String },
    /// An IRI from a template that is not injective.
    IriTemplate(weft_model::term::IriShape),
    /// A blank node whose label [`blank_node_label`], and nothing else, builds from a template or column: the parts are
    /// escaped already, and hold the source, to which labels are local.
    BlankNode(weft_model::term::IriShape),
    /// A string literal, or one with datatype or language, from a template without percent-encoding.
    LiteralTemplate { parts: Vec<String>, datatype: Option<NamedNode>, language: Option<String> },
    /// What `build` makes of the values once they are normalised, those of the columns that have a normaliser. A row with
    /// a value that does not match has no term.
    Normalised { values: Vec<Option<NormalisedValue>>, build: Box<Build> },
    /// The IRI that the text of the one column stands for. A row with a code that stands for nothing has no term.
    Coded(Arc<CodeList>),
    /// The number of the one column in another unit, a decimal.
    Converted(Conversion),
}

impl MappedTerm {
    /// Whether every value of columns of these types is a term.
    pub fn is_total(&self, columns: &[DataType]) -> bool {
        let (TermType::Iri { .. } | TermType::Literal(_) | TermType::LangString(_)) = &self.term_type else {
            return matches!(self.build, Build::BlankNode(_)) || matches!(self.term_type, TermType::Constant(_));
        };
        let arrows = self.term_type.columns();
        self.build == Build::Columns
            && !matches!(self.term_type, TermType::Literal(LiteralType::DerivedInteger(_)))
            && columns.len() == arrows.len()
            && columns.iter().zip(&arrows).all(|(column, arrow)| column.to_arrow() == *arrow)
    }

    /// Whether rows with values in all columns, which are of these types, can be without the term and without an error.
    pub fn may_be_absent(&self, invalid: InvalidValues, columns: &[DataType]) -> bool {
        self.build.is_partial() || invalid == InvalidValues::LeaveOut && !self.is_total(columns)
    }
}

impl Build {
    /// How the terms are made once values are normalised.
    pub fn of_terms(&self) -> &Self {
        match self {
            Self::Normalised { build, .. } => build.of_terms(),
            other => other,
        }
    }

    /// Whether some values mean that there is no term, whatever becomes of invalid ones.
    fn is_partial(&self) -> bool {
        match self {
            Self::Normalised { .. } => true,
            Self::Coded(list) => !list.is_complete(),
            _ => false,
        }
    }

    /// The codes behind the terms, where these follow from the values of one column as they are.
    pub fn codes(&self) -> Option<&Arc<CodeList>> {
        match self {
            Self::Coded(list) => Some(list),
            _ => None,
        }
    }

    /// Whether the columns follow from the term, one for one: equal columns are equal terms.
    pub fn is_invertible(&self) -> bool {
        match self {
            Self::Columns | Self::Encoded | Self::EncodedIri | Self::EncodedTerm { .. } => true,
            Self::Coded(list) => list.is_one_to_one(),
            _ => false,
        }
    }

    /// How blank nodes are labelled whose labels the source gives, in encoded terms.
    pub fn labels(&self) -> Option<&weft_model::term::IriShape> {
        match self {
            Self::EncodedTerm { labels, .. } => Some(labels),
            _ => None,
        }
    }
}
