//! The guard around every connector call.
//!
//! From the outside in: deadline, breaker, permit, retry, the call, and validation of every event that comes back.

mod breaker;
mod limits;
mod permit;
mod report;
mod retry;
mod scan;
mod validate;

#[cfg(test)]
mod tests;

pub use limits::GuardLimits;
pub use report::{ReportHandle, ScanReport};
pub use scan::GuardedScan;
pub use validate::batch_bytes;

use self::breaker::{Admission, Breaker};
use self::permit::{Permit, Permits};
use self::retry::RetryBudget;
use self::scan::Started;
use self::validate::Expected;
use crate::{CallContext, Connector, ScanEvent, ScanStream, SourceError};
use futures::StreamExt as _;
use std::future::Future;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use weft_model::contract::{Check, ContractError, Description, End, Outcome, ScanRequest};
use weft_model::{Code, Fault, Retry};

/// A source's connector with its limits. Clones share permits, breaker and retry budget.
#[derive(Clone, Debug)]
pub struct Guarded {
    name: Arc<str>,
    connector: Arc<dyn Connector>,
    limits: Arc<GuardLimits>,
    permits: Permits,
    breaker: Arc<Breaker>,
    budget: Arc<RetryBudget>,
}

impl Guarded {
    pub fn new(name: Arc<str>, connector: Arc<dyn Connector>, limits: GuardLimits) -> Self {
        Self {
            permits: Permits::new(limits.concurrency, limits.queue),
            breaker: Arc::new(Breaker::new(limits.breaker_failures, limits.breaker_cooldown)),
            budget: Arc::new(RetryBudget::default()),
            limits: Arc::new(limits),
            name,
            connector,
        }
    }

    /// The source's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub async fn describe(&self, context: &CallContext) -> Result<Description, SourceError> {
        let context = self.bounded(context);
        let guarded = async {
            let (_permit, admission) = self.enter(&context).await?;
            self.retrying(&context, admission, || self.connector.describe(&context)).await
        };
        guarded.await.map_err(|error| self.named(error))
    }

    /// Asks even when the breaker is open, and once only: a check reports what it sees.
    pub async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, SourceError> {
        let context = self.bounded(context);
        let guarded = async {
            let _permit = self.permits.acquire(context.deadline).await?;
            within(context.deadline, self.connector.check(&context, tables)).await
        };
        guarded.await.map_err(|error| self.named(error))
    }

    /// What the source would send to its system, one statement a request. The system is not touched.
    pub async fn explain(&self, context: &CallContext, mut request: ScanRequest) -> Result<Vec<String>, SourceError> {
        request.explain = true;
        let context = self.bounded(context);
        let guarded = async {
            let (_permit, admission) = self.enter(&context).await?;
            let (mut stream, first) = self.open(&context, admission, &request).await?;
            let end = match first {
                ScanEvent::End(end) => end,
                ScanEvent::Batch(_) => return Err(violation("rows came where only an explanation was asked for")),
            };
            if within(context.deadline, next(&mut stream)).await?.is_some() {
                return Err(violation("more came after the end marker"));
            }
            explanation(end)
        };
        guarded.await.map_err(|error| self.named(error))
    }

    /// Starts a scan and waits for its first event, trying again where that is safe and allowed.
    ///
    /// The permit is held until the scan has ended or is dropped. Dropping it cancels the call down to the system.
    pub async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<GuardedScan, SourceError> {
        let span = tracing::info_span!(
            "scan",
            source = %self.name,
            scan = %request.id,
            rows = tracing::field::Empty,
            bytes = tracing::field::Empty,
            requests = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        let begun = Instant::now();
        match self.start(context, &request, begun, &span).instrument(span.clone()).await {
            Ok(started) => Ok(GuardedScan::new(started)),
            Err(error) => {
                span.record("outcome", error.code.as_str());
                Err(self.named(error))
            }
        }
    }

    async fn start(
        &self,
        context: &CallContext,
        request: &ScanRequest,
        begun: Instant,
        span: &tracing::Span,
    ) -> Result<Started, ContractError> {
        if request.explain {
            return Err(broken_request("a scan that only explains is not run"));
        }
        let expected = Expected::of(&request.relation)?;
        let context = self.bounded(context);
        let (permit, admission) = self.enter(&context).await?;
        let (stream, first) = self.open(&context, admission, request).await?;
        Ok(Started {
            name: self.name.clone(),
            stream,
            first,
            expected,
            permit,
            breaker: self.breaker.clone(),
            limits: self.limits.clone(),
            deadline: context.deadline,
            begun,
            span: span.clone(),
        })
    }

    /// Past the breaker and through the queue.
    async fn enter(&self, context: &CallContext) -> Result<(Permit, Admission), ContractError> {
        self.budget.deposit();
        let permit = self.permits.acquire(context.deadline).await?;
        // After the queue, or calls that wait would all be let through to a source that failed meanwhile.
        let admission = Breaker::admit(&self.breaker).map_err(breaker_open)?;
        Ok((permit, admission))
    }

    async fn open(
        &self,
        context: &CallContext,
        admission: Admission,
        request: &ScanRequest,
    ) -> Result<(ScanStream, ScanEvent), ContractError> {
        self.retrying(context, admission, || async {
            let mut stream = self.connector.scan(context, request.clone()).await?;
            let first = next(&mut stream).await?.ok_or_else(truncated)?;
            Ok((stream, first))
        })
        .await
    }

    /// Calls until it succeeds, or fails for good, or the time, the attempts or the budget are used up.
    async fn retrying<T, F: Future<Output = Result<T, ContractError>>>(
        &self,
        context: &CallContext,
        admission: Admission,
        call: impl Fn() -> F,
    ) -> Result<T, ContractError> {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            let error = match within(context.deadline, call()).await {
                Ok(value) => {
                    admission.settle(true);
                    return Ok(value);
                }
                Err(error) => error,
            };
            let Some(wait) = retry::wait_before(&error, attempt, self.limits.retry_backoff) else {
                admission.settle(!self.blames_source(&error, begun));
                return Err(error);
            };
            let in_time = Instant::now() + wait < context.deadline;
            if attempt >= self.limits.retries || !in_time || !self.budget.withdraw() {
                admission.settle(!self.blames_source(&error, begun));
                return Err(error);
            }
            attempt += 1;
            tracing::debug!(source = %self.name, attempt, code = %error.code, "trying again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether an error says that the source is not well, as opposed to not willing, or to a caller in a hurry.
    fn blames_source(&self, error: &ContractError, begun: Instant) -> bool {
        match error.code {
            Code::SourceUnavailable => true,
            // Nearly all of the time it may take; the rest may have gone by in the queue.
            Code::DeadlineExceeded => begun.elapsed() >= self.limits.timeout.mul_f64(0.9),
            _ => false,
        }
    }

    fn bounded(&self, context: &CallContext) -> CallContext {
        let deadline = context.deadline.min(Instant::now() + self.limits.timeout);
        CallContext { deadline, traceparent: context.traceparent.clone() }
    }

    fn named(&self, error: ContractError) -> SourceError {
        SourceError { source_name: self.name.clone(), error }
    }
}

async fn next(stream: &mut ScanStream) -> Result<Option<ScanEvent>, ContractError> {
    stream.next().await.transpose()
}

async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, ContractError>>,
) -> Result<T, ContractError> {
    timeout_at(deadline, call).await.unwrap_or_else(|_| Err(deadline_exceeded()))
}

fn explanation(end: End) -> Result<Vec<String>, ContractError> {
    match end.outcome {
        Outcome::Complete if end.rows == 0 => Ok(end.statements),
        Outcome::Complete => Err(violation("an explanation claims to have sent rows")),
        Outcome::Truncated(reason) => Err(incomplete(&reason)),
    }
}

fn violation(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::ContractViolation, Fault::Connector, message)
}

fn broken_request(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidRequest, Fault::Broker, message)
}

fn truncated() -> ContractError {
    ContractError::new(Code::StreamTruncated, Fault::Connector, "the answer stopped without its end marker")
}

fn incomplete(reason: &str) -> ContractError {
    ContractError::new(Code::StreamTruncated, Fault::Source, format!("the answer is not complete: {reason}"))
}

fn deadline_exceeded() -> ContractError {
    ContractError::new(Code::DeadlineExceeded, Fault::Source, "no answer within the time allowed")
}

fn breaker_open(open: breaker::Open) -> ContractError {
    let millis = u64::try_from(open.remaining.as_millis()).unwrap_or(u64::MAX).max(1);
    let message =
        format!("not asked, because it failed {} times in a row; it is tried again in {millis} ms", open.failures);
    ContractError::new(Code::SourceUnavailable, Fault::Source, message).with_retry(Retry::AfterMillis(millis))
}
