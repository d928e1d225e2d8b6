//! The model and its protobuf form.
//!
//! Encoding keeps everything. Decoding checks everything: a decoded message is one that the model can hold, within the
//! [`Limits`], and trees are rebuilt from their node lists without recursion.

mod check;
mod describe;
mod error;
mod expression;
mod names;
mod relation;
mod scan;
mod tree;
mod value;

pub use crate::batch::{BatchError, decode_batch, encode_batch};
pub use check::{decode_check, encode_check};
pub use describe::{decode_description, encode_description};
pub(crate) use error::cut;
pub use error::{decode_error, encode_error};
pub use relation::{decode_relation, encode_relation};
pub use scan::{decode_end, decode_scan_request, encode_end, encode_scan_request};
pub(crate) use value::decode_type;

use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

/// What one message may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nodes of a relation, and of each expression in it.
    pub nodes: usize,
    /// Levels of a relation, and of each expression in it.
    pub depth: usize,
    /// Bytes of one encoded message.
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 10_000, depth: 128, message_bytes: 16 << 20 }
    }
}

/// Why a message does not stand for anything.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} has a value that this version does not know")]
    Unknown(&'static str),
    #[error("a {what} has more than {limit} nodes")]
    TooManyNodes { what: &'static str, limit: usize },
    #[error("a {what} has more than {limit} levels")]
    TooDeep { what: &'static str, limit: usize },
    #[error("node {node} of a {what} names the child {child}, which is not a node before it that is still free")]
    Child { what: &'static str, node: usize, child: u32 },
    #[error("node {node} of a {what} is not part of its tree")]
    Unused { what: &'static str, node: usize },
    #[error("a decimal has a precision of 1 to 38 and a scale up to its precision, not ({precision}, {scale})")]
    Decimal { precision: u32, scale: u32 },
    #[error("column {column} of table {table}: {cause}")]
    Column { table: String, column: String, cause: Box<ConvertError> },
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl ConvertError {
    /// As the answer to whoever sent this request.
    pub(crate) fn in_request(self) -> ContractError {
        ContractError::new(Code::InvalidRequest, Fault::Caller, format!("the request is not valid: {self}"))
    }

    /// As the failure of a call whose answer this is.
    pub(crate) fn in_answer(self) -> ContractError {
        let code = match &self {
            Self::Batch(BatchError::TooLarge { .. }) => Code::LimitExceeded,
            Self::Batch(_) => Code::InvalidData,
            _ => Code::ContractViolation,
        };
        ContractError::new(code, Fault::Connector, format!("the answer is not valid: {self}"))
    }

    /// As the failure to send something of our own.
    pub(crate) fn in_encoding(self) -> ContractError {
        let code = match &self {
            Self::TooManyNodes { .. } | Self::TooDeep { .. } | Self::Batch(BatchError::TooLarge { .. }) => {
                Code::LimitExceeded
            }
            Self::Batch(_) => Code::InvalidData,
            _ => Code::Internal,
        };
        ContractError::new(code, Fault::Broker, format!("the message cannot be sent: {self}"))
    }
}
