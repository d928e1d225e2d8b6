//! SQLite: a pool of read-only connections, each used by one blocking thread at a time.

mod catalogue;
mod cells;
mod failure;
mod functions;
mod scan;
mod statistics;
mod view;

use crate::catalogue::{DescribedTable, LiveTable, outcome};
use crate::error::{Result, deadline_exceeded, internal, invalid_config};
use crate::permits::Permits;
use crate::view::Views;
use crate::{Database, Limits};
use failure::Failures;
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use weft_model::contract::{Check, CheckOutcome};

/// How many steps of SQLite's virtual machine pass between two looks at the clock.
const STEPS: i32 = 2_000;

#[derive(Debug)]
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// Only these tables, when there is a list.
    tables: Option<Vec<String>>,
    views: Views,
    limits: Limits,
    permits: Permits,
    idle: Mutex<Vec<Session>>,
}

/// A connection and what its functions report.
#[derive(Debug)]
struct Session {
    connection: Connection,
    failures: Failures,
    /// The tables as of this `PRAGMA schema_version`.
    known: Option<(i64, Arc<Vec<LiveTable>>)>,
}

/// What may end a statement from outside.
#[derive(Debug)]
struct Stop {
    deadline: Instant,
    cancelled: AtomicBool,
}

impl Stop {
    fn new(deadline: Instant) -> Arc<Self> {
        Arc::new(Self { deadline, cancelled: AtomicBool::new(false) })
    }

    fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

/// Cancels the work when the one who waits for it goes away.
#[derive(Debug)]
struct CancelOnDrop(Arc<Stop>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Sqlite {
    pub(crate) fn new(path: PathBuf, database: &Database, views: Views, limits: Limits) -> Self {
        let permits = Permits::new(limits.connections, limits.queue);
        let tables = database.tables.clone();
        let shared = Shared { path, tables, views, limits, permits, idle: Mutex::new(Vec::new()) };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) async fn describe(&self, deadline: Instant) -> Result<Vec<DescribedTable>> {
        self.run(deadline, |shared, session, stop| {
            let tables = session.tables(shared, &stop)?;
            statistics::describe(shared, session, &tables, &stop)
        })
        .await
    }

    /// Refuses views that cannot be served.
    pub(crate) async fn check_views(&self, deadline: Instant) -> Result<()> {
        self.run(deadline, |shared, session, stop| {
            session.tables(shared, &stop)?;
            shared.views.iter().try_for_each(|view| view::live(session, view, &stop).map(drop))
        })
        .await
    }

    /// One outcome for each table named; for all when none is.
    pub(crate) async fn check(&self, deadline: Instant, names: &[String]) -> Result<Check> {
        let names = names.to_vec();
        self.run(deadline, move |shared, session, stop| {
            let tables = session.tables(shared, &stop)?;
            let broken = shared.views.iter().filter(|view| tables.iter().all(|table| table.name != view.name));
            let all = tables.iter().map(|t| &t.name).chain(broken.map(|view| &view.name));
            let names: Vec<String> = if names.is_empty() { all.cloned().collect() } else { names };
            let outcomes = names.into_iter().map(|name| {
                let found = tables.iter().find(|table| table.name == name);
                let outcome = match (found, shared.views.get(&name)) {
                    (Some(table), _) => scan::sample(shared, session, table, &stop),
                    (None, Some(view)) => outcome(view::live(session, view, &stop).map(|_| None)),
                    (None, None) => CheckOutcome::Failed(format!("there is no table {name:?}")),
                };
                (name, outcome)
            });
            let outcomes = outcomes.collect();
            let file = shared.path.file_name().map_or_else(String::new, |f| f.to_string_lossy().into_owned());
            Ok(Check { system: format!("SQLite {}, {file}", rusqlite::version()), tables: outcomes })
        })
        .await
    }

    /// Runs `work` on a blocking thread with a connection of its own, until it is done, the deadline passes or the
    /// caller goes away.
    async fn run<T, F>(&self, deadline: Instant, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Shared, &mut Session, Arc<Stop>) -> Result<T> + Send + 'static,
    {
        let permit = self.shared.permits.acquire(deadline).await?;
        let stop = Stop::new(deadline);
        let _cancel = CancelOnDrop(Arc::clone(&stop));
        let shared = Arc::clone(&self.shared);
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            shared.with_session(&stop, |session| work(&shared, session, Arc::clone(&stop)))
        });
        match tokio::time::timeout_at(deadline, work).await {
            Ok(done) => done.map_err(internal)?,
            Err(_) => Err(deadline_exceeded()),
        }
    }
}

impl Shared {
    /// Lends a connection; it goes back to the idle ones unless its transaction cannot be ended.
    fn with_session<T>(&self, stop: &Arc<Stop>, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = match idle {
            Some(session) => session,
            None => self.open()?,
        };
        session.begin(stop, self.limits.busy_timeout())?;
        let result = work(&mut session);
        if session.end().is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < self.limits.connections as usize {
                idle.push(session);
            }
        }
        result
    }

    fn open(&self) -> Result<Session> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&self.path, flags);
        let connection = opened.map_err(|e| failure::unavailable(&self.path, &e))?;
        let failures = functions::register(&connection).map_err(internal)?;
        let mut session = Session { connection, failures, known: None };
        session.prepare(self.limits.cache_bytes).map_err(|e| failure::unavailable(&self.path, &e))?;
        let encoding: String = session
            .connection
            .query_row("PRAGMA encoding", [], |row| row.get(0))
            .map_err(|e| failure::unavailable(&self.path, &e))?;
        if encoding != "UTF-8" {
            return Err(invalid_config(format!("the database is encoded in {encoding}; only UTF-8 is supported")));
        }
        Ok(session)
    }
}

impl Session {
    fn prepare(&mut self, cache_bytes: u32) -> rusqlite::Result<()> {
        self.connection.set_prepared_statement_cache_capacity(32);
        // Nothing in the file may call functions with side effects, and nothing here may write.
        self.connection.pragma_update(None, "trusted_schema", false)?;
        // Negative: in KiB, not pages. Pages stay from one statement to the next for as long as nobody writes.
        self.connection.pragma_update(None, "cache_size", -i64::from(cache_bytes / 1024).max(1))?;
        self.connection.pragma_update(None, "query_only", true)
    }

    /// One snapshot for everything until `end`.
    fn begin(&mut self, stop: &Arc<Stop>, busy: Duration) -> Result<()> {
        let left = stop.deadline.saturating_duration_since(Instant::now());
        self.failures.clear();
        self.connection
            .busy_timeout(busy.min(left))
            .and_then(|()| self.watch(stop, stop.deadline))
            .and_then(|()| self.connection.execute_batch("BEGIN"))
            .map_err(|e| self.failure(&e, stop))
    }

    /// Lets statements be interrupted when the work is to stop, or at this time.
    fn watch(&self, stop: &Arc<Stop>, until: Instant) -> rusqlite::Result<()> {
        let watch = Arc::clone(stop);
        self.connection.progress_handler(STEPS, Some(move || watch.is_over() || Instant::now() >= until))
    }

    fn end(&mut self) -> rusqlite::Result<()> {
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("ROLLBACK")
    }

    /// The tables as they are now; read again only when the schema has changed.
    fn tables(&mut self, shared: &Shared, stop: &Stop) -> Result<Arc<Vec<LiveTable>>> {
        let version = self.connection.query_row("PRAGMA schema_version", [], |row| row.get(0));
        let version: i64 = version.map_err(|e| self.failure(&e, stop))?;
        if let Some((known, tables)) = &self.known
            && *known == version
        {
            return Ok(Arc::clone(tables));
        }
        let tables = catalogue::read(&self.connection, shared.tables.as_deref());
        let mut tables = tables.map_err(|e| self.failure(&e, stop))?;
        view::add(shared, self, &mut tables, stop)?;
        let tables = Arc::new(tables);
        self.known = Some((version, Arc::clone(&tables)));
        Ok(tables)
    }
}
