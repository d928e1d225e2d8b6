//! The one error of the contract.

use crate::{Code, Fault, Retry};
use std::fmt;

/// What a connector answers when it cannot do as asked.
///
/// `Display` shows the message only: it is safe for whoever asked. The detail is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ContractError {
    pub code: Code,
    pub fault: Fault,
    pub retry: Retry,
    pub message: String,
    pub detail: Option<String>,
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ContractError {
    pub fn new(code: Code, fault: Fault, message: impl Into<String>) -> Self {
        Self { code, fault, retry: Retry::Never, message: message.into(), detail: None }
    }

    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}
