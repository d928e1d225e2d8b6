//! A small OData v4 server over one SQLite file: what the PLM of the demonstration speaks.
//!
//! It reads: service document, `$metadata`, entity sets, entities by key and `$count`, with `$filter`, `$select`,
//! `$expand` (one level, to-one, with `$select`), `$orderby`, `$top`, `$skip`, `$count` and server-driven paging. What it
//! does not do is refused as OData asks for: 501 for what is not implemented, 400 for what is wrong, never ignored.

mod answer;
mod error;
mod filter;
mod literal;
mod metadata;
mod options;
mod request;
mod schema;
mod sql;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use error::ODataError;
use rusqlite::{Connection, OpenFlags};
use schema::Schema;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Where the service lives on its host.
const ROOT: &str = "/plm/";
/// Queries that run at once; others wait.
const CONCURRENCY: usize = 8;

/// A SQLite file and what OData says of it.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    schema: Schema,
    /// Rows in one answer at most; more follow by `@odata.nextLink`.
    page_size: u64,
    running: Semaphore,
}

impl Database {
    /// Reads the schema of the file: tables become entity sets, foreign keys navigation properties.
    pub fn open(path: &Path, page_size: u64) -> Result<Self> {
        let connection = connect(path).with_context(|| format!("cannot open {}", path.display()))?;
        let schema = Schema::read(&connection).with_context(|| format!("cannot serve {}", path.display()))?;
        let running = Semaphore::new(CONCURRENCY);
        Ok(Self { path: path.to_owned(), schema, page_size: page_size.max(1), running })
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// The service as an axum router, rooted at `/plm/`.
fn router(database: Arc<Database>) -> Router {
    Router::new().fallback(handle).with_state(database)
}

/// Serves until `shutdown` ends.
pub async fn serve(
    database: Database,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    axum::serve(listener, router(Arc::new(database)))
        .with_graceful_shutdown(shutdown)
        .await
        .context("odata server failed")
}

async fn handle(State(database): State<Arc<Database>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ODataError::method(request.method()).into_response();
    }
    let Ok(_permit) = database.running.acquire().await else {
        return ODataError::internal("the server is ending").into_response();
    };
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let root = format!("http://{host}{ROOT}");
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let work = {
        let database = Arc::clone(&database);
        tokio::task::spawn_blocking(move || answer(&database, &root, &path, &query))
    };
    match work.await {
        Ok(Ok(answer)) => answer.into_response(),
        Ok(Err(error)) => error.into_response(),
        Err(_) => ODataError::internal("the query was aborted").into_response(),
    }
}

fn answer(database: &Database, root: &str, path: &str, query: &str) -> Result<answer::Answer, ODataError> {
    let resource = request::parse(&database.schema, ROOT, path)?;
    let connection = connect(&database.path).map_err(ODataError::database)?;
    answer::answer(&connection, database, root, &resource, query)
}

#[cfg(test)]
mod tests;
