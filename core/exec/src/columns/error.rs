//! Errors of planning and of running, in the terms of the shared code list.

use datafusion_common::DataFusionError;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

/// The query uses something this version does not evaluate; `what` names it.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> ContractError {
    ContractError::new(Code::UnsupportedQuery, Fault::Caller, format!("{what} is not supported"))
}

/// A layout, a mapping and a batch that do not fit each other.
pub(crate) fn internal(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::Internal, Fault::Broker, message)
}

/// A source sent a value that is not what its mapping needs.
pub(crate) fn invalid_data(column: &str, value: &str, wanted: impl std::fmt::Display) -> ContractError {
    const SHOWN: usize = 80;
    let shown: String = value.chars().take(SHOWN).collect();
    ContractError::new(Code::InvalidData, Fault::Source, format!("column {column}: {shown:?} is not {wanted}"))
}

pub(crate) fn limit_exceeded(what: impl std::fmt::Display, limit: usize) -> ContractError {
    ContractError::new(Code::LimitExceeded, Fault::Caller, format!("{what} is longer than {limit} bytes"))
}

/// Carries an error through a DataFusion stream; it is found again by downcasting.
pub(crate) fn in_stream(error: ContractError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
