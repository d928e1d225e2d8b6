//! Streams the rows of a statement; the server waits while the reader is behind.

use super::{Lease, Postgres, Shared, catalogue, cells, failure};
use crate::catalogue::LiveTable;
use crate::error::{Result, deadline_exceeded};
use crate::lower::{Dialect, Statement, lower};
use crate::rows::{BatchBuilder, RowLimits};
use futures::StreamExt;
use futures::stream::unfold;
use std::pin::Pin;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Client, Row, RowStream};
use weft_connector::{ScanEvent, ScanStream};
use weft_model::contract::{CheckOutcome, End, Field, Outcome, Relation, Value};

impl Postgres {
    /// What would be sent. Uses the tables as last described; only a connector that has never described asks for them.
    pub(crate) async fn explain(&self, deadline: Instant, relation: &Relation) -> Result<String> {
        let tables = match self.shared.remembered() {
            Some(tables) => tables,
            None => {
                self.describe(deadline).await?;
                self.shared.remembered().unwrap_or_default()
            }
        };
        Ok(lower(relation, Dialect::Postgres, &tables, self.shared.limits.size())?.sql)
    }

    pub(crate) async fn scan(&self, deadline: Instant, relation: Relation, limits: RowLimits) -> Result<ScanStream> {
        let lease = self.shared.lease(deadline).await?;
        let started = timeout_at(deadline, async {
            let client = lease.client()?;
            let statement = self.shared.lower(client, &relation, deadline).await?;
            let rows = run(client, &statement).await?;
            Ok((statement, rows))
        });
        let (statement, rows) = started.await.map_err(|_| deadline_exceeded())??;
        let builder = BatchBuilder::new(statement.fields.clone(), limits);
        let scan = Scan { lease, rows: Box::pin(rows), statement, builder, deadline, ended: false };
        Ok(unfold(Some(scan), |scan| async { Some(scan?.next().await) }).boxed())
    }
}

impl Shared {
    /// Lowers over the tables as they are now.
    async fn lower(&self, client: &Client, relation: &Relation, deadline: Instant) -> Result<Statement> {
        let size = self.limits.size();
        size.check(relation)?;
        let mut names: Vec<String> = relation.reads().iter().map(|read| read.table.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let tables = catalogue::named(self, client, &names, deadline).await?;
        lower(relation, Dialect::Postgres, &tables, size)
    }
}

async fn run(client: &Client, statement: &Statement) -> Result<RowStream> {
    let parameters = statement.parameters.iter().map(|parameter| (parameter, parameter.postgres_type()));
    client.query_typed_raw(&statement.sql, parameters).await.map_err(|e| failure::translate(&e))
}

struct Scan {
    lease: Lease,
    rows: Pin<Box<RowStream>>,
    statement: Statement,
    builder: BatchBuilder,
    deadline: Instant,
    /// Whether all rows have come.
    ended: bool,
}

impl Scan {
    /// The next event, and the scan when more may follow. Dropping the scan before its end cancels the statement.
    async fn next(mut self) -> (Result<ScanEvent>, Option<Self>) {
        match timeout_at(self.deadline, self.fill()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return (Err(error), None),
            Err(_) => return (Err(deadline_exceeded()), None),
        }
        if !self.builder.is_empty() {
            return match self.builder.finish() {
                Ok(batch) => (Ok(ScanEvent::Batch(batch)), Some(self)),
                Err(error) => (Err(error), None),
            };
        }
        let statements = vec![self.statement.sql];
        self.lease.done();
        let end = End { outcome: Outcome::Complete, rows: self.builder.total(), statements };
        (Ok(ScanEvent::End(end)), None)
    }

    /// Reads rows until a batch is full or there are no more.
    async fn fill(&mut self) -> Result<()> {
        while !self.ended && !self.builder.is_full() {
            match self.rows.next().await {
                Some(Ok(row)) => push_row(&mut self.builder, &row, &self.statement)?,
                Some(Err(error)) => return Err(failure::translate(&error)),
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

fn push_row(builder: &mut BatchBuilder, row: &Row, statement: &Statement) -> Result<()> {
    for (i, field) in statement.fields.iter().enumerate() {
        let label = || statement.describe_output(i);
        builder.push(i, cells::read(row, i, field.data_type, &label)?, &label)?;
    }
    builder.end_row()
}

/// A row of the table, if there is one.
pub(super) async fn sample(shared: &Shared, client: &Client, table: &LiveTable) -> CheckOutcome {
    crate::catalogue::outcome(sample_row(shared, client, table).await)
}

async fn sample_row(shared: &Shared, client: &Client, table: &LiveTable) -> Result<Option<Vec<Option<Value>>>> {
    let statement = lower(&table.sample(), Dialect::Postgres, std::slice::from_ref(table), shared.limits.size())?;
    let mut rows = Box::pin(run(client, &statement).await?);
    let Some(row) = rows.next().await else {
        return Ok(None);
    };
    let row = row.map_err(|e| failure::translate(&e))?;
    // The connection is used again: nothing may be left on it.
    while rows.next().await.is_some() {}
    let cells = statement.fields.iter().enumerate();
    let value = |(i, field): (usize, &Field)| {
        let cell = cells::read(&row, i, field.data_type, &|| statement.describe_output(i))?;
        Ok(cell.map(|cell| cell.to_value(field.data_type)))
    };
    cells.map(value).collect::<Result<_>>().map(Some)
}
