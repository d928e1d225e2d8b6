//! `/sparql`: the query operation of the SPARQL 1.1 Protocol, and without a query the description of the service.

use crate::address::public_url;
use crate::admission::Caller;
use crate::answer::{Running, by, fail, respond, set_headers};
use crate::description::{service_description, whole};
use crate::form::{Form, Shape, form};
use crate::negotiate::{Accepted, GRAPHS, negotiate};
use crate::request::read_query;
use crate::routes::Service;
use crate::{Answer, Problem, QueryCall};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use weft_model::{Code, Fault};

const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";

pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asks_nothing = parts.uri.query().is_none_or(str::is_empty);
    let answered = match parts.method {
        Method::GET if asks_nothing => describe(&service, &parts).await,
        Method::HEAD if asks_nothing => describe(&service, &parts).await.map(without_body),
        Method::GET | Method::POST => answer(&service, &parts, body).await,
        Method::HEAD => head(&service, &parts).await,
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Ok(not_allowed(ALLOWED)),
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(service: &Service, parts: &Parts, body: Body) -> Result<Response, Problem> {
    let call = read_query(parts, body, &service.options).await?;
    let form = form(&call.text);
    let accepted = Accepted::of(&parts.headers, form.map(Form::shape))?;
    let span = query_span(service, &call, form.map(Form::name));
    run(service, service.caller(parts), call, accepted, span, Ok).await
}

/// Runs a query in the place and the time it is given. `become_answer` may make something else of what comes back.
pub(crate) async fn run(
    service: &Service,
    caller: Caller,
    call: QueryCall,
    accepted: Accepted,
    span: Span,
    become_answer: impl FnOnce(Answer) -> Result<Answer, Problem>,
) -> Result<Response, Problem> {
    let answered = async {
        let deadline = Instant::now() + call.timeout.unwrap_or(service.options.query_timeout);
        let permit = service.admission.enter(caller, deadline).await?;
        let endpoint = service.endpoint();
        let answer = by(deadline, endpoint.query(call)).await.and_then(become_answer)?;
        respond(answer, accepted, Running { deadline, permit, span: span.clone() }).await
    };
    let answered = answered.instrument(span.clone()).await;
    if let Err(problem) = &answered {
        fail(&span, problem);
        span.in_scope(
            || tracing::info!(code = %problem.code, source = problem.source_name, "query failed: {}", problem.message),
        );
    }
    answered
}

/// A span after the OpenTelemetry conventions for database calls. The text of a query may hold private data: it is not
/// part of it.
pub(crate) fn query_span(service: &Service, call: &QueryCall, operation: Option<&'static str>) -> Span {
    let span = tracing::info_span!(
        "query",
        "otel.kind" = "server",
        "db.system.name" = "weft",
        "db.operation.name" = operation,
        "db.response.returned_rows" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
    );
    if let (Some(adopt), Some(traceparent)) = (service.options.adopt_parent, &call.traceparent) {
        adopt(&span, traceparent);
    }
    span
}

/// SPARQL 1.1 Service Description section 2.
async fn describe(service: &Service, parts: &Parts) -> Result<Response, Problem> {
    let offer = negotiate(&parts.headers, GRAPHS)?;
    let url = public_url(parts, &service.options)?;
    whole(service_description(&url, &service.dataset()?), offer).await
}

/// What a GET would be answered in. The query is not run.
async fn head(service: &Service, parts: &Parts) -> Result<Response, Problem> {
    let call = read_query(parts, Body::empty(), &service.options).await?;
    let shape = form(&call.text).map(Form::shape);
    let accepted = Accepted::of(&parts.headers, shape)?;
    let mut response = Body::empty().into_response();
    match shape {
        Some(Shape::Graph) => set_headers(&mut response, accepted.graphs()?.content_type),
        _ => set_headers(&mut response, accepted.results()?.content_type),
    }
    Ok(response)
}

pub(crate) fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}

pub(crate) fn options(allowed: &'static str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

pub(crate) fn not_allowed(allowed: &'static str) -> Response {
    let message = format!("this method is not allowed here; allowed are {allowed}");
    let mut response = Problem::new(Code::MethodNotAllowed, Fault::Caller, message).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
