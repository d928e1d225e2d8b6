//! What people read.

mod table;

pub(crate) use table::{AnswerTable, plain_table, report_table};

use clap::ValueEnum;
use weft_server::ResultFormat;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    Table,
    Json,
    Xml,
    Csv,
    Tsv,
}

impl QueryFormat {
    /// The format of SPARQL results; nothing for the table.
    pub(crate) fn results(self) -> Option<ResultFormat> {
        match self {
            Self::Table => None,
            Self::Json => Some(ResultFormat::Json),
            Self::Xml => Some(ResultFormat::Xml),
            Self::Csv => Some(ResultFormat::Csv),
            Self::Tsv => Some(ResultFormat::Tsv),
        }
    }
}
