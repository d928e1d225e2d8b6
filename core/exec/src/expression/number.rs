//! Numbers of the three native types, computed with as oxsdatatypes does.

use crate::columns::{decimal, in_stream, internal, one_nan, unscaled};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use datafusion_common::Result;
use oxsdatatypes::{Decimal, Double, Integer};
use std::sync::Arc;
use weft_model::term::LiteralType;

#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(Integer),
    Decimal(Decimal),
    Double(Double),
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
            LiteralType::Integer => Self::Integer(column.as_primitive::<Int64Type>()),
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

impl Number {
    pub(super) fn to_double(self) -> Double {
        match self {
            Self::Integer(n) => n.into(),
            Self::Decimal(n) => n.into(),
            Self::Double(n) => n,
        }
    }

    fn to_decimal(self) -> Option<Decimal> {
        match self {
            Self::Integer(n) => Some(n.into()),
            Self::Decimal(n) => Some(n),
            Self::Double(_) => None,
        }
    }

    fn to_integer(self) -> Option<Integer> {
        match self {
            Self::Integer(n) => Some(n),
            _ => None,
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
