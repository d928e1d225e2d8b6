//! Calendar parts of dates and times.

use super::block::Output;
use super::relation::{find, number};
use super::{Dialect, Lowering};
use crate::catalogue::Storage;
use crate::error::{Result, invalid_request};
use sea_query::{Expr, Func};
use weft_model::contract::{ColumnRef, DataType, ProjectColumn, TimePart};

impl Lowering<'_> {
    pub(super) fn projected(&self, inputs: &[Output], column: &ProjectColumn) -> Result<Output> {
        let input = find(inputs, &column.column)?;
        let reference = ColumnRef::bare(&column.name);
        let Some(part) = column.part else {
            return Ok(Output { reference, ..input.clone() });
        };
        if !part.is_part_of(input.data_type) {
            let (name, t) = (&input.reference.name, input.data_type);
            return Err(invalid_request(format!("column {name:?} of type {t} has no {part}")));
        }
        let value = match self.dialect {
            Dialect::Sqlite => sqlite(part, input),
            Dialect::Postgres => postgres(part, input),
        };
        let data_type = DataType::Int64;
        Ok(Output { reference, data_type, value, stored: None, label: input.label, collation: 0, unchecked: false })
    }
}

/// A function of ours on the stored text, which it checks, or on the microseconds that another one has made of it.
fn sqlite(part: TimePart, input: &Output) -> Expr {
    let (kind, argument) = match &input.stored {
        _ if input.data_type == DataType::Date => ("date", &input.value),
        Some((stored, Storage::WallClockText)) => ("wall_clock", stored),
        Some((stored, Storage::InstantText)) => ("instant", stored),
        _ => ("micros", &input.value),
    };
    let label = input.label.and_then(|label| i64::try_from(label).ok()).unwrap_or(-1);
    Func::cust(function_name(part, kind)).arg(argument.clone()).arg(number(label)).into()
}

/// The name of the function for a part of what is stored as a `date`, `wall_clock`, `instant` or `micros`.
pub(crate) fn function_name(part: TimePart, kind: &str) -> String {
    format!("weft_{part}_of_{kind}")
}

/// PostgreSQL has no year 0. Infinity has a year, which fits no bigint, and no other parts: these would be null.
fn postgres(part: TimePart, input: &Output) -> Expr {
    let field = |name: &str| match input.data_type {
        // The function takes dates for timestamps, which end earlier.
        DataType::Date => format!("EXTRACT({name} FROM $1)::float8"),
        DataType::Timestamp { zoned: true } => format!("DATE_PART('{name}', $1 AT TIME ZONE 'UTC')"),
        _ => format!("DATE_PART('{name}', $1)"),
    };
    let first = match input.data_type {
        DataType::Date => "DATE '0001-01-01'",
        DataType::Timestamp { zoned: true } => "TIMESTAMPTZ '0001-01-01 00:00:00+00'",
        _ => "TIMESTAMP '0001-01-01 00:00:00'",
    };
    let year = field("year");
    let finite = |name| format!("(CASE WHEN ISFINITE($1) THEN {} ELSE {year} END)::bigint", field(name));
    let sql = match part {
        TimePart::Year => format!("({year}::bigint + ($1 < {first})::int)"),
        TimePart::Month => finite("month"),
        TimePart::Day => finite("day"),
        TimePart::Hours => finite("hour"),
        TimePart::Minutes => finite("minute"),
    };
    Expr::cust_with_exprs(sql, [input.value.clone()])
}
