//! The command line.

use crate::growth::Growth;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Measures Weft against a program written by hand for the one question, over the same connectors in the same run.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare Weft with the floor; what is done without a subcommand
    Run(RunOptions),
    /// List the questions
    List,
    /// Ask other systems the same questions over the same data; installs them under the folder of generated data
    Peers(PeerOptions),
    /// How time and memory grow with rows, sources and clients
    Growth(GrowthOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// About two minutes: fewer rounds, 1,000,000 sensor rows
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these questions (or those that have this in their name), or "http", or "planning"
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Rounds that are measured, after one to warm up
    #[arg(long)]
    pub(crate) rounds: Option<usize>,
    /// Serve the same rows from PostgreSQL instead of SQLite
    #[arg(long)]
    pub(crate) postgres: bool,
    /// Show the plan of each question
    #[arg(long)]
    pub(crate) explain: bool,
    /// Where the results go as JSON, besides target/bench
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// How much data, and where it is kept from run to run.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// Thousands of parts: ten orders a part, ten units an order, a hundred edges of the bill of material a part
    #[arg(long, default_value_t = 1)]
    pub(crate) scale: u64,
    /// Rows of the sensor table
    #[arg(long)]
    pub(crate) readings: Option<u64>,
    /// The folder of generated data and results
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PeerOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only the questions whose name contains one of these
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Only these systems
    #[arg(long, value_name = "NAME")]
    pub(crate) system: Vec<String>,
    /// Seconds an answer may take
    #[arg(long, default_value_t = 60)]
    pub(crate) timeout: u64,
    /// Rounds that are measured, after one to warm up; fewer where they take long
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Where the results go as JSON, instead of peers.json in the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl PeerOptions {
    pub(crate) fn asks(&self, system: &str) -> bool {
        self.system.is_empty() || self.system.iter().any(|name| name.eq_ignore_ascii_case(system))
    }

    pub(crate) fn asks_question(&self, question: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| question.contains(part.as_str()))
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GrowthOptions {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Some minutes: a tenth of the rows and of the sources that run
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only with these
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Growth>,
    /// Where the results go as JSON, instead of growth.json in the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
