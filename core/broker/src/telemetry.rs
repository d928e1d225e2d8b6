//! Logs and traces.
//!
//! Logs go to stderr. Spans always exist, so that the trace context of a client reaches the connectors; they are exported
//! only when the configuration names a collector.

use crate::config::{LogFormat, Telemetry};
use crate::failure::{Failure, with_causes};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, propagation::TextMapPropagator};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use weft_model::Code;

const TRACEPARENT: &str = "traceparent";

/// Sends what is left when it is dropped.
pub(crate) struct TelemetryGuard {
    provider: SdkTracerProvider,
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(Duration::from_secs(3)) {
            eprintln!("the last spans could not be exported: {error}");
        }
    }
}

/// Starts logs and traces for the process. Has to run inside the async runtime when there is a collector.
pub(crate) fn start(telemetry: &Telemetry) -> Result<TelemetryGuard, Failure> {
    let provider = provider(telemetry)?;
    let wrong = |error| Failure::new(Code::InvalidConfig, format!("telemetry.log: {}", with_causes(&error)));
    let filter = EnvFilter::builder().parse(&telemetry.log).map_err(wrong)?;
    let format = match telemetry.log_format {
        LogFormat::Auto if std::io::stderr().is_terminal() => LogFormat::Pretty,
        LogFormat::Auto => LogFormat::Json,
        chosen => chosen,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        _ => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("weft"))
        .with_location(false)
        .with_threads(false)
        // Spans of the libraries below would drown those of queries and scans.
        .with_filter(tracing_subscriber::filter::filter_fn(|metadata| metadata.target().starts_with("weft")));
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|error| Failure::caused(Code::Internal, &error))?;
    Ok(TelemetryGuard { provider })
}

fn provider(telemetry: &Telemetry) -> Result<SdkTracerProvider, Failure> {
    let resource = Resource::builder().with_service_name(telemetry.service_name.clone()).build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &telemetry.otlp else { return Ok(builder.build()) };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| Failure::caused(Code::InvalidConfig, &error).about("telemetry.otlp"))?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// Makes a span the child of the one a W3C `traceparent` names.
pub(crate) fn adopt_parent(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if let Err(error) = span.set_parent(parent) {
        tracing::debug!("the trace of the client is not continued: {error}");
    }
}

/// The W3C trace context of the current span, for the calls made in it.
pub(crate) fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client sends is what connectors are given, but for the span in between.
    #[test]
    fn the_trace_of_the_client_reaches_the_calls_of_a_query() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(current_traceparent(), None);
            let span = tracing::info_span!("query");
            adopt_parent(&span, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            let outer = span.in_scope(current_traceparent).unwrap_or_default();
            assert!(outer.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{outer}");
            assert!(outer.ends_with("-01") && !outer.contains("b7ad6b7169203331"), "{outer}");
            let inner = span.in_scope(|| tracing::info_span!("scan").in_scope(current_traceparent)).unwrap_or_default();
            assert!(inner.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && inner != outer, "{inner}");
            let alone = tracing::info_span!("query").in_scope(current_traceparent).unwrap_or_default();
            assert!(!alone.contains("0af7651916cd43dd8448eb211c80319c") && alone.len() == 55, "{alone}");
        });
    }
}
