//! `/` and `/health`.

use crate::Problem;
use crate::routes::Service;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;
use weft_model::{Code, Fault};

const HOME: &str = include_str!("pages/home.html");

pub(crate) async fn home() -> Html<&'static str> {
    Html(HOME)
}

/// 503 while starting and draining. A broker that misses an optional source still answers.
pub(crate) async fn health(State(service): State<Arc<Service>>) -> Response {
    let report = service.health.report();
    let status = if report.answers { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

pub(crate) async fn not_found(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let message = format!("there is nothing at {path:?}; queries go to /sparql");
    Problem::new(Code::NotFound, Fault::Caller, message).into_response()
}
