//! Rows and distinct values of a table: counted where it is small, from a sample of its rows where it is not, and in
//! little time in any case.

use super::Stop;
use crate::catalogue::LiveTable;
use crate::estimate::{ColumnSample, Draw, MOST_CELLS};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};
use sea_query::{Expr, Func, Order, Query, SelectStatement, SqliteQueryBuilder};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;
use weft_model::contract::DataType;

/// Rows that a sample draws.
const SAMPLE: u64 = 10_000;
/// With fewer rows than these the share of numbers that are rows says nothing.
const HITS: u64 = 30;
/// How often the sampling looks at the clock, in draws.
const LOOK: u64 = 64;
/// Counting alone is so much faster than looking at values.
const COUNTED: u64 = 10;

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: Option<u64>,
    pub(super) distinct: HashMap<String, u64>,
}

/// What is counted, and for how long.
pub(super) struct Counting<'a> {
    pub(super) connection: &'a Connection,
    pub(super) table: &'a LiveTable,
    /// Tables of up to so many rows are read whole.
    pub(super) most: u64,
    pub(super) until: Instant,
    pub(super) stop: &'a Stop,
}

impl Counting<'_> {
    /// What cannot be said in time is left out.
    pub(super) fn counts(&self) -> rusqlite::Result<Counts> {
        let rows = self.in_time(self.count(self.most))?.flatten();
        let mut counts = match rows {
            Some(rows) => self.small(rows)?,
            None => self.large()?,
        };
        if let Some(analysed) = analysed(self.connection, &self.table.table)? {
            counts.complete(analysed);
        }
        Ok(counts)
    }

    /// Nothing when the time for this table is over; the time for the whole call is another matter.
    fn in_time<T>(&self, result: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_interrupt(&error) && !self.stop.is_over() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The rows, when there are at most so many.
    fn count(&self, most: u64) -> rusqlite::Result<Option<u64>> {
        let most = most.min(i64::MAX as u64 - 1);
        let mut inner: SelectStatement = Query::select();
        inner.expr(Expr::cust("1")).from(self.table.table.clone()).limit(most + 1);
        let mut outer = Query::select();
        outer.expr(Func::cust("COUNT").arg(Expr::cust("*"))).from_subquery(inner, "rows");
        let rows: i64 = self.connection.query_row(&outer.to_string(SqliteQueryBuilder), [], |row| row.get(0))?;
        Ok(u64::try_from(rows).ok().filter(|rows| *rows <= most))
    }

    /// The columns whose values are looked at.
    fn columns(&self) -> Vec<&str> {
        let compared = self.table.columns.iter().filter(|column| column.data_type != DataType::Binary);
        compared.map(|column| column.name.as_str()).collect()
    }

    /// Reads the table whole, or as much of it as the memory allows.
    fn small(&self, rows: u64) -> rusqlite::Result<Counts> {
        let columns = self.columns();
        let readable = (MOST_CELLS / columns.len().max(1)) as u64;
        if columns.is_empty() || rows > readable {
            return if columns.is_empty() { Ok(Counts::of(rows)) } else { self.large() };
        }
        let mut select = Query::select();
        select.exprs(columns.iter().map(|name| Expr::col((*name).to_owned()))).from(self.table.table.clone());
        let mut samples = vec![ColumnSample::default(); columns.len()];
        let read = self.in_time(self.read(&select.to_string(SqliteQueryBuilder), &mut samples))?;
        let mut counts = Counts::of(rows);
        if read.is_some() {
            counts.distinct = named(&columns, samples.iter().map(ColumnSample::seen));
        }
        Ok(counts)
    }

    fn read(&self, sql: &str, samples: &mut [ColumnSample]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            add(row, 0, samples)?;
        }
        Ok(())
    }

    /// A sample by row number where rows have one, else a longer count.
    fn large(&self) -> rusqlite::Result<Counts> {
        let Some(number) = row_number(self.connection, &self.table.table)? else {
            let rows = self.in_time(self.count(self.most.saturating_mul(COUNTED)))?.flatten();
            return Ok(Counts { rows, ..Counts::default() });
        };
        let end = |order| {
            let mut select = Query::select();
            select.expr(Expr::col(number)).from(self.table.table.clone()).order_by(number, order).limit(1);
            self.connection.query_row(&select.to_string(SqliteQueryBuilder), [], |row| row.get::<_, i64>(0)).optional()
        };
        let (Some(first), Some(last)) = (end(Order::Asc)?, end(Order::Desc)?) else { return Ok(Counts::of(0)) };
        self.sample(number, first, last.abs_diff(first).saturating_add(1))
    }

    /// Draws row numbers: the share of them that are rows tells how many rows there are, and those found what they hold.
    fn sample(&self, number: &'static str, first: i64, span: u64) -> rusqlite::Result<Counts> {
        let columns = self.columns();
        let most = SAMPLE.min((MOST_CELLS / (columns.len() + 1)) as u64);
        let mut select = Query::select();
        select.expr(Expr::col(number)).exprs(columns.iter().map(|name| Expr::col((*name).to_owned())));
        let from = sea_query::ExprTrait::gte(Expr::col(number), Expr::cust("?1"));
        select.from(self.table.table.clone()).and_where(from);
        select.order_by(number, Order::Asc).limit(1);
        let mut statement = self.connection.prepare(&select.to_string(SqliteQueryBuilder))?;
        let (mut draw, mut seen) = (Draw::new(), HashSet::new());
        let mut samples = vec![ColumnSample::default(); columns.len()];
        let (mut drawn, mut hits) = (0_u64, 0_u64);
        while drawn < most && (!drawn.is_multiple_of(LOOK) || Instant::now() < self.until) {
            let wanted = first.wrapping_add_unsigned(draw.below(span));
            let found = self.in_time(statement.query_row([wanted], |row| {
                let found: i64 = row.get(0)?;
                if seen.insert(found) {
                    add(row, 1, &mut samples)?;
                }
                Ok(found)
            }))?;
            let Some(found) = found else { break };
            drawn += 1;
            hits += u64::from(found == wanted);
        }
        let sampled = seen.len() as u64;
        let Some(rows) = self.rows(hits, drawn, span)? else { return Ok(Counts::default()) };
        let distinct = samples.iter().map(|sample| sample.estimate(sampled, rows));
        Ok(Counts { rows: Some(rows), distinct: named(&columns, distinct) })
    }

    /// Where numbers are sparse, no more than what the file has room for.
    fn rows(&self, hits: u64, drawn: u64, span: u64) -> rusqlite::Result<Option<u64>> {
        if drawn == 0 {
            return Ok(None);
        }
        if hits >= HITS {
            return Ok(Some((span as f64 * hits as f64 / drawn as f64).round() as u64));
        }
        if let Some(analysed) = analysed(self.connection, &self.table.table)? {
            return Ok(analysed.rows);
        }
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let size: i64 = self.connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let room = u64::try_from(pages.saturating_mul(size)).unwrap_or(0) / (8 * (self.table.columns.len() as u64 + 1));
        Ok(Some(span.min(room)))
    }
}

impl Counts {
    fn of(rows: u64) -> Self {
        Self { rows: Some(rows), distinct: HashMap::new() }
    }

    /// Takes over what ANALYZE has found, unless the table has changed much since.
    fn complete(&mut self, analysed: Self) {
        let (Some(now), Some(then)) = (self.rows.or(analysed.rows), analysed.rows) else { return };
        self.rows = Some(now);
        if now / 2 > then || then / 2 > now {
            return;
        }
        for (column, distinct) in analysed.distinct {
            self.distinct.entry(column).or_insert(distinct);
        }
    }
}

fn named(columns: &[&str], counts: impl Iterator<Item = u64>) -> HashMap<String, u64> {
    columns.iter().map(|name| (*name).to_owned()).zip(counts).collect()
}

fn add(row: &Row<'_>, from: usize, samples: &mut [ColumnSample]) -> rusqlite::Result<()> {
    for (i, sample) in samples.iter_mut().enumerate() {
        match row.get_ref(from + i)? {
            ValueRef::Null => {}
            ValueRef::Integer(i) => sample.add(&i),
            // A whole number may be stored either way.
            ValueRef::Real(r) if r.fract() == 0.0 && r.abs() < 9e15 => sample.add(&(r as i64)),
            ValueRef::Real(r) => sample.add(&r.to_bits()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => sample.add(&bytes),
        }
    }
    Ok(())
}

fn is_interrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// A name of the row number; nothing for views, tables without, and those whose columns have all of its names.
fn row_number(connection: &Connection, table: &str) -> rusqlite::Result<Option<&'static str>> {
    let kind = "SELECT type = 'table' AND NOT wr FROM pragma_table_list(?) WHERE schema = 'main'";
    let has = connection.query_row(kind, [table], |row| row.get::<_, bool>(0)).optional()?;
    if has != Some(true) {
        return Ok(None);
    }
    let mut names = connection.prepare_cached("SELECT lower(name) FROM pragma_table_xinfo(?)")?;
    let taken = names.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken.iter().any(|taken| taken == name)))
}

/// What ANALYZE has left behind: the rows, and the distinct values of columns that an index of all rows begins with.
fn analysed(connection: &Connection, table: &str) -> rusqlite::Result<Option<Counts>> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlite_stat1'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let mut lines = connection.prepare_cached("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ?")?;
    let rows = lines.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found: Vec<(Option<String>, Vec<u64>)> = Vec::new();
    for row in rows {
        let (index, stat): (Option<String>, Option<String>) = row?;
        found.push((index, stat.iter().flat_map(|s| s.split(' ')).map_while(|n| n.parse().ok()).collect()));
    }
    let Some(total) = found.iter().filter_map(|(_, numbers)| numbers.first()).max().copied() else { return Ok(None) };
    let mut counts = Counts::of(total);
    for (index, numbers) in found {
        let (Some(index), [all, each, ..]) = (index, numbers.as_slice()) else { continue };
        if *all != total {
            continue;
        }
        let first = "SELECT name FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno LIMIT 1";
        let first: Option<Option<String>> = connection.query_row(first, [index], |row| row.get(0)).optional()?;
        counts.distinct.extend(first.flatten().map(|column| (column, total / each.max(&1))));
    }
    Ok(Some(counts))
}

/// The time for one table, begun now.
pub(super) fn until(milliseconds: u32, stop: &Stop) -> Instant {
    stop.deadline.min(Instant::now() + Duration::from_millis(milliseconds.into()))
}
