//! What people read.

mod table;

pub(crate) use table::{AnswerTable, plain_table, report_table};

use clap::ValueEnum;
use weft_server::{GraphFormat, ResultFormat, Wanted};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    /// A table for people; Turtle, where the answer is a graph
    Table,
    Json,
    Xml,
    Csv,
    Tsv,
    Turtle,
    #[value(name = "ntriples")]
    NTriples,
    #[value(name = "jsonld")]
    JsonLd,
    #[value(name = "rdfxml")]
    RdfXml,
}

impl QueryFormat {
    /// The format of SPARQL results; nothing for the table and for graphs.
    pub(crate) fn results(self) -> Option<ResultFormat> {
        match self {
            Self::Json => Some(ResultFormat::Json),
            Self::Xml => Some(ResultFormat::Xml),
            Self::Csv => Some(ResultFormat::Csv),
            Self::Tsv => Some(ResultFormat::Tsv),
            Self::Table | Self::Turtle | Self::NTriples | Self::JsonLd | Self::RdfXml => None,
        }
    }

    /// The format of graphs; nothing where only results can be written.
    pub(crate) fn graph(self) -> Option<GraphFormat> {
        match self {
            Self::Table | Self::Turtle => Some(GraphFormat::Turtle),
            Self::NTriples => Some(GraphFormat::NTriples),
            Self::JsonLd => Some(GraphFormat::JsonLd),
            Self::RdfXml => Some(GraphFormat::RdfXml),
            Self::Json | Self::Xml | Self::Csv | Self::Tsv => None,
        }
    }

    /// What to ask a broker for. A table is made from JSON.
    pub(crate) fn wanted(self) -> Wanted {
        let results = if self == Self::Table { Some(ResultFormat::Json) } else { self.results() };
        Wanted { results, graph: self.graph() }
    }
}
