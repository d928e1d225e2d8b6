//! Errors in OData's JSON form.

use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What the client gets instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct ODataError {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    /// The system query option the error is about.
    target: Option<&'static str>,
}

impl ODataError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), target: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn method(method: &Method) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            format!("{method} is not allowed: the service is read-only"),
        )
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    pub(super) fn database(error: rusqlite::Error) -> Self {
        Self::internal(format!("the database failed: {error}"))
    }

    pub(super) fn about(mut self, target: &'static str) -> Self {
        self.target.get_or_insert(target);
        self
    }
}

impl IntoResponse for ODataError {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(target) = self.target {
            error["target"] = target.into();
        }
        let allow = (self.status == StatusCode::METHOD_NOT_ALLOWED).then_some([(header::ALLOW, "GET, HEAD")]);
        (self.status, allow, [("OData-Version", "4.0")], Json(json!({ "error": error }))).into_response()
    }
}
