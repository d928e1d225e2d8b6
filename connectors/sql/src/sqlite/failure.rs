//! What SQLite reports, as contract errors.

use super::{Session, Stop};
use crate::error::{cancelled, deadline_exceeded, invalid_data, limit_exceeded, schema_changed};
use crate::lower::Label;
use rusqlite::ErrorCode;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

/// What one of our functions found wrong: the number of the column's label, and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrongValue {
    pub(super) label: Option<usize>,
    pub(super) found: String,
}

/// SQLite turns the errors of functions into text; the cause is left here.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Arc<Mutex<Option<WrongValue>>>);

impl Failures {
    pub(super) fn set(&self, wrong: WrongValue) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(wrong);
    }

    pub(super) fn clear(&self) {
        self.take();
    }

    pub(super) fn take(&self) -> Option<WrongValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Session {
    /// An error outside of a statement with labels.
    pub(super) fn failure(&self, error: &rusqlite::Error, stop: &Stop) -> ContractError {
        self.statement_failure(error, stop, &[])
    }

    pub(super) fn statement_failure(&self, error: &rusqlite::Error, stop: &Stop, labels: &[Label]) -> ContractError {
        if let Some(wrong) = self.failures.take() {
            return match wrong.label.and_then(|number| labels.get(number)) {
                Some(label) => invalid_data(format!("{label} holds {}", wrong.found)),
                None => invalid_data(wrong.found),
            };
        }
        if stop.cancelled.load(Ordering::Relaxed) {
            return cancelled();
        }
        if Instant::now() >= stop.deadline {
            return deadline_exceeded();
        }
        translate(error)
    }
}

pub(super) fn unavailable(path: &Path, error: &rusqlite::Error) -> ContractError {
    let file = path.file_name().map_or_else(String::new, |f| f.to_string_lossy().into_owned());
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => ContractError::new(
            Code::SourceUnavailable,
            Fault::Config,
            format!("the database file {file:?} cannot be opened"),
        )
        .with_detail(error),
        _ => translate(error),
    }
}

fn translate(error: &rusqlite::Error) -> ContractError {
    let text = error.to_string();
    if let Some(named) = ["no such table", "no such column"].iter().find(|t| text.contains(**t)) {
        return schema_changed(format!("{named} any more")).with_detail(text);
    }
    if text.contains("integer overflow") {
        return invalid_data("a sum does not fit 64 bits").with_detail(text);
    }
    let failed = |message: &str| ContractError::new(Code::SourceFailed, Fault::Source, message);
    let error = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ContractError::new(Code::SourceUnavailable, Fault::Source, "the database is locked by a writer")
                .with_retry(Retry::AfterMillis(200))
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            ContractError::new(Code::PermissionDenied, Fault::Source, "the database refuses access")
        }
        Some(ErrorCode::NotADatabase) => {
            ContractError::new(Code::SourceFailed, Fault::Config, "the file is not an SQLite database")
        }
        Some(ErrorCode::DatabaseCorrupt) => failed("the database file is damaged"),
        Some(ErrorCode::OutOfMemory | ErrorCode::DiskFull | ErrorCode::TooBig) => {
            limit_exceeded("the database ran out of memory or disk for the statement")
        }
        _ => failed("the database failed to run the statement"),
    };
    error.with_detail(text)
}
