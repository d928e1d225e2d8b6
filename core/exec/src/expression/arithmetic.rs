//! Arithmetic and rounding. Overflow and division by zero are errors.

use super::Compiler;
use super::cast::number;
use super::number::{Number, Numbers, Operation, compute, number_column};
use super::typed::Typed;
use crate::columns::{Kernel, TermReader, term_of};
use arrow_array::ArrayRef;
use datafusion_common::Result as StreamResult;
use spargebra::algebra::{Expression, Function};
use weft_model::contract::ContractError;
use weft_model::term::LiteralType;
use weft_plan::value_of;

impl Compiler<'_> {
    pub(super) fn arithmetic(
        &self,
        expression: &Expression,
        a: &Expression,
        b: &Expression,
    ) -> Result<Typed, ContractError> {
        let (operation, symbol) = match expression {
            Expression::Add(..) => (Operation::Add, "+"),
            Expression::Subtract(..) => (Operation::Subtract, "-"),
            Expression::Multiply(..) => (Operation::Multiply, "*"),
            _ => (Operation::Divide, "/"),
        };
        let (a, b) = (self.value(a)?.valued()?, self.value(b)?.valued()?);
        if let Some(typed) = binary(operation, &a, &b) {
            return Ok(typed);
        }
        let other = self.spareval(
            |mut operands| {
                let (b, a) = (operands.pop(), operands.pop());
                combined(operation, a.map(Box::new)?, b.map(Box::new)?)
            },
            2,
        )?;
        self.call(symbol, &[a, b], move |terms| {
            match (Number::of(&value_of(&terms[0])), Number::of(&value_of(&terms[1]))) {
                (Some(x), Some(y)) => Ok(compute(operation, x, y).map(|number| term_of(number.into()))),
                // Dates and durations.
                _ => Ok(other.evaluate(terms)),
            }
        })
    }

    pub(super) fn sign(&self, expression: &Expression, inner: &Expression) -> Result<Typed, ContractError> {
        let inner = self.value(inner)?.valued()?;
        let is_minus = matches!(expression, Expression::UnaryMinus(_));
        let native = if is_minus { unary("minus", &inner, negated) } else { unary("plus", &inner, Some) };
        if let Some(typed) = native {
            return Ok(typed);
        }
        let wrap = if is_minus { Expression::UnaryMinus } else { Expression::UnaryPlus };
        let signed = self.spareval(|mut operands| operands.pop().map(Box::new).map(wrap), 1)?;
        self.call(if is_minus { "minus" } else { "plus" }, &[inner], move |terms| Ok(signed.evaluate(terms)))
    }
}

fn combined(operation: Operation, a: Box<Expression>, b: Box<Expression>) -> Option<Expression> {
    Some(match operation {
        Operation::Add => Expression::Add(a, b),
        Operation::Subtract => Expression::Subtract(a, b),
        Operation::Multiply => Expression::Multiply(a, b),
        Operation::Divide => Expression::Divide(a, b),
    })
}

/// ABS, CEIL, FLOOR and ROUND of numeric columns.
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

/// The casts to the native numeric types, from native numbers, booleans and strings.
pub(super) fn cast(target: &LiteralType, argument: &Typed) -> Option<Typed> {
    let (source, _) = argument.as_literal()?;
    let is_castable = source.is_numeric() || matches!(source, LiteralType::Boolean | LiteralType::String);
    if !is_castable || !target.is_numeric() {
        return None;
    }
    let term_type = argument.term_type.clone();
    let wanted = target.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let reader = TermReader::new(&term_type, columns)?;
        let cell = |row| {
            let value = reader.value(row)?.and_then(|value| number(wanted.datatype(), &value));
            Ok(value.as_ref().and_then(Number::of))
        };
        number_column(&wanted, (0..rows).map(cell).collect::<StreamResult<_>>()?)
    };
    let name = format!("cast_{}<{}>", target.datatype().as_str(), argument.term_type);
    let column = Kernel::new(name, argument.columns.clone(), target.arrow(), apply).expr();
    Some(Typed::literal(target.clone(), column))
}

fn unary(
    name: &str,
    argument: &Typed,
    operation: impl Fn(Number) -> Option<Number> + Send + Sync + 'static,
) -> Option<Typed> {
    let (literal, column) = argument.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let (operand, result) = (literal.clone(), primitive(literal));
    let wanted = result.clone();
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let numbers = Numbers::new(&operand, &columns[0])?;
        number_column(&wanted, (0..rows).map(|row| numbers.get(row).and_then(&operation)).collect())
    };
    let name = format!("{name}<{}>", argument.term_type);
    let column = Kernel::new(name, vec![column.clone()], result.arrow(), apply).expr();
    Some(Typed::literal(result, column))
}

/// What operators give for a numeric type: those derived from `xsd:integer` are that type to them.
fn primitive(literal: &LiteralType) -> LiteralType {
    match literal {
        LiteralType::DerivedInteger(_) => LiteralType::Integer,
        other => other.clone(),
    }
}

fn binary(operation: Operation, a: &Typed, b: &Typed) -> Option<Typed> {
    let (s, x) = a.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let (t, y) = b.as_literal().filter(|(literal, _)| literal.is_numeric())?;
    let result = match (primitive(s), primitive(t), operation) {
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

fn negated(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n.checked_neg()?),
        Number::Decimal(n) => Number::Decimal(n.checked_neg()?),
        Number::Float(n) => Number::Float(-n),
        Number::Double(n) => Number::Double(-n),
    })
}

fn absolute(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n.checked_abs()?),
        Number::Decimal(n) => Number::Decimal(n.checked_abs()?),
        Number::Float(n) => Number::Float(n.abs()),
        Number::Double(n) => Number::Double(n.abs()),
    })
}

fn ceiling(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_ceil()?),
        Number::Float(n) => Number::Float(n.ceil()),
        Number::Double(n) => Number::Double(n.ceil()),
    })
}

fn floor(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_floor()?),
        Number::Float(n) => Number::Float(n.floor()),
        Number::Double(n) => Number::Double(n.floor()),
    })
}

fn rounded(number: Number) -> Option<Number> {
    Some(match number {
        Number::Integer(n) => Number::Integer(n),
        Number::Decimal(n) => Number::Decimal(n.checked_round()?),
        Number::Float(n) => Number::Float(n.round()),
        Number::Double(n) => Number::Double(n.round()),
    })
}
