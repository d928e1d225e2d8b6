//! `/links`: the links between sources, for programs that look after them.
//!
//! Every request says who it is by a bearer token of the configuration; without tokens there, nobody is let in. What links
//! are, and where they are kept, is the business of the [`LinkEndpoint`].

mod body;
mod parameters;
mod token;

pub use token::LinkTokens;

use crate::Problem;
use crate::routes::Service;
use crate::sparql::{not_allowed, options};
use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use body::read_body;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Method};
use parameters::read_filter;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use weft_model::{Code, Fault};

/// Which links are wanted. What is not said is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkQuery {
    pub state: Option<String>,
    pub rule: Option<String>,
    /// An IRI that is subject or object.
    pub entity: Option<String>,
    pub predicate: Option<String>,
    /// What was held at this time, ISO 8601.
    pub recorded: Option<String>,
    /// What is valid at this time, ISO 8601.
    pub valid: Option<String>,
    /// The number of the record after which the page begins.
    pub after: Option<i64>,
    /// Records of a page.
    pub limit: Option<usize>,
}

/// A link that somebody says there is.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct AssertedLink {
    pub subject: String,
    pub object: String,
    /// `weft:sameThingAs` without.
    pub predicate: Option<String>,
    pub evidence: Option<String>,
    pub confidence: Option<f64>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
}

/// What somebody says of a link that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Confirm,
    Retire,
}

/// Something that knows links. Answers are JSON.
#[async_trait]
pub trait LinkEndpoint: Send + Sync {
    /// A page: `links`, and `next` where there may be more.
    async fn list(&self, query: LinkQuery) -> Result<Value, Problem>;

    /// What people and rules hold of a link, and why.
    async fn explain(&self, id: &str) -> Result<Value, Problem>;

    /// All that was ever held of a link.
    async fn history(&self, id: &str) -> Result<Value, Problem>;

    async fn assert(&self, author: &str, link: AssertedLink) -> Result<Value, Problem>;

    async fn decide(
        &self,
        author: &str,
        id: &str,
        decision: Decision,
        evidence: Option<String>,
    ) -> Result<Value, Problem>;
}

/// The links of a server and who may see and change them.
#[derive(Clone)]
pub struct LinkAccess {
    pub endpoint: Arc<dyn LinkEndpoint>,
    pub tokens: LinkTokens,
}

impl fmt::Debug for LinkAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkAccess").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&service, &parts, body).await.unwrap_or_else(|problem| {
        let is_unknown = problem.code == Code::AuthenticationRequired;
        let mut response = problem.into_response();
        if is_unknown {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"links\""));
        }
        response
    })
}

async fn answer(service: &Service, parts: &Parts, body: Body) -> Result<Response, Problem> {
    if parts.method == Method::OPTIONS {
        return Ok(options(allowed(parts.uri.path())));
    }
    let access = service.options.links.as_ref().ok_or_else(nobody)?;
    let author = access.tokens.who(&parts.headers).ok_or_else(nobody)?;
    let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').skip(1).collect();
    let links = &access.endpoint;
    let found = match (&parts.method, path.as_slice()) {
        (&Method::GET, []) => links.list(read_filter(parts)?).await?,
        (&Method::GET, [id]) => links.explain(id).await?,
        (&Method::GET, [id, "history"]) => links.history(id).await?,
        (&Method::POST, []) => links.assert(author, read_body(parts, body, &service.options).await?).await?,
        (&Method::POST, [id, word @ ("confirm" | "retire")]) => {
            let said: Said = read_body(parts, body, &service.options).await?;
            let decision = if *word == "confirm" { Decision::Confirm } else { Decision::Retire };
            links.decide(author, id, decision, said.evidence).await?
        }
        (_, [] | [_] | [_, "history" | "confirm" | "retire"]) => return Ok(not_allowed(allowed(parts.uri.path()))),
        _ => {
            let message = "there is nothing at this path; see /links, /links/ID, /links/ID/history, /links/ID/confirm and /links/ID/retire";
            return Err(Problem::new(Code::NotFound, Fault::Caller, message));
        }
    };
    Ok(Json(found).into_response())
}

/// What comes with a decision.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    evidence: Option<String>,
}

fn allowed(path: &str) -> &'static str {
    let segments: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    match segments.as_slice() {
        [] => "GET, POST, OPTIONS",
        [_, "confirm" | "retire"] => "POST, OPTIONS",
        _ => "GET, OPTIONS",
    }
}

/// Whether there are tokens at all is nobody's business.
fn nobody() -> Problem {
    let message = "links are for those who show a token: send Authorization: Bearer, and see server.link_tokens";
    Problem::new(Code::AuthenticationRequired, Fault::Caller, message)
}
