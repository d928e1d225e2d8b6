//! `weft serve`.

use crate::cli::Serve;
use crate::config::{Config, load};
use crate::failure::Failure;
use crate::links::{BrokerLinks, LinkWatch, Links};
use crate::mesh::{
    Described, MeshSource, Transports, assemble, describe, describe_all, open_all, open_services, write_description,
};
use crate::telemetry;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use weft_connector::GuardedEndpoint;
use weft_model::{Code, Fault, Retry};
use weft_server::{
    Answer, Dataset, Explanation, Health, LinkAccess, Problem, QueryCall, QueryEndpoint, Server, ServerOptions,
    SourceHealth, SourceState,
};

type Endpoint = Arc<dyn QueryEndpoint>;

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let config = Arc::new(load(&serve.config.config)?);
    let _telemetry = telemetry::start(&config.telemetry)?;
    let transports = Transports::new(&config)?;
    let sources = open_all(&config, &transports).await?;
    let services = open_services(&config)?;
    follow_credentials(&config, &transports);

    let health = Health::default();
    let (endpoints, endpoint) = watch::channel::<Endpoint>(Arc::new(Starting));
    let links = link_access(&config, endpoint.clone()).await?;
    let options = ServerOptions { links, adopt_parent: Some(telemetry::adopt_parent), ..config.server_options() };
    let server = Server::bind(config.broker.listen, endpoint, health.clone(), options).await.map_err(|error| {
        Failure::new(Code::InvalidConfig, format!("broker.listen: cannot listen on {}: {error}", config.broker.listen))
    })?;
    let address = server.local_address().map_err(|error| Failure::caused(Code::Internal, &error))?;
    tracing::info!(%address, "listening");

    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(server.run(async {
        // An error means that the other side is gone, which is a reason to stop, too.
        stopped.await.ok();
    }));
    let outcome = tokio::select! {
        outcome = live(config, sources, &services, &endpoints, &health, address) => outcome,
        ended = terminated() => ended,
    };
    tracing::info!("stopping");
    stop.send(()).ok();
    serving.await.map_err(|error| Failure::caused(Code::Internal, &error))?;
    outcome
}

/// Starts, and then brings back absent sources for as long as there are any. Ends only with a failure.
async fn live(
    config: Arc<Config>,
    sources: Vec<MeshSource>,
    services: &[GuardedEndpoint],
    endpoints: &watch::Sender<Endpoint>,
    health: &Health,
    address: std::net::SocketAddr,
) -> Result<(), Failure> {
    let until = Instant::now() + config.broker.start_timeout;
    let mut present = BTreeMap::new();
    let mut absent = Vec::new();
    for (source, description) in describe_all(&sources, until).await {
        match description {
            Ok(description) => {
                let described = Described::now(source.clone(), description);
                record(&config, &described);
                present.insert(source.name.clone(), described);
            }
            Err(failure) if source.optional => {
                tracing::warn!(source = %source.name, "starting without it: {failure}");
                set_absent(health, source, &failure);
                absent.push(source.clone());
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut links = LinkWatch::start(&config).await?;
    let begun = Instant::now();
    let engine = assemble(config.clone(), services, present.values().cloned().collect()).await?;
    links.built_in(begun.elapsed());
    present.keys().for_each(|name| set_ready(health, name));
    endpoints.send_replace(Arc::new(engine));
    health.set_ready();
    tracing::info!("ready: http://{address}/sparql");
    let mut retry = interval_at(Instant::now() + config.broker.retry_interval, config.broker.retry_interval);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = retry.tick(), if !absent.is_empty() => {
                absent = bring_back(&config, services, absent, &mut present, endpoints, health).await;
            }
            () = links.changed() => follow_links(&config, services, &present, endpoints, &mut links).await,
        }
    }
}

/// Exchanges the engine for one whose index has the links of now. Queries that run keep the one they began with.
async fn follow_links(
    config: &Arc<Config>,
    services: &[GuardedEndpoint],
    present: &BTreeMap<Arc<str>, Described>,
    endpoints: &watch::Sender<Endpoint>,
    links: &mut LinkWatch,
) {
    let begun = Instant::now();
    let built = match links.note().await {
        Ok(()) => assemble(config.clone(), services, present.values().cloned().collect()).await,
        Err(failure) => Err(failure),
    };
    links.built_in(begun.elapsed());
    match built {
        Ok(engine) => {
            endpoints.send_replace(Arc::new(engine));
            tracing::info!(took = ?begun.elapsed(), "links have changed");
        }
        Err(failure) => tracing::warn!("links have changed, and queries see them as they were: {failure}"),
    }
}

/// The links over HTTP, where there are any.
async fn link_access(
    config: &Arc<Config>,
    endpoints: watch::Receiver<Endpoint>,
) -> Result<Option<LinkAccess>, Failure> {
    if config.links.is_none() {
        return Ok(None);
    }
    let tokens =
        config.server.link_tokens(&config.folder).map_err(|message| Failure::new(Code::InvalidConfig, message))?;
    let config = config.clone();
    let links = tokio::task::spawn_blocking(move || Links::open(config))
        .await
        .map_err(|error| Failure::caused(Code::Internal, &error))??;
    Ok(Some(LinkAccess { endpoint: Arc::new(BrokerLinks::new(links, endpoints)), tokens }))
}

/// Tries the absent sources once more. A source whose mapping does not fit stays away, and the others stay.
async fn bring_back(
    config: &Arc<Config>,
    services: &[GuardedEndpoint],
    absent: Vec<MeshSource>,
    present: &mut BTreeMap<Arc<str>, Described>,
    endpoints: &watch::Sender<Endpoint>,
    health: &Health,
) -> Vec<MeshSource> {
    let mut still_absent = Vec::new();
    for source in absent {
        let described = describe(&source, Instant::now() + source.timeout.min(config.broker.start_timeout)).await;
        let joined = match described {
            Ok(description) => join(config, services, Described::now(source.clone(), description), present).await,
            Err(failure) => Err(failure),
        };
        match joined {
            Ok(engine) => {
                endpoints.send_replace(engine);
                set_ready(health, &source.name);
                tracing::info!(source = %source.name, "takes part again");
            }
            Err(failure) => {
                tracing::debug!(source = %source.name, "still absent: {failure}");
                set_absent(health, &source, &failure);
                still_absent.push(source);
            }
        }
    }
    still_absent
}

async fn join(
    config: &Arc<Config>,
    services: &[GuardedEndpoint],
    described: Described,
    present: &mut BTreeMap<Arc<str>, Described>,
) -> Result<Endpoint, Failure> {
    let mut all: Vec<Described> = present.values().cloned().collect();
    all.push(described.clone());
    let engine = assemble(config.clone(), services, all).await?;
    record(config, &described);
    present.insert(described.source.name.clone(), described);
    Ok(Arc::new(engine))
}

/// A broker that cannot write its state still answers.
fn record(config: &Config, described: &Described) {
    let path = config.description_file(&described.source.name);
    if let Err(failure) = write_description(&path, &described.description) {
        tracing::warn!(source = %described.source.name, "its description is not recorded: {failure}");
    }
}

fn set_ready(health: &Health, name: &str) {
    health.set_source(name, SourceHealth { state: SourceState::Ready, reason: None });
}

/// The code only: the message may tell more of the inside than everybody should know.
fn set_absent(health: &Health, source: &MeshSource, failure: &Failure) {
    let reason = Some(failure.code.to_string());
    health.set_source(&source.name, SourceHealth { state: SourceState::Absent, reason });
}

fn follow_credentials(config: &Config, transports: &Transports) {
    if let (Some(identity), Some(credentials)) = (&config.identity, transports.credentials()) {
        tokio::spawn(credentials.clone().follow(identity.reload_interval));
    }
}

/// Waits until the process is asked to end.
async fn terminated() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure::caused(Code::Internal, &error))?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| Failure::caused(Code::Internal, &error)),
        _ = terminate.recv() => Ok(()),
    }
}

/// Answers until the sources are known.
struct Starting;

impl Starting {
    fn problem() -> Problem {
        let message = "the broker is starting: not all sources have answered yet";
        Problem { retry: Retry::AfterMillis(1000), ..Problem::new(Code::Overloaded, Fault::Broker, message) }
    }
}

#[async_trait]
impl QueryEndpoint for Starting {
    async fn query(&self, _: QueryCall) -> Result<Answer, Problem> {
        Err(Self::problem())
    }

    async fn explain(&self, _: QueryCall) -> Result<Explanation, Problem> {
        Err(Self::problem())
    }

    fn dataset(&self) -> Result<Dataset, Problem> {
        Err(Self::problem())
    }
}
