//! Types, values, and the plain enumerations.

use super::ConvertError;
use crate::wit::weft::connector::types as w;
use arrow_schema::DataType as ArrowType;
use weft_model::contract as m;

macro_rules! same_enum {
    ($($name:ident { $($variant:ident),* $(,)? })*) => {$(
        impl From<m::$name> for w::$name {
            fn from(value: m::$name) -> Self {
                match value { $(m::$name::$variant => Self::$variant,)* }
            }
        }

        impl From<w::$name> for m::$name {
            fn from(value: w::$name) -> Self {
                match value { $(w::$name::$variant => Self::$variant,)* }
            }
        }
    )*};
}

same_enum! {
    TypeKind { Boolean, Int64, Decimal, Float64, Text, Date, Timestamp, Binary }
    TextComparison { CodePoint, CaseInsensitive, PadSpace, Unknown }
    Binding { None, Optional, Required }
    UnquotedNames { AsWritten, LowerCase }
    Capability { None, Superset, Exact }
    FilterOperation {
        Equal, NotEqual, Range, In, IsNull, StartsWith, EndsWith, Contains, Or, Not, CompareColumns,
    }
    JoinSupport { None, ForeignKeys, Any }
    AggregateFunction { Count, Sum, Min, Max }
    CompareOperator { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual }
    TextOperator { StartsWith, EndsWith, Contains }
    JoinKind { Inner, Left }
    TimePart { Year, Month, Day, Hours, Minutes }
}

const MAX_DIGITS: u8 = 38;

pub(super) fn data_type_to_wit(data_type: m::DataType) -> w::DataType {
    match data_type {
        m::DataType::Boolean => w::DataType::Boolean,
        m::DataType::Int64 => w::DataType::Int64,
        m::DataType::Decimal { precision, scale } => w::DataType::Decimal(w::DecimalType { precision, scale }),
        m::DataType::Float64 => w::DataType::Float64,
        m::DataType::Text => w::DataType::Text,
        m::DataType::Date => w::DataType::Date,
        m::DataType::Timestamp { zoned: false } => w::DataType::Timestamp,
        m::DataType::Timestamp { zoned: true } => w::DataType::TimestampZoned,
        m::DataType::Binary => w::DataType::Binary,
    }
}

pub(super) fn data_type_from_wit(data_type: w::DataType) -> Result<m::DataType, ConvertError> {
    Ok(match data_type {
        w::DataType::Boolean => m::DataType::Boolean,
        w::DataType::Int64 => m::DataType::Int64,
        w::DataType::Decimal(w::DecimalType { precision, scale }) => {
            if precision == 0 || precision > MAX_DIGITS || scale > precision {
                return Err(ConvertError::DecimalType { precision, scale });
            }
            m::DataType::Decimal { precision, scale }
        }
        w::DataType::Float64 => m::DataType::Float64,
        w::DataType::Text => m::DataType::Text,
        w::DataType::Date => m::DataType::Date,
        w::DataType::Timestamp => m::DataType::Timestamp { zoned: false },
        w::DataType::TimestampZoned => m::DataType::Timestamp { zoned: true },
        w::DataType::Binary => m::DataType::Binary,
    })
}

/// The type whose columns have this Arrow type.
pub(super) fn data_type_of_arrow(arrow: &ArrowType) -> Option<m::DataType> {
    let candidate = match arrow {
        ArrowType::Boolean => m::DataType::Boolean,
        ArrowType::Int64 => m::DataType::Int64,
        ArrowType::Decimal128(precision, scale) => {
            m::DataType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        ArrowType::Float64 => m::DataType::Float64,
        ArrowType::Utf8View => m::DataType::Text,
        ArrowType::Date32 => m::DataType::Date,
        ArrowType::Timestamp(_, zone) => m::DataType::Timestamp { zoned: zone.is_some() },
        ArrowType::BinaryView => m::DataType::Binary,
        _ => return None,
    };
    (&candidate.to_arrow() == arrow).then_some(candidate)
}

pub(super) fn value_to_wit(value: m::Value) -> w::Value {
    match value {
        m::Value::Boolean(v) => w::Value::Boolean(v),
        m::Value::Int64(v) => w::Value::Int64(v),
        m::Value::Decimal { unscaled, scale } => {
            let bytes = unscaled.to_le_bytes();
            let (low, high) = bytes.split_at(8);
            w::Value::Decimal(w::DecimalValue {
                high: i64::from_le_bytes(eight(high)),
                low: u64::from_le_bytes(eight(low)),
                scale,
            })
        }
        m::Value::Float64(v) => w::Value::Float64(v),
        m::Value::Text(v) => w::Value::Text(v),
        m::Value::Date(v) => w::Value::Date(v),
        m::Value::Timestamp(v) => w::Value::Timestamp(v),
        m::Value::Binary(v) => w::Value::Binary(v),
    }
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    std::array::from_fn(|i| bytes.get(i).copied().unwrap_or_default())
}

pub(super) fn value_from_wit(value: w::Value) -> Result<m::Value, ConvertError> {
    Ok(match value {
        w::Value::Boolean(v) => m::Value::Boolean(v),
        w::Value::Int64(v) => m::Value::Int64(v),
        w::Value::Decimal(w::DecimalValue { high, low, scale }) => {
            if scale > MAX_DIGITS {
                return Err(ConvertError::DecimalScale(scale));
            }
            m::Value::Decimal { unscaled: (i128::from(high) << 64) | i128::from(low), scale }
        }
        w::Value::Float64(v) => m::Value::Float64(v),
        w::Value::Text(v) => m::Value::Text(v),
        w::Value::Date(v) => m::Value::Date(v),
        w::Value::Timestamp(v) => m::Value::Timestamp(v),
        w::Value::Binary(v) => m::Value::Binary(v),
    })
}

pub(super) fn values_from_wit(values: Vec<w::Value>) -> Result<Vec<m::Value>, ConvertError> {
    values.into_iter().map(value_from_wit).collect()
}
