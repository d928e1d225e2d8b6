//! Typed values and the types of columns.

use super::ConvertError;
use super::names::Name as _;
use weft_model::contract::{ColumnRef, DataType, TypeKind, Value};
use weft_proto::v1;
use weft_proto::v1::value::Value as Wire;

const MAX_PRECISION: u32 = 38;

pub(crate) fn encode_type(data_type: DataType) -> v1::DataType {
    let mut wire = v1::DataType { kind: data_type.kind().encode(), ..v1::DataType::default() };
    match data_type {
        DataType::Decimal { precision, scale } => {
            wire.precision = precision.into();
            wire.scale = scale.into();
        }
        DataType::Timestamp { zoned } => wire.zoned = zoned,
        _ => {}
    }
    wire
}

pub(crate) fn decode_type(wire: Option<v1::DataType>) -> Result<DataType, ConvertError> {
    let wire = wire.ok_or(ConvertError::Missing("the data type"))?;
    if wire.kind == 0 {
        return Err(ConvertError::Missing("the kind of the data type"));
    }
    Ok(match TypeKind::decode(wire.kind).ok_or(ConvertError::Unknown("the kind of the data type"))? {
        TypeKind::Boolean => DataType::Boolean,
        TypeKind::Int64 => DataType::Int64,
        TypeKind::Decimal => decimal_type(wire.precision, wire.scale)?,
        TypeKind::Float64 => DataType::Float64,
        TypeKind::Text => DataType::Text,
        TypeKind::Date => DataType::Date,
        TypeKind::Timestamp => DataType::Timestamp { zoned: wire.zoned },
        TypeKind::Binary => DataType::Binary,
    })
}

fn decimal_type(precision: u32, scale: u32) -> Result<DataType, ConvertError> {
    let invalid = ConvertError::Decimal { precision, scale };
    if precision == 0 || precision > MAX_PRECISION || scale > precision {
        return Err(invalid);
    }
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) => Ok(DataType::Decimal { precision, scale }),
        _ => Err(invalid),
    }
}

pub(super) fn encode_value(value: &Value) -> v1::Value {
    let wire = match value {
        Value::Boolean(v) => Wire::Boolean(*v),
        Value::Int64(v) => Wire::Int64(*v),
        Value::Decimal { unscaled, scale } => Wire::Decimal(encode_decimal(*unscaled, *scale)),
        Value::Float64(v) => Wire::Float64(*v),
        Value::Text(v) => Wire::Text(v.clone()),
        Value::Date(v) => Wire::Date(*v),
        Value::Timestamp(v) => Wire::Timestamp(*v),
        Value::Binary(v) => Wire::Binary(v.clone().into()),
    };
    v1::Value { value: Some(wire) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "splits the number into its halves")]
fn encode_decimal(unscaled: i128, scale: u8) -> v1::Decimal {
    v1::Decimal { high: (unscaled >> 64) as i64, low: unscaled as u64, scale: scale.into() }
}

pub(super) fn decode_value(wire: v1::Value) -> Result<Value, ConvertError> {
    Ok(match wire.value.ok_or(ConvertError::Unknown("a value"))? {
        Wire::Boolean(v) => Value::Boolean(v),
        Wire::Int64(v) => Value::Int64(v),
        Wire::Decimal(v) => decode_decimal(&v)?,
        Wire::Float64(v) => Value::Float64(v),
        Wire::Text(v) => Value::Text(v),
        Wire::Date(v) => Value::Date(v),
        Wire::Timestamp(v) => Value::Timestamp(v),
        Wire::Binary(v) => Value::Binary(v.to_vec()),
    })
}

fn decode_decimal(wire: &v1::Decimal) -> Result<Value, ConvertError> {
    let invalid = ConvertError::Decimal { precision: MAX_PRECISION, scale: wire.scale };
    let scale = u8::try_from(wire.scale).ok().filter(|scale| u32::from(*scale) <= MAX_PRECISION).ok_or(invalid)?;
    Ok(Value::Decimal { unscaled: (i128::from(wire.high) << 64) | i128::from(wire.low), scale })
}

pub(super) fn encode_values(values: &[Value]) -> Vec<v1::Value> {
    values.iter().map(encode_value).collect()
}

pub(super) fn decode_values(wire: Vec<v1::Value>) -> Result<Vec<Value>, ConvertError> {
    wire.into_iter().map(decode_value).collect()
}

pub(super) fn encode_column_ref(column: &ColumnRef) -> v1::ColumnRef {
    v1::ColumnRef { relation: column.relation.clone(), name: column.name.clone() }
}

pub(super) fn decode_column_ref(wire: Option<v1::ColumnRef>) -> Result<ColumnRef, ConvertError> {
    let wire = wire.ok_or(ConvertError::Missing("a column"))?;
    Ok(ColumnRef { relation: wire.relation, name: wire.name })
}
