//! Membership: key blocks and lists of values, always within one statement.

use super::block::Output;
use super::literal::{Bound, bound};
use super::relation::{find, keyword, number};
use super::{Dialect, Lowering, Parameter};
use crate::error::{Result, invalid_request};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use sea_query::extension::sqlite::SqliteBinOper;
use sea_query::{BinOper, Expr, ExprTrait, Func, Query, SelectStatement, Value as SqlValue, ValueTuple};
use weft_model::contract::{ColumnRef, CompareOperator, KeyBlock, Value};

/// From here on a list is sent to SQLite as one JSON text instead of a placeholder for each value.
const JSON_FROM: usize = 16;

impl Lowering<'_> {
    pub(super) fn keys(&mut self, scope: &[Output], block: &KeyBlock) -> Result<Expr> {
        if block.columns.is_empty() || block.columns.len() != block.keys.num_columns() {
            return Err(invalid_request(format!(
                "a key block names {} columns and has {}",
                block.columns.len(),
                block.keys.num_columns()
            )));
        }
        let mut outputs = Vec::with_capacity(block.columns.len());
        for name in &block.columns {
            outputs.push(find(scope, &ColumnRef::bare(name))?);
        }
        let mut rows = vec![Vec::with_capacity(outputs.len()); block.keys.num_rows()];
        for (output, array) in outputs.iter().zip(block.keys.columns()) {
            for (row, cells) in rows.iter_mut().enumerate() {
                let value = key(array, row, output)?;
                cells.push(bound(self.dialect, output, CompareOperator::Equal, &value)?);
            }
        }
        Ok(self.member(&outputs, rows))
    }

    /// Whether `outputs` equal one of `rows`, each an equality for each output.
    pub(super) fn member(&mut self, outputs: &[&Output], rows: Vec<Vec<Bound>>) -> Expr {
        let mut stored = vec![false; outputs.len()];
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let mut key = Vec::with_capacity(row.len());
            for (i, bound) in row.into_iter().enumerate() {
                match bound {
                    Bound::Value(_, parameter) => key.push(parameter),
                    Bound::Stored(_, parameter) => {
                        stored[i] = true;
                        key.push(parameter);
                    }
                    // A value the column can never have: the key finds nothing.
                    Bound::Always | Bound::Never => break,
                }
            }
            if key.len() == outputs.len() {
                keys.push(key);
            }
        }
        let left = outputs.iter().zip(&stored).map(|(output, stored)| match (&output.stored, stored) {
            (Some((column, _)), true) => column.clone(),
            _ => output.value.clone(),
        });
        let left: Vec<Expr> = left.collect();
        if keys.is_empty() {
            let never = left.into_iter().map(|value| value.clone().binary(BinOper::NotEqual, value));
            return never.reduce(|all, one| all.and(one)).unwrap_or_else(|| keyword("FALSE"));
        }
        match self.dialect {
            Dialect::Sqlite => self.sqlite_member(left, keys),
            Dialect::Postgres => self.postgres_member(left, keys),
        }
    }

    fn postgres_member(&mut self, mut left: Vec<Expr>, keys: Vec<Vec<Parameter>>) -> Expr {
        let lists = transpose(keys).into_iter().map(|list| self.bind(Parameter::List(list)));
        let mut lists: Vec<Expr> = lists.collect();
        if let ([_], Some(list)) = (left.as_slice(), lists.first()) {
            let any = Func::cust("ANY").arg(list.clone());
            return left.remove(0).binary(BinOper::Equal, any);
        }
        // Several set-returning functions in one SELECT list advance together.
        let mut select = Query::select();
        select.exprs(lists.drain(..).map(|list| Func::cust("UNNEST").arg(list)));
        Expr::tuple(left).in_subquery(select)
    }

    fn sqlite_member(&mut self, mut left: Vec<Expr>, keys: Vec<Vec<Parameter>>) -> Expr {
        let single = left.len() == 1;
        let json = (keys.len() >= JSON_FROM).then(|| json(&keys)).flatten();
        let values = match json {
            Some(text) => self.json_values(text, left.len()),
            None if single => {
                let placeholders: Vec<Expr> = keys.into_iter().flatten().map(|key| self.bind(key)).collect();
                return left.remove(0).is_in(placeholders);
            }
            None => self.value_list(keys),
        };
        if single { left.remove(0).in_subquery(values) } else { Expr::tuple(left).in_subquery(values) }
    }

    fn json_values(&mut self, text: String, width: usize) -> SelectStatement {
        let rows = self.bind(Parameter::Text(text));
        let mut select = Query::select();
        let value = Expr::col("value");
        match width {
            1 => select.expr(value),
            _ => select.exprs((0..width as i64).map(|i| value.clone().binary(SqliteBinOper::CastJsonField, number(i)))),
        };
        let alias = self.alias("keys");
        select.from_function(Func::cust("JSON_EACH").arg(rows), alias);
        select
    }

    fn value_list(&mut self, keys: Vec<Vec<Parameter>>) -> SelectStatement {
        let rows = keys.into_iter().map(|key| {
            let numbers = key.into_iter().map(|parameter| match self.bind(parameter) {
                Expr::Value(number) => number,
                _ => SqlValue::Unsigned(None),
            });
            ValueTuple::Many(numbers.collect())
        });
        let rows: Vec<ValueTuple> = rows.collect();
        let alias = self.alias("keys");
        let mut select = Query::select();
        select.expr(keyword("*")).from_values(rows, alias);
        select
    }
}

/// The keys as JSON that SQLite reads back without loss; nothing for floats, binary and texts with NUL.
fn json(keys: &[Vec<Parameter>]) -> Option<String> {
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let mut cells = key.iter().map(json_value).collect::<Option<Vec<_>>>()?;
        rows.push(if cells.len() == 1 { cells.remove(0) } else { serde_json::Value::Array(cells) });
    }
    Some(serde_json::Value::Array(rows).to_string())
}

fn json_value(parameter: &Parameter) -> Option<serde_json::Value> {
    match parameter {
        Parameter::Int64(i) => Some((*i).into()),
        Parameter::Boolean(b) => Some(i64::from(*b).into()),
        Parameter::Timestamp { micros, .. } => Some((*micros).into()),
        Parameter::Text(text) if !text.contains('\0') => Some(text.as_str().into()),
        _ => None,
    }
}

fn transpose(keys: Vec<Vec<Parameter>>) -> Vec<Vec<Parameter>> {
    let width = keys.first().map_or(0, Vec::len);
    let mut columns: Vec<Vec<Parameter>> = (0..width as i64).map(|_| Vec::with_capacity(keys.len())).collect();
    for key in keys {
        for (column, parameter) in columns.iter_mut().zip(key) {
            column.push(parameter);
        }
    }
    columns
}

/// A key as a value of the contract.
pub(super) fn key(array: &ArrayRef, row: usize, output: &Output) -> Result<Value> {
    let name = &output.reference.name;
    if array.is_null(row) {
        return Err(invalid_request(format!("a key block has a null for column {name:?}")));
    }
    Ok(match array.data_type() {
        ArrowType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        ArrowType::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        ArrowType::Utf8View => Value::Text(array.as_string_view().value(row).to_owned()),
        ArrowType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        ArrowType::BinaryView => Value::Binary(array.as_binary_view().value(row).to_vec()),
        ArrowType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        ArrowType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).map_err(|_| invalid_request("a key block with a negative scale"))?;
            Value::Decimal { unscaled: array.as_primitive::<Decimal128Type>().value(row), scale }
        }
        other => return Err(invalid_request(format!("a key block has type {other} for column {name:?}"))),
    })
}
