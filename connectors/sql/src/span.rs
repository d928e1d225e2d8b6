//! A span for each scan, a child of the caller's.

use futures::StreamExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::collections::HashMap;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use weft_connector::{CallContext, ScanEvent, ScanStream};
use weft_model::contract::{ContractError, ScanRequest};

pub(crate) fn scan(context: &CallContext, request: &ScanRequest) -> Span {
    let mut tables: Vec<&str> = request.relation.reads().iter().map(|read| read.table.as_str()).collect();
    tables.dedup();
    let span = tracing::info_span!(
        "scan",
        id = request.id,
        tables = tables.join(" "),
        explain = request.explain,
        statement = field::Empty,
        rows = field::Empty,
        outcome = field::Empty,
    );
    if let Some(traceparent) = &context.traceparent {
        let carrier = HashMap::from([("traceparent".to_owned(), traceparent.clone())]);
        // Without an exporter there is no layer that takes the parent.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
    span
}

/// Records how the scan ends.
pub(crate) fn watch(span: Span, stream: ScanStream) -> ScanStream {
    let watched = stream.inspect(move |event| match event {
        Ok(ScanEvent::Batch(_)) => {}
        Ok(ScanEvent::End(end)) => {
            span.record("statement", end.statements.join("; "));
            span.record("rows", end.rows);
            span.record("outcome", "complete");
        }
        Err(error) => failed(&span, error),
    });
    watched.boxed()
}

pub(crate) fn failed(span: &Span, error: &ContractError) {
    span.record("outcome", error.code.as_str());
    let _entered = span.enter();
    tracing::warn!(code = error.code.as_str(), detail = error.detail, "{error}");
}
