//! `/explain`: the plan of a query, sent the way a query is.

use crate::Problem;
use crate::answer::{by, fail};
use crate::negotiate::{EXPLANATIONS, ExplainFormat, negotiate};
use crate::request::read_query;
use crate::routes::Service;
use crate::sparql::{not_allowed, options, query_span};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument;

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
    let call = read_query(&parts, body, &service.options).await?;
    let span = query_span(service, &call, Some("EXPLAIN"));
    let deadline = Instant::now() + call.timeout.unwrap_or(service.options.query_timeout);
    let _permit = service.admission.enter(deadline).await?;
    let endpoint = service.endpoint();
    let explained = by(deadline, endpoint.explain(call)).instrument(span.clone()).await;
    let explanation = explained.inspect_err(|problem| fail(&span, problem))?;
    let text = match offer.value {
        ExplainFormat::Text => explanation.text,
        ExplainFormat::Json => explanation.json.to_string(),
    };
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(offer.content_type));
    Ok(response)
}
