//! Runs a scan on a blocking thread and hands its batches over one at a time.

use super::{CancelOnDrop, Session, Shared, Sqlite, Stop, cells};
use crate::catalogue::LiveTable;
use crate::error::{Result, deadline_exceeded, internal};
use crate::lower::{Dialect, Parameter, Statement, lower};
use crate::rows::{BatchBuilder, RowLimits};
use futures::StreamExt;
use futures::stream::unfold;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use weft_connector::{ScanEvent, ScanStream};
use weft_model::contract::{CheckOutcome, End, Outcome, Relation, Value};

/// Batches that wait for the reader; the thread stops when there are more.
const AHEAD: usize = 2;

type Events = mpsc::Sender<Result<ScanEvent>>;

impl Sqlite {
    /// What would be sent, without running it.
    pub(crate) async fn explain(&self, deadline: Instant, relation: Relation) -> Result<String> {
        self.run(deadline, move |shared, session, stop| {
            let tables = session.tables(shared, &stop)?;
            Ok(lower(&relation, Dialect::Sqlite, &tables, shared.limits.size())?.sql)
        })
        .await
    }

    pub(crate) async fn scan(&self, deadline: Instant, relation: Relation, limits: RowLimits) -> Result<ScanStream> {
        let permit = self.shared.permits.acquire(deadline).await?;
        let stop = Stop::new(deadline);
        let cancel = CancelOnDrop(Arc::clone(&stop));
        let (started, start) = oneshot::channel();
        let (events, receiver) = mpsc::channel(AHEAD);
        let shared = Arc::clone(&self.shared);
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _span = span.entered();
            let scan = Scan { relation: &relation, limits, stop: &stop, events: &events };
            let mut started = Some(started);
            let result = shared.with_session(&stop, |session| scan.run(&shared, session, &mut started));
            let Err(error) = result else {
                return;
            };
            // Nobody listens any more where sending fails.
            match started.take() {
                Some(started) => drop(started.send(Err(error))),
                None => drop(events.blocking_send(Err(error))),
            }
        });
        match timeout_at(deadline, start).await {
            Ok(Ok(started)) => started?,
            Ok(Err(_)) => return Err(internal("the scan's thread ended early")),
            Err(_) => return Err(deadline_exceeded()),
        }
        Ok(stream(receiver, cancel))
    }
}

/// The events, until the last one or the deadline.
fn stream(receiver: mpsc::Receiver<Result<ScanEvent>>, cancel: CancelOnDrop) -> ScanStream {
    let events = unfold(Some((receiver, cancel)), |state| async {
        let (mut receiver, cancel) = state?;
        let event = match timeout_at(cancel.0.deadline, receiver.recv()).await {
            Ok(Some(event)) => event,
            Ok(None) => Err(internal("the scan's thread ended early")),
            Err(_) => Err(deadline_exceeded()),
        };
        let more = matches!(event, Ok(ScanEvent::Batch(_)));
        Some((event, more.then_some((receiver, cancel))))
    });
    events.boxed()
}

struct Scan<'a> {
    relation: &'a Relation,
    limits: RowLimits,
    stop: &'a Stop,
    events: &'a Events,
}

impl Scan<'_> {
    fn run(
        &self,
        shared: &Shared,
        session: &mut Session,
        started: &mut Option<oneshot::Sender<Result<()>>>,
    ) -> Result<()> {
        let tables = session.tables(shared, self.stop)?;
        let statement = lower(self.relation, Dialect::Sqlite, &tables, shared.limits.size())?;
        let failure = |e: &rusqlite::Error| session.statement_failure(e, self.stop, &statement.labels);
        let mut prepared = session.connection.prepare_cached(&statement.sql).map_err(|e| failure(&e))?;
        let parameters = rusqlite::params_from_iter(&statement.parameters);
        let mut rows = prepared.query(parameters).map_err(|e| failure(&e))?;
        if let Some(started) = started.take() {
            drop(started.send(Ok(())));
        }
        let mut builder = BatchBuilder::new(statement.fields.clone(), self.limits);
        while let Some(row) = rows.next().map_err(|e| failure(&e))? {
            push_row(&mut builder, row, &statement)?;
            if builder.is_full() && !self.send(ScanEvent::Batch(builder.finish()?)) {
                return Ok(());
            }
        }
        if !builder.is_empty() && !self.send(ScanEvent::Batch(builder.finish()?)) {
            return Ok(());
        }
        let statements = vec![statement.sql.clone()];
        self.send(ScanEvent::End(End { outcome: Outcome::Complete, rows: builder.total(), statements }));
        Ok(())
    }

    /// Waits while the reader is behind; false when it has gone.
    fn send(&self, event: ScanEvent) -> bool {
        self.events.blocking_send(Ok(event)).is_ok()
    }
}

fn push_row(builder: &mut BatchBuilder, row: &Row<'_>, statement: &Statement) -> Result<()> {
    for (i, field) in statement.fields.iter().enumerate() {
        let label = || statement.describe_output(i);
        let cell = row.get_ref(i).map_err(internal)?;
        let value = cells::read(cell, field.data_type, statement.as_stored[i], &label)?;
        builder.push(i, value, &label)?;
    }
    builder.end_row()
}

/// A row of the table, if there is one.
pub(super) fn sample(shared: &Shared, session: &Session, table: &LiveTable, stop: &Stop) -> CheckOutcome {
    let relation = table.sample();
    let read = || -> Result<Option<Vec<Option<Value>>>> {
        let statement = lower(&relation, Dialect::Sqlite, std::slice::from_ref(table), shared.limits.size())?;
        let failure = |e: &rusqlite::Error| session.statement_failure(e, stop, &statement.labels);
        let mut prepared = session.connection.prepare(&statement.sql).map_err(|e| failure(&e))?;
        let parameters = rusqlite::params_from_iter(&statement.parameters);
        let mut rows = prepared.query(parameters).map_err(|e| failure(&e))?;
        let Some(row) = rows.next().map_err(|e| failure(&e))? else {
            return Ok(None);
        };
        let cells = statement.fields.iter().enumerate().map(|(i, field)| {
            let cell = row.get_ref(i).map_err(internal)?;
            let cell = cells::read(cell, field.data_type, statement.as_stored[i], &|| statement.describe_output(i))?;
            Ok(cell.map(|cell| cell.to_value(field.data_type)))
        });
        cells.collect::<Result<_>>().map(Some)
    };
    crate::catalogue::outcome(read())
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Boolean(b) => ValueRef::Integer(i64::from(*b)),
            Self::Int64(i) | Self::Timestamp { micros: i, .. } => ValueRef::Integer(*i),
            Self::Float64(f) => ValueRef::Real(*f),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Binary(bytes) => ValueRef::Blob(bytes),
            other => {
                let message = format!("{other:?} is not a value for SQLite");
                return Err(rusqlite::Error::ToSqlConversionFailure(message.into()));
            }
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
