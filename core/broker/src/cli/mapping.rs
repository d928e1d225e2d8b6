//! `weft mapping`.

use super::ConfigFile;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;
use weft_server::parse_duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Mapping {
    /// Write a first mapping for a source, to be edited by hand
    Suggest(MappingSuggest),
    /// Show what the first rows of each table become
    Preview(MappingPreview),
    /// Show what another mapping changes; ends with status 1 where it changes something
    Diff(MappingDiff),
}

#[derive(Debug, Args)]
pub(crate) struct MappingSuggest {
    /// The name of the source
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Write to this file, and record the description of the source; to stdout without
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file where it is there already
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// From the recorded description, without asking the source
    #[arg(long)]
    pub(crate) recorded: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MappingPreview {
    /// The name of the source
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Rows of each table
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = rows)]
    pub(crate) rows: usize,
    /// Only these tables
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// By this mapping instead of that of the source
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MappingDiff {
    /// The name of the source
    pub(crate) source: String,
    /// The mapping to compare with that of the source
    #[arg(value_name = "NEW_MAPPING")]
    pub(crate) mapping: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Compare the answers to the query in this file
    #[arg(long, value_name = "FILE", conflicts_with = "rows")]
    pub(crate) query: Option<PathBuf>,
    /// Compare the triples of so many rows of each table
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = rows)]
    pub(crate) rows: usize,
    /// The time the query has, such as 10s
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "query")]
    pub(crate) timeout: Option<Duration>,
}

/// A number of rows that are held in memory.
fn rows(text: &str) -> Result<usize, String> {
    const MOST: usize = 10_000;
    let rows: usize = text.parse().map_err(|_| "a whole number is needed".to_owned())?;
    if (1..=MOST).contains(&rows) { Ok(rows) } else { Err(format!("from 1 to {MOST} rows can be read")) }
}
