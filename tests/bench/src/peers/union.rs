//! The tables of all sources in one SQLite file, and SQLite itself as a peer.

use super::install::Kit;
use super::rdf::fingerprint;
use super::{Outcome, Peer};
use crate::data::Source;
use anyhow::{Context, Result};
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Table `part` of source `plm` is `plm_part` here, with the keys and indexes it has there.
pub(super) fn union(sources: &[&Source], kit: &Kit) -> Result<PathBuf> {
    let file = kit.folder().join(format!("{}.sqlite", fingerprint("union", sources)));
    if file.exists() {
        return Ok(file);
    }
    let unfinished = file.with_extension(format!("{}.part", std::process::id()));
    let database = Connection::open(&unfinished)?;
    database.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    for source in sources {
        copy(&database, source).with_context(|| format!("cannot copy {}", source.name))?;
    }
    database.execute_batch("ANALYZE")?;
    drop(database);
    std::fs::rename(&unfinished, &file)?;
    Ok(file)
}

fn copy(database: &Connection, source: &Source) -> Result<()> {
    database.execute("ATTACH ? AS source", [source.file.display().to_string()])?;
    // Tables come before their indexes.
    let list = "SELECT type, name, tbl_name, sql FROM source.sqlite_schema
                WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC";
    let mut statement = database.prepare(list)?;
    let entries = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let entries: Vec<(String, String, String, String)> = entries.collect::<Result<_, _>>()?;
    drop(statement);
    for (kind, name, table, sql) in entries {
        let prefix = &source.name;
        if kind == "table" {
            let made = sql.replacen(&format!("CREATE TABLE {name}"), &format!("CREATE TABLE {prefix}_{name}"), 1);
            database.execute_batch(&format!("{made}; INSERT INTO {prefix}_{name} SELECT * FROM source.{name}"))?;
        } else {
            let made = sql.replacen(&format!("INDEX {name}"), &format!("INDEX {prefix}_{name}"), 1);
            database.execute_batch(&made.replacen(&format!("ON {table}"), &format!("ON {prefix}_{table}"), 1))?;
        }
    }
    Ok(database.execute_batch("DETACH source")?)
}

/// SQLite in this process: SQL written by hand, and the rows written as CSV.
pub(super) struct Sqlite {
    file: PathBuf,
}

impl Sqlite {
    pub(super) fn open(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }
}

#[async_trait]
impl Peer for Sqlite {
    fn version(&self) -> &str {
        rusqlite::version()
    }

    async fn ask(&mut self, text: &str, limit: Duration) -> Outcome {
        let opened = Connection::open_with_flags(&self.file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        let database = match opened {
            Ok(database) => database,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let interrupt = database.get_interrupt_handle();
        let text = text.to_owned();
        let mut running = spawn_blocking(move || answer(&database, &text));
        let answered = match timeout(limit, &mut running).await {
            Ok(answered) => answered,
            Err(_) => {
                interrupt.interrupt();
                // It ends now, and the connection with it.
                running.await.ok();
                return Outcome::TimedOut;
            }
        };
        match answered {
            Ok(Ok((elapsed, rows))) => Outcome::Answered { elapsed, rows },
            Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    fn peak_memory(&self) -> Option<u64> {
        None
    }
}

fn answer(database: &Connection, text: &str) -> Result<(Duration, u64)> {
    // Opening reads the schema; the others have done that, too, when they are asked.
    database.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let begun = Instant::now();
    let mut statement = database.prepare(text)?;
    let columns = statement.column_count();
    let mut table = Vec::new();
    let mut count = 0;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            if column > 0 {
                table.push(b',');
            }
            match row.get_ref(column)? {
                ValueRef::Null => {}
                ValueRef::Integer(value) => write!(table, "{value}")?,
                ValueRef::Real(value) => write!(table, "{value}")?,
                ValueRef::Text(text) | ValueRef::Blob(text) => table.extend_from_slice(text),
            }
        }
        table.extend_from_slice(b"\r\n");
        count += 1;
    }
    Ok((begun.elapsed(), count))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn tables_of_several_sources_are_one_database_that_answers() {
        let folder = tempfile::tempdir().unwrap();
        let kit = Kit::new(folder.path()).unwrap();
        let sources: Vec<Source> = ["a", "b"]
            .iter()
            .map(|name| {
                let file = folder.path().join(format!("{name}.sqlite"));
                let script = "CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, part TEXT);
                    INSERT INTO part VALUES (1, 'x'), (2, NULL); CREATE INDEX part_part ON part (part)";
                Connection::open(&file).unwrap().execute_batch(script).unwrap();
                Source { name: (*name).to_owned(), file, mapping: String::new() }
            })
            .collect();
        let sources: Vec<&Source> = sources.iter().collect();
        let file = union(&sources, &kit).unwrap();
        assert_eq!(union(&sources, &kit).unwrap(), file);
        let mut sqlite = Sqlite::open(&file);
        let minute = Duration::from_secs(60);
        let joined = sqlite.ask("SELECT a.id, b.part FROM a_part a JOIN b_part b USING (part)", minute).await;
        assert!(matches!(joined, Outcome::Answered { rows: 1, .. }), "{joined:?}");
        let indexes = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name IN ('a_part_part', 'b_part_part')";
        assert!(matches!(sqlite.ask(indexes, minute).await, Outcome::Answered { rows: 2, .. }));
        assert!(matches!(sqlite.ask("SELECT nothing", minute).await, Outcome::Failed(_)));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT COUNT(*) FROM n";
        assert_eq!(sqlite.ask(endless, Duration::from_millis(100)).await, Outcome::TimedOut);
    }
}
