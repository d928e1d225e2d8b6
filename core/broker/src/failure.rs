//! Why a command failed: what is told, and the exit status.

use crate::config::ConfigErrors;
use std::error::Error;
use std::fmt;
use weft_connector::SourceError;
use weft_identity::{AuthorityError, CredentialError};
use weft_index::{DatabaseError, IndexError};
use weft_mapping::MappingError;
use weft_model::Code;
use weft_server::Problem;
use weft_wasm::SandboxError;

/// The message may have several lines and is safe to show.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An error with its causes on one line.
    pub(crate) fn caused(code: Code, error: &dyn Error) -> Self {
        Self::new(code, with_causes(error))
    }

    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}

/// A cause that its error already shows is not shown twice.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::new(Code::InvalidConfig, errors.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem.code, problem.to_string())
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let detail = error.error.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        Self::new(error.error.code, format!("{error}{detail}"))
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        let code = match &error {
            IndexError::LinkStore { source: DatabaseError::Busy, .. } => Code::Overloaded,
            _ => Code::InvalidConfig,
        };
        Self::caused(code, &error)
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self::caused(Code::InvalidConfig, &error)
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        Self::caused(Code::InvalidConfig, &error)
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let code = match error {
            SandboxError::NotGranted { .. } | SandboxError::UnknownImport { .. } => Code::NotGranted,
            _ => Code::InvalidConfig,
        };
        Self::caused(code, &error)
    }
}

impl From<Vec<MappingError>> for Failure {
    fn from(errors: Vec<MappingError>) -> Self {
        let lines: Vec<String> = errors.iter().map(MappingError::to_string).collect();
        Self::new(Code::InvalidMapping, lines.join("\n"))
    }
}
