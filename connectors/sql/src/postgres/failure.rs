//! What PostgreSQL reports, as contract errors. Its messages may quote data, so they are detail, not message.

use crate::error::{deadline_exceeded, invalid_config, invalid_data, schema_changed};
use std::error::Error as _;
use std::fmt::Display;
use tokio_postgres::Error;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

pub(super) fn unreachable(address: &str, detail: impl Display) -> ContractError {
    ContractError::new(Code::SourceUnavailable, Fault::Source, format!("PostgreSQL at {address} cannot be reached"))
        .with_retry(Retry::AfterMillis(1_000))
        .with_detail(detail)
}

pub(super) fn connecting(address: &str, error: &Error) -> ContractError {
    if error.code().is_some() {
        return translate(error);
    }
    let text = error.to_string();
    if text.contains("authentication") {
        return unauthenticated().with_detail(full(error));
    }
    if text.contains("invalid configuration") || text.contains("TLS") {
        return invalid_config(format!("PostgreSQL at {address} cannot be connected to as configured"))
            .with_detail(full(error));
    }
    unreachable(address, full(error))
}

pub(super) fn translate(error: &Error) -> ContractError {
    let Some(state) = error.code() else {
        let message = "the connection to PostgreSQL broke";
        return ContractError::new(Code::SourceUnavailable, Fault::Source, message)
            .with_retry(Retry::AfterMillis(500))
            .with_detail(full(error));
    };
    by_state(state.code()).with_detail(full(error))
}

fn by_state(state: &str) -> ContractError {
    let source = |code, message: &str| ContractError::new(code, Fault::Source, message);
    match state {
        "42P01" | "42703" | "42883" | "42804" | "42846" | "3F000" => {
            schema_changed("a table or column is not what it was described as")
        }
        "42501" => source(Code::PermissionDenied, "PostgreSQL refuses access to a table"),
        "3D000" => invalid_config("the database of database.url does not exist"),
        "57014" => deadline_exceeded(),
        "22003" => invalid_data("a sum or value does not fit its type"),
        "22021" | "22P05" => invalid_data("a text is not valid in the encoding of the database"),
        "53300" => {
            source(Code::SourceUnavailable, "PostgreSQL has no connection left").with_retry(Retry::AfterMillis(1_000))
        }
        "40001" | "40P01" => source(Code::SourceFailed, "PostgreSQL gave up the statement for another one")
            .with_retry(Retry::AfterMillis(100)),
        _ if state.starts_with("28") => unauthenticated(),
        _ if state.starts_with("08") || state.starts_with("57P") => {
            source(Code::SourceUnavailable, "PostgreSQL is shutting down or starting")
                .with_retry(Retry::AfterMillis(1_000))
        }
        _ if state.starts_with("53") || state.starts_with("54") => {
            source(Code::LimitExceeded, "PostgreSQL ran out of a resource for the statement")
        }
        _ => source(Code::SourceFailed, &format!("PostgreSQL failed to run the statement (SQLSTATE {state})")),
    }
}

fn unauthenticated() -> ContractError {
    ContractError::new(Code::Unauthenticated, Fault::Config, "PostgreSQL does not accept the user or password")
}

/// The error and its causes.
fn full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
