//! Why a query has no answer.

use datafusion_common::DataFusionError;
use std::error::Error;
use weft_connector::SourceError;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_plan::{PlanError, Position};

/// A query that failed. `Display` is safe to show to whoever asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}{}", position.as_ref().map(|p| format!("\n{}", p.excerpt)).unwrap_or_default())]
pub struct QueryError {
    pub code: Code,
    pub fault: Fault,
    pub message: String,
    pub source_name: Option<String>,
    /// Where in the query, when its text is at fault.
    pub position: Option<Position>,
    /// For the operator's log only.
    pub detail: Option<String>,
}

impl QueryError {
    pub(crate) fn new(code: Code, fault: Fault, message: impl Into<String>) -> Self {
        Self { code, fault, message: message.into(), source_name: None, position: None, detail: None }
    }
}

impl From<PlanError> for QueryError {
    fn from(error: PlanError) -> Self {
        let fault = if error.code == Code::InvalidConfig { Fault::Config } else { Fault::Caller };
        Self { position: error.position, ..Self::new(error.code, fault, error.message) }
    }
}

impl From<ContractError> for QueryError {
    fn from(error: ContractError) -> Self {
        Self { detail: error.detail, ..Self::new(error.code, error.fault, error.message) }
    }
}

impl From<SourceError> for QueryError {
    fn from(error: SourceError) -> Self {
        let message = error.to_string();
        Self { message, source_name: Some(error.source_name.to_string()), ..error.error.into() }
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(known) = own(inner) {
                return known;
            }
            cause = inner.source();
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(what) => Self {
                detail: Some(what.clone()),
                ..Self::new(Code::LimitExceeded, Fault::Caller, "the query needs more memory than limits.memory allows")
            },
            other => Self {
                detail: Some(other.to_string()),
                ..Self::new(Code::Internal, Fault::Broker, "the engine failed; the log of the broker tells why")
            },
        }
    }
}

/// Weft's own errors come through the engine as causes, some of them shared.
fn own(cause: &(dyn Error + 'static)) -> Option<QueryError> {
    if let Some(DataFusionError::External(inner)) = cause.downcast_ref() {
        return own(inner.as_ref());
    }
    if let Some(DataFusionError::Shared(inner)) = cause.downcast_ref() {
        return own(inner.as_ref());
    }
    if let Some(DataFusionError::Context(_, inner)) = cause.downcast_ref() {
        return own(inner.as_ref());
    }
    if let Some(error) = cause.downcast_ref::<SourceError>() {
        return Some(error.clone().into());
    }
    if let Some(error) = cause.downcast_ref::<QueryError>() {
        return Some(error.clone());
    }
    cause.downcast_ref::<ContractError>().map(|error| error.clone().into())
}
