//! Contract errors.

use crate::wit::weft::connector::types as w;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

pub fn error_to_wit(error: ContractError) -> w::Error {
    w::Error {
        code: error.code.as_str().to_owned(),
        fault: match error.fault {
            Fault::Caller => w::Fault::Caller,
            Fault::Config => w::Fault::Config,
            Fault::Source => w::Fault::Source,
            Fault::Connector => w::Fault::Connector,
            Fault::Broker => w::Fault::Broker,
        },
        retry: match error.retry {
            Retry::Never => w::Retry::Never,
            Retry::AfterMillis(millis) => w::Retry::AfterMillis(millis),
            Retry::Replan => w::Retry::Replan,
        },
        message: error.message,
        detail: error.detail,
    }
}

/// A code this version does not know becomes `source-failed`.
pub fn error_from_wit(error: w::Error) -> ContractError {
    ContractError {
        code: error.code.parse().unwrap_or(Code::SourceFailed),
        fault: match error.fault {
            w::Fault::Caller => Fault::Caller,
            w::Fault::Config => Fault::Config,
            w::Fault::Source => Fault::Source,
            w::Fault::Connector => Fault::Connector,
            w::Fault::Broker => Fault::Broker,
        },
        retry: match error.retry {
            w::Retry::Never => Retry::Never,
            w::Retry::AfterMillis(millis) => Retry::AfterMillis(millis),
            w::Retry::Replan => Retry::Replan,
        },
        message: error.message,
        detail: error.detail,
    }
}
