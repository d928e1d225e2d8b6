//! Keys, foreign keys and counts: what a description says beyond the columns.

use super::catalogue::primary_key;
use super::{Session, Shared, Stop};
use crate::catalogue::{DescribedTable, LiveTable, Storage, measured};
use crate::error::Result;
use rusqlite::{Connection, OptionalExtension};
use sea_query::{Expr, Func, Query, SelectStatement, SqliteQueryBuilder};
use std::collections::HashMap;
use weft_model::contract::{DataType, ForeignKey, Statistic};

pub(super) fn describe(
    shared: &Shared,
    session: &Session,
    tables: &[LiveTable],
    stop: &Stop,
) -> Result<Vec<DescribedTable>> {
    let describe = |table: &LiveTable| {
        let described = describe_table(&session.connection, table, tables, shared.limits.statistics_rows);
        described.map_err(|e| session.failure(&e, stop))
    };
    tables.iter().map(describe).collect()
}

fn describe_table(
    connection: &Connection,
    table: &LiveTable,
    tables: &[LiveTable],
    most: u64,
) -> rusqlite::Result<DescribedTable> {
    let keys = keys(connection, table)?;
    let foreign_keys = foreign_keys(connection, table, tables, most)?;
    let mut counts = Counts::default();
    match analysed(connection, &table.table)? {
        Some(analysed) => counts = analysed,
        None => counts.rows = count_rows(connection, &table.table, most)?,
    }
    if counts.distinct.is_empty() && counts.rows.is_some_and(|rows| rows <= most) {
        counts.distinct = count_distinct(connection, table)?;
    }
    for key in keys.iter().filter(|key| key.len() == 1) {
        counts.distinct.extend(counts.rows.map(|rows| (key[0].clone(), rows)));
    }
    let distinct = table.columns.iter().map(|column| counts.distinct.get(&column.name).map(|n| measured(*n)));
    let distinct: Vec<Option<Statistic>> = distinct.collect();
    Ok(DescribedTable { live: table.clone(), keys, foreign_keys, rows: counts.rows.map(measured), distinct })
}

#[derive(Debug, Default)]
struct Counts {
    rows: Option<u64>,
    distinct: HashMap<String, u64>,
}

/// The primary key, and every unique index over columns that are never null.
fn keys(connection: &Connection, table: &LiveTable) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut keys = vec![primary_key(connection, &table.table)?];
    let mut indexes =
        connection.prepare_cached("SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT partial")?;
    let names = indexes.query_map([&table.table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut parts = connection.prepare_cached("SELECT name FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno")?;
    for name in names {
        // An index over an expression has a part without name.
        let key = parts.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<Option<Vec<String>>>>()?;
        keys.extend(key);
    }
    // Different texts may be the same point in time.
    let exact = |storage| !matches!(storage, Storage::WallClockText | Storage::InstantText);
    let known = |name: &String| table.column(name).is_some_and(|column| !column.nullable && exact(column.storage));
    let mut unique: Vec<Vec<String>> = Vec::new();
    for key in keys {
        if !key.is_empty() && key.iter().all(known) && !unique.contains(&key) {
            unique.push(key);
        }
    }
    Ok(unique)
}

/// Those foreign keys that hold: SQLite does not enforce them unless each writer asks for it.
fn foreign_keys(
    connection: &Connection,
    table: &LiveTable,
    tables: &[LiveTable],
    most: u64,
) -> rusqlite::Result<Vec<ForeignKey>> {
    let declared = declared_foreign_keys(connection, table, tables)?;
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    if count_rows(connection, &table.table, most)?.is_none_or(|rows| rows > most) {
        tracing::warn!(table = table.name, "foreign keys left out: the table is too large to check them");
        return Ok(Vec::new());
    }
    let mut check = connection.prepare_cached("SELECT DISTINCT fkid FROM pragma_foreign_key_check(?)")?;
    let broken = check.query_map([&table.table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let holds = |(id, key): (i64, ForeignKey)| {
        if broken.contains(&id) {
            tracing::warn!(
                table = table.name,
                references = key.referenced_table,
                "foreign key left out: rows violate it"
            );
            return None;
        }
        Some(key)
    };
    Ok(declared.into_iter().filter_map(holds).collect())
}

fn declared_foreign_keys(
    connection: &Connection,
    table: &LiveTable,
    tables: &[LiveTable],
) -> rusqlite::Result<Vec<(i64, ForeignKey)>> {
    let mut list = connection
        .prepare_cached("SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq")?;
    let rows = list.query_map([&table.table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for row in rows {
        let (id, parent, from, to): (i64, String, String, Option<String>) = row?;
        if keys.last().is_none_or(|(last, _)| *last != id) {
            let name = format!("{}_fk{id}", table.table);
            let (columns, referenced_columns) = (Vec::new(), Vec::new());
            keys.push((id, ForeignKey { name, columns, referenced_table: parent, referenced_columns }));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(from);
            key.referenced_columns.extend(to);
        }
    }
    for (_, key) in &mut keys {
        if key.referenced_columns.is_empty() {
            // Declared without columns: the parent's primary key.
            key.referenced_columns = primary_key(connection, &key.referenced_table)?;
        }
    }
    keys.retain_mut(|(_, key)| {
        let child = key.columns.iter().all(|name| table.column(name).is_some());
        // The parent may be named in another case.
        let parent = tables.iter().find(|t| t.table.eq_ignore_ascii_case(&key.referenced_table));
        let known =
            parent.is_some_and(|parent| key.referenced_columns.iter().all(|name| parent.column(name).is_some()));
        if let Some(parent) = parent {
            key.referenced_table.clone_from(&parent.name);
        }
        child && known && key.columns.len() == key.referenced_columns.len()
    });
    Ok(keys)
}

/// What ANALYZE has left behind: the rows, and the distinct values of columns that an index begins with.
fn analysed(connection: &Connection, table: &str) -> rusqlite::Result<Option<Counts>> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlite_stat1'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let mut lines = connection.prepare_cached("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ?")?;
    let rows = lines.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut counts = Counts::default();
    for row in rows {
        let (index, stat): (Option<String>, Option<String>) = row?;
        let numbers: Vec<u64> = stat.iter().flat_map(|s| s.split(' ')).map_while(|n| n.parse().ok()).collect();
        let Some(total) = numbers.first() else { continue };
        counts.rows = counts.rows.max(Some(*total));
        let (Some(index), Some(each)) = (index, numbers.get(1)) else { continue };
        let first = "SELECT name FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno LIMIT 1";
        let first: Option<Option<String>> = connection.query_row(first, [index], |row| row.get(0)).optional()?;
        counts.distinct.extend(first.flatten().map(|column| (column, total / each.max(&1))));
    }
    Ok(counts.rows.is_some().then_some(counts))
}

/// The rows, when they can be counted quickly.
fn count_rows(connection: &Connection, table: &str, most: u64) -> rusqlite::Result<Option<u64>> {
    // Counting is a hundred times faster than counting distinct values.
    let most = most.saturating_mul(100).min(i64::MAX as u64 - 1);
    let mut inner: SelectStatement = Query::select();
    inner.expr(Expr::cust("1")).from(table.to_owned()).limit(most + 1);
    let mut outer = Query::select();
    outer.expr(Func::cust("COUNT").arg(Expr::cust("*"))).from_subquery(inner, "rows");
    let rows: i64 = connection.query_row(&outer.to_string(SqliteQueryBuilder), [], |row| row.get(0))?;
    Ok(u64::try_from(rows).ok().filter(|rows| *rows <= most))
}

fn count_distinct(connection: &Connection, table: &LiveTable) -> rusqlite::Result<HashMap<String, u64>> {
    let columns: Vec<&str> =
        table.columns.iter().filter(|c| c.data_type != DataType::Binary).map(|c| c.name.as_str()).collect();
    if columns.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Query::select();
    select.exprs(columns.iter().map(|name| Func::count_distinct(Expr::col((*name).to_owned()))));
    select.from(table.table.clone());
    connection.query_row(&select.to_string(SqliteQueryBuilder), [], |row| {
        let counts = columns.iter().enumerate().map(|(i, name)| Ok(((*name).to_owned(), row.get::<_, i64>(i)?)));
        let counts = counts.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(counts.into_iter().filter_map(|(name, n)| Some((name, u64::try_from(n).ok()?))).collect())
    })
}
