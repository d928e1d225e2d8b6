//! Reads the columns of a variable back as terms.

use super::error::{in_stream, internal};
use super::native::{date, date_time, decimal, one_nan};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion_common::{DataFusionError, Result};
use oxrdf::{Literal, NamedNode, Term};
use spareval::ExpressionTerm;
use std::borrow::Cow;
use weft_model::term::{IriShape, KeyKind, LiteralType, TermType, decode, encode};
use weft_plan::{term_of, value_of};

/// The columns of one variable in one batch.
pub(crate) enum TermReader<'a> {
    /// A term and its value.
    Constant(&'a Term, Box<ExpressionTerm>),
    Iri(&'a IriShape, Vec<KeyReader<'a>>),
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    DerivedInteger(&'a NamedNode, &'a Int64Array),
    Decimal(&'a Decimal128Array),
    Double(&'a Float64Array),
    String(&'a StringViewArray),
    Date(&'a Date32Array),
    DateTime(&'a TimestampMicrosecondArray, bool),
    Other(&'a NamedNode, &'a StringViewArray),
    LangString(&'a str, &'a StringViewArray),
    General(&'a StringViewArray),
}

pub(crate) enum KeyReader<'a> {
    Int64(&'a Int64Array),
    Text(&'a StringViewArray),
}

impl<'a> TermReader<'a> {
    /// Fails when the columns are not those of the type.
    pub(crate) fn new(term_type: &'a TermType, columns: &'a [ArrayRef]) -> Result<Self> {
        let expected = term_type.columns();
        if expected.len() != columns.len() || expected.iter().zip(columns).any(|(t, c)| t != c.data_type()) {
            let found: Vec<_> = columns.iter().map(|c| c.data_type().to_string()).collect();
            return Err(in_stream(internal(format!("{term_type} cannot be read from columns [{}]", found.join(", ")))));
        }
        Ok(match term_type {
            TermType::Constant(term) => Self::Constant(term, Box::new(value_of(term))),
            TermType::Iri { shape, keys } => {
                Self::Iri(shape, keys.iter().zip(columns).map(|(kind, column)| KeyReader::new(*kind, column)).collect())
            }
            TermType::Literal(literal) => Self::literal(literal, &columns[0]),
            TermType::LangString(tag) => Self::LangString(tag, columns[0].as_string_view()),
            TermType::General => Self::General(columns[0].as_string_view()),
        })
    }

    fn literal(literal: &'a LiteralType, column: &'a ArrayRef) -> Self {
        match literal {
            LiteralType::Boolean => Self::Boolean(column.as_boolean()),
            LiteralType::Integer => Self::Integer(column.as_primitive::<Int64Type>()),
            LiteralType::DerivedInteger(datatype) => Self::DerivedInteger(datatype, column.as_primitive::<Int64Type>()),
            LiteralType::Decimal => Self::Decimal(column.as_primitive::<Decimal128Type>()),
            LiteralType::Double => Self::Double(column.as_primitive::<Float64Type>()),
            LiteralType::String => Self::String(column.as_string_view()),
            LiteralType::Date => Self::Date(column.as_primitive::<Date32Type>()),
            LiteralType::DateTime { zoned } => {
                Self::DateTime(column.as_primitive::<TimestampMicrosecondType>(), *zoned)
            }
            LiteralType::Other(datatype) => Self::Other(datatype, column.as_string_view()),
        }
    }

    pub(crate) fn is_bound(&self, row: usize) -> bool {
        match self {
            Self::Constant(..) => true,
            Self::Iri(_, keys) => keys.iter().all(|key| key.is_valid(row)),
            Self::Boolean(a) => a.is_valid(row),
            Self::Integer(a) | Self::DerivedInteger(_, a) => a.is_valid(row),
            Self::Decimal(a) => a.is_valid(row),
            Self::Double(a) => a.is_valid(row),
            Self::Date(a) => a.is_valid(row),
            Self::DateTime(a, _) => a.is_valid(row),
            Self::String(a) | Self::Other(_, a) | Self::LangString(_, a) | Self::General(a) => a.is_valid(row),
        }
    }

    /// What expressions compute with; `None` where it is unbound.
    pub(crate) fn value(&self, row: usize) -> Result<Option<ExpressionTerm>> {
        if !self.is_bound(row) {
            return Ok(None);
        }
        Ok(Some(match self {
            Self::Constant(_, value) => value.as_ref().clone(),
            Self::Iri(shape, keys) => ExpressionTerm::NamedNode(NamedNode::new_unchecked(iri(shape, keys, row))),
            Self::Boolean(a) => ExpressionTerm::BooleanLiteral(a.value(row).into()),
            Self::Integer(a) | Self::DerivedInteger(_, a) => ExpressionTerm::IntegerLiteral(a.value(row).into()),
            Self::Decimal(a) => ExpressionTerm::DecimalLiteral(decimal(a.value(row))),
            Self::Double(a) => ExpressionTerm::DoubleLiteral(one_nan(a.value(row)).into()),
            Self::String(a) => ExpressionTerm::StringLiteral(a.value(row).to_owned()),
            Self::Date(a) => ExpressionTerm::DateLiteral(date(a.value(row))),
            Self::DateTime(a, zoned) => ExpressionTerm::DateTimeLiteral(date_time(a.value(row), *zoned)),
            Self::Other(datatype, a) => value_of(&typed(a.value(row), datatype)),
            Self::LangString(tag, a) => {
                ExpressionTerm::LangStringLiteral { value: a.value(row).to_owned(), language: (*tag).to_owned() }
            }
            Self::General(a) => value_of(&decoded(a.value(row))?),
        }))
    }

    /// The term in its own words.
    pub(crate) fn term(&self, row: usize) -> Result<Option<Term>> {
        match self {
            _ if !self.is_bound(row) => Ok(None),
            Self::General(a) => decoded(a.value(row)).map(Some),
            Self::Constant(term, _) => Ok(Some((*term).clone())),
            Self::Other(datatype, a) => Ok(Some(typed(a.value(row), datatype))),
            Self::DerivedInteger(datatype, a) => Ok(Some(typed(&a.value(row).to_string(), datatype))),
            // The value of any other column says all of the term.
            _ => Ok(self.value(row)?.map(term_of)),
        }
    }

    /// The term in the general encoding.
    pub(crate) fn encoded(&self, row: usize) -> Result<Option<Cow<'a, str>>> {
        if !self.is_bound(row) {
            return Ok(None);
        }
        Ok(match self {
            Self::General(a) => Some(Cow::Borrowed(a.value(row))),
            Self::String(a) => Some(Cow::Owned(format!("S{}", a.value(row)))),
            Self::Iri(shape, keys) => Some(Cow::Owned(format!("I{}", iri(shape, keys, row)))),
            _ => self.term(row)?.map(|term| Cow::Owned(encode(&term))),
        })
    }
}

fn typed(text: &str, datatype: &NamedNode) -> Term {
    Literal::new_typed_literal(text, datatype.clone()).into()
}

fn decoded(text: &str) -> Result<Term> {
    decode(text).map_err(|error| DataFusionError::External(Box::new(internal(error.to_string()))))
}

fn iri(shape: &IriShape, keys: &[KeyReader<'_>], row: usize) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.text(row)).collect();
    shape.build(keys.iter().map(AsRef::as_ref))
}

impl<'a> KeyReader<'a> {
    fn new(kind: KeyKind, column: &'a ArrayRef) -> Self {
        match kind {
            KeyKind::Int64 => Self::Int64(column.as_primitive::<Int64Type>()),
            KeyKind::Text => Self::Text(column.as_string_view()),
        }
    }

    fn is_valid(&self, row: usize) -> bool {
        match self {
            Self::Int64(a) => a.is_valid(row),
            Self::Text(a) => a.is_valid(row),
        }
    }

    fn text(&self, row: usize) -> Cow<'a, str> {
        match self {
            Self::Int64(a) => Cow::Owned(a.value(row).to_string()),
            Self::Text(a) => Cow::Borrowed(a.value(row)),
        }
    }
}
