//! Reads PostgreSQL's binary values.

use super::numeric;
use crate::error::{Result, invalid_data, schema_changed};
use crate::rows::Cell;
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use weft_model::contract::DataType;

/// From 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The bytes of a value of any type.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value of a column as one of `data_type`.
pub(super) fn read<'a>(
    row: &'a Row,
    column: usize,
    data_type: DataType,
    label: &dyn Fn() -> String,
) -> Result<Option<Cell<'a>>> {
    let Some(Raw(bytes)) = row.try_get::<_, Option<Raw<'_>>>(column).map_err(crate::error::internal)? else {
        return Ok(None);
    };
    let native = row.columns()[column].type_();
    let value = match data_type {
        DataType::Boolean if *native == Type::BOOL => Cell::Boolean(bytes == [1]),
        DataType::Int64 => Cell::Int64(integer(native, bytes).ok_or_else(|| changed(native, data_type, label))?),
        DataType::Float64 => Cell::Float64(float(native, bytes).ok_or_else(|| changed(native, data_type, label))?),
        DataType::Decimal { precision, scale } if *native == Type::NUMERIC => {
            let unscaled = numeric::decode(bytes, precision, scale);
            let wrong = "a number with more digits, or none (NaN)";
            Cell::Decimal(unscaled.ok_or_else(|| invalid(data_type, wrong, label))?)
        }
        DataType::Text if [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::UNKNOWN].contains(native) => {
            let text = std::str::from_utf8(bytes).map_err(|_| invalid(data_type, "a text that is not UTF-8", label))?;
            Cell::Text(text)
        }
        DataType::Date if *native == Type::DATE => {
            let days = fixed(bytes).map(i32::from_be_bytes).filter(|days| *days != i32::MIN);
            let days = days.and_then(|days| days.checked_add(EPOCH_DAYS));
            Cell::Date(days.ok_or_else(|| invalid(data_type, "an infinite date", label))?)
        }
        DataType::Timestamp { zoned } if *native == if zoned { Type::TIMESTAMPTZ } else { Type::TIMESTAMP } => {
            let micros = fixed(bytes).map(i64::from_be_bytes).filter(|micros| *micros != i64::MIN);
            let micros = micros.and_then(|micros| micros.checked_add(EPOCH_MICROS));
            Cell::Timestamp(micros.ok_or_else(|| invalid(data_type, "an infinite timestamp", label))?)
        }
        DataType::Binary if *native == Type::BYTEA => Cell::Binary(bytes),
        _ => return Err(changed(native, data_type, label)),
    };
    Ok(Some(value))
}

fn integer(native: &Type, bytes: &[u8]) -> Option<i64> {
    match *native {
        Type::INT2 => fixed(bytes).map(i16::from_be_bytes).map(i64::from),
        Type::INT4 => fixed(bytes).map(i32::from_be_bytes).map(i64::from),
        Type::INT8 => fixed(bytes).map(i64::from_be_bytes),
        _ => None,
    }
}

fn float(native: &Type, bytes: &[u8]) -> Option<f64> {
    match *native {
        Type::FLOAT4 => fixed(bytes).map(f32::from_be_bytes).map(f64::from),
        Type::FLOAT8 => fixed(bytes).map(f64::from_be_bytes),
        _ => None,
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn invalid(data_type: DataType, found: &str, label: &dyn Fn() -> String) -> weft_model::contract::ContractError {
    invalid_data(format!("{} holds {found}, declared is {data_type}", label()))
}

fn changed(native: &Type, data_type: DataType, label: &dyn Fn() -> String) -> weft_model::contract::ContractError {
    schema_changed(format!("{} is now of type {native}, not {data_type}", label()))
}
