//! RFC 9457 problem details.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use std::fmt;
use weft_model::{Code, Fault, Retry};

/// An error as it is told to a client. The message is safe to show.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Problem {
    pub code: Code,
    pub fault: Fault,
    pub message: String,
    /// The source that failed, where one did.
    pub source_name: Option<String>,
    pub position: Option<Position>,
    pub retry: Retry,
}

/// A place in a query. Lines and columns start at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u64,
    pub column: u64,
    /// The line, and below it a caret under the column.
    pub excerpt: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.position {
            Some(position) => write!(f, "\n{}", position.excerpt),
            None => Ok(()),
        }
    }
}

impl Problem {
    pub fn new(code: Code, fault: Fault, message: impl Into<String>) -> Self {
        Self { code, fault, message: message.into(), source_name: None, position: None, retry: Retry::Never }
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, Fault::Caller, message)
    }

    #[must_use]
    pub(crate) fn with_retry_after(mut self, millis: u64) -> Self {
        self.retry = Retry::AfterMillis(millis);
        self
    }

    /// The body of the answer.
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = json!({
            "type": format!("https://weft.dev/problems/{}", self.code),
            "title": title(self.code),
            "status": self.code.http_status(),
            "detail": self.message,
            "code": self.code.as_str(),
            "fault": self.fault,
        });
        if let Some(source) = &self.source_name {
            body["source"] = json!(source);
        }
        if let Some(position) = &self.position {
            body["line"] = json!(position.line);
            body["column"] = json!(position.column);
            body["excerpt"] = json!(position.excerpt);
        }
        body
    }

    /// Reads what [`Problem::to_json`] wrote.
    pub(crate) fn from_json(body: &serde_json::Value) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let number = |name: &str| body.get(name).and_then(serde_json::Value::as_u64);
        let position =
            || Some(Position { line: number("line")?, column: number("column")?, excerpt: text("excerpt")? });
        let fault = body.get("fault").and_then(|fault| serde_json::from_value(fault.clone()).ok());
        Some(Self {
            code: text("code")?.parse().ok()?,
            fault: fault.unwrap_or(Fault::Broker),
            message: text("detail")?,
            source_name: text("source"),
            position: position(),
            retry: Retry::Never,
        })
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match (self.retry, self.code) {
            (Retry::AfterMillis(millis), _) => Some(millis.div_ceil(1000).max(1)),
            (_, Code::Overloaded | Code::RateLimited | Code::SourceUnavailable) => Some(1),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.to_json().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The name of a code as words.
fn title(code: Code) -> String {
    code.as_str().replace('-', " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_problem_survives_the_way_to_the_client() {
        let problem = Problem {
            source_name: Some("erp".into()),
            position: Some(Position { line: 2, column: 5, excerpt: "SELCT\n^".into() }),
            ..Problem::new(Code::InvalidQuery, Fault::Caller, "syntax error")
        };
        assert_eq!(Problem::from_json(&problem.to_json()), Some(problem.clone()));
        assert_eq!(problem.to_string(), "syntax error\nSELCT\n^");
        let response = problem.into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }

    #[test]
    fn overload_says_when_to_come_back() {
        let problem = Problem::new(Code::Overloaded, Fault::Broker, "busy").with_retry_after(1500);
        assert_eq!(problem.into_response().headers()["retry-after"], "2");
    }
}
