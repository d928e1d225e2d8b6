//! The paths of the server.

use crate::admission::Admission;
use crate::{Health, QueryEndpoint, ServerOptions, explain, pages, sparql};
use axum::Router;
use axum::routing::{any, get};
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
        let admission = Admission::new(options.concurrent_queries, options.queued_queries);
        Self { endpoints, health, admission, options }
    }

    pub(crate) fn endpoint(&self) -> Arc<dyn QueryEndpoint> {
        self.endpoints.borrow().clone()
    }
}

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/health", get(pages::health))
        .route("/sparql", any(sparql::handle))
        .route("/explain", any(explain::handle))
        .fallback(pages::not_found)
        .with_state(service)
}
