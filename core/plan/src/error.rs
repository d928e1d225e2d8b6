//! Why a query cannot be planned.

use weft_model::Code;

/// A place in the text of a query. Lines and columns start at 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    /// The line, and below it a caret under the column.
    pub excerpt: String,
}

impl Position {
    pub(crate) fn new(text: &str, line: usize, column: usize) -> Self {
        const WIDTH: usize = 120;
        let source: Vec<char> = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().collect();
        // A window around the column, so that a query on one long line stays readable.
        let start = column.saturating_sub(WIDTH / 2 + 1).min(source.len());
        let shown: String =
            source.iter().skip(start).take(WIDTH).map(|c| if c.is_control() { ' ' } else { *c }).collect();
        let caret = " ".repeat(column.saturating_sub(1).saturating_sub(start));
        Self { line, column, excerpt: format!("{shown}\n{caret}^") }
    }
}

/// A query that cannot be planned.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct PlanError {
    pub code: Code,
    pub message: String,
    pub position: Option<Position>,
}

impl PlanError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None }
    }

    pub(crate) fn unknown_function(name: &oxrdf::NamedNode) -> Self {
        Self::new(Code::UnsupportedQuery, format!("there is no function {name}"))
    }

    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(Code::UnsupportedQuery, format!("{what} is not supported yet"))
    }
}
