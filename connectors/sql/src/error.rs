//! Errors, and the shapes of contract errors that this connector answers with.

use std::fmt::Display;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

/// Why a connector cannot be made from its configuration. Never contains a password or a whole connection string.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error("database.url: {0:?} is not a known scheme; use sqlite:PATH or postgres://USER@HOST:PORT/DATABASE")]
    UnknownScheme(String),
    #[error("database.url: a connection string for PostgreSQL that cannot be read ({0})")]
    Url(String),
    #[error(
        "database.url: must not contain a password; use database.password = {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
    )]
    PasswordInUrl,
    #[error("database.password: the environment variable {0} is not set")]
    PasswordVariable(String),
    #[error("database.password: cannot read {path}")]
    PasswordFile {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("database.{0}: only for PostgreSQL")]
    PostgresOnly(&'static str),
    #[error(
        "database.url: the connection to {0} would not be encrypted; set database.plaintext = true if the network is trusted"
    )]
    Plaintext(String),
    #[error("limits.{0}: must be at least 1")]
    ZeroLimit(&'static str),
    #[error("limits.depth: must be at most {0}")]
    Depth(u32),
    #[error("views: {name:?}: {why}")]
    View { name: String, why: String },
}

pub(crate) type Result<T> = std::result::Result<T, ContractError>;

pub(crate) fn invalid_request(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidRequest, Fault::Broker, message)
}

pub(crate) fn schema_changed(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::SchemaChanged, Fault::Source, message).with_retry(Retry::Replan)
}

pub(crate) fn invalid_data(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidData, Fault::Source, message)
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::LimitExceeded, Fault::Caller, message)
}

pub(crate) fn deadline_exceeded() -> ContractError {
    ContractError::new(Code::DeadlineExceeded, Fault::Source, "the database did not answer within the time allowed")
}

pub(crate) fn cancelled() -> ContractError {
    ContractError::new(Code::Cancelled, Fault::Caller, "the scan was cancelled")
}

pub(crate) fn internal(detail: impl Display) -> ContractError {
    ContractError::new(Code::Internal, Fault::Connector, "the connector failed").with_detail(detail)
}

pub(crate) fn invalid_config(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidConfig, Fault::Config, message)
}
