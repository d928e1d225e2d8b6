//! From a read to a lookup.

use weft_guest::contract::DataType;
use weft_guest::{Code, CompareOperator, Error, Expression, KeyBlock, Read, Result, Value};
use weft_triples::{Condition, Dataset, Keys, Lookup, Table};

pub fn refused(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidRequest, message)
}

fn changed(message: String) -> Error {
    Error::new(Code::SchemaChanged, message)
}

/// The table of a read, and what is wanted of it.
pub fn lookup(read: &Read, dataset: &Dataset, max_keys: u32) -> Result<Lookup> {
    let table = Table::named(&read.table)
        .ok_or_else(|| changed(format!("there is no table {:?}, only triples and quads", read.table)))?;
    let same = |field: &&weft_guest::Field| {
        table.column(&field.name).is_some() && matches!(field.data_type, DataType::Text) && !field.nullable
    };
    if let Some(field) = read.schema.iter().find(|field| !same(field)) {
        return Err(changed(format!("column {:?} of table {:?} is not what it was", field.name, read.table)));
    }
    let condition = read.filter.as_ref().map(|filter| condition(filter, table, dataset)).transpose()?;
    let keys = read.keys.as_ref().map(|block| keys(block, table, dataset, max_keys)).transpose()?;
    Ok(Lookup { table, condition, keys })
}

pub fn column(table: Table, name: &str) -> Result<usize> {
    table.column(name).ok_or_else(|| changed(format!("table {} has no column {name:?}", table.name())))
}

fn keys(block: &KeyBlock, table: Table, dataset: &Dataset, most: u32) -> Result<Keys> {
    if block.rows.len() > most as usize {
        return Err(refused(format!("a block of {} keys, max_keys allows {most}", block.rows.len())));
    }
    let columns = block.columns.iter().map(|name| column(table, name)).collect::<Result<Vec<_>>>()?;
    if columns.is_empty() {
        return Err(refused("a key block without columns"));
    }
    let rows = block.rows.iter().map(|key| key.iter().map(text).collect::<Result<Vec<&str>>>());
    Ok(Keys::new(dataset, columns, rows.collect::<Result<Vec<_>>>()?))
}

fn condition(expression: &Expression, table: Table, dataset: &Dataset) -> Result<Condition> {
    let all = |parts: &[Expression]| {
        parts.iter().map(|part| condition(part, table, dataset)).collect::<Result<Vec<Condition>>>()
    };
    Ok(match expression {
        Expression::And(parts) => Condition::All(all(parts)?),
        Expression::Or(parts) => Condition::Any(all(parts)?),
        Expression::Not(part) => Condition::Not(Box::new(condition(part, table, dataset)?)),
        Expression::IsNull(input) => {
            column_of(input, table)?;
            Condition::Constant(false)
        }
        Expression::In { input, values } => {
            let texts = values.iter().map(text).collect::<Result<Vec<_>>>()?;
            Condition::one_of(dataset, column_of(input, table)?, texts)
        }
        Expression::Compare { operator: CompareOperator::Equal, left, right } => equal(left, right, table, dataset)?,
        Expression::Compare { operator: CompareOperator::NotEqual, left, right } => {
            Condition::Not(Box::new(equal(left, right, table, dataset)?))
        }
        Expression::Literal(Value::Boolean(holds)) => Condition::Constant(*holds),
        _ => return Err(refused("a condition that was not declared")),
    })
}

fn equal(left: &Expression, right: &Expression, table: Table, dataset: &Dataset) -> Result<Condition> {
    match (left, right) {
        (column @ Expression::Column(_), Expression::Literal(value))
        | (Expression::Literal(value), column @ Expression::Column(_)) => {
            Ok(Condition::one_of(dataset, column_of(column, table)?, [text(value)?]))
        }
        (left @ Expression::Column(_), right @ Expression::Column(_)) => {
            Ok(Condition::Same(column_of(left, table)?, column_of(right, table)?))
        }
        _ => Err(refused("columns are compared with constants and other columns only")),
    }
}

fn column_of(expression: &Expression, table: Table) -> Result<usize> {
    match expression {
        Expression::Column(name) => column(table, &name.name),
        _ => Err(refused("a condition that was not declared")),
    }
}

fn text(value: &Value) -> Result<&str> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(refused(format!("a column of text is compared with {:?}", other.kind()))),
    }
}
