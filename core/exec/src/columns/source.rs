//! Columns as a source sends them, read value by value.

use super::error::internal;
use super::native::{DECIMAL_SCALE, date, date_time, decimal};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use std::borrow::Cow;
use std::fmt::Write;
use weft_model::contract::ContractError;
use weft_model::term::double_text;

/// A column of one of the contract's types.
pub(super) enum Source<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a Int64Array),
    Decimal(&'a Decimal128Array, i8),
    Float64(&'a Float64Array),
    Text(&'a StringViewArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray, bool),
    Binary(&'a BinaryViewArray),
}

impl<'a> Source<'a> {
    pub(super) fn new(column: &'a ArrayRef) -> Result<Self, ContractError> {
        Ok(match column.data_type() {
            DataType::Boolean => Self::Boolean(column.as_boolean()),
            DataType::Int64 => Self::Int64(column.as_primitive::<Int64Type>()),
            DataType::Decimal128(_, scale) => Self::Decimal(column.as_primitive::<Decimal128Type>(), *scale),
            DataType::Float64 => Self::Float64(column.as_primitive::<Float64Type>()),
            DataType::Utf8View => Self::Text(column.as_string_view()),
            DataType::Date32 => Self::Date(column.as_primitive::<Date32Type>()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Self::Timestamp(column.as_primitive::<TimestampMicrosecondType>(), zone.is_some())
            }
            DataType::BinaryView => Self::Binary(column.as_binary_view()),
            other => return Err(internal(format!("{other} is not a column type of the contract"))),
        })
    }

    /// The canonical lexical form of the natural RDF datatype (R2RML section 10.2), of a value that is not null.
    pub(super) fn lexical(&self, row: usize) -> Cow<'a, str> {
        match self {
            Self::Text(a) => Cow::Borrowed(a.value(row)),
            Self::Boolean(a) => Cow::Borrowed(if a.value(row) { "true" } else { "false" }),
            Self::Int64(a) => Cow::Owned(a.value(row).to_string()),
            Self::Decimal(a, scale) => Cow::Owned(decimal_text(a.value(row), *scale)),
            Self::Float64(a) => Cow::Owned(double_text(a.value(row))),
            Self::Date(a) => Cow::Owned(date(a.value(row)).to_string()),
            Self::Timestamp(a, zoned) => Cow::Owned(date_time(a.value(row), *zoned).to_string()),
            Self::Binary(a) => Cow::Owned(hex(a.value(row))),
        }
    }
}

/// `unscaled / 10^scale` with scale 18, if it fits.
pub(super) fn rescale(unscaled: i128, scale: i8) -> Option<i128> {
    let shift = DECIMAL_SCALE.checked_sub(scale)?;
    let factor = 10_i128.checked_pow(u32::from(shift.unsigned_abs()))?;
    if shift >= 0 {
        return unscaled.checked_mul(factor);
    }
    (unscaled % factor == 0).then_some(unscaled / factor)
}

fn decimal_text(unscaled: i128, scale: i8) -> String {
    match rescale(unscaled, scale) {
        Some(value) => decimal(value).to_string(),
        None => long_decimal_text(unscaled, usize::from(scale.unsigned_abs())),
    }
}

/// A decimal with more digits than the broker computes with; `scale` is positive, contract types have no other.
fn long_decimal_text(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// `xsd:hexBinary` in its canonical form.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}
