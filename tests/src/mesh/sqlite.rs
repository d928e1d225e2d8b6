//! Tables in a SQLite file, behind the SQL connector.

use crate::memory::Row;
use crate::scenario::Source;
use crate::union::{date_text, decimal_text, timestamp_text};
use anyhow::Context;
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use weft_connector::Connector;
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::contract::{Column, DataType, Table, Value};

/// Writes the source into a new file in `folder` and opens the connector on it.
pub fn connect(source: &Source, folder: &Path) -> anyhow::Result<Arc<dyn Connector>> {
    let path = folder.join(format!("{}.sqlite", source.name));
    write(source, &path)?;
    Ok(Arc::new(SqlConnector::open(SqlConfig::new(format!("sqlite:{}", path.display())))?))
}

/// Writes the tables and rows of a source into a new database.
fn write(source: &Source, path: &Path) -> anyhow::Result<()> {
    let mut database = Connection::open(path)?;
    // What is written here lives as long as one test.
    database.pragma_update(None, "synchronous", "off")?;
    database.pragma_update(None, "journal_mode", "memory")?;
    // Rows refer to rows that come later.
    database.pragma_update(None, "foreign_keys", "off")?;
    let transaction = database.transaction()?;
    for (table, rows) in source.description.tables.iter().zip(&source.rows) {
        let statement = create(table);
        transaction.execute(&statement, []).with_context(|| statement.clone())?;
        let places = vec!["?"; table.columns.len()].join(", ");
        let mut insert = transaction.prepare(&format!("INSERT INTO {} VALUES ({places})", identifier(&table.name)))?;
        for row in rows {
            insert.execute(rusqlite::params_from_iter(cells(table, row)))?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn create(table: &Table) -> String {
    let mut parts: Vec<String> = table.columns.iter().map(column).collect();
    for (number, key) in table.keys.iter().enumerate() {
        let kind = if number == 0 { "PRIMARY KEY" } else { "UNIQUE" };
        parts.push(format!("{kind} ({})", identifiers(key)));
    }
    for key in &table.foreign_keys {
        parts.push(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({})",
            identifiers(&key.columns),
            identifier(&key.referenced_table),
            identifiers(&key.referenced_columns)
        ));
    }
    format!("CREATE TABLE {} ({})", identifier(&table.name), parts.join(", "))
}

fn column(column: &Column) -> String {
    let mut text = identifier(&column.name);
    let _ = match column.data_type {
        DataType::Boolean => write!(text, " BOOLEAN"),
        DataType::Int64 => write!(text, " INTEGER"),
        DataType::Decimal { precision, scale } => write!(text, " DECIMAL({precision},{scale})"),
        DataType::Float64 => write!(text, " REAL"),
        DataType::Text => write!(text, " TEXT"),
        DataType::Date => write!(text, " DATE"),
        DataType::Timestamp { zoned: false } => write!(text, " TIMESTAMP"),
        DataType::Timestamp { zoned: true } => write!(text, " TIMESTAMPTZ"),
        DataType::Binary => write!(text, " BLOB"),
    };
    if !column.nullable {
        text.push_str(" NOT NULL");
    }
    text
}

fn identifiers(names: &[String]) -> String {
    names.iter().map(|name| identifier(name)).collect::<Vec<_>>().join(", ")
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn cells<'r>(table: &'r Table, row: &'r Row) -> impl Iterator<Item = Sql> + 'r {
    row.iter().zip(&table.columns).map(|(value, column)| match value {
        None => Sql::Null,
        Some(Value::Boolean(b)) => Sql::Integer(i64::from(*b)),
        Some(Value::Int64(n)) => Sql::Integer(*n),
        Some(Value::Decimal { unscaled, scale }) => Sql::Text(decimal_text(*unscaled, *scale)),
        Some(Value::Float64(x)) => Sql::Real(*x),
        Some(Value::Text(text)) => Sql::Text(text.clone()),
        Some(Value::Date(days)) => Sql::Text(date_text(i64::from(*days))),
        Some(Value::Timestamp(micros)) => {
            let zone = if column.data_type == (DataType::Timestamp { zoned: true }) { "Z" } else { "" };
            Sql::Text(format!("{}{zone}", timestamp_text(*micros)))
        }
        Some(Value::Binary(bytes)) => Sql::Blob(bytes.clone()),
    })
}
