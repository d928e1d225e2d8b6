//! From an answer to an HTTP response.
//!
//! The first batch of rows is awaited before the status is sent, so that a query that fails at once says so by its
//! status. What ends soon after is sent in one piece with its length and its report. Everything else is sent as it comes by a
//! task of its own, which also ends the query when its time is over while the client reads slowly, or not at all.

use crate::admission::Permit;
use crate::negotiate::Offer;
use crate::{Answer, Encoder, Problem, ResultFormat, Solutions};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{Instrument, Span};
use weft_model::{Code, Fault};

/// An answer of at most this many bytes is sent whole.
const SMALL: usize = 64 * 1024;

/// How long a small answer may take to end, once its first batch is there.
const PATIENCE: Duration = Duration::from_millis(50);

/// Pieces that may wait for the client.
const QUEUED_PIECES: usize = 2;

/// Proxies and clients refuse long headers.
const REPORT_BYTES: usize = 4 * 1024;

static REPORT: HeaderName = HeaderName::from_static("weft-report");

/// What a running query holds.
pub(crate) struct Running {
    pub(crate) deadline: Instant,
    pub(crate) permit: Permit,
    pub(crate) span: Span,
}

enum Piece {
    Bytes(Bytes),
    End,
}

type ReportSource = Arc<dyn Fn() -> Value + Send + Sync>;

pub(crate) async fn respond(
    answer: Answer,
    offer: &Offer<ResultFormat>,
    running: Running,
) -> Result<Response, Problem> {
    match answer {
        Answer::Boolean { value, report } => {
            record(&running.span, "ASK", 1);
            Ok(whole(Encoder::boolean(value, offer.value)?, offer.content_type, &report))
        }
        Answer::Solutions(solutions) => respond_solutions(solutions, offer, running).await,
    }
}

async fn respond_solutions(
    solutions: Solutions,
    offer: &Offer<ResultFormat>,
    running: Running,
) -> Result<Response, Problem> {
    let report = solutions.report.clone();
    let mut encoder = Encoder::new(solutions, offer.value)?;
    let mut start = BytesMut::new();
    match by(running.deadline, encoder.next()).await? {
        Some(piece) => start.extend_from_slice(&piece),
        None => return Ok(whole(start.freeze(), offer.content_type, &report())),
    }
    let patience = Instant::now() + PATIENCE;
    while start.len() < SMALL {
        // The encoder can be asked again after a timeout: only the wait for rows is given up.
        match timeout(patience.saturating_duration_since(Instant::now()), encoder.next()).await {
            Err(_) => break,
            Ok(Err(problem)) => return Err(problem),
            Ok(Ok(Some(piece))) => start.extend_from_slice(&piece),
            Ok(Ok(None)) => {
                record(&running.span, "SELECT", encoder.written());
                return Ok(whole(start.freeze(), offer.content_type, &report()));
            }
        }
    }
    Ok(streamed(start.freeze(), encoder, offer.content_type, running, report))
}

fn whole(body: Bytes, content_type: &'static str, report: &Value) -> Response {
    let mut response = body.into_response();
    set_headers(response.headers_mut(), content_type);
    if let Some(value) = report_header(report) {
        response.headers_mut().insert(REPORT.clone(), value);
    }
    response
}

fn streamed(
    start: Bytes,
    encoder: Encoder,
    content_type: &'static str,
    running: Running,
    report: ReportSource,
) -> Response {
    let (sender, receiver) = mpsc::channel(QUEUED_PIECES);
    let span = running.span.clone();
    tokio::spawn(deliver(start, encoder, running, report, sender).instrument(span));
    let mut response = Body::from_stream(pieces(receiver)).into_response();
    set_headers(response.headers_mut(), content_type);
    response
}

fn set_headers(headers: &mut HeaderMap, content_type: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A body that ends well only after [`Piece::End`]: otherwise the connection is broken off, so that no client takes the
/// part for the whole.
fn pieces(receiver: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Bytes, io::Error>> {
    futures::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the answer broke off")), None)),
        }
    })
}

/// Sends the answer until it ends, fails, the client leaves or the time is over. What it holds is dropped with it.
async fn deliver(start: Bytes, encoder: Encoder, running: Running, report: ReportSource, sender: mpsc::Sender<Piece>) {
    let sent = tokio::select! {
        () = sender.closed() => Err(Problem::new(Code::Cancelled, Fault::Caller, "the client left")),
        sent = by(running.deadline, send_all(start, encoder, &sender)) => sent,
    };
    // The permit is for running queries only.
    drop(running.permit);
    match sent {
        Ok(rows) => {
            record(&running.span, "SELECT", rows);
            tracing::debug!(rows, report = %report(), "answer sent");
        }
        Err(problem) => {
            fail(&running.span, &problem);
            tracing::warn!(code = %problem.code, "answer broken off: {problem}");
        }
    }
}

async fn send_all(start: Bytes, mut encoder: Encoder, sender: &mpsc::Sender<Piece>) -> Result<u64, Problem> {
    let left = || Problem::new(Code::Cancelled, Fault::Caller, "the client left");
    sender.send(Piece::Bytes(start)).await.map_err(|_| left())?;
    while let Some(piece) = encoder.next().await? {
        sender.send(Piece::Bytes(piece)).await.map_err(|_| left())?;
    }
    sender.send(Piece::End).await.map_err(|_| left())?;
    Ok(encoder.written())
}

/// Gives a step of a query the time the query has.
pub(crate) async fn by<T>(deadline: Instant, step: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match timeout_at(deadline, step).await {
        Ok(result) => result,
        Err(_) => {
            let message = "the time for the query is over (parameter timeout, limits.query_timeout)";
            Err(Problem::new(Code::DeadlineExceeded, Fault::Caller, message))
        }
    }
}

fn record(span: &Span, operation: &'static str, rows: u64) {
    span.record("db.operation.name", operation);
    span.record("db.response.returned_rows", rows);
}

/// Marks the span of a query as failed.
pub(crate) fn fail(span: &Span, problem: &Problem) {
    span.record("error.type", problem.code.as_str());
    span.record("otel.status_code", "ERROR");
}

/// The report as a header, without the statements where it would be too long; headers are ASCII.
fn report_header(report: &Value) -> Option<HeaderValue> {
    let fits = |text: String| (text.len() <= REPORT_BYTES).then_some(text);
    let text = fits(ascii_json(report)).or_else(|| {
        let mut short = report.clone();
        for source in short.get_mut("sources").and_then(Value::as_array_mut).into_iter().flatten() {
            source.as_object_mut()?.remove("statements");
        }
        fits(ascii_json(&short))
    })?;
    HeaderValue::from_str(&text).ok()
}

fn ascii_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_report_fits_a_header_and_reads_back() {
        let report = json!({"sources": [{"name": "größe😀", "statements": ["SELECT 1"]}], "rows": 3});
        let header = report_header(&report).unwrap();
        assert_eq!(serde_json::from_str::<Value>(header.to_str().unwrap()).unwrap(), report);
        let long = json!({"sources": [{"name": "erp", "statements": ["x".repeat(9000)]}]});
        assert_eq!(report_header(&long).unwrap(), r#"{"sources":[{"name":"erp"}]}"#);
        assert_eq!(report_header(&json!({"sources": [{"name": "x".repeat(9000)}]})), None);
    }
}
