//! What the host keeps for one guest, and the functions it offers.

use crate::http::{HttpSession, RequestError};
use crate::limits::{GuestLimits, StoreResources};
use crate::wit::weft::connector::{clock, http, log, types};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct GuestState {
    source: Arc<str>,
    limits: GuestLimits,
    deadline: Instant,
    resources: StoreResources,
    /// None where the configuration grants no HTTP.
    http: Option<HttpSession>,
    /// The first thing the guest asked for that is not granted.
    denied: Option<String>,
    log_lines: u32,
    last_error: Option<String>,
}

impl GuestState {
    pub(crate) fn new(source: Arc<str>, limits: GuestLimits, deadline: Instant, http: Option<HttpSession>) -> Self {
        let resources = StoreResources { memory: limits.memory };
        Self { source, limits, deadline, resources, http, denied: None, log_lines: 0, last_error: None }
    }

    pub(crate) fn limits(&self) -> &GuestLimits {
        &self.limits
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn resources(&mut self) -> &mut StoreResources {
        &mut self.resources
    }

    pub(crate) fn denied(&self) -> Option<&str> {
        self.denied.as_deref()
    }

    /// The last error line the guest logged: what it said before it trapped.
    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    pub(crate) fn statements(&self) -> Vec<String> {
        self.http.as_ref().map(|http| http.statements().to_vec()).unwrap_or_default()
    }

    fn http_error(&mut self, error: RequestError) -> http::HttpError {
        let message = error.to_string();
        let kind = match error {
            RequestError::NotGranted(_) => http::HttpErrorKind::NotGranted,
            RequestError::Invalid(_) => http::HttpErrorKind::InvalidRequest,
            RequestError::Unavailable(_) => http::HttpErrorKind::Unavailable,
            RequestError::Untrusted(_) => http::HttpErrorKind::Untrusted,
            RequestError::TimedOut(_) => http::HttpErrorKind::TimedOut,
            RequestError::Limit(_) => http::HttpErrorKind::LimitExceeded,
        };
        if kind == http::HttpErrorKind::NotGranted && self.denied.is_none() {
            self.denied = Some(message.clone());
        }
        http::HttpError { kind, message }
    }
}

impl types::Host for GuestState {}

impl http::Host for GuestState {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::HttpError> {
        let Some(session) = &mut self.http else {
            let line = format!("sources.{}.wasm.http.allow", self.source);
            let error = RequestError::NotGranted(format!("http is not granted; {line} would grant it"));
            return Err(self.http_error(error));
        };
        let request = crate::http::Request {
            method: match request.method {
                http::Method::Get => ::http::Method::GET,
                http::Method::Post => ::http::Method::POST,
            },
            url: request.url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: request.body,
        };
        match session.send(request).await {
            Ok(response) => Ok(http::Response {
                status: response.status,
                headers: response.headers.into_iter().map(|(name, value)| http::Header { name, value }).collect(),
                body: response.body,
            }),
            Err(error) => Err(self.http_error(error)),
        }
    }
}

impl log::Host for GuestState {
    fn write(&mut self, level: log::Level, message: String) {
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines > self.limits.log_lines {
            if self.log_lines == self.limits.log_lines + 1 {
                tracing::warn!(source = %self.source, "further lines of the guest are dropped");
            }
            return;
        }
        let line = one_line(&message, self.limits.log_line_bytes);
        let source = &self.source;
        match level {
            log::Level::Debug => tracing::debug!(%source, guest = line),
            log::Level::Info => tracing::info!(%source, guest = line),
            log::Level::Warn => tracing::warn!(%source, guest = line),
            log::Level::Error => {
                tracing::error!(%source, guest = line);
                self.last_error = Some(line);
            }
        }
    }
}

impl clock::Host for GuestState {
    fn now(&mut self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn remaining(&mut self) -> u64 {
        u64::try_from(self.deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Foreign text made harmless for a log: one line, of limited length, without control characters.
pub(crate) fn one_line(text: &str, bytes: usize) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if line.len() + c.len_utf8() > bytes {
            line.push('…');
            break;
        }
        line.push(if c.is_control() { ' ' } else { c });
    }
    line
}
