//! From a response to the stream of its solutions.

use crate::body;
use crate::refusal::{failed, of_status, truncated};
use crate::solutions::{self, Document};
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, Version, header};
use reqwest::Response;
use sparesults::QueryResultsFormat;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use weft_connector::{ScanEvent, ScanStream, SelectRequest};
use weft_model::contract::ContractError;

/// What is asked for: the formats in which a document that stops early shows it, first.
pub(crate) const ACCEPT: &str = "application/sparql-results+json, application/sparql-results+xml;q=0.8, \
                                 text/tab-separated-values;q=0.5";

/// Batches that wait for their reader.
const BATCHES: usize = 2;

/// Virtuoso: the most rows of an answer, however many there are.
const ROW_LIMIT: &str = "x-sparql-maxrows";
/// Virtuoso: an error after the answer had begun, or an answer cut short by its time limit.
const SQL_STATE: &str = "x-sql-state";

/// The solutions of a response, which has only just begun.
pub(crate) async fn solutions(
    response: Response,
    request: SelectRequest,
    response_bytes: u64,
) -> Result<ScanStream, ContractError> {
    if !response.status().is_success() {
        return Err(of_status(response).await);
    }
    let headers = response.headers();
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        // Not asked for; and what is not unpacked here cannot grow beyond its limit.
        return Err(failed("it sends a compressed answer unasked"));
    }
    if let Some(state) = headers.get(SQL_STATE) {
        return Err(truncated("it says that its answer is not whole").with_detail(format!("{SQL_STATE}: {state:?}")));
    }
    if response.content_length().is_some_and(|length| length > response_bytes) {
        return Err(body::too_long(response_bytes));
    }
    let format = format(&response)?;
    let row_limit = headers.get(ROW_LIMIT).and_then(|value| value.to_str().ok()?.trim().parse().ok());

    let (body, pump) = body::split(response, response_bytes);
    let (sender, events) = mpsc::channel(BATCHES);
    let document = Document { body, format, request, row_limit };
    // Parsers block; there are no more of them than permits.
    tokio::task::spawn_blocking(move || solutions::read(document, &sender));
    let pump = tokio::spawn(pump).abort_handle();
    Ok(Answer { events, pump }.boxed())
}

fn format(response: &Response) -> Result<QueryResultsFormat, ContractError> {
    let Some(content_type) = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Err(failed("it does not say in which format it answers"));
    };
    match QueryResultsFormat::from_media_type(content_type) {
        Some(format @ (QueryResultsFormat::Json | QueryResultsFormat::Xml)) => Ok(format),
        Some(QueryResultsFormat::Tsv) if is_framed(response.version(), response.headers()) => {
            Ok(QueryResultsFormat::Tsv)
        }
        Some(QueryResultsFormat::Tsv) => Err(failed("it answers with TSV that does not show where it ends")),
        _ => {
            let shown: String = content_type.chars().take(80).collect();
            Err(failed(format!("it answers with {shown:?}, which is none of the formats it was asked for")))
        }
    }
}

/// Whether a body that is cut off is told from one that has ended.
fn is_framed(version: Version, headers: &HeaderMap) -> bool {
    version >= Version::HTTP_2
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Dropped, it ends the request: the parser finds its reader gone, or nothing more to read.
struct Answer {
    events: mpsc::Receiver<Result<ScanEvent, ContractError>>,
    pump: AbortHandle,
}

impl Stream for Answer {
    type Item = Result<ScanEvent, ContractError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pump.abort();
    }
}
