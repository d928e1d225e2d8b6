//! Asks a running broker.

use crate::{GraphFormat, Problem, ResultFormat};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::header::{ACCEPT, CONTENT_TYPE};
use reqwest::Response;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use url::Url;
use weft_exec::AskedView;
use weft_model::{Code, Fault};

/// An error document longer than this is not read.
const PROBLEM_BYTES: usize = 64 * 1024;

/// A client of one broker. Follows no redirect and takes no proxy from the environment.
#[derive(Clone, Debug)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
    timeout: Option<Duration>,
    view: AskedView,
}

/// The formats an answer may come in: one for each shape it may have, at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub results: Option<ResultFormat>,
    pub graph: Option<GraphFormat>,
}

impl Wanted {
    fn accept(self) -> String {
        let types = [self.results.map(ResultFormat::content_type), self.graph.map(GraphFormat::content_type)];
        let types: Vec<&str> = types.into_iter().flatten().filter_map(|text| text.split(';').next()).collect();
        types.join(", ")
    }
}

/// An answer, still coming.
pub struct ClientAnswer {
    /// Whether it is a graph, and not solutions or a boolean.
    pub is_graph: bool,
    /// The report, where the broker could send one with the answer.
    pub report: Option<Value>,
    pub body: BoxStream<'static, Result<Bytes, Problem>>,
}

impl fmt::Debug for ClientAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAnswer").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Client {
    /// `address` is that of the broker or of its SPARQL endpoint: `http://127.0.0.1:7878`, with or without `/sparql`.
    /// Needs the process to have a default TLS provider.
    pub fn new(address: &str, timeout: Option<Duration>) -> Result<Self, Problem> {
        let wrong = |message: String| Problem::invalid_request(format!("endpoint {address:?}: {message}"));
        let mut base = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong("an endpoint begins with http:// or https://".to_owned()));
        }
        let path = base.path().trim_end_matches('/').trim_end_matches("/sparql").to_owned() + "/";
        base.set_path(&path);
        base.set_query(None);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { base, http, timeout, view: AskedView::default() })
    }

    /// Asks for this view with every query.
    #[must_use]
    pub fn seeing(self, view: AskedView) -> Self {
        Self { view, ..self }
    }

    pub async fn query(&self, text: &str, wanted: Wanted) -> Result<ClientAnswer, Problem> {
        let response = self.post("sparql", text, &wanted.accept()).await?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_graph = GraphFormat::ALL.iter().any(|graph| content_type == Some(graph.content_type()));
        if is_graph && wanted.graph.is_none() {
            let message = "the answer is a graph, and a format for graphs was not asked for";
            return Err(Problem::new(Code::NotAcceptable, Fault::Caller, message));
        }
        let report =
            response.headers().get("weft-report").and_then(|value| serde_json::from_slice(value.as_bytes()).ok());
        let broken = |error: reqwest::Error| {
            Problem::new(Code::StreamTruncated, Fault::Broker, format!("the answer broke off: {}", causes(&error)))
        };
        Ok(ClientAnswer {
            is_graph,
            report,
            body: response.bytes_stream().map(move |piece| piece.map_err(broken)).boxed(),
        })
    }

    /// The plan, as text or as JSON.
    pub async fn explain(&self, text: &str, json: bool) -> Result<String, Problem> {
        self.explained("explain", text, json).await
    }

    /// The plan and what running it showed, as text or as JSON.
    pub async fn analyze(&self, text: &str, json: bool) -> Result<String, Problem> {
        self.explained("explain?explain=analyze", text, json).await
    }

    async fn explained(&self, path: &str, text: &str, json: bool) -> Result<String, Problem> {
        let response = self.post(path, text, if json { "application/json" } else { "text/plain" }).await?;
        response.text().await.map_err(|error| self.unreachable(&error))
    }

    async fn post(&self, path: &str, text: &str, accept: &str) -> Result<Response, Problem> {
        let mut url = self.base.join(path).map_err(|error| Problem::invalid_request(error.to_string()))?;
        if let Some(timeout) = self.timeout {
            url.query_pairs_mut().append_pair("timeout", &format!("{}ms", timeout.as_millis()));
        }
        let view = [
            ("view", self.view.name.clone()),
            ("thread", self.view.thread.map(|thread| thread.to_string())),
            ("as-of", self.view.time.as_of.clone()),
            ("valid-at", self.view.time.valid_at.clone()),
        ];
        for (name, value) in view.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            url.query_pairs_mut().append_pair(name, value);
        }
        let request = self.http.post(url).header(CONTENT_TYPE, "application/sparql-query").header(ACCEPT, accept);
        let response = request.body(text.to_owned()).send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    async fn refused(&self, response: Response) -> Problem {
        let status = response.status();
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            body.extend_from_slice(&piece);
            if body.len() > PROBLEM_BYTES {
                break;
            }
        }
        let problem = serde_json::from_slice(&body).ok().and_then(|body| Problem::from_json(&body));
        problem.unwrap_or_else(|| {
            let message = format!("{} answered with status {status} and no explanation", self.base);
            Problem::new(Code::SourceFailed, Fault::Broker, message)
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Problem {
        let message = format!("cannot reach the broker at {}: {}", self.base, causes(error));
        Problem::new(Code::SourceUnavailable, Fault::Broker, message)
    }
}

/// The last cause says most; the messages above repeat the address.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
