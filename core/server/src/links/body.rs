//! Bodies of requests: JSON within limits.

use crate::{Problem, ServerOptions};
use axum::body::{Body, to_bytes};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use weft_model::{Code, Fault};

/// Evidence has 64 KiB, and JSON may need more for it.
const BODY_BYTES: usize = 256 * 1024;

/// A request without a body says nothing more: `{}`.
pub(super) async fn read_body<T: DeserializeOwned>(
    parts: &Parts,
    body: Body,
    options: &ServerOptions,
) -> Result<T, Problem> {
    let bytes = match timeout(options.body_timeout, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            let message = format!("the body broke off, or has more than {BODY_BYTES} bytes");
            return Err(Problem::invalid_request(message));
        }
        Err(_) => {
            let message = format!("the body of the request did not arrive within {:?}", options.body_timeout);
            return Err(Problem::new(Code::DeadlineExceeded, Fault::Caller, message));
        }
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !bytes.is_empty() && !media_type.eq_ignore_ascii_case("application/json") {
        let message = "the body is application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, Fault::Caller, message));
    }
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(text).map_err(|error| Problem::invalid_request(format!("the body: {error}")))
}
