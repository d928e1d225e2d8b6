//! Rows and distinct values: the server's own estimates, brought to the size the tables have now, and a sample of those
//! it has not looked at yet.

use super::{get, query};
use crate::catalogue::{LiveColumn, LiveTable, Storage, measured};
use crate::error::Result;
use crate::estimate::{ColumnSample, MOST_CELLS};
use crate::postgres::cells::Raw;
use crate::postgres::{Shared, failure};
use futures::StreamExt;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use weft_model::contract::{DataType, Statistic};

/// Estimates of the last ANALYZE or VACUUM, the pages there were then and are now, of a partitioned table those of its
/// parts. To ask for a size waits for a lock on the table. The time is 0 when the server no longer knows it. Those over all children come after those of the parent alone.
const COUNTS: &str = "
SELECT n.nspname || '.' || c.relname AS table, z.tuples::float8, z.pages::float8,
       z.bytes::float8 / current_setting('block_size')::float8 AS now_pages,
       s.attname::text AS column, s.n_distinct::float8 AS distinct,
       coalesce((extract(epoch FROM greatest(u.last_analyze, u.last_autoanalyze, u.last_vacuum, u.last_autovacuum))
                 * 1000000)::int8, 0) AS measured_at
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT c.reltuples AS tuples, c.relpages AS pages, pg_relation_size(c.oid) AS bytes WHERE c.relkind <> 'p'
  UNION ALL
  SELECT CASE WHEN bool_or(l.reltuples < 0) THEN -1 ELSE sum(l.reltuples) END, sum(l.relpages), sum(pg_relation_size(l.oid))
  FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf AND c.relkind = 'p'
  HAVING count(*) > 0
) AS z
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
LEFT JOIN pg_stat_all_tables u ON u.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname = ANY ($1)
ORDER BY 1, s.inherited";

const SIZE: &str = "pg_relation_size(c.oid)";
const SIZES: &str = "sum(pg_relation_size(l.oid))";

/// Pages that a sample reads, about. A page has at most 291 rows.
const PAGES: f64 = 200.0;
/// Longer values are not read: they may be kept outside of the page.
const VALUE_BYTES: u32 = 1_000;

#[derive(Default)]
pub(super) struct Counts {
    pub(super) rows: Option<Statistic>,
    pub(super) distinct: HashMap<String, Statistic>,
    /// The pages of a table that the server has not looked at.
    unknown: Option<f64>,
}

pub(super) async fn counts(shared: &Shared, client: &Client, tables: &[LiveTable]) -> Result<HashMap<String, Counts>> {
    let budget = shared.limits.statistics_milliseconds;
    limit(client, "lock_timeout", budget.max(1)).await?;
    let known = known(shared, client, COUNTS).await;
    limit(client, "lock_timeout", 0).await?;
    let mut counts = match known {
        Ok(counts) => counts,
        Err(error) if client.is_closed() => return Err(error),
        // Without the sizes.
        Err(_) => self::known(shared, client, &COUNTS.replace(SIZE, "NULL").replace(SIZES, "NULL")).await?,
    };
    let unknown = |table: &&LiveTable| counts.get(&table.name).is_some_and(|counts| counts.unknown.is_some());
    let sampled: Vec<&LiveTable> = tables.iter().filter(unknown).collect();
    if sampled.is_empty() || budget == 0 {
        return Ok(counts);
    }
    // Each scan sets its own time before it begins.
    limit(client, "statement_timeout", budget).await?;
    for table in sampled {
        let Some(pages) = counts.get(&table.name).and_then(|counts| counts.unknown) else { continue };
        match sample(client, table, pages).await {
            Ok(sampled) => drop(counts.insert(table.name.clone(), sampled)),
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => tracing::debug!(table = table.name, %error, "no statistics of a table"),
        }
    }
    limit(client, "statement_timeout", 0).await?;
    Ok(counts)
}

async fn limit(client: &Client, setting: &str, milliseconds: u32) -> Result<()> {
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&setting, Type::TEXT), (&milliseconds.to_string(), Type::TEXT)];
    let set = client.query_typed("SELECT set_config($1, $2, false)", &parameters).await;
    set.map(drop).map_err(|e| failure::translate(&e))
}

async fn known(shared: &Shared, client: &Client, sql: &str) -> Result<HashMap<String, Counts>> {
    let mut counts: HashMap<String, Counts> = HashMap::new();
    for row in &query(shared, client, sql).await? {
        let table = counts.entry(get(row, "table")?).or_default();
        let (tuples, pages): (f64, f64) = (get(row, "tuples")?, get(row, "pages")?);
        let (now_pages, measured_at): (Option<f64>, i64) = (get(row, "now_pages")?, get(row, "measured_at")?);
        let Some(rows) = rows_now(tuples, pages, now_pages.unwrap_or(pages)) else {
            table.unknown = now_pages;
            continue;
        };
        let statistic = |count: f64| Statistic { count: count.max(0.0).round() as u64, measured_at };
        table.rows = Some(statistic(rows));
        let (column, distinct): (Option<String>, Option<f64>) = (get(row, "column")?, get(row, "distinct")?);
        let (Some(column), Some(distinct)) = (column, distinct) else { continue };
        // Negative: a share of the rows; 0: unknown.
        if distinct != 0.0 {
            table
                .distinct
                .insert(column, statistic(if distinct < 0.0 { -distinct * rows } else { distinct.min(rows) }));
        }
    }
    Ok(counts)
}

/// As the server's planner does it (plancat.c, `estimate_rel_size`): as many rows a page as there were. Nothing where it has
/// not counted: there are -1 tuples, before version 14 no pages.
fn rows_now(tuples: f64, pages: f64, now_pages: f64) -> Option<f64> {
    if now_pages <= 0.0 {
        return Some(0.0);
    }
    (tuples >= 0.0 && pages > 0.0).then_some(tuples / pages * now_pages)
}

/// Some pages of the table, drawn by chance.
async fn sample(client: &Client, table: &LiveTable, pages: f64) -> Result<Counts> {
    let columns: Vec<&LiveColumn> = table.columns.iter().filter(|column| is_short(column)).collect();
    let pages_read = PAGES.min(MOST_CELLS as f64 / (291.0 * (columns.len() + 1) as f64)).max(1.0);
    let share = (pages_read / pages).min(1.0);
    let mut rows = pin!(
        client
            .query_typed_raw(&sample_sql(table, &columns, share * 100.0), Vec::<(i32, Type)>::new())
            .await
            .map_err(|e| failure::translate(&e))?
    );
    let (mut read, mut samples) = (0_u64, vec![ColumnSample::default(); columns.len()]);
    while let Some(row) = rows.next().await {
        let row = row.map_err(|e| failure::translate(&e))?;
        add(&row, &mut samples)?;
        read += 1;
    }
    let all = (read as f64 / share).round() as u64;
    let distinct = columns.iter().zip(&samples).map(|(c, s)| (c.name.clone(), measured(s.estimate(read, all))));
    Ok(Counts { rows: Some(measured(all)), distinct: distinct.collect(), unknown: None })
}

/// Values that fit a page and are stored as they are.
fn is_short(column: &LiveColumn) -> bool {
    column.data_type != DataType::Binary && column.storage != Storage::CastText
}

fn sample_sql(table: &LiveTable, columns: &[&LiveColumn], percent: f64) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let short = |column: &&LiveColumn| {
        let name = quoted(&column.name);
        match column.data_type {
            DataType::Text => format!("CASE WHEN pg_column_size({name}) < {VALUE_BYTES} THEN {name} END"),
            _ => name,
        }
    };
    let columns: Vec<String> = columns.iter().map(short).collect();
    let schema = table.schema.as_deref().unwrap_or("public");
    let from = format!("{}.{}", quoted(schema), quoted(&table.table));
    format!("SELECT {} FROM {from} TABLESAMPLE SYSTEM ({percent})", columns.join(", "))
}

fn add(row: &Row, samples: &mut [ColumnSample]) -> Result<()> {
    for (i, sample) in samples.iter_mut().enumerate() {
        if let Some(Raw(bytes)) = row.try_get::<_, Option<Raw<'_>>>(i).map_err(crate::error::internal)? {
            sample.add(&bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_grow_with_the_table() {
        assert_eq!(rows_now(1_000.0, 10.0, 10.0), Some(1_000.0));
        assert_eq!(rows_now(1_000.0, 10.0, 1_000.0), Some(100_000.0));
        assert_eq!(rows_now(1_000.0, 10.0, 0.0), Some(0.0), "it was emptied");
        assert_eq!(rows_now(-1.0, 0.0, 0.0), Some(0.0), "it is new");
        assert_eq!(rows_now(-1.0, 0.0, 10.0), None, "nobody has looked");
        assert_eq!(rows_now(0.0, 0.0, 10.0), None, "nobody has looked, before version 14");
        assert_eq!(rows_now(0.0, 10.0, 10.0), Some(0.0));
    }

    #[test]
    fn names_cannot_inject() {
        let live = |name: &str, data_type| LiveColumn {
            name: name.into(),
            data_type,
            nullable: true,
            native_type: String::new(),
            storage: Storage::Plain,
            collation: 0,
        };
        let columns = [live("a\"; --", DataType::Int64), live("t", DataType::Text)];
        let table = LiveTable {
            name: "x".into(),
            schema: Some("s\"".into()),
            table: "t\"; DROP TABLE t".into(),
            query: None,
            typed: true,
            columns: columns.to_vec(),
        };
        assert_eq!(
            sample_sql(&table, &[&columns[0], &columns[1]], 12.5),
            "SELECT \"a\"\"; --\", CASE WHEN pg_column_size(\"t\") < 1000 THEN \"t\" END FROM \"s\"\"\".\"t\"\"; DROP TABLE t\" TABLESAMPLE SYSTEM (12.5)"
        );
        assert!(sample_sql(&table, &[], 100.0).starts_with("SELECT  FROM"));
    }
}
