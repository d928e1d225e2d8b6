//! Serves RDF documents as a Weft source, over gRPC with mutual TLS.

use anyhow::{Context, Result};
use clap::Parser;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};
use weft_connector::{CallContext, Connector};
use weft_connector_triples::{Service, Telemetry, TriplesConnector};
use weft_grpc::{ServeLimits, ServeOptions, Server};
use weft_identity::{CredentialFiles, LiveCredentials, SpiffeId};
use weft_model::contract::CheckOutcome;

/// Serves RDF documents (Turtle, TriG, N-Triples, N-Quads, RDF/XML) as a Weft source, over gRPC with mutual TLS.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Configuration (TOML); WEFT_TRIPLES__SECTION__KEY in the environment overrides a key
    #[arg(value_name = "FILE")]
    config: PathBuf,
    /// Read the configuration and the documents, print a row of each table, and stop
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let service = Service::read(&arguments.config)?;
    log(&service.telemetry)?;
    let config = service.connector();
    let opened = tokio::task::spawn_blocking(move || TriplesConnector::open(&config)).await?;
    let connector = opened.with_context(|| arguments.config.display().to_string())?;
    match arguments.check {
        true => check(&connector).await,
        false => serve(&service, Arc::new(connector)).await,
    }
}

fn log(config: &Telemetry) -> Result<()> {
    let filter = config.log.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(filter).with_context(|| format!("telemetry.log: {filter:?}"))?;
    let log = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let log = if config.json { log.json().boxed() } else { log.boxed() };
    tracing_subscriber::registry().with(filter).with(log).init();
    Ok(())
}

async fn serve(service: &Service, connector: Arc<TriplesConnector>) -> Result<()> {
    let options = options(service)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::bind(options).await?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("finishing what runs, then stopping");
    };
    server.run(connector, shutdown).await;
    Ok(())
}

fn options(service: &Service) -> Result<ServeOptions> {
    let identity = &service.identity;
    let files = CredentialFiles {
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
        trust: identity.trust.clone(),
    };
    let allowed = identity
        .allow
        .iter()
        .map(|id| id.parse::<SpiffeId>().with_context(|| format!("identity.allow: {id:?} is not a SPIFFE identity")));
    Ok(ServeOptions {
        listen: service.listen.parse().with_context(|| format!("listen: {:?} is not ADDRESS:PORT", service.listen))?,
        credentials: Arc::new(LiveCredentials::load(files)?),
        allow: allowed.collect::<Result<_>>()?,
        limits: ServeLimits::default(),
    })
}

async fn check(connector: &TriplesConnector) -> Result<()> {
    let context = CallContext { deadline: Instant::now() + Duration::from_secs(60), traceparent: None };
    let check = connector.check(&context, &[]).await?;
    println!("{}", check.system);
    let mut failed = 0;
    for (table, outcome) in &check.tables {
        let outcome = match outcome {
            CheckOutcome::Row(row) => format!("readable, {} columns", row.len()),
            CheckOutcome::Empty => "readable, no rows".to_owned(),
            CheckOutcome::Denied(message) | CheckOutcome::Failed(message) => {
                failed += 1;
                message.clone()
            }
        };
        println!("{table}: {outcome}");
    }
    anyhow::ensure!(failed == 0, "{failed} of {} tables cannot be read", check.tables.len());
    Ok(())
}
