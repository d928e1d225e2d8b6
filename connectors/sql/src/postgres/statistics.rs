//! Keys, foreign keys and counts, from the system catalogue.

mod counts;

use super::catalogue::get;
use super::{Shared, failure};
use crate::catalogue::{DescribedTable, LiveTable};
use crate::error::Result;
use std::collections::HashMap;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use weft_model::contract::ForeignKey;

/// Unique indexes over whole columns, the primary key first.
const KEYS: &str = "
SELECT n.nspname || '.' || c.relname AS table,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
  AND n.nspname = ANY ($1)
ORDER BY 1, i.indisprimary DESC, i.indexrelid";

/// Foreign keys that have been checked against all rows.
const FOREIGN_KEYS: &str = "
SELECT f.conname::text AS name, n.nspname || '.' || c.relname AS table, rn.nspname || '.' || rc.relname AS referenced,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number ORDER BY k.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number ORDER BY k.place) AS parents
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class rc ON rc.oid = f.confrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE f.contype = 'f' AND f.convalidated AND NOT f.condeferrable AND n.nspname = ANY ($1)
ORDER BY 2, 1";

pub(super) async fn describe(shared: &Shared, client: &Client, tables: Vec<LiveTable>) -> Result<Vec<DescribedTable>> {
    let (views, tables): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| table.query.is_some());
    let keys_of = |live: &LiveTable| shared.views.get(&live.name).map(|view| view.keys.clone()).unwrap_or_default();
    let views = views.into_iter().map(|live| DescribedTable::of_view(live.clone(), keys_of(&live)));
    let mut keys = keys(shared, client, &tables).await?;
    let mut foreign_keys = foreign_keys(shared, client, &tables).await?;
    let mut counts = counts::counts(shared, client, &tables).await?;
    let described = tables.into_iter().map(|live| {
        let counts = counts.remove(&live.name).unwrap_or_default();
        let distinct = live.columns.iter().map(|column| counts.distinct.get(&column.name).copied()).collect();
        DescribedTable {
            keys: keys.remove(&live.name).unwrap_or_default(),
            foreign_keys: foreign_keys.remove(&live.name).unwrap_or_default(),
            rows: counts.rows,
            distinct,
            live,
        }
    });
    Ok(described.chain(views).collect())
}

async fn query(shared: &Shared, client: &Client, sql: &str) -> Result<Vec<Row>> {
    let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&shared.schemas, Type::TEXT_ARRAY)];
    client.query_typed(sql, &parameters).await.map_err(|e| failure::translate(&e))
}

async fn keys(shared: &Shared, client: &Client, tables: &[LiveTable]) -> Result<HashMap<String, Vec<Vec<String>>>> {
    let mut keys: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for row in &query(shared, client, KEYS).await? {
        let (table, columns): (String, Vec<String>) = (get(row, "table")?, get(row, "columns")?);
        let Some(live) = tables.iter().find(|live| live.name == table) else { continue };
        // A unique index by another equality still makes texts unique; one that lets nulls in does not make a key.
        let never_null = |name: &String| live.column(name).is_some_and(|column| !column.nullable);
        let known = keys.entry(table).or_default();
        if columns.iter().all(never_null) && !known.contains(&columns) {
            known.push(columns);
        }
    }
    Ok(keys)
}

async fn foreign_keys(
    shared: &Shared,
    client: &Client,
    tables: &[LiveTable],
) -> Result<HashMap<String, Vec<ForeignKey>>> {
    let served = |table: &str, columns: &[String]| {
        let live = tables.iter().find(|live| live.name == table);
        live.is_some_and(|live| columns.iter().all(|name| live.column(name).is_some()))
    };
    let mut keys: HashMap<String, Vec<ForeignKey>> = HashMap::new();
    for row in &query(shared, client, FOREIGN_KEYS).await? {
        let table: String = get(row, "table")?;
        let key = ForeignKey {
            name: get(row, "name")?,
            columns: get(row, "columns")?,
            referenced_table: get(row, "referenced")?,
            referenced_columns: get(row, "parents")?,
        };
        if served(&table, &key.columns) && served(&key.referenced_table, &key.referenced_columns) {
            keys.entry(table).or_default().push(key);
        }
    }
    Ok(keys)
}
