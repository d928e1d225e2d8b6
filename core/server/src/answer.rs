//! From an answer to an HTTP response.
//!
//! The first batch of rows is awaited before the status is sent, so that a query that fails at once says so by its
//! status. What ends soon after is sent in one piece with its length and its report. Everything else is sent as it comes by a
//! task of its own, which also ends the query when its time is over while the client reads slowly, or not at all.

mod deliver;
mod report;

use crate::admission::Permit;
use crate::negotiate::Accepted;
use crate::{Answer, Encoder, Problem, ReportSource};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use deliver::deliver;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use serde_json::Value;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{Instrument, Span};
use weft_model::{Code, Fault};

pub(crate) use report::REPORT;

/// An answer of at most this many bytes is sent whole.
const SMALL: usize = 64 * 1024;

/// How long a small answer may take to end, once its first batch is there.
const PATIENCE: Duration = Duration::from_millis(50);

/// Pieces that may wait for the client.
const QUEUED_PIECES: usize = 2;

/// What a running query holds.
pub(crate) struct Running {
    pub(crate) deadline: Instant,
    pub(crate) permit: Permit,
    pub(crate) span: Span,
}

/// An answer on its way, and what is said of it.
struct Delivery {
    encoder: Encoder,
    content_type: &'static str,
    report: ReportSource,
}

pub(crate) async fn respond(answer: Answer, accepted: Accepted, running: Running) -> Result<Response, Problem> {
    match answer {
        Answer::Boolean { value, report } => {
            let offer = accepted.results()?;
            record(&running.span, 1);
            Ok(whole(Encoder::boolean(value, offer.value)?, offer.content_type, &report))
        }
        Answer::Solutions(solutions) => {
            let (offer, report) = (accepted.results()?, solutions.report.clone());
            let encoder = Encoder::solutions(solutions, offer.value)?;
            start(Delivery { encoder, content_type: offer.content_type, report }, running).await
        }
        Answer::Graph(graph) => {
            let (offer, report) = (accepted.graphs()?, graph.report.clone());
            let encoder = Encoder::graph(graph, offer.value);
            start(Delivery { encoder, content_type: offer.content_type, report }, running).await
        }
    }
}

async fn start(mut delivery: Delivery, running: Running) -> Result<Response, Problem> {
    let mut start = BytesMut::new();
    if let Some(piece) = by(running.deadline, delivery.encoder.next()).await? {
        start.extend_from_slice(&piece);
    }
    let patience = Instant::now() + PATIENCE;
    while start.len() < SMALL {
        // The encoder can be asked again after a timeout: only the wait for rows is given up.
        match timeout(patience.saturating_duration_since(Instant::now()), delivery.encoder.next()).await {
            Err(_) => break,
            Ok(Err(problem)) => return Err(problem),
            Ok(Ok(Some(piece))) => start.extend_from_slice(&piece),
            Ok(Ok(None)) => {
                record(&running.span, delivery.encoder.written());
                return Ok(whole(start.freeze(), delivery.content_type, &(delivery.report)()));
            }
        }
    }
    Ok(streamed(start.freeze(), delivery, running))
}

fn whole(body: Bytes, content_type: &'static str, report: &Value) -> Response {
    let mut response = body.into_response();
    set_headers(&mut response, content_type);
    if let Some(value) = report::header(report) {
        response.headers_mut().insert(REPORT.clone(), value);
    }
    response
}

fn streamed(start: Bytes, delivery: Delivery, running: Running) -> Response {
    let (sender, receiver) = mpsc::channel(QUEUED_PIECES);
    let (span, content_type) = (running.span.clone(), delivery.content_type);
    tokio::spawn(deliver(start, delivery, running, sender).instrument(span));
    let mut response = Body::from_stream(deliver::pieces(receiver)).into_response();
    set_headers(&mut response, content_type);
    response
}

/// What each negotiated answer says of itself. It is made for one client, at one moment.
pub(crate) fn set_headers(response: &mut Response, content_type: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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

fn record(span: &Span, rows: u64) {
    span.record("db.response.returned_rows", rows);
}

/// Marks the span of a query as failed.
pub(crate) fn fail(span: &Span, problem: &Problem) {
    span.record("error.type", problem.code.as_str());
    span.record("otel.status_code", "ERROR");
}
