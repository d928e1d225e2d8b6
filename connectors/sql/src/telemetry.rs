//! The log on standard error, and spans to a collector where one is configured.

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};
use weft_connector_sql::Telemetry;

/// Sends what is left when it is stopped.
pub(crate) struct Running(Option<SdkTracerProvider>);

impl Running {
    pub(crate) fn stop(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

pub(crate) fn start(config: &Telemetry) -> Result<Running> {
    let filter = config.log.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(filter).with_context(|| format!("telemetry.log: {filter:?}"))?;
    let log = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let log = if config.json { log.json().boxed() } else { log.boxed() };
    let provider = config.otlp.as_deref().map(exporter).transpose()?;
    let spans = provider.as_ref().map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("weft-connector-sql")));
    tracing_subscriber::registry().with(filter).with(log).with(spans).init();
    Ok(Running(provider))
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.with_context(|| format!("telemetry.otlp: {endpoint:?}"))?;
    let resource = Resource::builder().with_service_name("weft-connector-sql").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
