//! A proxy before an endpoint, which counts requests and the bytes of bodies in both directions.

use anyhow::Result;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use reqwest::{Client, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The largest query that is passed on.
const MOST_REQUEST: usize = 64 << 20;

/// Ends when it is dropped.
pub(super) struct Proxy {
    /// The path of the endpoint behind it, at the address of the proxy.
    pub(super) url: String,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    /// Of bodies, and of the queries in URLs.
    bytes: AtomicU64,
}

/// Sums over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) requests: u64,
    pub(super) bytes: u64,
}

struct Route {
    /// Where the endpoint is, without a path.
    origin: String,
    client: Client,
    counts: Arc<Counts>,
}

impl Proxy {
    pub(super) async fn before(endpoint: &str) -> Result<Self> {
        let endpoint = reqwest::Url::parse(endpoint)?;
        let origin = endpoint.origin().ascii_serialization();
        let counts = Arc::<Counts>::default();
        // What is compressed on the way comes as it is.
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let route = Arc::new(Route { origin, client, counts: counts.clone() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}{}", listener.local_addr()?, endpoint.path());
        let router = Router::new().fallback(pass).with_state(route);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("a counting proxy ended: {error}");
            }
        });
        Ok(Self { url, counts, task })
    }

    /// What went through so far.
    pub(super) fn passed(&self) -> Passed {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Passed { requests: load(&self.counts.requests), bytes: load(&self.counts.bytes) }
    }
}

impl std::iter::Sum for Passed {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self { requests: a.requests + b.requests, bytes: a.bytes + b.bytes })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(route): State<Arc<Route>>, request: Request) -> Response {
    match forward(&route, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

async fn forward(route: &Route, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_REQUEST).await?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let in_url = parts.uri.query().map_or(0, str::len);
    route.counts.requests.fetch_add(1, Ordering::Relaxed);
    route.counts.bytes.fetch_add((body.len() + in_url) as u64, Ordering::Relaxed);
    let mut headers = parts.headers;
    end_to_end(&mut headers);
    let url = format!("{}{path}", route.origin);
    let answer = route.client.request(parts.method, url).headers(headers).body(body).send().await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    end_to_end(response.headers_mut());
    let counts = route.counts.clone();
    *response.body_mut() = Body::from_stream(answer.bytes_stream().inspect(move |piece| {
        if let Ok(piece) = piece {
            counts.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    }));
    Ok(response)
}

/// Takes away what is said about one connection only.
fn end_to_end(headers: &mut HeaderMap) {
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::routing::post;

    #[tokio::test]
    async fn requests_and_bytes_are_counted_and_nothing_is_changed() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let endpoint = Router::new().route("/query", post(|body: String| async move { format!("<{body}>") }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, endpoint).await.ok() });
        let proxy = Proxy::before(&format!("http://{address}/query")).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        for _ in 0..3 {
            let answer = client.post(&proxy.url).body("12345").send().await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "<12345>"));
        }
        assert_eq!(proxy.passed(), Passed { requests: 3, bytes: 3 * (5 + 7) });
        let answer = client.get(format!("{}?query=abc", proxy.url)).send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(proxy.passed(), Passed { requests: 4, bytes: 3 * (5 + 7) + 9 });
        serving.abort();
    }
}
