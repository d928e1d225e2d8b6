//! Comparison of contract values, written for clarity and not for speed.

use super::invalid;
use oxsdatatypes::{DateTime, DayTimeDuration, Decimal};
use std::cmp::Ordering;
use std::str::FromStr as _;
use weft_model::contract::{ContractError, TimePart, Value};

/// One row: a value or null for each column.
pub type Row = Vec<Option<Value>>;

/// The order of two values of one kind. None when they are of different kinds, or one is not a number.
pub fn compare_values(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Int64(a), Value::Int64(b)) => Some(a.cmp(b)),
        (Value::Decimal { unscaled: a, scale: s }, Value::Decimal { unscaled: b, scale: t }) => {
            Some(compare_decimals((*a, *s), (*b, *t)))
        }
        (Value::Float64(a), Value::Float64(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.chars().cmp(b.chars())),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Binary(a), Value::Binary(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn compare_decimals((a, s): (i128, u8), (b, t): (i128, u8)) -> Ordering {
    let (p, q) = (10_i128.pow(u32::from(s)), 10_i128.pow(u32::from(t)));
    let whole = a.div_euclid(p).cmp(&b.div_euclid(q));
    // The remainders are below one, so at the larger scale they are below 10^38.
    let scale = u32::from(s.max(t));
    let rest = |n: i128, power: i128, own: u8| n.rem_euclid(power) * 10_i128.pow(scale - u32::from(own));
    whole.then_with(|| rest(a, p, s).cmp(&rest(b, q, t)))
}

/// A text that two values of one kind share exactly when the source takes them for equal. `fold`: text without regard
/// to case and trailing blanks.
pub(super) fn identity(value: &Value, fold: bool) -> String {
    match value {
        Value::Boolean(b) => b.to_string(),
        Value::Int64(n) => n.to_string(),
        Value::Decimal { unscaled, scale } => decimal_identity(*unscaled, *scale),
        Value::Float64(x) if *x == 0.0 => "0".to_owned(),
        Value::Float64(x) if x.is_nan() => "nan".to_owned(),
        Value::Float64(x) => format!("{:x}", x.to_bits()),
        Value::Text(text) if fold => loose_text(text),
        Value::Text(text) => text.clone(),
        Value::Date(days) => days.to_string(),
        Value::Timestamp(micros) => micros.to_string(),
        Value::Binary(bytes) => format!("{bytes:?}"),
    }
}

fn decimal_identity(mut unscaled: i128, mut scale: u8) -> String {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    format!("{unscaled}e-{scale}")
}

/// How a source that is careless about text sees it.
pub(super) fn loose_text(text: &str) -> String {
    text.trim_end().to_lowercase()
}

/// A part of a date or time, by the calendar of an implementation of XML Schema.
pub(super) fn part_of(value: &Value, part: TimePart) -> Result<i64, ContractError> {
    let since_1970 = match value {
        Value::Date(days) => Decimal::from(i64::from(*days) * 86_400),
        Value::Timestamp(micros) => Decimal::new(i128::from(*micros), 6).map_err(|error| invalid(error.to_string()))?,
        _ => return Err(invalid(format!("the {part} of something else than a time"))),
    };
    let epoch = DateTime::from_str("1970-01-01T00:00:00Z").map_err(|error| invalid(error.to_string()))?;
    let time = epoch
        .checked_add_day_time_duration(DayTimeDuration::new(since_1970))
        .ok_or_else(|| invalid("a time out of range"))?;
    Ok(match part {
        TimePart::Year => time.year(),
        TimePart::Month => time.month().into(),
        TimePart::Day => time.day().into(),
        TimePart::Hours => time.hour().into(),
        TimePart::Minutes => time.minute().into(),
    })
}
