//! A scan under guard: a stream of valid batches that ends cleanly only when everything came.

use super::breaker::Breaker;
use super::limits::GuardLimits;
use super::permit::Permit;
use super::report::ReportHandle;
use super::validate::{Expected, batch_bytes};
use super::{deadline_exceeded, incomplete, truncated, violation};
use crate::{ScanEvent, ScanStream, SourceError};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};
use weft_model::contract::{ContractError, End, Outcome};
use weft_model::{Code, Fault};

/// A scan whose first event has come.
pub(super) struct Started {
    pub(super) name: Arc<str>,
    pub(super) stream: ScanStream,
    pub(super) first: ScanEvent,
    pub(super) expected: Expected,
    pub(super) permit: Permit,
    pub(super) breaker: Arc<Breaker>,
    pub(super) limits: Arc<GuardLimits>,
    pub(super) deadline: Instant,
    pub(super) begun: Instant,
    pub(super) span: tracing::Span,
}

/// The rows of a scan. Ends with `None` only after a complete answer; after an error it ends too.
pub struct GuardedScan {
    name: Arc<str>,
    expected: Expected,
    breaker: Arc<Breaker>,
    limits: Arc<GuardLimits>,
    report: ReportHandle,
    span: tracing::Span,
    deadline: Pin<Box<Sleep>>,
    first: Option<ScanEvent>,
    end: Option<End>,
    /// Gone once the scan is over: that cancels the call and gives the permit back.
    running: Option<(ScanStream, Permit)>,
}

impl fmt::Debug for GuardedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedScan").field("source", &self.name).field("report", &self.report.read()).finish()
    }
}

impl GuardedScan {
    pub(super) fn new(started: Started) -> Self {
        Self {
            name: started.name,
            expected: started.expected,
            breaker: started.breaker,
            limits: started.limits,
            report: ReportHandle::new(started.begun),
            span: started.span,
            deadline: Box::pin(tokio::time::sleep_until(started.deadline)),
            first: Some(started.first),
            end: None,
            running: Some((started.stream, started.permit)),
        }
    }

    /// The schema of every batch: the relation's columns by name, with their Arrow types.
    pub fn schema(&self) -> &SchemaRef {
        self.expected.schema()
    }

    /// What the scan cost so far, and in the end.
    pub fn report(&self) -> ReportHandle {
        self.report.clone()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ScanEvent, ContractError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some((stream, _)) = &mut self.running else { return Poll::Ready(None) };
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(deadline_exceeded())));
        }
        stream.as_mut().poll_next(cx)
    }

    /// The next batch, or nothing when the answer is complete.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RecordBatch>, ContractError>> {
        loop {
            let event = ready!(self.poll_event(cx)).transpose()?;
            match (event, &self.end) {
                (Some(_), Some(_)) => return Poll::Ready(Err(violation("more came after the end marker"))),
                (Some(ScanEvent::Batch(batch)), None) => return Poll::Ready(self.take_batch(batch).map(Some)),
                (Some(ScanEvent::End(end)), None) => self.end = Some(self.check_end(end)?),
                (None, Some(_)) => return Poll::Ready(Ok(None)),
                (None, None) => return Poll::Ready(Err(truncated())),
            }
        }
    }

    fn take_batch(&self, batch: RecordBatch) -> Result<RecordBatch, ContractError> {
        let batch = self.expected.check(batch)?;
        let (rows, bytes) = self.report.add(batch.num_rows() as u64, batch_bytes(&batch));
        let exceeded = if rows > self.limits.max_rows {
            format!("more than {} rows came (max_rows)", self.limits.max_rows)
        } else if bytes > self.limits.max_bytes {
            format!("more than {} bytes came (max_bytes)", self.limits.max_bytes)
        } else {
            return Ok(batch);
        };
        Err(ContractError::new(Code::LimitExceeded, Fault::Caller, exceeded))
    }

    fn check_end(&self, end: End) -> Result<End, ContractError> {
        if let Outcome::Truncated(reason) = &end.outcome {
            return Err(incomplete(reason));
        }
        let came = self.report.read().rows;
        if end.rows != came {
            let message = format!("the end marker counts {} rows, but {came} came", end.rows);
            return Err(ContractError::new(Code::StreamTruncated, Fault::Connector, message));
        }
        Ok(end)
    }

    fn finish(&mut self, outcome: &str) {
        if self.running.take().is_none() {
            return;
        }
        let statements = self.end.take().filter(|_| outcome == COMPLETE).map(|end| end.statements);
        self.report.end(statements);
        let report = self.report.read();
        self.span.record("rows", report.rows);
        self.span.record("bytes", report.bytes);
        self.span.record("requests", report.statements.len());
        self.span.record("outcome", outcome);
    }
}

const COMPLETE: &str = "complete";

impl Stream for GuardedScan {
    type Item = Result<RecordBatch, SourceError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.running.is_none() {
            return Poll::Ready(None);
        }
        let span = this.span.clone();
        let _entered = span.enter();
        match ready!(this.poll_batch(cx)) {
            Ok(Some(batch)) => Poll::Ready(Some(Ok(batch))),
            Ok(None) => {
                this.finish(COMPLETE);
                Poll::Ready(None)
            }
            Err(error) => {
                // Not a deadline that passes in mid-stream: it may be a slow reader's fault.
                if error.code == Code::SourceUnavailable {
                    this.breaker.failed();
                }
                this.finish(error.code.as_str());
                Poll::Ready(Some(Err(SourceError { source_name: this.name.clone(), error })))
            }
        }
    }
}

impl Drop for GuardedScan {
    fn drop(&mut self) {
        self.finish(Code::Cancelled.as_str());
    }
}
