//! `/explain`: the plan of a query, sent the way a query is; with `explain=analyze`, what running it showed, too.

use crate::Problem;
use crate::answer::{by, fail};
use crate::negotiate::{EXPLANATIONS, ExplainFormat, negotiate};
use crate::request::read_explained;
use crate::routes::Service;
use crate::sparql::{not_allowed, options, query_span};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

/// The time to tell of a run that has had its time.
const TELLING: Duration = Duration::from_secs(2);

const ALLOWED: &str = "GET, POST, OPTIONS";

pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::POST => explain(&service, request).await.unwrap_or_else(IntoResponse::into_response),
        Method::OPTIONS => options(ALLOWED),
        _ => not_allowed(ALLOWED),
    }
}

async fn explain(service: &Service, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let offer = negotiate(&parts.headers, EXPLANATIONS)?;
    let mut call = read_explained(&parts, body, &service.options).await?;
    let span = query_span(service, &call, Some("EXPLAIN"));
    let deadline = Instant::now() + call.timeout.unwrap_or(service.options.query_timeout);
    let _permit = service.admission.enter(service.caller(&parts), deadline).await?;
    let endpoint = service.endpoint();
    // The engine ends a run that takes too long itself, and tells how far it went.
    call.timeout = Some(deadline.saturating_duration_since(Instant::now()));
    let patience = if call.analyze { deadline + TELLING } else { deadline };
    let explained = by(patience, endpoint.explain(call)).instrument(span.clone()).await;
    let explanation = explained.inspect_err(|problem| fail(&span, problem))?;
    let text = match offer.value {
        ExplainFormat::Text => explanation.text,
        ExplainFormat::Json => explanation.json.to_string(),
    };
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(offer.content_type));
    Ok(response)
}
