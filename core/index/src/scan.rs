//! Runs a read on a blocking thread and hands out its rows in batches.

use crate::lookup::{Conditions, Pattern, position};
use crate::statements::Statements;
use crate::tables::Table;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;
use weft_connector::{ScanEvent, ScanStream};
use weft_model::contract::{ContractError, End, Outcome, Read};
use weft_model::{Code, Fault};

/// Batches that may wait for the consumer.
const QUEUED_BATCHES: usize = 2;

/// Quads visited between two looks at the clock.
const CHECK_EVERY: u32 = 1024;

type Event = Result<ScanEvent, ContractError>;

/// A read that is ready to run.
pub(crate) struct Scan {
    statements: Arc<Statements>,
    conditions: Conditions,
    /// Positions of the wanted columns.
    columns: Vec<usize>,
    schema: SchemaRef,
    limit: u64,
    batch_rows: usize,
    batch_bytes: usize,
    deadline: Instant,
    statement: String,
}

/// Why a scan ends before its last row.
enum Stop {
    /// Nobody listens any more.
    Cancelled,
    Failed(ContractError),
}

impl Scan {
    pub(crate) fn new(table: &Table, read: &Read, batch: (u32, u32), deadline: Instant) -> Result<Self, ContractError> {
        let conditions = Conditions::of(read, &table.fixed)?;
        let columns = read.columns.iter().map(|name| position(name)).collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<Field> = read.columns.iter().map(|name| Field::new(name, DataType::Utf8View, false)).collect();
        let statement = conditions.describe();
        Ok(Self {
            statements: table.statements.clone(),
            conditions,
            columns,
            schema: Arc::new(Schema::new(fields)),
            limit: read.limit.unwrap_or(u64::MAX),
            batch_rows: batch.0.max(1) as usize,
            batch_bytes: batch.1.max(1) as usize,
            deadline,
            statement,
        })
    }

    /// What the scan would look up, without doing it.
    pub(crate) fn explain(self) -> ScanStream {
        let end = End { outcome: Outcome::Complete, rows: 0, statements: vec![self.statement] };
        futures::stream::iter([Ok(ScanEvent::End(end))]).boxed()
    }

    /// Starts the scan. Dropping the stream ends it at the next row.
    pub(crate) fn start(self) -> ScanStream {
        let (sender, receiver) = mpsc::channel::<Event>(QUEUED_BATCHES);
        tokio::task::spawn_blocking(move || {
            let last = match self.run(&sender) {
                Ok(rows) => {
                    Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows, statements: vec![self.statement] }))
                }
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Cancelled) => return,
            };
            // Nobody listening is no error here.
            sender.blocking_send(last).ok();
        });
        futures::stream::unfold(
            receiver,
            |mut receiver| async move { receiver.recv().await.map(|event| (event, receiver)) },
        )
        .boxed()
    }

    fn run(&self, sender: &mpsc::Sender<Event>) -> Result<u64, Stop> {
        let mut output = Output::new(self);
        for pattern in self.conditions.patterns() {
            if output.rows == self.limit {
                break;
            }
            self.look_up(&pattern, &mut output, sender)?;
        }
        output.flush(sender)?;
        Ok(output.rows)
    }

    fn look_up(&self, pattern: &Pattern, output: &mut Output<'_>, sender: &mpsc::Sender<Event>) -> Result<(), Stop> {
        output.check(sender)?;
        for cells in self.statements.matching(pattern) {
            output.check(sender)?;
            let cells = cells.map_err(|error| Stop::Failed(store_failed(&error)))?;
            let found = pattern.iter().zip(&cells).all(|(bound, cell)| bound.as_ref().is_none_or(|text| text == cell));
            if !found || !self.conditions.allow(&cells) {
                continue;
            }
            output.push(&cells, sender)?;
            if output.rows == self.limit {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn store_failed(error: &oxigraph::store::StorageError) -> ContractError {
    ContractError::new(Code::SourceFailed, Fault::Broker, "the store of the index failed").with_detail(error)
}

/// The batch being filled.
struct Output<'a> {
    scan: &'a Scan,
    builders: Vec<StringViewBuilder>,
    batch_rows: usize,
    batch_bytes: usize,
    /// Rows of all batches.
    rows: u64,
    visited: u32,
}

impl<'a> Output<'a> {
    fn new(scan: &'a Scan) -> Self {
        let builders = scan.columns.iter().map(|_| StringViewBuilder::new()).collect();
        Self { scan, builders, batch_rows: 0, batch_bytes: 0, rows: 0, visited: 0 }
    }

    /// Looks at the clock and at the consumer now and then.
    fn check(&mut self, sender: &mpsc::Sender<Event>) -> Result<(), Stop> {
        self.visited += 1;
        if !self.visited.is_multiple_of(CHECK_EVERY) {
            return Ok(());
        }
        if sender.is_closed() {
            return Err(Stop::Cancelled);
        }
        if Instant::now() >= self.scan.deadline {
            let message = "the time for the scan of the index is over";
            return Err(Stop::Failed(ContractError::new(Code::DeadlineExceeded, Fault::Broker, message)));
        }
        Ok(())
    }

    fn push(&mut self, cells: &[String; 4], sender: &mpsc::Sender<Event>) -> Result<(), Stop> {
        for (builder, column) in self.builders.iter_mut().zip(&self.scan.columns) {
            builder.append_value(&cells[*column]);
            self.batch_bytes += cells[*column].len() + 16;
        }
        self.batch_rows += 1;
        self.rows += 1;
        if self.batch_rows >= self.scan.batch_rows || self.batch_bytes >= self.scan.batch_bytes {
            self.flush(sender)?;
        }
        Ok(())
    }

    fn flush(&mut self, sender: &mpsc::Sender<Event>) -> Result<(), Stop> {
        if self.batch_rows == 0 {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.batch_rows));
        let batch =
            RecordBatch::try_new_with_options(self.scan.schema.clone(), columns, &options).map_err(|error| {
                Stop::Failed(
                    ContractError::new(Code::Internal, Fault::Broker, "a batch does not fit").with_detail(error),
                )
            })?;
        self.batch_rows = 0;
        self.batch_bytes = 0;
        sender.blocking_send(Ok(ScanEvent::Batch(batch))).map_err(|_| Stop::Cancelled)
    }
}
