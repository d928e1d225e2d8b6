//! Keys, foreign keys and counts: what a description says beyond the columns.

mod counts;

use super::catalogue::primary_key;
use super::{Session, Shared, Stop};
use crate::Limits;
use crate::catalogue::{DescribedTable, LiveTable, Storage, measured};
use crate::error::Result;
use counts::{Counting, Counts, until};
use rusqlite::Connection;
use std::sync::Arc;
use weft_model::contract::{ForeignKey, Statistic};

pub(super) fn describe(
    shared: &Shared,
    session: &Session,
    tables: &[LiveTable],
    stop: &Arc<Stop>,
) -> Result<Vec<DescribedTable>> {
    let describe = |table: &LiveTable| {
        if let Some(view) = table.query.as_ref().and_then(|_| shared.views.get(&table.name)) {
            let keys = view.keys.iter().filter(|key| key.iter().all(|name| is_exact(table, name)));
            return Ok(DescribedTable::of_view(table.clone(), keys.cloned().collect()));
        }
        let described = describe_table(session, table, tables, &shared.limits, stop);
        described.map_err(|e| session.failure(&e, stop))
    };
    tables.iter().map(describe).collect()
}

fn describe_table(
    session: &Session,
    table: &LiveTable,
    tables: &[LiveTable],
    limits: &Limits,
    stop: &Arc<Stop>,
) -> rusqlite::Result<DescribedTable> {
    let connection = &session.connection;
    let keys = keys(connection, table)?;
    let mut counts = count(session, table, limits, stop)?;
    let small = counts.rows.is_some_and(|rows| rows <= limits.statistics_rows);
    let foreign_keys = foreign_keys(connection, table, tables, small)?;
    for key in keys.iter().filter(|key| key.len() == 1) {
        counts.distinct.extend(counts.rows.map(|rows| (key[0].clone(), rows)));
    }
    let distinct = table.columns.iter().map(|column| counts.distinct.get(&column.name).map(|n| measured(*n)));
    let distinct: Vec<Option<Statistic>> = distinct.collect();
    Ok(DescribedTable { live: table.clone(), keys, foreign_keys, rows: counts.rows.map(measured), distinct })
}

/// Under a clock of its own.
fn count(session: &Session, table: &LiveTable, limits: &Limits, stop: &Arc<Stop>) -> rusqlite::Result<Counts> {
    let until = until(limits.statistics_milliseconds, stop);
    session.watch(stop, until)?;
    let connection = &session.connection;
    let counts = Counting { connection, table, most: limits.statistics_rows, until, stop }.counts();
    session.watch(stop, stop.deadline)?;
    counts
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
    let known = |name: &String| table.column(name).is_some_and(|column| !column.nullable) && is_exact(table, name);
    let mut unique: Vec<Vec<String>> = Vec::new();
    for key in keys {
        if !key.is_empty() && key.iter().all(known) && !unique.contains(&key) {
            unique.push(key);
        }
    }
    Ok(unique)
}

/// Whether different stored values are different: two texts may be the same point in time.
fn is_exact(table: &LiveTable, column: &str) -> bool {
    let storage = table.column(column).map(|column| column.storage);
    !matches!(storage, Some(Storage::WallClockText | Storage::InstantText))
}

/// Those foreign keys that hold: SQLite does not enforce them unless each writer asks for it.
fn foreign_keys(
    connection: &Connection,
    table: &LiveTable,
    tables: &[LiveTable],
    small: bool,
) -> rusqlite::Result<Vec<ForeignKey>> {
    let declared = declared_foreign_keys(connection, table, tables)?;
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    if !small {
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
