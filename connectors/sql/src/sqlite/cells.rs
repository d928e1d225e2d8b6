//! Checks each value that SQLite returns against the type of its column.

use super::functions::{not_a_timestamp, storage_class};
use crate::calendar;
use crate::decimal;
use crate::error::{Result, invalid_data};
use crate::rows::Cell;
use rusqlite::types::ValueRef;
use weft_model::contract::DataType;

/// The value as one of `data_type`; timestamps come as microseconds already, unless they come `as_stored`.
pub(super) fn read<'a>(
    value: ValueRef<'a>,
    data_type: DataType,
    as_stored: bool,
    label: &dyn Fn() -> String,
) -> Result<Option<Cell<'a>>> {
    let read = match (data_type, value) {
        (_, ValueRef::Null) => return Ok(None),
        (DataType::Boolean, ValueRef::Integer(i @ (0 | 1))) => Cell::Boolean(i == 1),
        (DataType::Int64, ValueRef::Integer(i)) => Cell::Int64(i),
        (DataType::Timestamp { .. }, ValueRef::Integer(i)) if !as_stored => Cell::Timestamp(i),
        (DataType::Timestamp { zoned }, ValueRef::Text(bytes)) if as_stored => {
            let micros = std::str::from_utf8(bytes).ok().and_then(|text| calendar::parse_timestamp(text, zoned));
            Cell::Timestamp(micros.ok_or_else(|| wrong(data_type, not_a_timestamp(value, zoned), label))?)
        }
        (DataType::Float64, ValueRef::Real(r)) => Cell::Float64(r),
        (DataType::Float64, ValueRef::Integer(i)) => {
            let real = i as f64;
            if real as i128 != i128::from(i) {
                return Err(wrong(data_type, "an integer that a 64-bit float cannot hold", label));
            }
            Cell::Float64(real)
        }
        (DataType::Decimal { precision, scale }, ValueRef::Integer(i)) => {
            let unscaled = decimal::from_i64(i, precision, scale);
            Cell::Decimal(unscaled.ok_or_else(|| too_many_digits(data_type, label))?)
        }
        (DataType::Decimal { precision, scale }, ValueRef::Real(r)) => {
            let unscaled = decimal::from_f64(r, precision, scale);
            Cell::Decimal(unscaled.ok_or_else(|| too_many_digits(data_type, label))?)
        }
        (DataType::Text, ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text),
            Err(_) => return Err(wrong(data_type, "a text that is not UTF-8", label)),
        },
        (DataType::Date, ValueRef::Text(bytes)) => {
            let days = std::str::from_utf8(bytes).ok().and_then(calendar::parse_date);
            Cell::Date(days.ok_or_else(|| wrong(data_type, "a text that is not an ISO 8601 date", label))?)
        }
        (DataType::Binary, ValueRef::Blob(bytes)) => Cell::Binary(bytes),
        (_, other) => return Err(wrong(data_type, storage_class(other), label)),
    };
    Ok(Some(read))
}

fn wrong(data_type: DataType, found: &str, label: &dyn Fn() -> String) -> weft_model::contract::ContractError {
    invalid_data(format!("{} holds {found}, declared is {data_type}", label()))
}

fn too_many_digits(data_type: DataType, label: &dyn Fn() -> String) -> weft_model::contract::ContractError {
    wrong(data_type, "a number with more digits", label)
}
