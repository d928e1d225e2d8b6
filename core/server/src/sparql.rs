//! `/sparql`: the query operation of the SPARQL 1.1 Protocol.

use crate::answer::{Running, by, fail, respond};
use crate::negotiate::{Offer, RESULTS, negotiate};
use crate::request::read_query;
use crate::routes::Service;
use crate::{Problem, QueryCall, ResultFormat};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

pub(crate) const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";

pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::POST => answer(&service, request).await.unwrap_or_else(IntoResponse::into_response),
        Method::HEAD => head(&request),
        Method::OPTIONS => options(),
        _ => not_allowed(),
    }
}

async fn answer(service: &Service, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let offer = negotiate(&parts.headers, RESULTS)?;
    let call = read_query(&parts, body, &service.options).await?;
    let span = query_span(service, &call);
    let answered = run(service, call, offer, span.clone()).instrument(span.clone()).await;
    if let Err(problem) = &answered {
        fail(&span, problem);
        span.in_scope(
            || tracing::info!(code = %problem.code, source = problem.source_name, "query failed: {}", problem.message),
        );
    }
    answered
}

async fn run(service: &Service, call: QueryCall, offer: &Offer<ResultFormat>, span: Span) -> Result<Response, Problem> {
    let deadline = Instant::now() + call.timeout.unwrap_or(service.options.query_timeout);
    let permit = service.admission.enter(deadline).await?;
    let endpoint = service.endpoint();
    let answer = by(deadline, endpoint.query(call)).await?;
    respond(answer, offer, Running { deadline, permit, span }).await
}

/// A span after the OpenTelemetry conventions for database calls. The text of a query may hold private data: it is not
/// part of it.
pub(crate) fn query_span(service: &Service, call: &QueryCall) -> Span {
    let span = tracing::info_span!(
        "query",
        "otel.kind" = "server",
        "db.system.name" = "weft",
        "db.operation.name" = Empty,
        "db.response.returned_rows" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
    );
    if let (Some(adopt), Some(traceparent)) = (service.options.adopt_parent, &call.traceparent) {
        adopt(&span, traceparent);
    }
    span
}

/// What a GET would be answered in. The query is not run.
fn head(request: &Request) -> Response {
    match negotiate(request.headers(), RESULTS) {
        Ok(offer) => {
            let mut response = Body::empty().into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(offer.content_type));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

pub(crate) fn options() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(ALLOWED));
    response
}

pub(crate) fn not_allowed() -> Response {
    let problem = Problem::invalid_request(format!("this method is not allowed here; allowed are {ALLOWED}"));
    let mut response = problem.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(ALLOWED));
    response
}
