//! Numbers, computed with as oxsdatatypes does: exact where the type is, an error on overflow.

use crate::columns::{decimal, in_stream, internal, one_nan, unscaled};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use datafusion_common::Result;
use oxsdatatypes::{Decimal, Double, Float, Integer};
use spareval::ExpressionTerm;
use std::cmp::Ordering;
use std::sync::Arc;
use weft_model::term::LiteralType;

/// A number of one of the types XPath's operators know. Those derived from `xsd:integer` are integers to them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(Integer),
    Decimal(Decimal),
    Float(Float),
    Double(Double),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Two numbers after the promotion of XPath 2.0, appendix B.1.
enum Promoted {
    Integer(Integer, Integer),
    Decimal(Decimal, Decimal),
    Float(Float, Float),
    Double(Double, Double),
}

impl Number {
    pub(super) fn of(value: &ExpressionTerm) -> Option<Self> {
        Some(match value {
            ExpressionTerm::IntegerLiteral(n) => Self::Integer(*n),
            ExpressionTerm::DecimalLiteral(n) => Self::Decimal(*n),
            ExpressionTerm::FloatLiteral(n) => Self::Float(*n),
            ExpressionTerm::DoubleLiteral(n) => Self::Double(*n),
            _ => return None,
        })
    }

    /// By value; `None` with a NaN.
    pub(super) fn partial_cmp(self, other: Self) -> Option<Ordering> {
        match promoted(self, other) {
            Promoted::Integer(a, b) => a.partial_cmp(&b),
            Promoted::Decimal(a, b) => a.partial_cmp(&b),
            Promoted::Float(a, b) => a.partial_cmp(&b),
            Promoted::Double(a, b) => a.partial_cmp(&b),
        }
    }

    pub(super) fn to_double(self) -> Double {
        match self {
            Self::Integer(n) => n.into(),
            Self::Decimal(n) => n.into(),
            Self::Float(n) => n.into(),
            Self::Double(n) => n,
        }
    }

    fn to_float(self) -> Float {
        match self {
            Self::Integer(n) => n.into(),
            Self::Decimal(n) => n.into(),
            Self::Float(n) => n,
            Self::Double(n) => n.into(),
        }
    }

    fn to_decimal(self) -> Option<Decimal> {
        match self {
            Self::Integer(n) => Some(n.into()),
            Self::Decimal(n) => Some(n),
            Self::Float(_) | Self::Double(_) => None,
        }
    }

    fn to_integer(self) -> Option<Integer> {
        match self {
            Self::Integer(n) => Some(n),
            _ => None,
        }
    }
}

impl From<Number> for ExpressionTerm {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(n) => Self::IntegerLiteral(n),
            Number::Decimal(n) => Self::DecimalLiteral(n),
            Number::Float(n) => Self::FloatLiteral(n),
            Number::Double(n) => Self::DoubleLiteral(n),
        }
    }
}

fn promoted(a: Number, b: Number) -> Promoted {
    use Number as N;
    match (a, b) {
        (N::Integer(a), N::Integer(b)) => Promoted::Integer(a, b),
        (N::Double(_), _) | (_, N::Double(_)) => Promoted::Double(a.to_double(), b.to_double()),
        (N::Float(_), _) | (_, N::Float(_)) => Promoted::Float(a.to_float(), b.to_float()),
        (N::Decimal(a), N::Decimal(b)) => Promoted::Decimal(a, b),
        (N::Decimal(a), N::Integer(b)) => Promoted::Decimal(a, b.into()),
        (N::Integer(a), N::Decimal(b)) => Promoted::Decimal(a.into(), b),
    }
}

/// `None` on overflow, and when an exact number is divided by zero.
pub(super) fn compute(operation: Operation, a: Number, b: Number) -> Option<Number> {
    match promoted(a, b) {
        Promoted::Integer(a, b) => integers(operation, a, b),
        Promoted::Decimal(a, b) => decimals(operation, a, b),
        Promoted::Float(a, b) => Some(Number::Float(match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
        })),
        Promoted::Double(a, b) => Some(Number::Double(match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
        })),
    }
}

fn integers(operation: Operation, a: Integer, b: Integer) -> Option<Number> {
    Some(match operation {
        Operation::Add => Number::Integer(a.checked_add(b)?),
        Operation::Subtract => Number::Integer(a.checked_sub(b)?),
        Operation::Multiply => Number::Integer(a.checked_mul(b)?),
        Operation::Divide => Number::Decimal(Decimal::from(a).checked_div(b)?),
    })
}

fn decimals(operation: Operation, a: Decimal, b: Decimal) -> Option<Number> {
    Some(Number::Decimal(match operation {
        Operation::Add => a.checked_add(b)?,
        Operation::Subtract => a.checked_sub(b)?,
        Operation::Multiply => a.checked_mul(b)?,
        Operation::Divide => a.checked_div(b)?,
    }))
}

/// A numeric column.
pub(super) enum Numbers<'a> {
    Integer(&'a Int64Array),
    Decimal(&'a Decimal128Array),
    Double(&'a Float64Array),
}

impl<'a> Numbers<'a> {
    pub(super) fn new(literal: &LiteralType, column: &'a ArrayRef) -> Result<Self> {
        Ok(match literal {
            LiteralType::Integer | LiteralType::DerivedInteger(_) => Self::Integer(column.as_primitive::<Int64Type>()),
            LiteralType::Decimal => Self::Decimal(column.as_primitive::<Decimal128Type>()),
            LiteralType::Double => Self::Double(column.as_primitive::<Float64Type>()),
            other => return Err(in_stream(internal(format!("{} is not a number", other.datatype())))),
        })
    }

    pub(super) fn get(&self, row: usize) -> Option<Number> {
        match self {
            Self::Integer(a) => a.is_valid(row).then(|| Number::Integer(a.value(row).into())),
            Self::Decimal(a) => a.is_valid(row).then(|| Number::Decimal(decimal(a.value(row)))),
            Self::Double(a) => a.is_valid(row).then(|| Number::Double(a.value(row).into())),
        }
    }
}

/// A column of numbers of one type; a number of another type is an error of the kernel.
pub(super) fn number_column(literal: &LiteralType, numbers: Vec<Option<Number>>) -> Result<ArrayRef> {
    let mismatch = || in_stream(internal("a kernel computed a number of another type"));
    Ok(match literal {
        LiteralType::Integer => {
            let cell = |n: Option<Number>| n.map(|n| n.to_integer().map(i64::from).ok_or_else(mismatch)).transpose();
            Arc::new(numbers.into_iter().map(cell).collect::<Result<Int64Array>>()?)
        }
        LiteralType::Decimal => {
            let cell = |n: Option<Number>| n.map(|n| n.to_decimal().map(unscaled).ok_or_else(mismatch)).transpose();
            let column = numbers.into_iter().map(cell).collect::<Result<Decimal128Array>>()?;
            Arc::new(column.with_data_type(LiteralType::Decimal.arrow()))
        }
        LiteralType::Double => {
            Arc::new(numbers.into_iter().map(|n| n.map(|n| one_nan(n.to_double().into()))).collect::<Float64Array>())
        }
        _ => return Err(mismatch()),
    })
}

/// A numeric column as doubles, rounded where spareval rounds.
pub(super) fn doubles(literal: &LiteralType, column: &ArrayRef) -> Result<Float64Array> {
    let numbers = Numbers::new(literal, column)?;
    Ok((0..column.len()).map(|row| numbers.get(row).map(|n| f64::from(n.to_double()))).collect())
}
