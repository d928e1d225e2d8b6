//! PostgreSQL: a pool of read-only connections to one server.

mod catalogue;
mod cells;
mod failure;
mod numeric;
mod parameters;
mod scan;
mod statistics;
mod view;

use crate::catalogue::{DescribedTable, LiveTable, outcome};
use crate::error::{OpenError, Result, deadline_exceeded, internal};
use crate::permits::Permits;
use crate::view::Views;
use crate::{Database, Limits};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use weft_model::contract::{Check, CheckOutcome};

/// A cancelled statement is given this long to be told so.
const CANCEL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    schemas: Vec<String>,
    /// Only these tables, when there is a list.
    tables: Option<Vec<String>>,
    views: Views,
    limits: Limits,
    permits: Permits,
    idle: Mutex<Vec<Client>>,
    /// The tables as last described, for statements that are only shown.
    known: Mutex<Option<Arc<Vec<LiveTable>>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("system", &address(&self.config)).field("schemas", &self.schemas).finish()
    }
}

/// A connection that is lent out. Unless it is given back as done, what it runs is cancelled and it is closed.
#[derive(Debug)]
struct Lease {
    client: Option<Client>,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| internal("a connection was used after it was given back"))
    }

    fn done(mut self) {
        self.give_back();
    }

    fn give_back(&mut self) {
        let Some(client) = self.client.take().filter(|client| !client.is_closed()) else {
            return;
        };
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.shared.limits.connections as usize {
            idle.push(client);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(client), Ok(runtime)) = (self.client.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            // Closing the connection alone would leave the statement running until it next sends a row.
            let cancelled = timeout(CANCEL, client.cancel_token().cancel_query(NoTls)).await;
            if !matches!(cancelled, Ok(Ok(()))) {
                tracing::warn!("a statement could not be cancelled");
            }
            drop(client);
        });
    }
}

impl Postgres {
    pub(crate) fn new(database: &Database, views: Views, limits: Limits) -> std::result::Result<Self, OpenError> {
        let mut config = parse(&database.url)?;
        if !database.plaintext && !is_local(&config) {
            return Err(OpenError::Plaintext(address(&config)));
        }
        if let Some(password) = &database.password {
            config.password(password.read()?);
        }
        let schemas = if database.schemas.is_empty() { vec!["public".to_owned()] } else { database.schemas.clone() };
        if let Some(view) = views.iter().find(|view| !view.columns.is_empty()) {
            let why = "columns are declared for SQLite only: PostgreSQL knows their types".to_owned();
            return Err(OpenError::View { name: view.name.clone(), why });
        }
        // Names in our statements are resolved in the system's schema or are qualified; nothing can be written. Floats come
        // as text in as many digits as they need.
        let path = search_path(if views.is_empty() { &[] } else { &schemas });
        let session = format!("-c search_path={path} -c default_transaction_read_only=on -c extra_float_digits=1");
        let given = config.get_options().map(|given| format!("{given} ")).unwrap_or_default();
        config.options(format!("{given}{session}"));
        config.application_name(env!("CARGO_PKG_NAME")).connect_timeout(limits.connect_timeout());
        let shared = Shared {
            config,
            schemas,
            tables: database.tables.clone(),
            views,
            limits,
            permits: Permits::new(limits.connections, limits.queue),
            idle: Mutex::new(Vec::new()),
            known: Mutex::new(None),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) async fn describe(&self, deadline: Instant) -> Result<Vec<DescribedTable>> {
        let lease = self.shared.lease(deadline).await?;
        let described = timeout_at(deadline, async {
            let tables = catalogue::all(&self.shared, lease.client()?, deadline).await?;
            self.shared.remember(&tables);
            statistics::describe(&self.shared, lease.client()?, tables).await
        });
        let described = described.await.map_err(|_| deadline_exceeded())??;
        lease.done();
        Ok(described)
    }

    /// Refuses views that cannot be served.
    pub(crate) async fn check_views(&self, deadline: Instant) -> Result<()> {
        let lease = self.shared.lease(deadline).await?;
        let checked = timeout_at(deadline, async {
            let client = lease.client()?;
            // Also sets the time that statements may take.
            let tables = catalogue::all(&self.shared, client, deadline).await?;
            for view in self.shared.views.iter() {
                view::check(client, view).await?;
            }
            self.shared.remember(&tables);
            Ok(())
        });
        checked.await.map_err(|_| deadline_exceeded())??;
        lease.done();
        Ok(())
    }

    /// One outcome for each table named; for all when none is.
    pub(crate) async fn check(&self, deadline: Instant, names: &[String]) -> Result<Check> {
        let lease = self.shared.lease(deadline).await?;
        let checked = timeout_at(deadline, async {
            let client = lease.client()?;
            let tables = catalogue::all(&self.shared, client, deadline).await?;
            let version = catalogue::version(client).await?;
            let mut outcomes = Vec::new();
            let mut all: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
            let broken = self.shared.views.iter().filter(|view| tables.iter().all(|table| table.name != view.name));
            all.extend(broken.map(|view| view.name.clone()));
            for name in if names.is_empty() { &all } else { names } {
                let found = tables.iter().find(|table| table.name == *name);
                let outcome = match (found, self.shared.views.get(name)) {
                    (Some(table), _) => scan::sample(&self.shared, client, table).await,
                    (None, Some(view)) => outcome(view::live(client, view).await.map(|_| None)),
                    (None, None) => CheckOutcome::Failed(format!("there is no table {name:?}")),
                };
                outcomes.push((name.clone(), outcome));
            }
            Ok(Check { system: format!("PostgreSQL {version}, {}", address(&self.shared.config)), tables: outcomes })
        });
        let checked = checked.await.map_err(|_| deadline_exceeded())??;
        lease.done();
        Ok(checked)
    }
}

impl Shared {
    async fn lease(self: &Arc<Self>, deadline: Instant) -> Result<Lease> {
        let permit = self.permits.acquire(deadline).await?;
        let client = match self.idle() {
            Some(client) => client,
            None => self.connect(deadline).await?,
        };
        Ok(Lease { client: Some(client), shared: Arc::clone(self), _permit: permit })
    }

    fn idle(&self) -> Option<Client> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|client| !client.is_closed())
    }

    async fn connect(&self, deadline: Instant) -> Result<Client> {
        let deadline = deadline.min(Instant::now() + self.limits.connect_timeout());
        let address = address(&self.config);
        let connected = timeout_at(deadline, self.config.connect(NoTls)).await;
        let connected = connected.map_err(|_| failure::unreachable(&address, "no answer in time"))?;
        let (client, connection) = connected.map_err(|e| failure::connecting(&address, &e))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to the database ended");
            }
        });
        let checked = timeout_at(deadline, catalogue::check_server(&client)).await;
        checked.map_err(|_| failure::unreachable(&address, "no answer in time"))??;
        Ok(client)
    }

    fn remember(&self, tables: &[LiveTable]) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(tables.to_vec()));
    }

    fn remembered(&self) -> Option<Arc<Vec<LiveTable>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The system's schema first, so that nothing in the others hides what is in it. For the options of a connection: a blank and a
/// backslash have a backslash before them there.
fn search_path(schemas: &[String]) -> String {
    let quoted = |name: &String| format!(",\"{}\"", name.replace('"', "\"\""));
    let path: String = std::iter::once("pg_catalog".to_owned()).chain(schemas.iter().map(quoted)).collect();
    path.replace('\\', "\\\\").replace(' ', "\\ ")
}

/// Never shows the connection string: it may hold a password where it should not.
fn parse(url: &str) -> std::result::Result<Config, OpenError> {
    let config = Config::from_str(url).map_err(|e| OpenError::Url(e.to_string()))?;
    if config.get_password().is_some() {
        return Err(OpenError::PasswordInUrl);
    }
    if config.get_user().is_none() {
        return Err(OpenError::Url("it names no user".into()));
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(OpenError::Url("it names no host".into()));
    }
    Ok(config)
}

fn is_local(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    match config.get_hostaddrs() {
        [] => config.get_hosts().iter().all(local),
        addresses => addresses.iter().all(IpAddr::is_loopback),
    }
}

/// Host, port and database, for people.
fn address(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map_or_else(String::new, ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}/{}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
