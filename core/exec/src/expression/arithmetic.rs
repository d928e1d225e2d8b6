//! Arithmetic, rounding and numeric casts over numeric columns. Overflow and division by zero are errors.

use super::Compiler;
use super::number::{Number, Numbers, number_column};
use super::typed::Typed;
use crate::columns::Kernel;
use arrow_array::ArrayRef;
use datafusion_common::Result as StreamResult;
use oxsdatatypes::{Decimal, Double, Integer};
use spareval::ExpressionTerm;
use spargebra::algebra::{Expression, Function};
use std::fmt::Display;
use weft_model::contract::ContractError;
use weft_model::term::LiteralType;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Compiler<'_> {
    pub(super) fn arithmetic(
        &self,
        expression: &Expression,
        a: &Expression,
        b: &Expression,
    ) -> Result<Option<Typed>, ContractError> {
        let operation = match expression {
            Expression::Add(..) => Operation::Add,
            Expression::Subtract(..) => Operation::Subtract,
            Expression::Multiply(..) => Operation::Multiply,
            _ => Operation::Divide,
        };
        let (Some(a), Some(b)) = (self.native(a)?, self.native(b)?) else {
            return Ok(None);
        };
        Ok(binary(operation, &a.nativized()?, &b.nativized()?))
    }

    pub(super) fn sign(&self, expression: &Expression, inner: &Expression) -> Result<Option<Typed>, ContractError> {
        let Some(inner) = self.native(inner)? else {
            return Ok(None);
        };
        let inner = inner.nativized()?;
        Ok(match expression {
            Expression::UnaryMinus(_) => unary("minus", &inner, negated),
            _ => unary("plus", &inner, Some),
        })
    }
}

/// ABS, CEIL, FLOOR and ROUND.
pub(super) fn rounding(function: &Function, argument: &Typed) -> Option<Typed> {
    let operation = match function {
        Function::Abs => absolute,
        Function::Ceil => ceiling,
        Function::Floor => floor,
        Function::Round => rounded,
        _ => return None,
    };
    unary(&function.to_string(), argument, operation)
}

/// The casts to the native numeric types, from numbers, booleans and strings.
pub(super) fn cast(target: &LiteralType, argument: &Typed) -> Option<Typed> {
    let (source, _) = argument.as_literal()?;
    let is_castable = source.is_numeric() || matches!(source, LiteralType::Boolean | LiteralType::String);
    if !is_castable || !target.is_numeric() {
        return None;
    }
    let term_type = argument.term_type.clone();
    let wanted = target.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let reader = crate::columns::TermReader::new(&term_type, columns)?;
        let cell = |row| Ok(reader.value(row)?.and_then(|term| cast_term(&wanted, term)));
        number_column(&wanted, (0..rows).map(cell).collect::<StreamResult<_>>()?)
    };
    let name = format!("cast_{}<{}>", target.datatype().as_str(), argument.term_type);
    let column = Kernel::new(name, argument.columns.clone(), target.arrow(), apply).expr();
    Some(Typed::literal(target.clone(), column))
}

fn cast_term(target: &LiteralType, term: ExpressionTerm) -> Option<Number> {
    use ExpressionTerm as T;
    Some(match target {
        LiteralType::Integer => Number::Integer(match term {
            T::IntegerLiteral(n) => n,
            T::DecimalLiteral(n) => n.try_into().ok()?,
            T::DoubleLiteral(n) => n.try_into().ok()?,
            T::BooleanLiteral(b) => b.into(),
            T::StringLiteral(text) => text.parse().ok()?,
            _ => return None,
        }),
        LiteralType::Decimal => Number::Decimal(match term {
            T::IntegerLiteral(n) => n.into(),
            T::DecimalLiteral(n) => n,
            T::DoubleLiteral(n) => n.try_into().ok()?,
            T::BooleanLiteral(b) => b.into(),
            T::StringLiteral(text) => text.parse().ok()?,
            _ => return None,
        }),
        _ => Number::Double(match term {
            T::IntegerLiteral(n) => n.into(),
            T::DecimalLiteral(n) => n.into(),
            T::DoubleLiteral(n) => n,
            T::BooleanLiteral(b) => b.into(),
            T::StringLiteral(text) => text.parse().ok()?,
            _ => return None,
        }),
    })
}

fn unary(
    name: &(impl Display + ?Sized),
    argument: &Typed,
    operation: impl Fn(Number) -> Option<Number> + Send + Sync + 'static,
) -> Option<Typed> {
    let (literal, column) = argument.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let wanted = literal.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let numbers = Numbers::new(&wanted, &columns[0])?;
        number_column(&wanted, (0..rows).map(|row| numbers.get(row).and_then(&operation)).collect())
    };
    let name = format!("{name}<{}>", argument.term_type);
    Some(Typed::literal(literal.clone(), Kernel::new(name, vec![column.clone()], literal.arrow(), apply).expr()))
}

fn binary(operation: Operation, a: &Typed, b: &Typed) -> Option<Typed> {
    let (s, x) = a.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let (t, y) = b.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let result = match (s, t, operation) {
        (LiteralType::Double, ..) | (_, LiteralType::Double, _) => LiteralType::Double,
        (LiteralType::Integer, LiteralType::Integer, Operation::Add | Operation::Subtract | Operation::Multiply) => {
            LiteralType::Integer
        }
        _ => LiteralType::Decimal,
    };
    let types = (s.clone(), t.clone());
    let wanted = result.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let (x, y) = (Numbers::new(&types.0, &columns[0])?, Numbers::new(&types.1, &columns[1])?);
        number_column(&wanted, (0..rows).map(|row| compute(operation, x.get(row)?, y.get(row)?)).collect())
    };
    let name = format!("{operation:?}<{}, {}>", a.term_type, b.term_type).to_lowercase();
    let column = Kernel::new(name, vec![x.clone(), y.clone()], result.arrow(), apply).expr();
    Some(Typed::literal(result, column))
}

fn compute(operation: Operation, x: Number, y: Number) -> Option<Number> {
    match (x, y) {
        (Number::Integer(x), Number::Integer(y)) => integers(operation, x, y),
        (Number::Double(_), _) | (_, Number::Double(_)) => {
            Some(Number::Double(floats(operation, x.to_double(), y.to_double())))
        }
        (Number::Integer(x), Number::Decimal(y)) => decimals(operation, x.into(), y),
        (Number::Decimal(x), Number::Integer(y)) => decimals(operation, x, y.into()),
        (Number::Decimal(x), Number::Decimal(y)) => decimals(operation, x, y),
    }
}

fn integers(operation: Operation, x: Integer, y: Integer) -> Option<Number> {
    Some(match operation {
        Operation::Add => Number::Integer(x.checked_add(y)?),
        Operation::Subtract => Number::Integer(x.checked_sub(y)?),
        Operation::Multiply => Number::Integer(x.checked_mul(y)?),
        Operation::Divide => Number::Decimal(Decimal::from(x).checked_div(y)?),
    })
}

fn decimals(operation: Operation, x: Decimal, y: Decimal) -> Option<Number> {
    Some(Number::Decimal(match operation {
        Operation::Add => x.checked_add(y)?,
        Operation::Subtract => x.checked_sub(y)?,
        Operation::Multiply => x.checked_mul(y)?,
        Operation::Divide => x.checked_div(y)?,
    }))
}

fn floats(operation: Operation, x: Double, y: Double) -> Double {
    match operation {
        Operation::Add => x + y,
        Operation::Subtract => x - y,
        Operation::Multiply => x * y,
        Operation::Divide => x / y,
    }
}

fn negated(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n.checked_neg()?),
        Number::Decimal(n) => Number::Decimal(n.checked_neg()?),
        Number::Double(n) => Number::Double(-n),
    })
}

fn absolute(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n.checked_abs()?),
        Number::Decimal(n) => Number::Decimal(n.checked_abs()?),
        Number::Double(n) => Number::Double(n.abs()),
    })
}

fn ceiling(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_ceil()?),
        Number::Double(n) => Number::Double(n.ceil()),
    })
}

fn floor(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_floor()?),
        Number::Double(n) => Number::Double(n.floor()),
    })
}

fn rounded(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_round()?),
        Number::Double(n) => Number::Double(n.round()),
    })
}
