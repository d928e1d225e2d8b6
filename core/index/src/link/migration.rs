//! Brings the tables of a SQLite file to the version of this program, all or nothing.

use super::DatabaseError;
use super::schema::{GUARDS, INDEXES, TABLES, VERSION};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::str::FromStr;
use weft_links::{LinkId, LinkTime};

/// The columns of version 1, which had one table and no version.
const FIRST: [&str; 12] = [
    "subject",
    "predicate",
    "object",
    "rule",
    "author",
    "evidence",
    "confidence",
    "state",
    "valid_from",
    "valid_to",
    "recorded_at",
    "superseded_at",
];

pub(super) fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
    if version(connection)? == Some(VERSION) {
        return Ok(());
    }
    // Others may open the file at the same time: what there is to do is decided under the lock.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&transaction)? {
        Some(VERSION) => return Ok(()),
        Some(found) => return Err(DatabaseError::Newer { found, known: VERSION }),
        None => {}
    }
    if has_table(&transaction, "link")? {
        from_first(&transaction)?;
    } else {
        transaction.execute_batch(TABLES)?;
    }
    transaction.execute_batch(INDEXES)?;
    transaction.execute_batch(GUARDS)?;
    transaction.execute("INSERT INTO link_schema (version) VALUES ($1)", [VERSION])?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<Option<i64>, DatabaseError> {
    if !has_table(connection, "link_schema")? {
        return Ok(None);
    }
    Ok(Some(connection.query_row("SELECT max(version) FROM link_schema", [], |row| row.get(0))?))
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, DatabaseError> {
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
        [name],
        |row| row.get(0),
    )?;
    Ok(count > 0)
}

fn from_first(transaction: &Transaction<'_>) -> Result<(), DatabaseError> {
    check_columns(transaction)?;
    transaction.execute_batch("DROP INDEX IF EXISTS link_current; ALTER TABLE link RENAME TO link_before;")?;
    transaction.execute_batch(TABLES)?;
    {
        let mut rows =
            transaction.prepare(&format!("SELECT rowid, {} FROM link_before ORDER BY rowid", FIRST.join(", ")))?;
        let mut rows = rows.query([])?;
        let mut insert = transaction.prepare(
            "INSERT INTO link (id, link_id, subject, predicate, object, rule, author, evidence, confidence, state, \
             valid_from, valid_to, recorded_at, superseded_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let text = |column: usize| row.get::<_, Option<String>>(column);
            let [Some(subject), Some(predicate), Some(object)] = [text(1)?, text(2)?, text(3)?] else {
                return Err(DatabaseError::Row { row: id, message: "a term is missing".to_owned() });
            };
            let time = |column: usize| time(id, FIRST[column - 1], text(column)?);
            insert.execute(params![
                id,
                LinkId::of(&subject, &predicate, &object).to_i64(),
                subject,
                predicate,
                object,
                text(4)?,
                text(5)?,
                text(6)?,
                row.get::<_, Option<f64>>(7)?,
                text(8)?,
                time(9)?,
                time(10)?,
                time(11)?,
                time(12)?,
            ])?;
        }
    }
    Ok(transaction.execute_batch("DROP TABLE link_before;")?)
}

fn time(row: i64, column: &str, text: Option<String>) -> Result<Option<String>, DatabaseError> {
    let Some(text) = text else { return Ok(None) };
    let time = LinkTime::from_str(&text);
    time.map(|time| Some(time.as_str().to_owned()))
        .map_err(|error| DatabaseError::Row { row, message: format!("{column} {error}") })
}

/// Another program's table of this name is left alone.
fn check_columns(connection: &Connection) -> Result<(), DatabaseError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('link')")?;
    let present = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    match FIRST.iter().find(|column| !present.iter().any(|name| name == *column)) {
        Some(column) => Err(DatabaseError::NoColumn(column)),
        None => Ok(()),
    }
}
