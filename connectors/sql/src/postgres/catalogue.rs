//! The tables of a PostgreSQL database, from its system catalogue.

use super::{Shared, failure, view};
use crate::catalogue::{COLLATION_DEFAULT, LiveColumn, LiveTable, Storage};
use crate::error::{Result, invalid_config};
use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use weft_model::contract::DataType;

/// Columns of tables, views, materialised views, partitioned and foreign tables. Sets the time that the statement
/// after it may take. A domain is what it is over.
const COLUMNS: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column,
       a.attnotnull OR t.typnotnull AS not_null,
       CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END AS modifier,
       coalesce(b.typname, t.typname)::text AS type,
       coalesce(b.typtype, t.typtype)::text AS kind,
       coalesce(bn.nspname, tn.nspname) = 'pg_catalog' AS builtin,
       format_type(a.atttypid, a.atttypmod) AS native,
       a.attcollation AS collation,
       coalesce(l.collisdeterministic, true) AS deterministic
FROM (SELECT set_config('statement_timeout', $3, false)) AS timeout
CROSS JOIN pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
LEFT JOIN pg_namespace bn ON bn.oid = b.typnamespace
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY ($1)
  AND ($2::text[] IS NULL OR n.nspname || '.' || c.relname = ANY ($2))
ORDER BY 1, 2, a.attnum";

/// The modifier of numeric and char holds this more than it says.
const MODIFIER_OFFSET: i32 = 4;

/// All tables that the configuration lets see.
pub(super) async fn all(shared: &Shared, client: &Client, deadline: Instant) -> Result<Vec<LiveTable>> {
    let mut tables = columns(shared, client, shared.tables.as_deref(), deadline).await?;
    view::add(shared, client, None, &mut tables).await?;
    Ok(tables)
}

/// Those of the tables named that there are.
pub(super) async fn named(
    shared: &Shared,
    client: &Client,
    names: &[String],
    deadline: Instant,
) -> Result<Vec<LiveTable>> {
    let visible = |name: &&String| shared.tables.as_ref().is_none_or(|only| only.contains(name));
    let visible: Vec<String> = names.iter().filter(visible).cloned().collect();
    let mut tables = columns(shared, client, Some(&visible), deadline).await?;
    view::add(shared, client, Some(names), &mut tables).await?;
    Ok(tables)
}

async fn columns(
    shared: &Shared,
    client: &Client,
    names: Option<&[String]>,
    deadline: Instant,
) -> Result<Vec<LiveTable>> {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().clamp(1, i32::MAX as u128).to_string();
    let parameters: [(&(dyn ToSql + Sync), Type); 3] =
        [(&shared.schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&left, Type::TEXT)];
    let rows = client.query_typed(COLUMNS, &parameters).await.map_err(|e| failure::translate(&e))?;
    let mut tables: Vec<LiveTable> = Vec::new();
    for row in &rows {
        let (schema, table): (String, String) = (get(row, "schema")?, get(row, "table")?);
        let name = format!("{schema}.{table}");
        let same = |last: &LiveTable| last.table == table && last.schema.as_ref() == Some(&schema);
        if !tables.last().is_some_and(same) {
            if tables.iter().any(|other| other.name == name) {
                return Err(invalid_config(format!("two tables are called {name:?}; serve only one of their schemas")));
            }
            let schema = Some(schema);
            tables.push(LiveTable { name, schema, table, query: None, typed: true, columns: Vec::new() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.extend(column(row, &table.name)?);
        }
    }
    tables.retain(|table| !table.columns.is_empty());
    Ok(tables)
}

fn column(row: &Row, table: &str) -> Result<Option<LiveColumn>> {
    let (name, native): (String, String) = (get(row, "column")?, get(row, "native")?);
    let (type_name, kind): (String, String) = (get(row, "type")?, get(row, "kind")?);
    let named = (type_name.as_str(), kind.as_str(), get(row, "builtin")?, get(row, "modifier")?);
    let collation = (get(row, "collation")?, get(row, "deterministic")?);
    let nullable = !get::<bool>(row, "not_null")?;
    Ok(live_column(table, &name, native, named, collation).map(|column| LiveColumn { nullable, ..column }))
}

/// A column that may be null, by its type (name, kind, whether it is the server's own, modifier) and its collation (number,
/// whether different texts are different to it). Nothing, and a line in the log, for types that are not supported.
pub(super) fn live_column(
    table: &str,
    name: &str,
    native_type: String,
    (type_name, kind, builtin, modifier): (&str, &str, bool, i32),
    (collation, deterministic): (u32, bool),
) -> Option<LiveColumn> {
    let Some((data_type, storage)) = meaning(type_name, kind, builtin, modifier) else {
        tracing::warn!(table, column = name, native_type, "column left out: its type is not supported");
        return None;
    };
    let storage = match storage {
        Storage::Plain if data_type == DataType::Text && !deterministic => Storage::CollatedText,
        storage => storage,
    };
    let collation = if collation == 0 && data_type == DataType::Text { COLLATION_DEFAULT } else { collation };
    Some(LiveColumn { name: name.to_owned(), data_type, nullable: true, native_type, storage, collation })
}

/// The contract type of a PostgreSQL type.
fn meaning(name: &str, kind: &str, builtin: bool, modifier: i32) -> Option<(DataType, Storage)> {
    if kind == "e" {
        return Some((DataType::Text, Storage::CastText));
    }
    if !builtin {
        return None;
    }
    let data_type = match name {
        "bool" => DataType::Boolean,
        "int2" | "int4" | "int8" => DataType::Int64,
        "float8" => DataType::Float64,
        "float4" => return Some((DataType::Float64, Storage::Single)),
        "numeric" => numeric(modifier)?,
        "text" | "varchar" => DataType::Text,
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp { zoned: false },
        "timestamptz" => DataType::Timestamp { zoned: true },
        "bytea" => DataType::Binary,
        "uuid" => return Some((DataType::Text, Storage::Uuid)),
        "json" | "jsonb" | "time" => return Some((DataType::Text, Storage::CastText)),
        // Without a length, PostgreSQL itself cannot say which blanks at the end count.
        "bpchar" => {
            let width = u32::try_from(modifier - MODIFIER_OFFSET).ok().filter(|width| *width > 0)?;
            return Some((DataType::Text, Storage::PaddedText(width)));
        }
        _ => return None,
    };
    Some((data_type, Storage::Plain))
}

/// numeric.c: the modifier is precision and scale, the scale in eleven bits with sign.
fn numeric(modifier: i32) -> Option<DataType> {
    if modifier < MODIFIER_OFFSET {
        return Some(DataType::Decimal { precision: 38, scale: 18 });
    }
    let packed = modifier - MODIFIER_OFFSET;
    let precision = (packed >> 16) & 0xffff;
    let scale = ((packed & 0x7ff) ^ 1_024) - 1_024;
    // A negative scale is so many zeros before the point; a scale above the precision as many after it.
    let (precision, scale) = (precision.max(scale) - scale.min(0), scale.max(0));
    let fits = scale <= 38;
    fits.then_some(DataType::Decimal {
        precision: u8::try_from(precision.min(38)).ok()?,
        scale: u8::try_from(scale).ok()?,
    })
}

/// Refuses servers whose answers this connector could read wrongly.
pub(super) async fn check_server(client: &Client) -> Result<()> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('server_encoding')";
    let rows = client.query_typed(sql, &[]).await.map_err(|e| failure::translate(&e))?;
    let row = rows.first().ok_or_else(|| crate::error::internal("no settings"))?;
    let version: i32 = row.try_get(0).map_err(crate::error::internal)?;
    let encoding: String = row.try_get(1).map_err(crate::error::internal)?;
    if version < 120_000 {
        return Err(invalid_config(format!("PostgreSQL 12 or newer is needed, this is {}", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(invalid_config(format!("the database is encoded in {encoding}; only UTF8 is supported")));
    }
    Ok(())
}

pub(super) async fn version(client: &Client) -> Result<String> {
    let rows = client.query_typed("SELECT current_setting('server_version')", &[]).await;
    let rows = rows.map_err(|e| failure::translate(&e))?;
    let row = rows.first().ok_or_else(|| crate::error::internal("no settings"))?;
    row.try_get(0).map_err(crate::error::internal)
}

/// A column of our own query.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, name: &str) -> Result<T> {
    row.try_get(name).map_err(crate::error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modifier(precision: i32, scale: i32) -> i32 {
        (precision << 16 | scale & 0x7ff) + MODIFIER_OFFSET
    }

    #[test]
    fn numeric_modifiers_are_precision_and_scale() {
        let decimal = |precision, scale| Some(DataType::Decimal { precision, scale });
        assert_eq!(numeric(-1), decimal(38, 18));
        assert_eq!(numeric(modifier(9, 3)), decimal(9, 3));
        assert_eq!(numeric(modifier(5, -2)), decimal(7, 0));
        assert_eq!(numeric(modifier(2, 5)), decimal(5, 5));
        assert_eq!(numeric(modifier(50, 10)), decimal(38, 10));
        assert_eq!(numeric(modifier(60, 40)), None);
    }
}
