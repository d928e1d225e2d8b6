//! From a results document to columns of terms.

use crate::blank_node::Labels;
use crate::body::Body;
use crate::refusal::{failed, truncated};
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sparesults::{QueryResultsFormat, QueryResultsParseError, QueryResultsParser, ReaderQueryResultsParserOutput};
use std::sync::Arc;
use tokio::sync::mpsc;
use weft_connector::{ScanEvent, SelectRequest};
use weft_model::contract::{ContractError, End, Outcome};
use weft_model::term::encode;
use weft_model::{Code, Fault};

pub(crate) type Events = mpsc::Sender<Result<ScanEvent, ContractError>>;

/// A results document and what is known of it before it is read.
pub(crate) struct Document {
    pub(crate) body: Body,
    pub(crate) format: QueryResultsFormat,
    pub(crate) request: SelectRequest,
    /// The most rows the endpoint says it gives: as many as that may be all, or not.
    pub(crate) row_limit: Option<u64>,
}

/// Nobody waits for the answer any more.
struct Gone;

/// Why no more solutions come.
enum Stop {
    Gone,
    Failed(ContractError),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<ContractError> for Stop {
    fn from(error: ContractError) -> Self {
        Self::Failed(error)
    }
}

/// Reads the document to its end. Blocks; ends early when nobody listens.
pub(crate) fn read(mut document: Document, events: &Events) {
    let end = match read_solutions(&mut document, events) {
        Ok(end) => Ok(ScanEvent::End(end)),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Gone) => return,
    };
    // Nobody may wait for the end.
    events.blocking_send(end).ok();
}

fn read_solutions(document: &mut Document, events: &Events) -> Result<End, Stop> {
    let Document { body, format, request, row_limit } = document;
    let mut batches = Batches::new(request);
    let read = read_rows(body, *format, request, &mut batches, events);
    if let Err(Stop::Failed(error)) = read {
        // A body that could not be read looks like bad syntax to the parser.
        return Err(body.failure().unwrap_or(error).into());
    }
    read?;
    check_end(body, *format)?;
    batches.flush(events)?;
    if let Some(limit) = row_limit
        && batches.rows >= *limit
    {
        return Err(truncated(format!("it gives no more than {limit} rows, and so many came")).into());
    }
    Ok(End { outcome: Outcome::Complete, rows: batches.rows, statements: vec![request.statement.clone()] })
}

fn read_rows(
    body: &mut Body,
    format: QueryResultsFormat,
    request: &SelectRequest,
    batches: &mut Batches,
    events: &Events,
) -> Result<(), Stop> {
    let labels = Labels::new(&request.id);
    let parsed = QueryResultsParser::from_format(format).for_reader(body).map_err(invalid)?;
    let ReaderQueryResultsParserOutput::Solutions(solutions) = parsed else {
        return Err(failed("it answers a SELECT with a boolean").into());
    };
    let positions = positions(&request.variables, solutions.variables())?;
    for solution in solutions {
        let solution = solution.map_err(invalid)?;
        for (column, position) in positions.iter().enumerate() {
            let term = solution.values().get(*position).cloned().flatten();
            batches.add(column, term.map(|term| encode(&labels.own(term))));
        }
        batches.end_row(events)?;
    }
    Ok(())
}

/// Where each variable that was asked for is in the answer.
fn positions(asked: &[String], found: &[oxrdf::Variable]) -> Result<Vec<usize>, ContractError> {
    let position = |name: &String| {
        found
            .iter()
            .position(|variable| variable.as_str() == name)
            .ok_or_else(|| failed(format!("its answer has no variable ?{name}, which was asked for")))
    };
    asked.iter().map(position).collect()
}

/// Formats whose parsers take a document that stops early for a whole one.
fn check_end(body: &mut Body, format: QueryResultsFormat) -> Result<(), ContractError> {
    let end = match body.finish() {
        Ok(end) => end,
        Err(error) => {
            return Err(body.failure().unwrap_or_else(|| truncated("its answer was cut off").with_detail(error)));
        }
    };
    let closed = match format {
        // The root element, whatever its prefix.
        QueryResultsFormat::Xml => end.strip_suffix('>').is_some_and(|end| end.trim_end().ends_with("sparql")),
        QueryResultsFormat::Tsv => body.ends_a_line(),
        _ => true,
    };
    if closed { Ok(()) } else { Err(truncated("its answer stops before its end")) }
}

fn invalid(error: QueryResultsParseError) -> ContractError {
    let message = "its answer is not a SPARQL results document";
    ContractError::new(Code::InvalidData, Fault::Source, message).with_detail(error)
}

/// Rows on their way into batches.
struct Batches {
    schema: SchemaRef,
    columns: Vec<StringViewBuilder>,
    batch_rows: usize,
    batch_bytes: usize,
    /// Of the batch that is being made.
    pending_rows: usize,
    pending_bytes: usize,
    /// Of all batches.
    rows: u64,
}

impl Batches {
    fn new(request: &SelectRequest) -> Self {
        let fields: Vec<Field> =
            request.variables.iter().map(|name| Field::new(name, DataType::Utf8View, true)).collect();
        Self {
            columns: fields.iter().map(|_| StringViewBuilder::new()).collect(),
            schema: Arc::new(Schema::new(fields)),
            batch_rows: request.batch_rows.max(1) as usize,
            batch_bytes: request.batch_bytes.max(1) as usize,
            pending_rows: 0,
            pending_bytes: 0,
            rows: 0,
        }
    }

    fn add(&mut self, column: usize, term: Option<String>) {
        self.pending_bytes += term.as_ref().map_or(0, String::len) + size_of::<u128>();
        self.columns[column].append_option(term);
    }

    fn end_row(&mut self, events: &Events) -> Result<(), Stop> {
        self.pending_rows += 1;
        if self.pending_rows >= self.batch_rows || self.pending_bytes >= self.batch_bytes {
            self.flush(events)?;
        }
        Ok(())
    }

    fn flush(&mut self, events: &Events) -> Result<(), Stop> {
        if self.pending_rows == 0 {
            return Ok(());
        }
        let columns: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| {
            ContractError::new(Code::Internal, Fault::Broker, "the solutions do not fit their columns")
                .with_detail(error)
        })?;
        self.rows += batch.num_rows() as u64;
        (self.pending_rows, self.pending_bytes) = (0, 0);
        events.blocking_send(Ok(ScanEvent::Batch(batch))).map_err(|_| Gone)?;
        Ok(())
    }
}
