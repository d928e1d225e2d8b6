//! Functions added to each connection: checks of what SQLite does not check, and exact decimal sums.
//!
//! All are deterministic, and callable from our own statements only, not from what is stored in the file.

use super::failure::{Failures, WrongValue};
use crate::calendar;
use crate::decimal::{self, DecimalSum, StoredDecimal};
use crate::lower::function_name;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use weft_model::contract::{DataType, TimePart};

type Holds = fn(ValueRef<'_>) -> bool;
type Parse = fn(TimePart, ValueRef<'_>) -> Result<i64, &'static str>;

pub(super) fn register(connection: &Connection) -> rusqlite::Result<Failures> {
    let failures = Failures::default();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    let checks: [(&str, Holds); 7] = [
        ("weft_is_boolean", |v| matches!(v, ValueRef::Integer(0 | 1))),
        ("weft_is_int64", |v| matches!(v, ValueRef::Integer(_))),
        ("weft_is_decimal", |v| matches!(v, ValueRef::Integer(_) | ValueRef::Real(_))),
        ("weft_is_float64", |v| matches!(v, ValueRef::Integer(_) | ValueRef::Real(_))),
        ("weft_is_text", |v| matches!(v, ValueRef::Text(_))),
        ("weft_is_date", |v| text(v).and_then(calendar::parse_date).is_some()),
        ("weft_is_binary", |v| matches!(v, ValueRef::Blob(_))),
    ];
    for (name, holds) in checks {
        let failures = failures.clone();
        connection.create_scalar_function(name, 2, flags, move |context| match context.get_raw(0) {
            ValueRef::Null => Ok(true),
            value if holds(value) => Ok(true),
            value => Err(wrong(&failures, context, storage_class(value))),
        })?;
    }
    for (name, zoned) in [("weft_wall_clock", false), ("weft_instant", true)] {
        let failures = failures.clone();
        connection.create_scalar_function(name, 2, flags, move |context| {
            let value = context.get_raw(0);
            if value == ValueRef::Null {
                return Ok(None);
            }
            let micros = text(value).and_then(|text| calendar::parse_timestamp(text, zoned));
            micros.map(Some).ok_or_else(|| wrong(&failures, context, not_a_timestamp(value, zoned)))
        })?;
    }
    for part in TimePart::ALL {
        for (kind, parse) in parts_of(part) {
            let failures = failures.clone();
            connection.create_scalar_function(function_name(part, kind).as_str(), 2, flags, move |context| {
                match context.get_raw(0) {
                    ValueRef::Null => Ok(None),
                    value => parse(part, value).map(Some).map_err(|found| wrong(&failures, context, found)),
                }
            })?;
        }
    }
    let sum = SumDecimal { failures: failures.clone() };
    connection.create_aggregate_function("weft_sum_decimal", 1, flags, sum)?;
    Ok(failures)
}

/// How a part is found in what is stored, or what is wrong with that, for each kind of storage that has the part.
fn parts_of(part: TimePart) -> Vec<(&'static str, Parse)> {
    let date: Parse = |part, value| match text(value).and_then(calendar::parse_date) {
        Some(days) => Ok(calendar::part_of_days(part, days.into())),
        None => Err(not_a_date(value)),
    };
    let wall_clock: Parse = |part, value| match text(value).and_then(|text| calendar::parse_timestamp(text, false)) {
        Some(micros) => Ok(calendar::part_of_micros(part, micros)),
        None => Err(not_a_timestamp(value, false)),
    };
    let instant: Parse = |part, value| match text(value).and_then(|text| calendar::parse_timestamp(text, true)) {
        Some(micros) => Ok(calendar::part_of_micros(part, micros)),
        None => Err(not_a_timestamp(value, true)),
    };
    let micros: Parse = |part, value| match value {
        ValueRef::Integer(micros) => Ok(calendar::part_of_micros(part, micros)),
        other => Err(storage_class(other)),
    };
    let mut kinds = vec![("wall_clock", wall_clock), ("instant", instant), ("micros", micros)];
    if part.is_part_of(DataType::Date) {
        kinds.push(("date", date));
    }
    kinds
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

fn wrong(failures: &Failures, context: &Context<'_>, found: &str) -> rusqlite::Error {
    let label = context.get::<i64>(1).ok().and_then(|number| usize::try_from(number).ok());
    failures.set(WrongValue { label, found: found.to_owned() });
    failed()
}

fn failed() -> rusqlite::Error {
    rusqlite::Error::UserFunctionError("a stored value is not of its column's type".into())
}

pub(super) fn storage_class(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "a null",
        ValueRef::Integer(_) => "an integer",
        ValueRef::Real(_) => "a real number",
        ValueRef::Text(_) => "a text",
        ValueRef::Blob(_) => "a blob",
    }
}

fn not_a_date(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Text(_) => "a text that is not an ISO 8601 date",
        other => storage_class(other),
    }
}

pub(super) fn not_a_timestamp(value: ValueRef<'_>, zoned: bool) -> &'static str {
    match (value, zoned) {
        (ValueRef::Text(_), true) => "a text that is not an ISO 8601 timestamp with an offset",
        (ValueRef::Text(_), false) => "a text that is not an ISO 8601 timestamp without an offset",
        _ => storage_class(value),
    }
}

/// SQLite's own SUM adds decimals as binary floating point.
struct SumDecimal {
    failures: Failures,
}

impl SumDecimal {
    fn fail(&self, found: &str) -> rusqlite::Error {
        self.failures.set(WrongValue { label: None, found: found.to_owned() });
        failed()
    }
}

impl Aggregate<Option<DecimalSum>, Value> for SumDecimal {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Option<DecimalSum>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<DecimalSum>) -> rusqlite::Result<()> {
        let term = match context.get_raw(0) {
            ValueRef::Null => return Ok(()),
            ValueRef::Integer(i) => Some((i128::from(i), 0)),
            ValueRef::Real(r) => decimal::exact(r),
            other => return Err(self.fail(&format!("a decimal column holds {}", storage_class(other)))),
        };
        let (unscaled, scale) =
            term.ok_or_else(|| self.fail("a decimal column holds a number of more than 38 digits"))?;
        let added = sum.unwrap_or_default().add(unscaled, scale);
        *sum = Some(added.ok_or_else(|| self.fail("a sum of decimals has more than 38 digits"))?);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<DecimalSum>>) -> rusqlite::Result<Value> {
        let Some(sum) = sum.flatten() else {
            return Ok(Value::Null);
        };
        match sum.stored() {
            Some(StoredDecimal::Integer(i)) => Ok(Value::Integer(i)),
            Some(StoredDecimal::Real(r)) => Ok(Value::Real(r)),
            None => Err(self.fail("a sum of decimals has more digits than SQLite can hold exactly")),
        }
    }
}
