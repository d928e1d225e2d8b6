//! The guard around every connector call.
//!
//! From the outside in: deadline, breaker, permit, retry, the call, and validation of every event that comes back.

mod breaker;
mod endpoint;
mod gate;
mod limits;
mod permit;
mod report;
mod retry;
mod scan;
mod validate;

#[cfg(test)]
mod tests;

pub use endpoint::GuardedEndpoint;
pub use limits::GuardLimits;
pub use report::{ReportHandle, ScanReport};
pub use scan::GuardedScan;
pub use validate::batch_bytes;

use self::breaker::Admission;
use self::gate::{Gate, next, within};
use self::validate::Expected;
use crate::{CallContext, Connector, ScanEvent, ScanStream, SourceError};
use std::sync::Arc;
use tracing::Instrument as _;
use weft_model::contract::{
    Check, ContractError, Description, End, Outcome, Relation, RelationalCapabilities, ScanRequest, TimePart,
};
use weft_model::{Code, Fault, Retry};

/// A source's connector with its limits. Clones share permits, breaker and retry budget.
#[derive(Clone, Debug)]
pub struct Guarded {
    connector: Arc<dyn Connector>,
    gate: Gate,
    /// The parts of dates and times the source has declared; nothing where its description is not known here.
    time_parts: Option<Arc<[TimePart]>>,
}

impl Guarded {
    pub fn new(name: Arc<str>, connector: Arc<dyn Connector>, limits: GuardLimits) -> Self {
        Self { connector, gate: Gate::new(name, limits), time_parts: None }
    }

    /// Refuses requests with parts of dates and times that are not among these capabilities, before they are sent. Without
    /// this the connector alone judges them.
    #[must_use]
    pub fn offering(self, capabilities: &RelationalCapabilities) -> Self {
        Self { time_parts: Some(capabilities.time_parts.as_slice().into()), ..self }
    }

    /// The source's name.
    pub fn name(&self) -> &Arc<str> {
        self.gate.name()
    }

    /// Calls that may run at once.
    pub fn concurrency(&self) -> usize {
        self.gate.concurrency()
    }

    pub async fn describe(&self, context: &CallContext) -> Result<Description, SourceError> {
        let context = self.gate.bounded(context);
        let guarded = async {
            let (_permit, admission) = self.gate.enter(&context).await?;
            self.gate.retrying(&context, admission, || self.connector.describe(&context)).await
        };
        guarded.await.map_err(|error| self.gate.named(error))
    }

    /// Asks even when the breaker is open, and once only: a check reports what it sees.
    pub async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, SourceError> {
        let context = self.gate.bounded(context);
        let guarded = async {
            let _permit = self.gate.permit(&context).await?;
            within(context.deadline, self.connector.check(&context, tables)).await
        };
        guarded.await.map_err(|error| self.gate.named(error))
    }

    /// What the source would send to its system, one statement a request. The system is not touched.
    pub async fn explain(&self, context: &CallContext, mut request: ScanRequest) -> Result<Vec<String>, SourceError> {
        request.explain = true;
        let context = self.gate.bounded(context);
        let guarded = async {
            self.admit(&request.relation)?;
            let (_permit, admission) = self.gate.enter(&context).await?;
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
        guarded.await.map_err(|error| self.gate.named(error))
    }

    /// Starts a scan and waits for its first event, trying again where that is safe and allowed.
    ///
    /// The permit is held until the scan has ended or is dropped. Dropping it cancels the call down to the system.
    pub async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<GuardedScan, SourceError> {
        self.scan_telling(context, request, || {}).await
    }

    /// The same, which tells when it has its permit: from then on it waits for nobody but the source.
    pub async fn scan_telling(
        &self,
        context: &CallContext,
        request: ScanRequest,
        permitted: impl FnOnce() + Send,
    ) -> Result<GuardedScan, SourceError> {
        let span = tracing::info_span!(
            "scan",
            source = %self.gate.name(),
            scan = %request.id,
            rows = tracing::field::Empty,
            bytes = tracing::field::Empty,
            requests = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        let context = self.gate.bounded(context);
        let relation = if request.explain {
            Err(broken_request("a scan that only explains is not run"))
        } else {
            self.admit(&request.relation).and_then(|()| Expected::of(&request.relation))
        };
        let call = || self.connector.scan(&context, request.clone());
        self.gate.scan(&context, &span, relation, permitted, call).instrument(span.clone()).await
    }

    /// Refuses what the source has not declared.
    fn admit(&self, relation: &Relation) -> Result<(), ContractError> {
        let Some(offered) = &self.time_parts else { return Ok(()) };
        match relation.time_parts().into_iter().find(|part| !offered.contains(part)) {
            Some(part) => {
                Err(broken_request(format!("the {part} of a time is asked for, which the source does not offer")))
            }
            None => Ok(()),
        }
    }

    async fn open(
        &self,
        context: &CallContext,
        admission: Admission,
        request: &ScanRequest,
    ) -> Result<(ScanStream, ScanEvent), ContractError> {
        self.gate.open(context, admission, || self.connector.scan(context, request.clone())).await
    }
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
