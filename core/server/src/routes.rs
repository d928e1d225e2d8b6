//! The paths of the server.

use crate::admission::{Admission, Caller, ConnectedFrom};
use crate::{
    Dataset, Health, NamedGraph, Problem, QueryEndpoint, ServerOptions, cors, explain, graphs, links, pages, sparql,
};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use axum::{Extension, Router};
use http::request::Parts;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// What the handlers share.
pub(crate) struct Service {
    /// The endpoint changes when a source comes back; a query keeps the one it began with.
    endpoints: watch::Receiver<Arc<dyn QueryEndpoint>>,
    pub(crate) health: Health,
    pub(crate) admission: Admission,
    pub(crate) options: ServerOptions,
}

impl Service {
    pub(crate) fn new(
        endpoints: watch::Receiver<Arc<dyn QueryEndpoint>>,
        health: Health,
        options: ServerOptions,
    ) -> Self {
        let admission = Admission::new(&options);
        Self { endpoints, health, admission, options }
    }

    pub(crate) fn endpoint(&self) -> Arc<dyn QueryEndpoint> {
        self.endpoints.borrow().clone()
    }

    /// Whose share of the places a request takes.
    pub(crate) fn caller(&self, parts: &Parts) -> Caller {
        Caller::of(parts, &self.options.trusted_proxies)
    }

    /// What there is to ask: the graphs of the sources and those of the index.
    pub(crate) fn dataset(&self) -> Result<Dataset, Problem> {
        let mut dataset = self.endpoint().dataset()?;
        let index = self.options.graphs.iter().map(|name| NamedGraph { name: name.clone(), source: None });
        dataset.graphs.extend(index);
        // A graph that a source has, too, is that of the source.
        dataset.graphs.sort_by(|a, b| a.name.cmp(&b.name).then(b.source.cmp(&a.source)));
        dataset.graphs.dedup_by(|a, b| a.name == b.name);
        Ok(dataset)
    }
}

/// What answers the requests of a connection from this address.
pub(crate) fn router(service: Arc<Service>, address: IpAddr) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/health", get(pages::health))
        .route("/sparql", any(sparql::handle))
        .route("/sparql/", any(sparql::handle))
        .route("/explain", any(explain::handle))
        .route("/graphs", any(graphs::handle))
        .route("/graphs/", any(graphs::handle))
        .route("/graphs/{*name}", any(graphs::handle))
        .route("/links", any(links::handle))
        .route("/links/", any(links::handle))
        .route("/links/{*path}", any(links::handle))
        .route("/.well-known/void", any(graphs::void))
        .fallback(pages::not_found)
        .layer(from_fn_with_state(service.clone(), cors::share))
        .layer(Extension(ConnectedFrom(address)))
        .with_state(service)
}
