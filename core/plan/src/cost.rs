//! What is expected of a scan, from what is declared and what was observed.
//!
//! The numbers only order joins and choose between bind and hash join; no answer depends on them.

use crate::branch::Access;
use crate::{Basis, Latency, Seen};
use weft_model::contract::{CompareOperator, Expression, Table};

/// Rows of a table that declares none.
const UNKNOWN_ROWS: f64 = 1_000.0;

/// What a request costs in rows: a round trip is worth fetching this many.
pub(crate) const REQUEST: f64 = 200.0;

/// What a request costs in rows of a source that is known to be this fast: so many rows come in the time that the first ones
/// take. Not what a few scans showed, and only roughly, so that plans stay the same.
#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
pub fn request_cost(latency: &Latency) -> f64 {
    const ENOUGH: (u64, u64) = (32, 50_000);
    if latency.scans < ENOUGH.0 || latency.rows < ENOUGH.1 || latency.row.is_zero() {
        return REQUEST;
    }
    let rows = latency.first_rows.as_secs_f64() / latency.row.as_secs_f64();
    rows.clamp(REQUEST / 4.0, REQUEST * 8.0).log2().round().exp2()
}

/// A table and the rows it is taken to have.
#[derive(Clone, Copy)]
pub(crate) struct Counted<'a> {
    pub(crate) table: &'a Table,
    pub(crate) rows: f64,
    pub(crate) basis: Basis,
}

impl<'a> Counted<'a> {
    /// The rows the source declares; those a scan of the whole table showed where nothing younger is declared.
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    pub(crate) fn new(table: &'a Table, seen: Option<&Seen>) -> Self {
        let (rows, basis) = match (table.rows, seen) {
            (declared, Some(seen)) if declared.is_none_or(|declared| declared.measured_at <= seen.seen_at) => {
                (seen.rows, Basis::Observed)
            }
            (Some(declared), _) => (declared.count as f64, Basis::Declared),
            (None, _) => (UNKNOWN_ROWS, Basis::Guessed),
        };
        Self { table, rows, basis }
    }

    /// Different values of these columns together.
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    pub(crate) fn distinct(&self, columns: &[String]) -> f64 {
        let rows = self.rows.max(1.0);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if self.table.is_unique(&names) {
            return rows;
        }
        let product: f64 = columns
            .iter()
            .map(|name| {
                let declared = self.table.column(name).and_then(|column| column.distinct);
                declared.map_or((rows / 10.0).max(1.0), |statistic| statistic.count.max(1) as f64)
            })
            .product();
        product.clamp(1.0, rows)
    }

    /// What the number of different values is taken from.
    pub(crate) fn distinct_basis(&self, columns: &[String]) -> Basis {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if self.table.is_unique(&names) {
            return self.basis;
        }
        let declared = |name: &&str| self.table.column(name).is_some_and(|column| column.distinct.is_some());
        if names.iter().all(declared) { self.basis.min(Basis::Declared) } else { Basis::Guessed }
    }

    /// Whether the conditions of the access leave at most one row.
    pub(crate) fn is_one_row(&self, access: &Access) -> bool {
        let equal: Vec<String> = access.conditions.iter().filter_map(equal_column).collect();
        let names: Vec<&str> = equal.iter().map(String::as_str).collect();
        self.table.is_unique(&names)
    }

    /// Rows of the table that meet the conditions of the access.
    pub(crate) fn access_rows(&self, access: &Access) -> f64 {
        if self.is_one_row(access) {
            return 1.0;
        }
        let selectivity: f64 = access.conditions.iter().map(|condition| self.selectivity(condition)).product();
        (self.rows * selectivity).max(1.0)
    }

    /// What the number of rows that meet the conditions is taken from. Few values are null: that is not much of a guess.
    pub(crate) fn access_basis(&self, access: &Access) -> Basis {
        if self.is_one_row(access) {
            return Basis::Declared;
        }
        access.conditions.iter().fold(self.basis, |known, condition| known.min(self.condition_basis(condition)))
    }

    fn condition_basis(&self, condition: &Expression) -> Basis {
        match condition {
            Expression::And(parts) => parts.iter().map(|part| self.condition_basis(part)).min().unwrap_or(self.basis),
            Expression::Not(inner) if matches!(**inner, Expression::IsNull(_)) => self.basis,
            other => match equal_column(other) {
                Some(column) => self.distinct_basis(&[column]),
                None => Basis::Guessed,
            },
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    fn selectivity(&self, condition: &Expression) -> f64 {
        match condition {
            Expression::Compare { operator: CompareOperator::Equal, left, .. } => self.one_of(left),
            Expression::Compare { operator: CompareOperator::NotEqual, .. } => 0.9,
            Expression::Compare { .. } => 0.3,
            Expression::And(parts) => parts.iter().map(|part| self.selectivity(part)).product(),
            Expression::Or(parts) => parts.iter().map(|part| self.selectivity(part)).sum::<f64>().min(1.0),
            Expression::Not(inner) => match &**inner {
                Expression::IsNull(_) => 0.95,
                inner => (1.0 - self.selectivity(inner)).max(0.05),
            },
            Expression::IsNull(_) => 0.05,
            Expression::In { input, values } => (self.one_of(input) * values.len() as f64).min(1.0),
            Expression::Text { .. } => 0.1,
            Expression::Column(_) | Expression::Literal(_) => 0.5,
        }
    }

    fn one_of(&self, column: &Expression) -> f64 {
        match column {
            Expression::Column(column) => 1.0 / self.distinct(std::slice::from_ref(&column.name)),
            _ => 0.1,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use weft_model::contract::Statistic;

    #[test]
    fn the_younger_count_of_rows_counts() {
        let table = |rows| Table {
            name: "t".to_owned(),
            columns: Vec::new(),
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            rows,
            filters: Vec::new(),
            max_keys: 0,
            sql: None,
        };
        let seen = Seen { rows: 7.0, weight: 1.0, seen_at: 100 };
        let known = |rows: Option<Statistic>, seen: Option<&Seen>| {
            let table = table(rows);
            let counted = Counted::new(&table, seen);
            (counted.rows, counted.basis)
        };
        let declared = |measured_at| Some(Statistic { count: 30, measured_at });
        assert_eq!(known(None, None), (UNKNOWN_ROWS, Basis::Guessed));
        assert_eq!(known(declared(5), None), (30.0, Basis::Declared));
        assert_eq!(known(declared(5), Some(&seen)), (7.0, Basis::Observed));
        assert_eq!(known(declared(101), Some(&seen)), (30.0, Basis::Declared));
        assert_eq!(known(None, Some(&seen)), (7.0, Basis::Observed));
    }

    #[test]
    fn a_source_that_is_known_to_be_slow_is_asked_less_often() {
        let latency = |first: u64, scans| Latency {
            first_rows: Duration::from_millis(first),
            row: Duration::from_micros(1),
            scans,
            rows: 1_000_000,
            seen_at: 0,
        };
        assert_eq!(request_cost(&latency(1, 100)), 1_024.0);
        assert_eq!(request_cost(&latency(500, 100)), 2_048.0);
        assert_eq!(request_cost(&latency(0, 100)), 64.0);
        assert_eq!(request_cost(&latency(500, 3)), REQUEST);
    }
}
