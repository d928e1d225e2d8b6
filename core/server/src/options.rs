//! What a server may spend.

use crate::LinkAccess;
use oxrdf::NamedNode;
use std::net::IpAddr;
use std::time::Duration;
use tracing::Span;
use url::Url;

/// Limits of the HTTP side, and what it tells clients.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Bytes of query text.
    pub query_bytes: usize,
    /// The time a query has, its answer's delivery included; a client may ask for less.
    pub query_timeout: Duration,
    pub concurrent_queries: usize,
    /// Those of one client. With fewer than all, there is room for others at once.
    pub concurrent_queries_per_client: usize,
    /// Those of one client while others ask, too. Sources answer a few calls at once, and so is there room at them.
    pub contested_queries_per_client: usize,
    /// Queries that may wait for others to end. More are refused.
    pub queued_queries: usize,
    pub connections: usize,
    /// For the head of a request to arrive.
    pub header_timeout: Duration,
    /// For the body of a request to arrive.
    pub body_timeout: Duration,
    /// What running queries have to end in, once the server is told to stop.
    pub drain_timeout: Duration,
    /// What relative IRIs in queries are resolved against.
    pub base_iri: Option<String>,
    /// Where clients find the server, with a slash at the end. Without, it is where the request says it went.
    pub public_url: Option<Url>,
    /// Named graphs that no mapping names: those of the index.
    pub graphs: Vec<NamedNode>,
    /// The one of them that describes the sources.
    pub catalogue: Option<NamedNode>,
    /// Proxies that tell by `X-Forwarded-For` which client asked them. Any other's word is not taken.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins whose pages may read answers, such as `https://example.com`; `*` is any. None without.
    pub cors_origins: Vec<String>,
    /// How long a browser may remember that it may ask.
    pub cors_max_age: Duration,
    /// The links, and who may see and change them over HTTP. Nobody without.
    pub links: Option<LinkAccess>,
    /// Makes a span the child of the one a W3C `traceparent` names.
    pub adopt_parent: Option<fn(&Span, &str)>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            query_bytes: 256 * 1024,
            query_timeout: Duration::from_secs(30),
            concurrent_queries: 16,
            concurrent_queries_per_client: 12,
            contested_queries_per_client: 2,
            queued_queries: 64,
            connections: 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(10),
            base_iri: None,
            public_url: None,
            graphs: Vec::new(),
            catalogue: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            cors_max_age: Duration::from_secs(600),
            links: None,
            adopt_parent: None,
        }
    }
}
