//! What is expected of a scan, from declared statistics alone.
//!
//! The numbers only order joins and choose between bind and hash join; no answer depends on them.

use crate::branch::Access;
use weft_model::contract::{CompareOperator, Expression, Table};

/// Rows of a table that declares none.
const UNKNOWN_ROWS: f64 = 1_000.0;

/// What a request costs in rows: a round trip is worth fetching this many.
pub(crate) const REQUEST: f64 = 200.0;

#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
pub(crate) fn table_rows(table: &Table) -> f64 {
    table.rows.map_or(UNKNOWN_ROWS, |statistic| statistic.count as f64)
}

/// Different values of these columns together.
#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
pub(crate) fn distinct(table: &Table, columns: &[String]) -> f64 {
    let rows = table_rows(table).max(1.0);
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    if table.is_unique(&names) {
        return rows;
    }
    let product: f64 = columns
        .iter()
        .map(|name| {
            let declared = table.column(name).and_then(|column| column.distinct);
            declared.map_or((rows / 10.0).max(1.0), |statistic| statistic.count.max(1) as f64)
        })
        .product();
    product.clamp(1.0, rows)
}

/// Rows of the table that meet the conditions of the access.
pub(crate) fn access_rows(table: &Table, access: &Access) -> f64 {
    let equal: Vec<String> = access.conditions.iter().filter_map(equal_column).collect();
    let names: Vec<&str> = equal.iter().map(String::as_str).collect();
    if table.is_unique(&names) {
        return 1.0;
    }
    let selectivity: f64 = access.conditions.iter().map(|condition| selectivity(table, condition)).product();
    (table_rows(table) * selectivity).max(1.0)
}

fn equal_column(condition: &Expression) -> Option<String> {
    match condition {
        Expression::Compare { operator: CompareOperator::Equal, left, right } => match (&**left, &**right) {
            (Expression::Column(column), Expression::Literal(_)) => Some(column.name.clone()),
            _ => None,
        },
        Expression::And(parts) => match parts.as_slice() {
            [only] => equal_column(only),
            _ => None,
        },
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
fn selectivity(table: &Table, condition: &Expression) -> f64 {
    match condition {
        Expression::Compare { operator: CompareOperator::Equal, left, .. } => one_of(table, left),
        Expression::Compare { operator: CompareOperator::NotEqual, .. } => 0.9,
        Expression::Compare { .. } => 0.3,
        Expression::And(parts) => parts.iter().map(|part| selectivity(table, part)).product(),
        Expression::Or(parts) => parts.iter().map(|part| selectivity(table, part)).sum::<f64>().min(1.0),
        Expression::Not(inner) => match &**inner {
            Expression::IsNull(_) => 0.95,
            inner => (1.0 - selectivity(table, inner)).max(0.05),
        },
        Expression::IsNull(_) => 0.05,
        Expression::In { input, values } => (one_of(table, input) * values.len() as f64).min(1.0),
        Expression::Text { .. } => 0.1,
        Expression::Column(_) | Expression::Literal(_) => 0.5,
    }
}

fn one_of(table: &Table, column: &Expression) -> f64 {
    match column {
        Expression::Column(column) => 1.0 / distinct(table, std::slice::from_ref(&column.name)),
        _ => 0.1,
    }
}
