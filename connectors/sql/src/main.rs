//! Serves one SQLite file or PostgreSQL database as a Weft source, over gRPC with mutual TLS.

mod telemetry;

use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use weft_connector::{CallContext, Connector};
use weft_connector_sql::{Service, SqlConnector};
use weft_grpc::{ServeLimits, ServeOptions, Server};
use weft_identity::{CredentialFiles, LiveCredentials, SpiffeId};
use weft_model::Code;
use weft_model::contract::CheckOutcome;

/// Serves one SQLite file or PostgreSQL database as a Weft source, over gRPC with mutual TLS.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Configuration (TOML); WEFT_SQL__SECTION__KEY in the environment overrides a key
    #[arg(value_name = "FILE")]
    config: PathBuf,
    /// Read the configuration and one row of each table, print what was found, and stop
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let service = Service::read(&arguments.config)?;
    let telemetry = telemetry::start(&service.telemetry)?;
    let connector = SqlConnector::open(service.connector()).with_context(|| arguments.config.display().to_string())?;
    let done = match arguments.check {
        true => check(&connector).await,
        false => serve(&service, Arc::new(connector)).await,
    };
    telemetry.stop();
    done
}

/// A database that is away may be back when it is asked: only what is wrong with the views themselves ends the start.
async fn check_views(service: &Service, connector: &SqlConnector) -> Result<()> {
    if service.views.is_empty() {
        return Ok(());
    }
    let context = CallContext { deadline: Instant::now() + Duration::from_secs(60), traceparent: None };
    match connector.check_views(&context).await {
        Err(error) if error.code == Code::InvalidConfig => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "the views could not be checked");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn serve(service: &Service, connector: Arc<SqlConnector>) -> Result<()> {
    check_views(service, &connector).await?;
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

async fn check(connector: &SqlConnector) -> Result<()> {
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
