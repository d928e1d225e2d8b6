//! Contract errors as gRPC statuses.

use crate::convert::{decode_error, encode_error};
use prost::Message as _;
use tonic::Status;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_proto::v1;

/// `grpc-message` is for tools that do not read the detail.
const MAX_STATUS_MESSAGE: usize = 256;

/// The detail goes to the log here, and no further.
pub(crate) fn to_status(error: &ContractError) -> Status {
    if let Some(detail) = &error.detail {
        tracing::warn!(code = %error.code, message = %error.message, %detail, "call failed");
    } else {
        tracing::debug!(code = %error.code, message = %error.message, "call failed");
    }
    let message = crate::convert::cut(&error.message, MAX_STATUS_MESSAGE);
    let details = encode_error(error).encode_to_vec();
    Status::with_details(tonic::Code::from_i32(error.code.grpc_status()), message, details.into())
}

/// What the other side said, or what became of the connection.
pub(crate) fn from_status(status: &Status) -> ContractError {
    if let Some(error) = find_contract_error(status) {
        return error;
    }
    let fallback = by_number(status.code());
    if !status.details().is_empty()
        && let Ok(detail) = v1::ErrorDetail::decode(status.details())
        && !detail.code.is_empty()
    {
        return decode_error(detail, fallback);
    }
    if is_local(status) {
        return ContractError::new(Code::SourceUnavailable, Fault::Source, "the connection to the connector was lost")
            .with_detail(format_args!("{status:?}"));
    }
    let message = match status.message() {
        "" => status.code().description(),
        message => crate::convert::cut(message, 4096),
    };
    ContractError::new(fallback, fault_of(fallback), message)
}

/// Errors of our own connection setup pass through the gRPC client as causes.
fn find_contract_error(status: &Status) -> Option<ContractError> {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<ContractError>() {
            return Some(found.clone());
        }
        cause = error.source();
    }
    None
}

/// Whether the status was made here because the transport failed: the other side cannot send causes.
pub(crate) fn is_local(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

fn by_number(code: tonic::Code) -> Code {
    match code {
        tonic::Code::Ok => Code::ContractViolation,
        tonic::Code::Cancelled => Code::Cancelled,
        tonic::Code::InvalidArgument => Code::InvalidRequest,
        tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
        tonic::Code::NotFound => Code::NotFound,
        tonic::Code::PermissionDenied => Code::PermissionDenied,
        tonic::Code::Unauthenticated => Code::Unauthenticated,
        tonic::Code::ResourceExhausted | tonic::Code::OutOfRange => Code::LimitExceeded,
        tonic::Code::Aborted => Code::SchemaChanged,
        tonic::Code::Unavailable => Code::SourceUnavailable,
        tonic::Code::DataLoss => Code::StreamTruncated,
        tonic::Code::Unimplemented | tonic::Code::FailedPrecondition => Code::ContractViolation,
        tonic::Code::Unknown | tonic::Code::Internal | tonic::Code::AlreadyExists => Code::SourceFailed,
    }
}

fn fault_of(code: Code) -> Fault {
    match code {
        Code::SourceUnavailable | Code::SourceFailed | Code::DeadlineExceeded => Fault::Source,
        Code::Unauthenticated | Code::PermissionDenied => Fault::Config,
        Code::InvalidRequest | Code::NotFound => Fault::Broker,
        _ => Fault::Connector,
    }
}
