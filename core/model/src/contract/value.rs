//! Typed values and the types of columns.

use arrow_schema::{DataType as ArrowType, TimeUnit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a column.
///
/// Text is Unicode; dates are days and timestamps microseconds since 1970-01-01. A zoned timestamp is an instant (UTC),
/// an unzoned one is wall-clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataType {
    Boolean,
    Int64,
    /// Precision at most 38, scale at most the precision.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Float64,
    Text,
    Date,
    Timestamp {
        zoned: bool,
    },
    Binary,
}

/// A [`DataType`] without its parameters: what capabilities are declared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TypeKind {
    Boolean,
    Int64,
    Decimal,
    Float64,
    Text,
    Date,
    Timestamp,
    Binary,
}

impl DataType {
    pub fn kind(self) -> TypeKind {
        match self {
            Self::Boolean => TypeKind::Boolean,
            Self::Int64 => TypeKind::Int64,
            Self::Decimal { .. } => TypeKind::Decimal,
            Self::Float64 => TypeKind::Float64,
            Self::Text => TypeKind::Text,
            Self::Date => TypeKind::Date,
            Self::Timestamp { .. } => TypeKind::Timestamp,
            Self::Binary => TypeKind::Binary,
        }
    }

    /// The Arrow type batches of such a column have inside the broker.
    pub fn to_arrow(self) -> ArrowType {
        match self {
            Self::Boolean => ArrowType::Boolean,
            Self::Int64 => ArrowType::Int64,
            Self::Decimal { precision, scale } => {
                ArrowType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
            }
            Self::Float64 => ArrowType::Float64,
            Self::Text => ArrowType::Utf8View,
            Self::Date => ArrowType::Date32,
            Self::Timestamp { zoned } => ArrowType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into())),
            Self::Binary => ArrowType::BinaryView,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int64 => f.write_str("int64"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Float64 => f.write_str("float64"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::Timestamp { zoned: true } => f.write_str("timestamp with time zone"),
            Self::Timestamp { zoned: false } => f.write_str("timestamp"),
            Self::Binary => f.write_str("binary"),
        }
    }
}

/// A constant in a filter, or one cell of a sample row.
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
    /// Microseconds since 1970-01-01T00:00:00; whether it is an instant is said by the column it is compared with.
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
