//! Errors of the contract.

use crate::bindings::weft::connector::types as w;
use crate::http::{HttpError, HttpErrorKind};

pub type Result<T> = std::result::Result<T, Error>;

/// The codes a connector has use for. The host tolerates others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidRequest,
    NotFound,
    InvalidConfig,
    SourceUnavailable,
    SourceFailed,
    Unauthenticated,
    PermissionDenied,
    NotGranted,
    RateLimited,
    DeadlineExceeded,
    InvalidData,
    SchemaChanged,
    LimitExceeded,
    Internal,
}

impl Code {
    /// The code's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::NotFound => "not-found",
            Self::InvalidConfig => "invalid-config",
            Self::SourceUnavailable => "source-unavailable",
            Self::SourceFailed => "source-failed",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission-denied",
            Self::NotGranted => "not-granted",
            Self::RateLimited => "rate-limited",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::InvalidData => "invalid-data",
            Self::SchemaChanged => "schema-changed",
            Self::LimitExceeded => "limit-exceeded",
            Self::Internal => "internal",
        }
    }

    /// Who usually has to act.
    fn fault(self) -> w::Fault {
        match self {
            Self::InvalidRequest => w::Fault::Caller,
            Self::InvalidConfig | Self::NotGranted | Self::Unauthenticated | Self::PermissionDenied => w::Fault::Config,
            Self::LimitExceeded | Self::Internal => w::Fault::Connector,
            _ => w::Fault::Source,
        }
    }

    fn retry(self) -> w::Retry {
        match self {
            Self::SchemaChanged => w::Retry::Replan,
            Self::SourceUnavailable => w::Retry::AfterMillis(1_000),
            _ => w::Retry::Never,
        }
    }
}

/// An error with a message that is safe to show to whoever asked.
#[derive(Clone, Debug)]
pub struct Error(pub(crate) w::Error);

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(w::Error {
            code: code.as_str().to_owned(),
            fault: code.fault(),
            retry: code.retry(),
            message: message.into(),
            detail: None,
        })
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The same request may succeed after this time.
    #[must_use]
    pub fn retry_after(mut self, millis: u64) -> Self {
        self.0.retry = w::Retry::AfterMillis(millis);
        self
    }

    /// Adds what only the operator should see.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        let code = match error.kind {
            HttpErrorKind::NotGranted => Code::NotGranted,
            HttpErrorKind::InvalidRequest => Code::Internal,
            HttpErrorKind::Unavailable => Code::SourceUnavailable,
            HttpErrorKind::Untrusted => Code::Unauthenticated,
            HttpErrorKind::TimedOut => Code::DeadlineExceeded,
            HttpErrorKind::LimitExceeded => Code::LimitExceeded,
        };
        Self::new(code, error.message)
    }
}
