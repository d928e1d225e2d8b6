//! Links in a SQLite file.

use super::database::{DatabaseError, LinkDatabase, Opinion, RuleRun, Statement};
use super::migration::migrate;
use super::selection::{Condition, LinkFilter, Parameter};
use oxrdf::{NamedNode, Triple};
use rusqlite::types::ToSqlOutput;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, ToSql, Transaction, TransactionBehavior, params, params_from_iter,
};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use weft_links::{LinkId, LinkRecord, LinkState, LinkTime};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);

/// KiB of pages kept in memory.
const CACHE_KIB: i64 = 64 * 1024;

const RECORD: &str = "l.id, l.link_id, l.subject, l.predicate, l.object, l.rule, l.author, l.evidence, l.confidence, \
                      l.state, l.valid_from, l.valid_to, l.recorded_at, l.superseded_at";

pub(super) struct Sqlite {
    path: PathBuf,
    connection: Connection,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // Readers are not kept waiting by a rule that writes for minutes.
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        migrate(&mut connection)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn select<T>(
        &self,
        columns: &str,
        filter: &LinkFilter,
        (after, limit): (i64, usize),
        read: impl Fn(&Row<'_>) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        let condition = Condition::of(filter, after);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let Condition { with, text, table, parameters } = condition;
        let text = format!("{with}SELECT {columns} FROM {table} l WHERE {text} ORDER BY l.id LIMIT {limit}");
        let mut statement = self.connection.prepare_cached(&text)?;
        // `$1` is a name to SQLite, and names are numbered as they come: those of the keys come first.
        for (position, value) in parameters.iter().enumerate() {
            let name = format!("${}", position + 1);
            if let Some(index) = statement.parameter_index(&name)? {
                statement.raw_bind_parameter(index, value)?;
            }
        }
        let mut rows = statement.raw_query();
        let mut read_rows = Vec::new();
        while let Some(row) = rows.next()? {
            read_rows.push(read(row)?);
        }
        Ok(read_rows)
    }
}

impl LinkDatabase for Sqlite {
    fn append(&mut self, opinions: &[Opinion<'_>], run: Option<&RuleRun>) -> Result<u64, DatabaseError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let time = last(&transaction)?.map_or_else(LinkTime::now, |(_, time)| time.next());
        let mut written = 0;
        for opinion in opinions {
            written += u64::from(append(&transaction, opinion, &time)?);
        }
        if let Some(run) = run {
            let insert = "INSERT INTO link_run (rule, text, ran_at, coverage) VALUES ($1, $2, $3, $4)";
            transaction.execute(insert, params![run.rule, run.text, time.as_str(), run.coverage])?;
        }
        transaction.commit()?;
        Ok(written)
    }

    fn again(&self) -> Result<Box<dyn LinkDatabase>, DatabaseError> {
        Ok(Box::new(Self::open(&self.path)?))
    }

    fn last(&self) -> Result<Option<(i64, LinkTime)>, DatabaseError> {
        last(&self.connection)
    }

    fn records(&self, filter: &LinkFilter, after: i64, limit: usize) -> Result<Vec<LinkRecord>, DatabaseError> {
        self.select(RECORD, filter, (after, limit), record)
    }

    fn statements(&self, filter: &LinkFilter, after: i64, limit: usize) -> Result<Vec<Statement>, DatabaseError> {
        self.select("l.id, l.subject, l.predicate, l.object", filter, (after, limit), |row| {
            let id = row.get(0)?;
            let triple = Triple::new(iri(row, id, 1)?, iri(row, id, 2)?, iri(row, id, 3)?);
            Ok(Statement { record: id, triple })
        })
    }

    fn counts(&self) -> Result<Vec<(LinkState, u64)>, DatabaseError> {
        let condition = Condition::of(&LinkFilter::current(), i64::MIN);
        let text = format!("SELECT l.state, count(*) FROM link l WHERE {} GROUP BY l.state", condition.text);
        let mut statement = self.connection.prepare_cached(&text)?;
        let mut rows = statement.query(params_from_iter(condition.parameters))?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            let count: i64 = row.get(1)?;
            counts.push((state(row, 0, 0)?, count.unsigned_abs()));
        }
        counts.sort_unstable();
        Ok(counts)
    }

    fn next_boundary(&self, after: &LinkTime) -> Result<Option<LinkTime>, DatabaseError> {
        let mut first: Option<LinkTime> = None;
        for column in ["valid_from", "valid_to"] {
            let text = format!(
                "SELECT min({column}) FROM link WHERE {column} IS NOT NULL AND superseded_at IS NULL AND {column} > $1 \
                 AND state = 'confirmed'"
            );
            let found: Option<String> =
                self.connection.prepare_cached(&text)?.query_row([after.as_str()], |row| row.get(0))?;
            let found = found.map(|text| stored_time(0, column, &text)).transpose()?;
            first = [first, found].into_iter().flatten().min();
        }
        Ok(first)
    }

    fn last_runs(&self) -> Result<Vec<RuleRun>, DatabaseError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT r.id, r.rule, r.text, r.ran_at, r.coverage FROM link_run r \
             WHERE r.id = (SELECT max(n.id) FROM link_run n WHERE n.rule = r.rule) ORDER BY r.rule",
        )?;
        let mut rows = statement.query([])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let time = stored_time(row.get(0)?, "ran_at", &row.get::<_, String>(3)?)?;
            runs.push(RuleRun { rule: row.get(1)?, text: row.get(2)?, ran_at: Some(time), coverage: row.get(4)? });
        }
        Ok(runs)
    }
}

/// Whether the opinion is new.
fn append(transaction: &Transaction<'_>, opinion: &Opinion<'_>, time: &LinkTime) -> Result<bool, DatabaseError> {
    let text = format!("SELECT {RECORD} FROM link l WHERE l.link_id = $1 AND l.superseded_at IS NULL");
    let mut current = transaction.prepare_cached(&text)?;
    let mut rows = current.query([opinion.id.to_i64()])?;
    let mut former = None;
    while let Some(row) = rows.next()? {
        let record = record(row)?;
        if is_of(&record, opinion) {
            former = Some(record);
        }
    }
    drop(rows);
    if former.as_ref().is_some_and(|former| says(former, opinion)) {
        return Ok(false);
    }
    if let Some(former) = former {
        let mut close = transaction.prepare_cached("UPDATE link SET superseded_at = $1 WHERE id = $2")?;
        close.execute(params![time.as_str(), former.record])?;
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO link (link_id, subject, predicate, object, rule, author, evidence, confidence, state, valid_from, \
         valid_to, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )?;
    let link = opinion.link;
    insert.execute(params![
        opinion.id.to_i64(),
        link.subject.as_str(),
        link.predicate.as_str(),
        link.object.as_str(),
        link.rule,
        link.author,
        link.evidence,
        link.confidence,
        link.state.as_str(),
        opinion.valid_from.as_ref().map(LinkTime::as_str),
        opinion.valid_to.as_ref().map(LinkTime::as_str),
        time.as_str(),
    ])?;
    Ok(true)
}

/// Whether the record is what the same rule, or people, held of the same statement.
fn is_of(record: &LinkRecord, opinion: &Opinion<'_>) -> bool {
    let link = opinion.link;
    record.subject == link.subject
        && record.predicate == link.predicate
        && record.object == link.object
        && record.rule == link.rule
}

fn says(record: &LinkRecord, opinion: &Opinion<'_>) -> bool {
    let link = opinion.link;
    record.author == link.author
        && record.evidence == link.evidence
        && record.confidence == link.confidence
        && record.state == link.state
        && record.valid_from == opinion.valid_from
        && record.valid_to == opinion.valid_to
}

fn last(connection: &Connection) -> Result<Option<(i64, LinkTime)>, DatabaseError> {
    let mut statement = connection.prepare_cached("SELECT id, recorded_at FROM link ORDER BY id DESC LIMIT 1")?;
    let link = statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).optional()?;
    link.map(|(id, text)| Ok((id, stored_time(id, "recorded_at", &text)?))).transpose()
}

fn record(row: &Row<'_>) -> Result<LinkRecord, DatabaseError> {
    let id = row.get(0)?;
    let time = |column: usize, name: &'static str| {
        let text: Option<String> = row.get(column)?;
        text.map(|text| stored_time(id, name, &text)).transpose()
    };
    let recorded_at = time(12, "recorded_at")?;
    Ok(LinkRecord {
        id: LinkId::from_i64(row.get(1)?),
        record: id,
        subject: iri(row, id, 2)?,
        predicate: iri(row, id, 3)?,
        object: iri(row, id, 4)?,
        rule: row.get(5)?,
        author: row.get(6)?,
        evidence: row.get(7)?,
        confidence: row.get(8)?,
        state: state(row, id, 9)?,
        valid_from: time(10, "valid_from")?,
        valid_to: time(11, "valid_to")?,
        recorded_at: recorded_at
            .ok_or_else(|| DatabaseError::Row { row: id, message: "recorded_at is missing".to_owned() })?,
        superseded_at: time(13, "superseded_at")?,
    })
}

fn iri(row: &Row<'_>, id: i64, column: usize) -> Result<NamedNode, DatabaseError> {
    let text: String = row.get(column)?;
    NamedNode::new(&text)
        .map_err(|error| DatabaseError::Row { row: id, message: format!("{text:?} is not an IRI: {error}") })
}

fn state(row: &Row<'_>, id: i64, column: usize) -> Result<LinkState, DatabaseError> {
    let text: String = row.get(column)?;
    LinkState::from_str(&text).map_err(|error| DatabaseError::Row { row: id, message: error.to_string() })
}

/// Times are compared as texts, so that one in another spelling would be compared wrongly.
fn stored_time(id: i64, column: &str, text: &str) -> Result<LinkTime, DatabaseError> {
    let wrong = |message: String| DatabaseError::Row { row: id, message: format!("{column} {message}") };
    let time = LinkTime::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if time.as_str() == text { Ok(time) } else { Err(wrong(format!("{text:?} is not written as {time}"))) }
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Integer(number) => number.to_sql(),
        }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Failed(Box::new(error)),
        }
    }
}
