//! What a query says of the view it wants, in comments at its start.
//!
//! ```sparql
//! #pragma weft:thread
//! #pragma weft:as-of "2026-03-01"
//! #pragma weft:valid-at "2017-08-01T12:00:00Z"
//! SELECT ...
//! ```

use crate::{PlanError, Position};
use weft_model::Code;

/// The pragmas of a query. They stand before everything but white space and other comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pragmas {
    pub thread: bool,
    /// A recorded time, as it is written.
    pub as_of: Option<String>,
    /// A valid time, as it is written.
    pub valid_at: Option<String>,
}

const NAMES: &str = "weft:thread, weft:as-of \"TIME\" and weft:valid-at \"TIME\" are";

impl Pragmas {
    /// Reads those of a query. A comment is a pragma of ours when its first words are `#pragma weft:`.
    ///
    /// # Errors
    /// `invalid-query` with line and column, for one that is not known, is not complete, or comes twice.
    pub fn of_text(text: &str) -> Result<Self, PlanError> {
        let mut found = Self::default();
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim_start();
            if trimmed.is_empty() {
                continue;
            }
            let Some(comment) = trimmed.strip_prefix('#') else { break };
            let Some(pragma) = ours(comment) else { continue };
            found.add(pragma).map_err(|message| {
                let column = 1 + line.chars().count() - trimmed.chars().count();
                let message = format!("syntax error at line {}, column {column}: {message}", number + 1);
                let position = Some(Position::new(text, number + 1, column));
                PlanError { position, ..PlanError::new(Code::InvalidQuery, message) }
            })?;
        }
        Ok(found)
    }

    fn add(&mut self, pragma: &str) -> Result<(), String> {
        let (name, value) = pragma.split_once(char::is_whitespace).unwrap_or((pragma, ""));
        let value = value.trim();
        let twice = || Err(format!("the pragma weft:{name} comes twice"));
        match name {
            "thread" if !value.is_empty() => Err("the pragma weft:thread stands alone".to_owned()),
            "thread" if self.thread => twice(),
            "thread" => {
                self.thread = true;
                Ok(())
            }
            "as-of" if self.as_of.is_some() => twice(),
            "valid-at" if self.valid_at.is_some() => twice(),
            "as-of" => quoted(name, value).map(|time| self.as_of = Some(time)),
            "valid-at" => quoted(name, value).map(|time| self.valid_at = Some(time)),
            other => {
                let shown: String = other.chars().take(80).collect();
                Err(format!("there is no pragma weft:{shown}: {NAMES}"))
            }
        }
    }
}

/// What follows `pragma weft:` in a comment.
fn ours(comment: &str) -> Option<&str> {
    let rest = comment.trim_start().strip_prefix("pragma")?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim().strip_prefix("weft:"))?
}

fn quoted(name: &str, value: &str) -> Result<String, String> {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| !inner.is_empty() && !inner.contains('"')) {
        Some(inner) => Ok(inner.to_owned()),
        None => Err(format!("the pragma weft:{name} is followed by a time in double quotes")),
    }
}
