//! From the columns of one term type to those of a wider one.

use super::error::internal;
use super::native::native_scalar;
use super::text::{TextColumn, encoded_terms};
use super::{ColumnExpr, Kernel, Layout};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, StringViewArray};
use arrow_schema::DataType;
use datafusion_common::{Result as StreamResult, ScalarValue};
use datafusion_physical_expr::expressions::Literal;
use oxrdf::{Term, Variable};
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{KeyKind, KeyValue, LiteralType, TermType, encode};

/// The columns of `variable`, as those of the type `to`. A variable that is not laid out is unbound.
pub(crate) fn widen(layout: &Layout, variable: &Variable, to: &TermType) -> Result<Vec<ColumnExpr>, ContractError> {
    match layout.get(variable) {
        None => null_columns(to),
        Some((_, from)) => convert(from, layout.columns(variable), to),
    }
}

/// The columns of an unbound variable of this type.
pub(crate) fn null_columns(term_type: &TermType) -> Result<Vec<ColumnExpr>, ContractError> {
    if let TermType::Constant(term) = term_type {
        return Err(internal(format!("a variable that is always {term} cannot be unbound")));
    }
    let null = |data_type: DataType| {
        let scalar = ScalarValue::try_from(&data_type).map_err(|error| internal(error.to_string()))?;
        Ok(literal(scalar))
    };
    term_type.columns().into_iter().map(null).collect()
}

/// The columns of a term type from those of a narrower one.
pub(crate) fn convert(
    from: &TermType,
    columns: Vec<ColumnExpr>,
    to: &TermType,
) -> Result<Vec<ColumnExpr>, ContractError> {
    match (from, to) {
        (from, to) if from == to => Ok(columns),
        (TermType::Constant(term), to) => constant_columns(term, to),
        (TermType::Iri { shape: a, keys: narrow }, TermType::Iri { shape: b, keys: wide }) if a == b => {
            let keys = narrow.iter().zip(wide).zip(columns);
            keys.map(|((narrow, wide), column)| convert_key(*narrow, *wide, column)).collect()
        }
        (from, TermType::General) => Ok(vec![encoded(from, columns)]),
        (TermType::Literal(literal), TermType::Literal(LiteralType::Other(datatype)))
            if literal.datatype() == *datatype =>
        {
            Ok(vec![lexical(from, columns)])
        }
        (from, to) => Err(internal(format!("{from} cannot become {to}"))),
    }
}

/// A constant as literal columns of a type that has it.
fn constant_columns(term: &Term, to: &TermType) -> Result<Vec<ColumnExpr>, ContractError> {
    let text = |value: &str| Some(vec![ScalarValue::Utf8View(Some(value.to_owned()))]);
    let scalars = match (to, term) {
        (TermType::Constant(other), term) => (other == term).then(Vec::new),
        (TermType::General, term) => text(&encode(term)),
        (TermType::Iri { shape, keys }, Term::NamedNode(node)) => {
            shape.invert(node.as_str(), keys).map(|keys| keys.into_iter().map(key_scalar).collect())
        }
        (TermType::Literal(literal), Term::Literal(term)) => native_scalar(literal, term).map(|scalar| vec![scalar]),
        (TermType::LangString(tag), Term::Literal(term)) if term.language() == Some(tag) => text(term.value()),
        _ => None,
    };
    let scalars = scalars.ok_or_else(|| internal(format!("{term} cannot become {to}")))?;
    Ok(scalars.into_iter().map(literal).collect())
}

pub(super) fn key_scalar(key: KeyValue) -> ScalarValue {
    match key {
        KeyValue::Int64(n) => ScalarValue::Int64(Some(n)),
        KeyValue::Text(text) => ScalarValue::Utf8View(Some(text)),
    }
}

fn convert_key(from: KeyKind, to: KeyKind, column: ColumnExpr) -> Result<ColumnExpr, ContractError> {
    match (from, to) {
        (from, to) if from == to => Ok(column),
        (KeyKind::Int64, KeyKind::Text) => Ok(key_text(column)),
        _ => Err(internal("a text key cannot become an int64 key")),
    }
}

fn key_text(column: ColumnExpr) -> ColumnExpr {
    let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let numbers = columns[0].as_primitive::<Int64Type>();
        Ok(Arc::new(numbers.iter().map(|n| n.map(|n| n.to_string())).collect::<StringViewArray>()))
    };
    Kernel::new("key_text", vec![column], DataType::Utf8View, apply).expr()
}

/// One column of encoded terms.
fn encoded(from: &TermType, columns: Vec<ColumnExpr>) -> ColumnExpr {
    let term_type = from.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        Ok(Arc::new(encoded_terms(&term_type, columns, rows)?))
    };
    Kernel::new(format!("encode<{from}>"), columns, DataType::Utf8View, apply).expr()
}

/// One column of the lexical forms of literals.
fn lexical(from: &TermType, columns: Vec<ColumnExpr>) -> ColumnExpr {
    let term_type = from.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let text = TextColumn::new(&term_type, columns, rows)?;
        Ok(Arc::new((0..rows).map(|row| text.get(row)).collect::<StringViewArray>()))
    };
    Kernel::new(format!("lexical<{from}>"), columns, DataType::Utf8View, apply).expr()
}

fn literal(scalar: ScalarValue) -> ColumnExpr {
    Arc::new(Literal::new(scalar))
}
