//! Runs a lookup on a blocking thread and hands out its rows in batches.

use crate::error::{deadline_exceeded, internal};
use crate::request::Request;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt as _;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use weft_connector::{ScanEvent, ScanStream};
use weft_model::contract::{ContractError, End, Outcome};
use weft_triples::Dataset;

/// Batches that may wait for the consumer.
const QUEUED_BATCHES: usize = 2;

/// Rows looked at between two looks at the clock.
const CHECK_EVERY: u32 = 1024;

/// How large batches may be, and how long they may come.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) batch_rows: u32,
    pub(crate) batch_bytes: u32,
    pub(crate) deadline: Instant,
}

/// Why a scan ends before its last row.
enum Stop {
    /// Nobody listens any more.
    Cancelled,
    Failed(ContractError),
}

/// The end, with what would be looked up.
pub(crate) fn explain(request: Request) -> ScanStream {
    let end = End { outcome: Outcome::Complete, rows: 0, statements: vec![request.statement] };
    futures::stream::iter([Ok(ScanEvent::End(end))]).boxed()
}

/// Starts the scan, which keeps its permit. Dropping the stream ends it within [`CHECK_EVERY`] rows.
pub(crate) fn start(
    dataset: Arc<Dataset>,
    request: Request,
    bounds: Bounds,
    permit: OwnedSemaphorePermit,
) -> ScanStream {
    let (sender, receiver) = mpsc::channel(QUEUED_BATCHES);
    tokio::task::spawn_blocking(move || {
        let statement = request.statement.clone();
        let last = match run(&dataset, request, bounds, &sender) {
            Ok(rows) => Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows, statements: vec![statement] })),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Cancelled) => return,
        };
        drop(permit);
        // Nobody listening is no error here.
        sender.blocking_send(last).ok();
    });
    futures::stream::unfold(
        receiver,
        |mut receiver| async move { receiver.recv().await.map(|event| (event, receiver)) },
    )
    .boxed()
}

type Sender = mpsc::Sender<Result<ScanEvent, ContractError>>;

fn run(dataset: &Dataset, request: Request, bounds: Bounds, sender: &Sender) -> Result<u64, Stop> {
    let mut batch = Batch::new(&request, bounds);
    let mut visited: u32 = 0;
    for candidate in dataset.find(request.lookup) {
        if batch.total == request.limit {
            break;
        }
        visited = visited.wrapping_add(1);
        if visited.is_multiple_of(CHECK_EVERY) {
            check(bounds, sender)?;
        }
        let Some(row) = candidate else { continue };
        batch.push(request.columns.iter().map(|column| dataset.cell(request.table, row, *column)));
        if batch.is_full() {
            batch.send(bounds, sender)?;
        }
    }
    batch.send(bounds, sender)?;
    Ok(batch.total)
}

fn check(bounds: Bounds, sender: &Sender) -> Result<(), Stop> {
    if sender.is_closed() {
        return Err(Stop::Cancelled);
    }
    if Instant::now() >= bounds.deadline {
        return Err(Stop::Failed(deadline_exceeded()));
    }
    Ok(())
}

/// The batch being filled.
struct Batch {
    schema: SchemaRef,
    columns: Vec<StringViewBuilder>,
    rows: usize,
    bytes: usize,
    most_rows: usize,
    most_bytes: usize,
    /// Rows of all batches.
    total: u64,
}

impl Batch {
    fn new(request: &Request, bounds: Bounds) -> Self {
        let fields: Vec<Field> = request.names.iter().map(|name| Field::new(name, DataType::Utf8View, false)).collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: request.columns.iter().map(|_| StringViewBuilder::new()).collect(),
            rows: 0,
            bytes: 0,
            most_rows: bounds.batch_rows as usize,
            most_bytes: bounds.batch_bytes as usize,
            total: 0,
        }
    }

    fn push<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.append_value(cell);
            self.bytes += cell.len() + 16;
        }
        self.rows += 1;
        self.total += 1;
    }

    fn is_full(&self) -> bool {
        self.rows >= self.most_rows || self.bytes >= self.most_bytes
    }

    fn send(&mut self, bounds: Bounds, sender: &Sender) -> Result<(), Stop> {
        if self.rows == 0 {
            return Ok(());
        }
        check(bounds, sender)?;
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| Stop::Failed(internal(error)))?;
        (self.rows, self.bytes) = (0, 0);
        sender.blocking_send(Ok(ScanEvent::Batch(batch))).map_err(|_| Stop::Cancelled)
    }
}
