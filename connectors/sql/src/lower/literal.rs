//! How a comparison of a stored column with a literal is said in SQL, where the two do not have the same values.

use super::block::Output;
use super::{Dialect, Parameter};
use crate::calendar;
use crate::catalogue::Storage;
use crate::decimal::{self, StoredDecimal};
use crate::error::{Result, invalid_request};
use std::cmp::Ordering;
use weft_model::contract::{CompareOperator, DataType, Value};

/// PostgreSQL's dates, and its first timestamp, in days and microseconds since 1970-01-01. Its last timestamp is beyond
/// 64 bits of these microseconds.
const POSTGRES_DAYS: std::ops::RangeInclusive<i32> = -2_440_588..=2_145_042_905;
const POSTGRES_FIRST_MICRO: i64 = -210_866_803_200_000_000;

/// What is left of `column operator literal`. All of them are null when the column is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    Always,
    Never,
    /// Compare the value.
    Value(CompareOperator, Parameter),
    /// Compare the stored column itself, which an index may be on.
    Stored(CompareOperator, Parameter),
}

/// # Errors
///
/// `invalid-request` when the literal is of another kind than the column.
pub(super) fn bound(dialect: Dialect, output: &Output, operator: CompareOperator, literal: &Value) -> Result<Bound> {
    let bound = match (output.data_type, literal) {
        (DataType::Boolean, Value::Boolean(b)) => Bound::Value(operator, Parameter::Boolean(*b)),
        (DataType::Int64, Value::Int64(i)) => Bound::Value(operator, Parameter::Int64(*i)),
        (DataType::Float64, Value::Float64(f)) => float(operator, *f),
        (DataType::Decimal { .. }, Value::Int64(i)) => decimal(dialect, operator, i128::from(*i), 0),
        (DataType::Decimal { .. }, Value::Decimal { unscaled, scale }) => {
            if *scale > 38 {
                return Err(invalid_request(format!("a decimal literal with scale {scale}, at most 38 is possible")));
            }
            decimal(dialect, operator, *unscaled, *scale)
        }
        (DataType::Text, Value::Text(text)) => self::text(dialect, output, operator, text),
        (DataType::Date, Value::Date(days)) => date(dialect, operator, *days),
        (DataType::Timestamp { zoned }, Value::Timestamp(micros)) => timestamp(dialect, operator, *micros, zoned),
        (DataType::Binary, Value::Binary(bytes)) => binary(operator, bytes)?,
        (data_type, literal) => {
            let name = &output.reference.name;
            let kind = literal.kind();
            return Err(invalid_request(format!(
                "column {name:?} is of type {data_type} and cannot be compared with a literal of kind {kind:?}"
            )));
        }
    };
    Ok(bound)
}

/// Nothing is equal to NaN, less or greater; both databases see that differently.
fn float(operator: CompareOperator, literal: f64) -> Bound {
    match (literal.is_nan(), operator) {
        (false, _) => Bound::Value(operator, Parameter::Float64(literal)),
        (true, CompareOperator::NotEqual) => Bound::Always,
        (true, _) => Bound::Never,
    }
}

fn decimal(dialect: Dialect, operator: CompareOperator, unscaled: i128, scale: u8) -> Bound {
    if dialect == Dialect::Postgres {
        return Bound::Value(operator, Parameter::Decimal { unscaled, scale });
    }
    let (number, side) = decimal::nearest(unscaled, scale);
    let parameter = match number {
        StoredDecimal::Integer(i) => Parameter::Int64(i),
        StoredDecimal::Real(r) => Parameter::Float64(r),
    };
    beside(operator, parameter, side)
}

/// Compares with a value next to the literal; `side` is the ordering of that value to the literal.
fn beside(operator: CompareOperator, parameter: Parameter, side: Ordering) -> Bound {
    use CompareOperator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let operator = match (side, operator) {
        (Ordering::Equal, operator) => operator,
        (_, Equal) => return Bound::Never,
        (_, NotEqual) => return Bound::Always,
        (Ordering::Less, Less | LessOrEqual) => LessOrEqual,
        (Ordering::Less, Greater | GreaterOrEqual) => Greater,
        (Ordering::Greater, Less | LessOrEqual) => Less,
        (Ordering::Greater, Greater | GreaterOrEqual) => GreaterOrEqual,
    };
    Bound::Value(operator, parameter)
}

/// The literal is less (or greater) than everything the database can store.
fn outside(operator: CompareOperator, below: bool) -> Bound {
    use CompareOperator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    match operator {
        NotEqual => Bound::Always,
        Equal => Bound::Never,
        Greater | GreaterOrEqual if below => Bound::Always,
        Less | LessOrEqual if !below => Bound::Always,
        _ => Bound::Never,
    }
}

fn date(dialect: Dialect, operator: CompareOperator, days: i32) -> Bound {
    let parameter = match dialect {
        Dialect::Sqlite => calendar::format_date(days).map(Parameter::Text),
        Dialect::Postgres => POSTGRES_DAYS.contains(&days).then_some(Parameter::Date(days)),
    };
    match parameter {
        Some(parameter) => Bound::Value(operator, parameter),
        None => outside(operator, days < 0),
    }
}

fn timestamp(dialect: Dialect, operator: CompareOperator, micros: i64, zoned: bool) -> Bound {
    if dialect == Dialect::Postgres && micros < POSTGRES_FIRST_MICRO {
        return outside(operator, true);
    }
    Bound::Value(operator, Parameter::Timestamp { micros, zoned })
}

fn text(dialect: Dialect, output: &Output, operator: CompareOperator, literal: &str) -> Bound {
    let equality = matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual);
    let storage = output.stored.as_ref().map(|(_, storage)| *storage);
    let parameter = match storage {
        Some(Storage::Uuid) if equality => canonical_uuid(literal).map(Parameter::Uuid),
        // PostgreSQL ignores the padding when it compares; with texts of full length nothing is left to ignore.
        Some(Storage::PaddedText(width)) if equality => {
            let full = literal.chars().count() == width as usize && !literal.contains('\0');
            full.then(|| Parameter::Padded(literal.to_owned()))
        }
        _ => return plain_text(dialect, operator, literal),
    };
    match (parameter, operator) {
        (Some(parameter), _) => Bound::Stored(operator, parameter),
        (None, CompareOperator::NotEqual) => Bound::Always,
        (None, _) => Bound::Never,
    }
}

/// PostgreSQL has no texts with NUL, and refuses them as parameters: the literal lies right after its part before NUL.
fn plain_text(dialect: Dialect, operator: CompareOperator, literal: &str) -> Bound {
    match (dialect, literal.split_once('\0')) {
        (Dialect::Postgres, Some((before, _))) => beside(operator, Parameter::Text(before.to_owned()), Ordering::Less),
        _ => Bound::Value(operator, Parameter::Text(literal.to_owned())),
    }
}

fn binary(operator: CompareOperator, bytes: &[u8]) -> Result<Bound> {
    match operator {
        CompareOperator::Equal | CompareOperator::NotEqual => {
            Ok(Bound::Value(operator, Parameter::Binary(bytes.to_vec())))
        }
        _ => Err(invalid_request("columns of type binary have no order")),
    }
}

/// The bytes of a UUID written the way PostgreSQL writes it; any other text is the text of no UUID.
fn canonical_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || [8, 13, 18, 23].iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    let mut digits = bytes.iter().enumerate().filter(|(i, _)| ![8, 13, 18, 23].contains(i)).map(|(_, b)| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    });
    let mut uuid = [0; 16];
    for byte in &mut uuid {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some(uuid)
}

/// Compares two literals; `None` when they are of different kinds.
pub(super) fn compare_literals(operator: CompareOperator, left: &Value, right: &Value) -> Option<bool> {
    let ordering = match (left, right) {
        (Value::Boolean(l), Value::Boolean(r)) => Some(l.cmp(r)),
        (Value::Int64(l), Value::Int64(r)) => Some(l.cmp(r)),
        (Value::Float64(l), Value::Float64(r)) => l.partial_cmp(r),
        (Value::Text(l), Value::Text(r)) => Some(l.cmp(r)),
        (Value::Date(l), Value::Date(r)) => Some(l.cmp(r)),
        (Value::Timestamp(l), Value::Timestamp(r)) => Some(l.cmp(r)),
        (Value::Binary(l), Value::Binary(r)) => Some(l.cmp(r)),
        (Value::Decimal { unscaled, scale }, Value::Decimal { unscaled: other, scale: other_scale }) => {
            Some(decimal::compare_text(&decimal::format(*unscaled, *scale), &decimal::format(*other, *other_scale)))
        }
        _ => return None,
    };
    Some(match operator {
        CompareOperator::Equal => ordering == Some(Ordering::Equal),
        CompareOperator::NotEqual => ordering != Some(Ordering::Equal),
        CompareOperator::Less => ordering == Some(Ordering::Less),
        CompareOperator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        CompareOperator::Greater => ordering == Some(Ordering::Greater),
        CompareOperator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
    })
}
