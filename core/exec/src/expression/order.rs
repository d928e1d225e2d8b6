//! ORDER BY: columns whose native order is that of SPARQL 15.1.

use super::order_key::sort_key;
use super::typed::Typed;
use super::{Compiler, ExpressionContext, check};
use crate::columns::{ColumnExpr, Kernel, Layout, TermReader};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, BinaryArray, Float64Array};
use arrow_schema::{DataType, SortOptions};
use datafusion_common::Result as StreamResult;
use spargebra::algebra::OrderExpression;
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};

/// The columns to sort by for one condition; none when it is the same in every row. Unbound and errors come first in
/// ascending order, then blank nodes, IRIs and literals.
///
/// Literals that SPARQL can compare are in the order of their values; the others by lexical form, datatype and
/// language, after all numbers, dates, times and durations. (spareval compares literals of two kinds by lexical form
/// too, which is no consistent order once values of one kind are compared as values.)
pub(crate) fn sort_keys(
    expression: &OrderExpression,
    layout: &Layout,
    context: &ExpressionContext,
) -> Result<Vec<(ColumnExpr, SortOptions)>, ContractError> {
    let (expression, descending) = match expression {
        OrderExpression::Asc(expression) => (expression, false),
        OrderExpression::Desc(expression) => (expression, true),
    };
    check(expression, context.max_depth)?;
    let typed = Compiler { layout, context }.value(expression)?;
    let options = SortOptions { descending, nulls_first: !descending };
    Ok(key_column(typed)?.map(|column| (column, options)).into_iter().collect())
}

fn key_column(typed: Typed) -> Result<Option<ColumnExpr>, ContractError> {
    Ok(match &typed.term_type {
        TermType::Constant(_) => None,
        TermType::Literal(LiteralType::Double) => Some(double_key(typed)),
        // The order of keys is not that of the IRIs they build: `%` stands before letters.
        TermType::Iri { .. } => typed.convert(&TermType::General)?.columns.into_iter().next(),
        TermType::Literal(LiteralType::Other(_)) | TermType::General => Some(general_key(typed)),
        TermType::Literal(_) | TermType::LangString(_) => typed.columns.into_iter().next(),
    })
}

/// Doubles in an order where both zeros are equal.
fn double_key(typed: Typed) -> ColumnExpr {
    let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let doubles = columns[0].as_primitive::<Float64Type>();
        // Adding a positive zero leaves every number but the negative zero; all NaN are last.
        let key = |n: f64| if n.is_nan() { f64::NAN } else { n + 0.0 };
        Ok(Arc::new(doubles.iter().map(|n| n.map(key)).collect::<Float64Array>()))
    };
    Kernel::new("double_sort_key", typed.columns, DataType::Float64, apply).expr()
}

fn general_key(typed: Typed) -> ColumnExpr {
    let term_type = typed.term_type.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let reader = TermReader::new(&term_type, columns)?;
        let key = |row| Ok(reader.value(row)?.map(|term| sort_key(&term)));
        Ok(Arc::new((0..rows).map(key).collect::<StreamResult<BinaryArray>>()?))
    };
    Kernel::new(format!("sort_key<{}>", typed.term_type), typed.columns, DataType::Binary, apply).expr()
}
