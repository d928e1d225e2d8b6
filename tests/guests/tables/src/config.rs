//! The configuration: tables and their rows.

use serde::Deserialize;
use serde_json::Value as Json;
use weft_guest::contract::DataType;
use weft_guest::time::{Fraction, parse_date, parse_timestamp};
use weft_guest::{Code, Error, Result, Value, decimal_type};

pub const SCHEMA: &str = include_str!("schema.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    tables: Vec<TableConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableConfig {
    name: String,
    columns: Vec<ColumnConfig>,
    #[serde(default)]
    keys: Vec<Vec<String>>,
    rows: Vec<Vec<Json>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnConfig {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default)]
    nullable: bool,
}

pub struct LoadedColumn {
    pub name: String,
    pub data_type: DataType,
    pub native_type: String,
    pub nullable: bool,
}

pub type Row = Vec<Option<Value>>;

pub struct LoadedTable {
    pub name: String,
    pub columns: Vec<LoadedColumn>,
    pub keys: Vec<Vec<String>>,
    pub rows: Vec<Row>,
}

impl Config {
    pub fn load(self) -> Result<Vec<LoadedTable>> {
        self.tables.into_iter().map(load).collect()
    }
}

fn wrong(message: String) -> Error {
    Error::new(Code::InvalidConfig, message)
}

fn load(table: TableConfig) -> Result<LoadedTable> {
    let name = table.name;
    let columns = table.columns.into_iter().map(|column| {
        let data_type = parse_type(&column.data_type).ok_or_else(|| {
            wrong(format!("table {name}: column {}: no such type {:?}", column.name, column.data_type))
        })?;
        let ColumnConfig { name, data_type: native_type, nullable } = column;
        Ok(LoadedColumn { name, data_type, native_type, nullable })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::with_capacity(table.rows.len());
    for (number, row) in table.rows.into_iter().enumerate() {
        if row.len() != columns.len() {
            return Err(wrong(format!("table {name}: row {number} has {} values", row.len())));
        }
        let cells = row.into_iter().zip(&columns).map(|(cell, column)| {
            let value = parse_cell(&cell, column.data_type);
            let fits = value.is_some() || (cell.is_null() && column.nullable);
            match fits {
                true => Ok(value),
                false => Err(wrong(format!("table {name}: row {number}: column {}: {cell}", column.name))),
            }
        });
        rows.push(cells.collect::<Result<Row>>()?);
    }
    Ok(LoadedTable { name, columns, keys: table.keys, rows })
}

fn parse_type(text: &str) -> Option<DataType> {
    Some(match text {
        "boolean" => DataType::Boolean,
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "text" => DataType::Text,
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp,
        "timestamptz" => DataType::TimestampZoned,
        decimal => {
            let (precision, scale) = decimal.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            decimal_type(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
        }
    })
}

fn parse_cell(cell: &Json, data_type: DataType) -> Option<Value> {
    Some(match data_type {
        DataType::Boolean => Value::Boolean(cell.as_bool()?),
        DataType::Int64 => Value::Int64(cell.as_i64()?),
        DataType::Float64 => Value::Float64(match cell.as_str() {
            Some("NaN") => f64::NAN,
            Some("INF") => f64::INFINITY,
            Some("-INF") => f64::NEG_INFINITY,
            Some(_) => return None,
            None => cell.as_f64()?,
        }),
        DataType::Text => Value::Text(cell.as_str()?.to_owned()),
        DataType::Date => Value::Date(parse_date(cell.as_str()?)?),
        DataType::Timestamp => Value::Timestamp(parse_timestamp(cell.as_str()?, false, Fraction::Refuse)?),
        DataType::TimestampZoned => Value::Timestamp(parse_timestamp(cell.as_str()?, true, Fraction::Refuse)?),
        DataType::Decimal(d) => Value::Decimal { unscaled: parse_decimal(cell.as_str()?, d.scale)?, scale: d.scale },
        DataType::Binary => return None,
    })
}

/// Digits with an optional sign and point, no more of them after the point than the scale.
fn parse_decimal(text: &str, scale: u8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > usize::from(scale) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().ok()
}
