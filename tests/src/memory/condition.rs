//! Conditions with three values, and their careless form where only a superset was promised.

use super::invalid;
use super::value::{Row, compare_values, loose_text};
use std::cmp::Ordering;
use weft_model::contract::{
    Capability, Column, CompareOperator, ContractError, Expression, FilterOperation, Table, TextOperator, Value,
};

/// Finds the column of a row that an expression names, with the table it comes from.
pub(super) trait Resolve {
    fn resolve(&self, column: &weft_model::contract::ColumnRef) -> Result<(usize, &Table, &Column), ContractError>;
    /// The table whose connectives apply.
    fn connective_level(&self, operation: FilterOperation) -> Capability;
}

/// The truth of a condition: `None` where a null makes it unknown.
pub(super) fn truth(expression: &Expression, row: &Row, scope: &impl Resolve) -> Result<Option<bool>, ContractError> {
    match expression {
        Expression::And(parts) => {
            let truths = parts.iter().map(|part| truth(part, row, scope)).collect::<Result<Vec<_>, _>>()?;
            Ok(all(&truths))
        }
        Expression::Or(parts) => {
            if scope.connective_level(FilterOperation::Or) == Capability::Superset {
                return Ok(Some(true));
            }
            let truths = parts.iter().map(|part| truth(part, row, scope)).collect::<Result<Vec<_>, _>>()?;
            Ok(any(&truths))
        }
        Expression::Not(part) => {
            if scope.connective_level(FilterOperation::Not) == Capability::Superset {
                return Ok(Some(true));
            }
            Ok(truth(part, row, scope)?.map(|t| !t))
        }
        Expression::IsNull(part) => {
            let (index, table, column) = column_of(part, scope)?;
            let careless = level(table, FilterOperation::IsNull, column) == Capability::Superset;
            Ok(Some(row[index].is_none() || (careless && looks_empty(row[index].as_ref()))))
        }
        Expression::Compare { operator, left, right } => compare(*operator, left, right, row, scope),
        Expression::In { input, values } => {
            let (index, table, column) = column_of(input, scope)?;
            let careless = level(table, FilterOperation::In, column) == Capability::Superset;
            let Some(value) = &row[index] else { return Ok(None) };
            Ok(Some(values.iter().any(|v| is_equal(value, v) || (careless && is_similar(value, v)))))
        }
        Expression::Text { operator, input, pattern } => {
            let (index, table, column) = column_of(input, scope)?;
            let careless = level(table, text_operation(*operator), column) == Capability::Superset;
            let Some(Value::Text(text)) = &row[index] else { return Ok(None) };
            let loosely = || text_matches(*operator, &loose_text(text), &loose_text(pattern));
            Ok(Some(text_matches(*operator, text, pattern) || (careless && loosely())))
        }
        Expression::Column(_) | Expression::Literal(_) => Err(invalid("a condition is expected, not a value")),
    }
}

fn all(truths: &[Option<bool>]) -> Option<bool> {
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    (!truths.contains(&None)).then_some(true)
}

fn any(truths: &[Option<bool>]) -> Option<bool> {
    if truths.contains(&Some(true)) {
        return Some(true);
    }
    (!truths.contains(&None)).then_some(false)
}

fn compare(
    operator: CompareOperator,
    left: &Expression,
    right: &Expression,
    row: &Row,
    scope: &impl Resolve,
) -> Result<Option<bool>, ContractError> {
    let (operation, (_, table, column)) = match (left, right) {
        (Expression::Column(column), Expression::Column(_)) => {
            (FilterOperation::CompareColumns, scope.resolve(column)?)
        }
        (Expression::Column(column), _) | (_, Expression::Column(column)) => {
            (compare_operation(operator), scope.resolve(column)?)
        }
        _ => return Err(invalid("a comparison needs a column")),
    };
    let careless = level(table, operation, column) == Capability::Superset;
    let (Some(a), Some(b)) = (operand(left, row, scope)?, operand(right, row, scope)?) else {
        return Ok((careless && operator == CompareOperator::NotEqual).then_some(true));
    };
    let exact = holds(operator, compare_values(&a, &b));
    Ok(Some(exact || (careless && holds_loosely(operator, operation, &a, &b))))
}

fn operand(expression: &Expression, row: &Row, scope: &impl Resolve) -> Result<Option<Value>, ContractError> {
    match expression {
        Expression::Column(column) => Ok(row[scope.resolve(column)?.0].clone()),
        Expression::Literal(value) => Ok(Some(value.clone())),
        _ => Err(invalid("a comparison is between columns and literals")),
    }
}

/// Not-a-number is unequal to everything, itself included.
fn holds(operator: CompareOperator, ordering: Option<Ordering>) -> bool {
    match operator {
        CompareOperator::Equal => ordering == Some(Ordering::Equal),
        CompareOperator::NotEqual => ordering != Some(Ordering::Equal),
        CompareOperator::Less => ordering == Some(Ordering::Less),
        CompareOperator::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        CompareOperator::Greater => ordering == Some(Ordering::Greater),
        CompareOperator::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn holds_loosely(operator: CompareOperator, operation: FilterOperation, a: &Value, b: &Value) -> bool {
    if operation == FilterOperation::CompareColumns || operator == CompareOperator::NotEqual {
        return true;
    }
    is_similar(a, b)
}

fn is_equal(a: &Value, b: &Value) -> bool {
    compare_values(a, b) == Some(Ordering::Equal)
}

/// Equal to a source that does not look closely: text without case, numbers and times in the neighbourhood.
fn is_similar(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => loose_text(a) == loose_text(b),
        (Value::Int64(a), Value::Int64(b)) => a.abs_diff(*b) <= 1,
        (Value::Float64(a), Value::Float64(b)) => (a - b).abs() <= 1.0,
        (Value::Date(a), Value::Date(b)) => a.abs_diff(*b) <= 1,
        (Value::Timestamp(a), Value::Timestamp(b)) => a.abs_diff(*b) <= 86_400_000_000,
        (Value::Decimal { unscaled: a, scale: s }, Value::Decimal { unscaled: b, scale: t }) => {
            let whole = |n: i128, scale: u8| n / 10_i128.pow(u32::from(scale));
            whole(*a, *s).abs_diff(whole(*b, *t)) <= 1
        }
        _ => a == b,
    }
}

fn looks_empty(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Text(text)) if text.trim().is_empty())
}

fn text_matches(operator: TextOperator, text: &str, pattern: &str) -> bool {
    match operator {
        TextOperator::StartsWith => text.starts_with(pattern),
        TextOperator::EndsWith => text.ends_with(pattern),
        TextOperator::Contains => text.contains(pattern),
    }
}

pub(super) fn compare_operation(operator: CompareOperator) -> FilterOperation {
    match operator {
        CompareOperator::Equal => FilterOperation::Equal,
        CompareOperator::NotEqual => FilterOperation::NotEqual,
        _ => FilterOperation::Range,
    }
}

pub(super) fn text_operation(operator: TextOperator) -> FilterOperation {
    match operator {
        TextOperator::StartsWith => FilterOperation::StartsWith,
        TextOperator::EndsWith => FilterOperation::EndsWith,
        TextOperator::Contains => FilterOperation::Contains,
    }
}

fn level(table: &Table, operation: FilterOperation, column: &Column) -> Capability {
    table.filter_capability(operation, column)
}

fn column_of<'a, R: Resolve>(
    expression: &Expression,
    scope: &'a R,
) -> Result<(usize, &'a Table, &'a Column), ContractError> {
    match expression {
        Expression::Column(column) => scope.resolve(column),
        _ => Err(invalid("a column is expected")),
    }
}
