//! Values, and how they compare.

use crate::bindings::weft::connector::types as w;
use crate::contract::{DataType, DecimalType, TypeKind};
use std::cmp::Ordering;

/// One value. Null is the absence of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Boolean(bool),
    Int64(i64),
    /// `unscaled / 10^scale`.
    Decimal {
        unscaled: i128,
        scale: u8,
    },
    Float64(f64),
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00.
    Timestamp(i64),
    Binary(Vec<u8>),
}

impl Value {
    pub fn kind(&self) -> TypeKind {
        match self {
            Self::Boolean(_) => TypeKind::Boolean,
            Self::Int64(_) => TypeKind::Int64,
            Self::Decimal { .. } => TypeKind::Decimal,
            Self::Float64(_) => TypeKind::Float64,
            Self::Text(_) => TypeKind::Text,
            Self::Date(_) => TypeKind::Date,
            Self::Timestamp(_) => TypeKind::Timestamp,
            Self::Binary(_) => TypeKind::Binary,
        }
    }
}

impl From<w::Value> for Value {
    fn from(value: w::Value) -> Self {
        match value {
            w::Value::Boolean(v) => Self::Boolean(v),
            w::Value::Int64(v) => Self::Int64(v),
            w::Value::Decimal(v) => {
                Self::Decimal { unscaled: (i128::from(v.high) << 64) | i128::from(v.low), scale: v.scale }
            }
            w::Value::Float64(v) => Self::Float64(v),
            w::Value::Text(v) => Self::Text(v),
            w::Value::Date(v) => Self::Date(v),
            w::Value::Timestamp(v) => Self::Timestamp(v),
            w::Value::Binary(v) => Self::Binary(v),
        }
    }
}

/// A value as a cell of a sample row.
pub fn cell(value: Value) -> w::Value {
    match value {
        Value::Boolean(v) => w::Value::Boolean(v),
        Value::Int64(v) => w::Value::Int64(v),
        Value::Decimal { unscaled, scale } => {
            w::Value::Decimal(w::DecimalValue { high: (unscaled >> 64) as i64, low: unscaled as u64, scale })
        }
        Value::Float64(v) => w::Value::Float64(v),
        Value::Text(v) => w::Value::Text(v),
        Value::Date(v) => w::Value::Date(v),
        Value::Timestamp(v) => w::Value::Timestamp(v),
        Value::Binary(v) => w::Value::Binary(v),
    }
}

pub fn data_type_kind(data_type: DataType) -> TypeKind {
    match data_type {
        DataType::Boolean => TypeKind::Boolean,
        DataType::Int64 => TypeKind::Int64,
        DataType::Decimal(_) => TypeKind::Decimal,
        DataType::Float64 => TypeKind::Float64,
        DataType::Text => TypeKind::Text,
        DataType::Date => TypeKind::Date,
        DataType::Timestamp | DataType::TimestampZoned => TypeKind::Timestamp,
        DataType::Binary => TypeKind::Binary,
    }
}

pub fn decimal_type(precision: u8, scale: u8) -> DataType {
    DataType::Decimal(DecimalType { precision, scale })
}

/// Orders two values: numbers by value whatever their types, text by code point. `None` for NaN, and for values that
/// have no common order.
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    use Value as V;
    match (a, b) {
        (V::Boolean(a), V::Boolean(b)) => Some(a.cmp(b)),
        (V::Text(a), V::Text(b)) => Some(a.cmp(b)),
        (V::Date(a), V::Date(b)) => Some(a.cmp(b)),
        (V::Timestamp(a), V::Timestamp(b)) => Some(a.cmp(b)),
        (V::Binary(a), V::Binary(b)) => Some(a.cmp(b)),
        (V::Int64(a), V::Int64(b)) => Some(a.cmp(b)),
        (V::Int64(_) | V::Decimal { .. }, V::Int64(_) | V::Decimal { .. }) => Some(compare_decimals(a, b)),
        _ => float(a)?.partial_cmp(&float(b)?),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float64(v) => Some(*v),
        Value::Int64(v) => Some(*v as f64),
        // Through text: the nearest double, where a division would round twice.
        Value::Decimal { unscaled, scale } => format!("{unscaled}e-{scale}").parse().ok(),
        _ => None,
    }
}

fn compare_decimals(a: &Value, b: &Value) -> Ordering {
    let parts = |value: &Value| match value {
        Value::Decimal { unscaled, scale } => (*unscaled, u32::from(*scale)),
        Value::Int64(v) => (i128::from(*v), 0),
        _ => (0, 0),
    };
    let ((a, a_scale), (b, b_scale)) = (parts(a), parts(b));
    if a_scale == b_scale {
        return a.cmp(&b);
    }
    if a_scale > b_scale {
        return compare_scaled(a, b, a_scale - b_scale);
    }
    compare_scaled(b, a, b_scale - a_scale).reverse()
}

/// Compares `a` with `b * 10^scale` without overflow.
fn compare_scaled(a: i128, b: i128, scale: u32) -> Ordering {
    let factor = 10_i128.checked_pow(scale);
    match factor.and_then(|factor| b.checked_mul(factor)) {
        Some(b) => a.cmp(&b),
        // Beyond every number of 38 digits, on the side of its sign.
        None => 0.cmp(&b),
    }
}
