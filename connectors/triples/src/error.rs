//! Errors, and the shapes of contract errors that this connector answers with.

use std::fmt::Display;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};
use weft_triples::LoadError;

/// Why a connector cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error("files: there is none")]
    NoFiles,
    #[error("files: {path}: {cause}")]
    Format { path: String, cause: weft_triples::UnknownFormat },
    #[error("files: {path}: it has no absolute path, so no base IRI; give base")]
    NoBase { path: String },
    #[error("limits.{0}: must be at least 1")]
    ZeroLimit(&'static str),
    #[error("{path}: cannot be read")]
    Read {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error(transparent)]
    Load(#[from] LoadError),
}

pub(crate) type Result<T> = std::result::Result<T, ContractError>;

impl From<OpenError> for ContractError {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::Read { path, cause } => {
                let message = format!("{path} cannot be read");
                Self::new(Code::SourceUnavailable, Fault::Source, message).with_detail(cause)
            }
            OpenError::Load(LoadError::Limit { .. }) => {
                Self::new(Code::LimitExceeded, Fault::Config, error.to_string())
            }
            OpenError::Load(_) => Self::new(Code::InvalidData, Fault::Source, error.to_string()),
            _ => Self::new(Code::InvalidConfig, Fault::Config, error.to_string()),
        }
    }
}

pub(crate) fn invalid_request(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidRequest, Fault::Broker, message)
}

pub(crate) fn schema_changed(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::SchemaChanged, Fault::Source, message).with_retry(Retry::Replan)
}

pub(crate) fn deadline_exceeded() -> ContractError {
    ContractError::new(Code::DeadlineExceeded, Fault::Source, "the scan took longer than it was allowed")
}

pub(crate) fn internal(detail: impl Display) -> ContractError {
    ContractError::new(Code::Internal, Fault::Connector, "the connector failed").with_detail(detail)
}
