//! Conditions with three values.

use crate::bindings::weft::connector::types::{ColumnRef, CompareOperator, TextOperator};
use crate::error::{Code, Error, Result};
use crate::relation::Expression;
use crate::value::{Value, compare};
use std::cmp::Ordering;

impl Expression {
    /// Whether the condition holds: `None` where a comparison meets null.
    ///
    /// # Errors
    /// What is not a condition, and columns the row does not have.
    pub fn holds<'a>(&self, row: &impl Fn(&ColumnRef) -> Option<Option<&'a Value>>) -> Result<Option<bool>> {
        match self {
            Self::And(all) => connect(all, row, false),
            Self::Or(any) => connect(any, row, true),
            Self::Not(input) => Ok(input.holds(row)?.map(|holds| !holds)),
            Self::IsNull(input) => Ok(Some(operand(input, row)?.is_none())),
            Self::Compare { operator, left, right } => {
                let (left, right) = (operand(left, row)?, operand(right, row)?);
                let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
                comparison(*operator, &left, &right).map(Some)
            }
            Self::In { input, values } => {
                let Some(input) = operand(input, row)? else { return Ok(None) };
                for value in values {
                    if comparison(CompareOperator::Equal, &input, value)? {
                        return Ok(Some(true));
                    }
                }
                Ok(Some(false))
            }
            Self::Text { operator, input, pattern } => match operand(input, row)? {
                None => Ok(None),
                Some(Value::Text(text)) => Ok(Some(match operator {
                    TextOperator::StartsWith => text.starts_with(pattern),
                    TextOperator::EndsWith => text.ends_with(pattern),
                    TextOperator::Contains => text.contains(pattern),
                })),
                Some(other) => Err(refused(format!("a text operation on {:?}", other.kind()))),
            },
            Self::Column(_) | Self::Literal(_) => match operand(self, row)? {
                None => Ok(None),
                Some(Value::Boolean(holds)) => Ok(Some(holds)),
                Some(other) => Err(refused(format!("{:?} as a condition", other.kind()))),
            },
        }
    }

    /// Every column the expression names.
    pub fn columns<'a>(&'a self, found: &mut Vec<&'a ColumnRef>) {
        match self {
            Self::Column(column) => found.push(column),
            Self::Literal(_) => {}
            Self::Compare { left, right, .. } => {
                left.columns(found);
                right.columns(found);
            }
            Self::And(inputs) | Self::Or(inputs) => inputs.iter().for_each(|input| input.columns(found)),
            Self::Not(input) | Self::IsNull(input) | Self::In { input, .. } | Self::Text { input, .. } => {
                input.columns(found);
            }
        }
    }
}

/// Kleene's connectives: `dominant` decides, null is unknown.
fn connect<'a>(
    inputs: &[Expression],
    row: &impl Fn(&ColumnRef) -> Option<Option<&'a Value>>,
    dominant: bool,
) -> Result<Option<bool>> {
    let mut known = true;
    for input in inputs {
        match input.holds(row)? {
            Some(holds) if holds == dominant => return Ok(Some(dominant)),
            Some(_) => {}
            None => known = false,
        }
    }
    Ok(known.then_some(!dominant))
}

fn operand<'a>(
    expression: &Expression,
    row: &impl Fn(&ColumnRef) -> Option<Option<&'a Value>>,
) -> Result<Option<Value>> {
    match expression {
        Expression::Column(column) => match row(column) {
            Some(value) => Ok(value.cloned()),
            None => Err(refused(format!("column {:?}, which is not there", column.name))),
        },
        Expression::Literal(value) => Ok(Some(value.clone())),
        condition => Ok(condition.holds(row)?.map(Value::Boolean)),
    }
}

fn comparison(operator: CompareOperator, left: &Value, right: &Value) -> Result<bool> {
    let is_nan = |value: &Value| matches!(value, Value::Float64(v) if v.is_nan());
    let Some(order) = compare(left, right) else {
        if is_nan(left) || is_nan(right) {
            return Ok(operator == CompareOperator::NotEqual);
        }
        return Err(refused(format!("a comparison of {:?} with {:?}", left.kind(), right.kind())));
    };
    Ok(match operator {
        CompareOperator::Equal => order == Ordering::Equal,
        CompareOperator::NotEqual => order != Ordering::Equal,
        CompareOperator::Less => order == Ordering::Less,
        CompareOperator::LessOrEqual => order != Ordering::Greater,
        CompareOperator::Greater => order == Ordering::Greater,
        CompareOperator::GreaterOrEqual => order != Ordering::Less,
    })
}

fn refused(what: String) -> Error {
    Error::new(Code::InvalidRequest, format!("the filter asks for {what}"))
}
