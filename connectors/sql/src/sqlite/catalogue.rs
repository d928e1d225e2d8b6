//! The tables of an SQLite file, and what their declared types mean.

use crate::catalogue::{LiveColumn, LiveTable, Storage};
use rusqlite::Connection;
use std::ffi::CStr;
use weft_model::contract::DataType;

/// The precision and scale of a decimal declared without.
const OPEN_DECIMAL: DataType = DataType::Decimal { precision: 38, scale: 18 };

/// All tables and views, or those of `only`.
pub(super) fn read(connection: &Connection, only: Option<&[String]>) -> rusqlite::Result<Vec<LiveTable>> {
    let mut list = connection.prepare(
        "SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view') \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let rows = list.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
    let mut tables = Vec::new();
    for row in rows {
        let (name, kind, strict): (String, String, bool) = row?;
        if only.is_some_and(|only| !only.contains(&name)) {
            continue;
        }
        match columns(connection, &name, kind == "view") {
            Ok(columns) if columns.is_empty() => {
                tracing::warn!(table = name, "table left out: it has no column of a supported type");
            }
            Ok(columns) => {
                tables.push(LiveTable { schema: None, table: name.clone(), name, query: None, typed: strict, columns })
            }
            // A view may name what is no longer there; the other tables are still good.
            Err(error) if kind == "view" => tracing::warn!(view = name, %error, "view left out: it cannot be read"),
            Err(error) => return Err(error),
        }
    }
    Ok(tables)
}

fn columns(connection: &Connection, table: &str, view: bool) -> rusqlite::Result<Vec<LiveColumn>> {
    let primary = primary_key(connection, table)?;
    let mut info = connection
        .prepare("SELECT name, type, \"notnull\", hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid")?;
    let rows = info.query_map([table], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?)))?;
    let mut columns = Vec::new();
    for row in rows {
        let (name, native_type, not_null): (String, String, bool) = row?;
        let Some(data_type) = declared(&native_type) else {
            tracing::warn!(table, column = name, native_type, "column left out: its declared type is not supported");
            continue;
        };
        let storage = match data_type {
            DataType::Text if view || !is_binary(connection, table, &name)? => Storage::CollatedText,
            DataType::Timestamp { zoned: false } => Storage::WallClockText,
            DataType::Timestamp { zoned: true } => Storage::InstantText,
            _ => Storage::Plain,
        };
        // SQLite lets most primary keys be null; one that is counts as invalid data.
        let nullable = !not_null && !primary.contains(&name);
        columns.push(LiveColumn { name, data_type, nullable, native_type, storage, collation: 0 });
    }
    Ok(columns)
}

/// The columns of the primary key, in its order.
pub(super) fn primary_key(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut key = connection.prepare_cached("SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk")?;
    key.query_map([table], |row| row.get(0))?.collect()
}

/// Whether the column's texts are compared byte by byte.
fn is_binary(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let (_, collation, ..) =
        connection.column_metadata(Some(c"main"), cstring(table)?.as_c_str(), cstring(column)?.as_c_str())?;
    Ok(collation.is_none_or(|name: &CStr| name.to_bytes().eq_ignore_ascii_case(b"BINARY")))
}

fn cstring(name: &str) -> rusqlite::Result<std::ffi::CString> {
    std::ffi::CString::new(name).map_err(rusqlite::Error::NulError)
}

/// The contract type of a declared type; nothing for types whose values SQLite would store as something else.
pub(super) fn declared(native: &str) -> Option<DataType> {
    let native = native.trim().to_ascii_uppercase();
    let (name, arguments) = split_arguments(&native);
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.as_slice() {
        ["BOOLEAN" | "BOOL"] => Some(DataType::Boolean),
        ["DATE"] => Some(DataType::Date),
        ["DATETIME" | "TIMESTAMP"] | ["TIMESTAMP", "WITHOUT", "TIME", "ZONE"] => {
            Some(DataType::Timestamp { zoned: false })
        }
        ["TIMESTAMPTZ" | "DATETIMEOFFSET"] | ["TIMESTAMP", "WITH", "TIME", "ZONE"] => {
            Some(DataType::Timestamp { zoned: true })
        }
        ["NUMERIC" | "DECIMAL" | "NUM" | "DEC"] => decimal(&arguments),
        _ => affinity(name),
    }
}

/// `NAME(1, 2) REST` without its arguments, and the arguments.
fn split_arguments(native: &str) -> (&str, Vec<i64>) {
    let Some((name, rest)) = native.split_once('(') else {
        return (native, Vec::new());
    };
    let inner = rest.split_once(')').map_or(rest, |(inner, _)| inner);
    let arguments = inner.split(',').map(|argument| argument.trim().parse().unwrap_or(-1));
    (name.trim(), arguments.collect())
}

fn decimal(arguments: &[i64]) -> Option<DataType> {
    let fits = |p: i64, s: i64| (1..=38).contains(&p) && (0..=p).contains(&s);
    match *arguments {
        [] => Some(OPEN_DECIMAL),
        [p] if fits(p, 0) => Some(DataType::Decimal { precision: u8::try_from(p).ok()?, scale: 0 }),
        [p, s] if fits(p, s) => {
            Some(DataType::Decimal { precision: u8::try_from(p).ok()?, scale: u8::try_from(s).ok()? })
        }
        _ => None,
    }
}

/// SQLite's rules for the affinity of a column (datatype3.html, section 3.1), but only those whose values keep their
/// type.
fn affinity(name: &str) -> Option<DataType> {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["INT"]) {
        return Some(DataType::Int64);
    }
    if has(&["CHAR", "CLOB", "TEXT"]) {
        return Some(DataType::Text);
    }
    if has(&["BLOB"]) {
        return Some(DataType::Binary);
    }
    has(&["REAL", "FLOA", "DOUB"]).then_some(DataType::Float64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_mean_contract_types() {
        let decimal = |precision, scale| Some(DataType::Decimal { precision, scale });
        for (native, expected) in [
            ("INTEGER", Some(DataType::Int64)),
            ("unsigned big int", Some(DataType::Int64)),
            ("VARCHAR(40)", Some(DataType::Text)),
            ("NATIVE CHARACTER(70)", Some(DataType::Text)),
            ("double precision", Some(DataType::Float64)),
            ("BLOB", Some(DataType::Binary)),
            ("DECIMAL(9,3)", decimal(9, 3)),
            ("NUMERIC( 12 , 2 )", decimal(12, 2)),
            ("numeric", decimal(38, 18)),
            ("DECIMAL(5)", decimal(5, 0)),
            ("DECIMAL(40,2)", None),
            ("DECIMAL(4,9)", None),
            ("DECIMAL(x)", None),
            ("Bool", Some(DataType::Boolean)),
            ("DATE", Some(DataType::Date)),
            ("DATETIME", Some(DataType::Timestamp { zoned: false })),
            ("TIMESTAMP(3)", Some(DataType::Timestamp { zoned: false })),
            ("TIMESTAMP WITH TIME ZONE", Some(DataType::Timestamp { zoned: true })),
            ("TIMESTAMPTZ", Some(DataType::Timestamp { zoned: true })),
            ("UUID", None),
            ("STRING", None),
            ("", None),
        ] {
            assert_eq!(declared(native), expected, "{native}");
        }
    }
}
