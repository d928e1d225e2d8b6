//! The guard around a SPARQL endpoint: the same as around a source.

use super::gate::Gate;
use super::limits::GuardLimits;
use super::scan::GuardedScan;
use super::validate::Expected;
use crate::{CallContext, Endpoint, SelectLimits, SelectRequest, SourceError};
use std::sync::Arc;
use tracing::Instrument as _;

/// A SPARQL endpoint with its limits. Clones share permits, breaker and retry budget.
#[derive(Clone, Debug)]
pub struct GuardedEndpoint {
    endpoint: Arc<dyn Endpoint>,
    gate: Gate,
}

impl GuardedEndpoint {
    /// `iri` is the one by which queries name it.
    pub fn new(iri: Arc<str>, endpoint: Arc<dyn Endpoint>, limits: GuardLimits) -> Self {
        Self { endpoint, gate: Gate::new(iri, limits) }
    }

    /// The IRI by which queries name it.
    pub fn iri(&self) -> &Arc<str> {
        self.gate.name()
    }

    pub fn select_limits(&self) -> SelectLimits {
        self.endpoint.limits()
    }

    /// Sends a query and waits for its first solutions, trying again where that is safe and allowed.
    ///
    /// The permit is held until the answer has ended or is dropped. Dropping it cancels the request.
    pub async fn select(&self, context: &CallContext, request: SelectRequest) -> Result<GuardedScan, SourceError> {
        let span = tracing::info_span!(
            "service",
            service = %self.gate.name(),
            scan = %request.id,
            rows = tracing::field::Empty,
            bytes = tracing::field::Empty,
            requests = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        let context = self.gate.bounded(context);
        let expected = Ok(Expected::terms(&request.variables));
        let call = || self.endpoint.select(&context, request.clone());
        self.gate.scan(&context, &span, expected, || {}, call).instrument(span.clone()).await
    }
}
