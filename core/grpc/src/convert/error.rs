//! Errors. The private detail stays where it arose.

use super::names::Name as _;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};
use weft_proto::v1;
use weft_proto::v1::error_detail::Retry as Wire;

/// Errors travel in HTTP/2 trailers, which are short.
const MAX_MESSAGE_BYTES: usize = 4096;

/// Without the detail. A message over 4 KiB is cut.
pub fn encode_error(error: &ContractError) -> v1::ErrorDetail {
    let retry = match error.retry {
        Retry::Never => Wire::Never(v1::Empty {}),
        Retry::AfterMillis(millis) => Wire::AfterMillis(millis),
        Retry::Replan => Wire::Replan(v1::Empty {}),
    };
    v1::ErrorDetail {
        code: error.code.as_str().to_owned(),
        fault: error.fault.encode(),
        retry: Some(retry),
        message: cut(&error.message, MAX_MESSAGE_BYTES).to_owned(),
    }
}

/// `fallback` is the code that stands for the status number beside the detail, for codes of a later version.
pub fn decode_error(wire: v1::ErrorDetail, fallback: Code) -> ContractError {
    ContractError {
        code: wire.code.parse().unwrap_or(fallback),
        fault: Fault::decode(wire.fault).unwrap_or(Fault::Connector),
        retry: match wire.retry {
            Some(Wire::AfterMillis(millis)) => Retry::AfterMillis(millis),
            Some(Wire::Replan(_)) => Retry::Replan,
            Some(Wire::Never(_)) | None => Retry::Never,
        },
        message: cut(&wire.message, MAX_MESSAGE_BYTES).to_owned(),
        detail: None,
    }
}

/// At most this many bytes, whole characters only.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
