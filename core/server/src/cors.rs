//! Cross-origin resource sharing, as the Fetch standard has it: pages of other origins may read answers where the
//! configuration names their origin. Nothing here keeps a request from being answered; browsers keep the answer from pages.

use crate::answer::REPORT;
use crate::routes::Service;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;

/// Methods that change data are not on offer anywhere.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Headers of requests that mean something here.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static("accept, content-type, traceparent");

const ANY: &str = "*";

pub(crate) async fn share(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let origins = &service.options.cors_origins;
    if origins.is_empty() {
        return next.run(request).await;
    }
    let allowed = allowed_origin(origins, request.headers());
    let is_preflight =
        *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed {
        Some(_) if is_preflight => preflight(service.options.cors_max_age.as_secs()),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Ok(exposed) = HeaderValue::from_str(&format!("{REPORT}, retry-after, allow")) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
    response
}

/// What the answer says to this origin, if it is one that is named.
fn allowed_origin(origins: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    if origins.iter().any(|allowed| allowed == ANY) {
        return Some(HeaderValue::from_static(ANY));
    }
    origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

fn preflight(max_age: u64) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, max_age.into());
    response
}
