//! The type of a variable, as far as it is known when a query is planned.

use super::{IriShape, KeyKind};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use oxrdf::vocab::xsd;
use oxrdf::{NamedNode, NamedNodeRef, Term};
use std::fmt;

/// What is known of the terms bound to a variable, and so the columns that hold them.
///
/// A variable may still be unbound in a row: then all its columns are null.
#[derive(Clone, Debug, PartialEq)]
pub enum TermType {
    /// Always this term. No columns.
    Constant(Term),
    /// IRIs of one injective template: one column a key.
    Iri { shape: IriShape, keys: Vec<KeyKind> },
    /// Literals of one datatype: one native column.
    Literal(LiteralType),
    /// Language-tagged strings of one language: one text column.
    LangString(String),
    /// Any term: one text column, see [`super::encode`].
    General,
}

/// A datatype and the native column its values live in. Within one type, equal columns are equal terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LiteralType {
    /// `xsd:boolean` as Boolean.
    Boolean,
    /// `xsd:integer` as Int64.
    Integer,
    /// A datatype derived from `xsd:integer`, as Int64: all values are in its range.
    DerivedInteger(NamedNode),
    /// `xsd:decimal` as Decimal128(38, 18), the range of oxsdatatypes.
    Decimal,
    /// `xsd:double` as Float64.
    Double,
    /// `xsd:string` as Utf8View.
    String,
    /// `xsd:date` without timezone as Date32.
    Date,
    /// `xsd:dateTime` as Timestamp(us): with timezone Z, or without.
    DateTime { zoned: bool },
    /// Any other datatype: the lexical form as Utf8View.
    Other(NamedNode),
}

/// Scale of the decimals the broker computes with.
const DECIMAL: ArrowType = ArrowType::Decimal128(38, 18);

impl LiteralType {
    /// The native form of a datatype, given the column can hold it; [`LiteralType::Other`] for all but the native ones.
    pub fn datatype(&self) -> NamedNodeRef<'_> {
        match self {
            Self::Boolean => xsd::BOOLEAN,
            Self::Integer => xsd::INTEGER,
            Self::DerivedInteger(datatype) => datatype.as_ref(),
            Self::Decimal => xsd::DECIMAL,
            Self::Double => xsd::DOUBLE,
            Self::String => xsd::STRING,
            Self::Date => xsd::DATE,
            Self::DateTime { .. } => xsd::DATE_TIME,
            Self::Other(datatype) => datatype.as_ref(),
        }
    }

    pub fn arrow(&self) -> ArrowType {
        match self {
            Self::Boolean => ArrowType::Boolean,
            Self::Integer | Self::DerivedInteger(_) => ArrowType::Int64,
            Self::Decimal => DECIMAL,
            Self::Double => ArrowType::Float64,
            Self::String | Self::Other(_) => ArrowType::Utf8View,
            Self::Date => ArrowType::Date32,
            Self::DateTime { zoned } => ArrowType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into())),
        }
    }

    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer | Self::DerivedInteger(_) | Self::Decimal | Self::Double)
    }
}

impl KeyKind {
    pub fn arrow(self) -> ArrowType {
        match self {
            Self::Int64 => ArrowType::Int64,
            Self::Text => ArrowType::Utf8View,
        }
    }
}

impl TermType {
    /// The Arrow types of the columns, in order.
    pub fn columns(&self) -> Vec<ArrowType> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Iri { keys, .. } => keys.iter().map(|key| key.arrow()).collect(),
            Self::Literal(literal) => vec![literal.arrow()],
            Self::LangString(_) | Self::General => vec![ArrowType::Utf8View],
        }
    }

    /// Whether a term of one type can be the same term as one of the other.
    pub fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::General, _) | (_, Self::General) => true,
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (Self::Constant(term), typed) | (typed, Self::Constant(term)) => typed.may_hold(term),
            (Self::Iri { shape: a, .. }, Self::Iri { shape: b, .. }) => a.may_equal(b),
            (Self::Literal(a), Self::Literal(b)) => a.datatype() == b.datatype(),
            (Self::LangString(a), Self::LangString(b)) => a == b,
            _ => false,
        }
    }

    /// Whether this term could be one of the type. A value in other words than those of [`LiteralType::is_canonical`] is
    /// another term.
    pub fn may_hold(&self, term: &Term) -> bool {
        match (self, term) {
            (Self::General, _) => true,
            (Self::Constant(constant), term) => constant == term,
            (Self::Iri { shape, keys }, Term::NamedNode(node)) => shape.invert(node.as_str(), keys).is_some(),
            (Self::Literal(literal), Term::Literal(term)) => {
                term.language().is_none() && literal.datatype() == term.datatype() && literal.is_canonical(term.value())
            }
            (Self::LangString(tag), Term::Literal(term)) => term.language() == Some(tag.as_str()),
            _ => false,
        }
    }

    /// The type whose columns can hold the terms of both without loss.
    #[must_use]
    pub fn widen(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::Iri { shape: a, keys: left }, Self::Iri { shape: b, keys: right }) if a == b => {
                let keys = left.iter().zip(right).map(|(l, r)| if l == r { *l } else { KeyKind::Text }).collect();
                Self::Iri { shape: a.clone(), keys }
            }
            _ => Self::General,
        }
    }
}

impl fmt::Display for TermType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(term) => write!(f, "{term}"),
            Self::Iri { shape, .. } => write!(f, "<{shape}>"),
            Self::Literal(literal) => {
                match literal.datatype().as_str().strip_prefix("http://www.w3.org/2001/XMLSchema#") {
                    Some(name) => write!(f, "xsd:{name}"),
                    None => write!(f, "{}", literal.datatype()),
                }
            }
            Self::LangString(tag) => write!(f, "rdf:langString@{tag}"),
            Self::General => f.write_str("any term"),
        }
    }
}
