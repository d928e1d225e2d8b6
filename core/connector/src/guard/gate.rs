//! What stands before every call, whatever is asked: deadline, breaker, permit and retry.

use super::breaker::{Admission, Breaker};
use super::limits::GuardLimits;
use super::permit::{Permit, Permits};
use super::retry::{RetryBudget, wait_before};
use super::scan::{GuardedScan, Started};
use super::validate::Expected;
use super::{breaker_open, deadline_exceeded, truncated};
use crate::{CallContext, ScanEvent, ScanStream, SourceError};
use futures::StreamExt as _;
use std::future::Future;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use weft_model::Code;
use weft_model::contract::ContractError;

/// The limits of one remote system and their state. Clones share permits, breaker and retry budget.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    name: Arc<str>,
    limits: Arc<GuardLimits>,
    permits: Permits,
    breaker: Arc<Breaker>,
    budget: Arc<RetryBudget>,
}

impl Gate {
    pub(super) fn new(name: Arc<str>, limits: GuardLimits) -> Self {
        Self {
            permits: Permits::new(limits.concurrency, limits.queue),
            breaker: Arc::new(Breaker::new(limits.breaker_failures, limits.breaker_cooldown)),
            budget: Arc::new(RetryBudget::default()),
            limits: Arc::new(limits),
            name,
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn concurrency(&self) -> usize {
        self.limits.concurrency.max(1)
    }

    pub(super) fn bounded(&self, context: &CallContext) -> CallContext {
        let deadline = context.deadline.min(Instant::now() + self.limits.timeout);
        CallContext { deadline, traceparent: context.traceparent.clone() }
    }

    pub(super) fn named(&self, error: ContractError) -> SourceError {
        SourceError { source_name: self.name.clone(), error }
    }

    pub(super) async fn permit(&self, context: &CallContext) -> Result<Permit, ContractError> {
        self.permits.acquire(context.deadline).await
    }

    /// Past the breaker and through the queue.
    pub(super) async fn enter(&self, context: &CallContext) -> Result<(Permit, Admission), ContractError> {
        self.budget.deposit();
        let permit = self.permit(context).await?;
        // After the queue, or calls that wait would all be let through to a source that failed meanwhile.
        let admission = Breaker::admit(&self.breaker).map_err(breaker_open)?;
        Ok((permit, admission))
    }

    /// Starts what answers with a stream and waits for its first event. The context is bounded already.
    pub(super) async fn scan<F: Future<Output = Result<ScanStream, ContractError>>>(
        &self,
        context: &CallContext,
        span: &tracing::Span,
        expected: Result<Expected, ContractError>,
        permitted: impl FnOnce(),
        call: impl Fn() -> F,
    ) -> Result<GuardedScan, SourceError> {
        let begun = Instant::now();
        let started = async {
            let expected = expected?;
            let (permit, admission) = self.enter(context).await?;
            permitted();
            let (stream, first) = self.open(context, admission, call).await?;
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
        };
        started.await.map(GuardedScan::new).map_err(|error: ContractError| {
            span.record("outcome", error.code.as_str());
            self.named(error)
        })
    }

    /// The stream of a call and its first event.
    pub(super) async fn open<F: Future<Output = Result<ScanStream, ContractError>>>(
        &self,
        context: &CallContext,
        admission: Admission,
        call: impl Fn() -> F,
    ) -> Result<(ScanStream, ScanEvent), ContractError> {
        self.retrying(context, admission, || async {
            let mut stream = call().await?;
            let first = next(&mut stream).await?.ok_or_else(truncated)?;
            Ok((stream, first))
        })
        .await
    }

    /// Calls until it succeeds, or fails for good, or the time, the attempts or the budget are used up.
    pub(super) async fn retrying<T, F: Future<Output = Result<T, ContractError>>>(
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
            let Some(wait) = wait_before(&error, attempt, self.limits.retry_backoff) else {
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
}

pub(super) async fn next(stream: &mut ScanStream) -> Result<Option<ScanEvent>, ContractError> {
    stream.next().await.transpose()
}

pub(super) async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, ContractError>>,
) -> Result<T, ContractError> {
    timeout_at(deadline, call).await.unwrap_or_else(|_| Err(deadline_exceeded()))
}
