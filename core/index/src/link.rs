//! The link store: typed statements between entities of different sources, kept for good.

use crate::IndexError;
use oxrdf::{NamedNode, Triple};
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(test)]
mod tests;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS link (
    subject TEXT NOT NULL,
    predicate TEXT NOT NULL,
    object TEXT NOT NULL,
    rule TEXT,
    author TEXT,
    evidence TEXT,
    confidence REAL,
    state TEXT NOT NULL,
    valid_from TEXT,
    valid_to TEXT,
    recorded_at TEXT NOT NULL,
    superseded_at TEXT
);
CREATE INDEX IF NOT EXISTS link_current ON link (subject, predicate, object) WHERE superseded_at IS NULL;
";

const COLUMNS: [&str; 12] = [
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

/// One page of current confirmed links. A time that SQLite cannot read gives a null Julian day.
const PAGE: &str = "
SELECT rowid, subject, predicate, object, valid_from, julianday(valid_from), valid_to, julianday(valid_to), julianday('now')
FROM link WHERE superseded_at IS NULL AND state = 'confirmed' AND rowid > ?1 ORDER BY rowid LIMIT ?2";

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// A statement between two entities, and why it is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub subject: NamedNode,
    pub predicate: NamedNode,
    pub object: NamedNode,
    /// The rule that found it, if one did. Each rule has at most one current opinion on a statement.
    pub rule: Option<String>,
    pub author: Option<String>,
    pub evidence: Option<String>,
    /// From 0 to 1.
    pub confidence: Option<f64>,
    pub state: LinkState,
    /// From this time on, ISO 8601; without, since ever.
    pub valid_from: Option<String>,
    /// Before this time, ISO 8601; without, for ever.
    pub valid_to: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Proposed,
    Confirmed,
    Suspect,
    Retired,
}

impl LinkState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Confirmed => "confirmed",
            Self::Suspect => "suspect",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A SQLite file with the table `link`. A change inserts a row and closes the one it replaces; nothing is overwritten.
pub struct LinkStore {
    path: PathBuf,
    connection: Connection,
}

impl fmt::Debug for LinkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl LinkStore {
    /// Opens the file, creating it, its folder and its table where they are missing.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| IndexError::Folder { path: folder.to_owned(), source })?;
        }
        let failed = |source| IndexError::LinkStore { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        let store = Self { path: path.to_owned(), connection };
        store.check_columns()?;
        store.connection.execute_batch(SCHEMA).map_err(failed)?;
        Ok(store)
    }

    /// Records what is now held of each link, all or none. Saying the same again changes nothing.
    pub fn record(&mut self, links: &[Link]) -> Result<(), IndexError> {
        links.iter().try_for_each(check_link)?;
        record_all(&mut self.connection, links).map_err(|source| self.failed(source))
    }

    /// Calls `visit` with the links that are confirmed, not superseded and valid now, in pages of at most `page`.
    pub(crate) fn for_each_page(
        &self,
        page: usize,
        visit: &mut dyn FnMut(Vec<Triple>) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let page = page.max(1);
        let mut last = i64::MIN;
        loop {
            let rows = self.page(last, page)?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.id;
            let complete = rows.len() < page;
            let mut triples = Vec::with_capacity(rows.len());
            for row in rows {
                triples.extend(row.into_triple().map_err(|(row, message)| IndexError::LinkRow {
                    path: self.path.clone(),
                    row,
                    message,
                })?);
            }
            visit(triples)?;
            if complete {
                return Ok(());
            }
        }
    }

    fn page(&self, after: i64, size: usize) -> Result<Vec<Row>, IndexError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(PAGE)?;
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            statement.query_map(params![after, size], Row::read)?.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// An older file may have another table; creating ours beside it would hide that.
    fn check_columns(&self) -> Result<(), IndexError> {
        let read = || {
            let mut statement = self.connection.prepare("SELECT name FROM pragma_table_info('link')")?;
            statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
        };
        let present = read().map_err(|source| self.failed(source))?;
        if present.is_empty() {
            return Ok(());
        }
        match COLUMNS.iter().find(|column| !present.iter().any(|name| name == *column)) {
            Some(column) => Err(IndexError::LinkTable { path: self.path.clone(), column }),
            None => Ok(()),
        }
    }

    fn failed(&self, source: rusqlite::Error) -> IndexError {
        IndexError::LinkStore { path: self.path.clone(), source }
    }
}

fn check_link(link: &Link) -> Result<(), IndexError> {
    let wrong = |message: &str| IndexError::Link {
        subject: link.subject.to_string(),
        object: link.object.to_string(),
        message: message.to_owned(),
    };
    if link.confidence.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
        return Err(wrong("the confidence is not between 0 and 1"));
    }
    Ok(())
}

fn record_all(connection: &mut Connection, links: &[Link]) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction()?;
    {
        let mut current = transaction.prepare(
            "SELECT 1 FROM link WHERE superseded_at IS NULL AND subject = ?1 AND predicate = ?2 AND object = ?3 \
             AND rule IS ?4 AND author IS ?5 AND evidence IS ?6 AND confidence IS ?7 AND state = ?8 \
             AND valid_from IS ?9 AND valid_to IS ?10",
        )?;
        let mut supersede = transaction.prepare(&format!(
            "UPDATE link SET superseded_at = {NOW} WHERE superseded_at IS NULL \
             AND subject = ?1 AND predicate = ?2 AND object = ?3 AND rule IS ?4"
        ))?;
        let mut insert = transaction.prepare(&format!(
            "INSERT INTO link (subject, predicate, object, rule, author, evidence, confidence, state, valid_from, valid_to, \
             recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, {NOW})"
        ))?;
        for link in links {
            let (s, p, o) = (link.subject.as_str(), link.predicate.as_str(), link.object.as_str());
            let values = params![
                s,
                p,
                o,
                link.rule,
                link.author,
                link.evidence,
                link.confidence,
                link.state.as_str(),
                link.valid_from,
                link.valid_to
            ];
            if current.query_row(values, |_| Ok(())).optional()?.is_some() {
                continue;
            }
            supersede.execute(params![s, p, o, link.rule])?;
            insert.execute(values)?;
        }
    }
    transaction.commit()
}

/// A row of [`PAGE`].
struct Row {
    id: i64,
    terms: [String; 3],
    from: Bound,
    to: Bound,
    now: f64,
}

/// A time as it is written, and as a Julian day when that can be read.
type Bound = (Option<String>, Option<f64>);

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get(0)?,
            terms: [row.get(1)?, row.get(2)?, row.get(3)?],
            from: (row.get(4)?, row.get(5)?),
            to: (row.get(6)?, row.get(7)?),
            now: row.get(8)?,
        })
    }

    /// Nothing when the link is not valid now.
    fn into_triple(self) -> Result<Option<Triple>, (i64, String)> {
        let id = self.id;
        let after_start = day("valid_from", self.from).map_err(|m| (id, m))?.is_none_or(|from| from <= self.now);
        let before_end = day("valid_to", self.to).map_err(|m| (id, m))?.is_none_or(|to| self.now < to);
        let [subject, predicate, object] = self.terms;
        let triple = Triple::new(
            iri("subject", subject).map_err(|m| (id, m))?,
            iri("predicate", predicate).map_err(|m| (id, m))?,
            iri("object", object).map_err(|m| (id, m))?,
        );
        Ok((after_start && before_end).then_some(triple))
    }
}

fn day(column: &str, bound: Bound) -> Result<Option<f64>, String> {
    match bound {
        (None, _) => Ok(None),
        (Some(_), Some(day)) => Ok(Some(day)),
        (Some(text), None) => Err(format!("{column} {text:?} is not an ISO 8601 time")),
    }
}

fn iri(column: &str, text: String) -> Result<NamedNode, String> {
    NamedNode::new(&text).map_err(|error| format!("{column} {text:?} is not an IRI: {error}"))
}
