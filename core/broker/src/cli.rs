//! The command line.

mod link;
mod mapping;
mod source_add;

pub(crate) use link::{Link, LinkAssert, LinkDecide, LinkList, LinkOne, LinkRun};
pub(crate) use mapping::{Mapping, MappingDiff, MappingPreview, MappingSuggest};
pub(crate) use source_add::SourceAdd;

use crate::output::QueryFormat;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;
use weft_exec::{AskedView, LinkTimes};
use weft_server::parse_duration;

/// One SPARQL endpoint over many systems.
#[derive(Debug, Parser)]
#[command(name = "weft", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the broker
    Serve(Serve),
    /// Ask a question
    Query(Query),
    /// Show the plan of a question, with what each source would be sent
    Explain(Explain),
    /// Check configuration, files and mappings, without network
    Check(Check),
    /// Look at sources
    #[command(subcommand)]
    Source(Source),
    /// Find, look at and decide on links between sources
    #[command(subcommand)]
    Link(Link),
    /// Write mappings, and see what they do
    #[command(subcommand)]
    Mapping(Mapping),
    /// Make certificates for development
    #[command(subcommand)]
    Cert(Cert),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file
    #[arg(short, long, default_value = "weft.toml", value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Who answers: a running broker, or an engine in this process.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The configuration file of an engine in this process [default: weft.toml]
    #[arg(short, long, value_name = "FILE", conflicts_with = "endpoint")]
    pub(crate) config: Option<PathBuf>,
    /// Ask the broker at this address instead, such as http://127.0.0.1:7878
    #[arg(short, long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The time the question has, such as 10s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

/// Which view a question is about.
#[derive(Debug, Args)]
pub(crate) struct SeenBy {
    /// Each thing under one name, by the links that say which names are those of one thing
    #[arg(long)]
    thread: bool,
    /// With the links that were recorded at this time, such as 2026-03-01
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// With the links that are valid at this time, such as 2017-08-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    valid_at: Option<String>,
    /// A view of the configuration
    #[arg(long, value_name = "NAME")]
    view: Option<String>,
}

impl SeenBy {
    pub(crate) fn asked(&self) -> AskedView {
        let time = LinkTimes { as_of: self.as_of.clone(), valid_at: self.valid_at.clone() };
        AskedView { name: self.view.clone(), thread: self.thread.then_some(true), time }
    }
}

/// The text of a question.
#[derive(Debug, Args)]
pub(crate) struct Text {
    /// The query; stdin when neither it nor --file is given
    #[arg(value_name = "SPARQL", conflicts_with = "file")]
    pub(crate) query: Option<String>,
    /// Read the query from this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) text: Text,
    #[command(flatten)]
    pub(crate) seen: SeenBy,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) format: QueryFormat,
    /// Rows a table shows
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) rows: usize,
    /// Tell on stderr which sources took part, with their requests, rows and bytes
    #[arg(long)]
    pub(crate) report: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) text: Text,
    #[command(flatten)]
    pub(crate) seen: SeenBy,
    /// Run the question, too, throw its rows away, and show what each step did
    #[arg(long)]
    pub(crate) analyze: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of them")]
pub(crate) enum Source {
    /// Add a database: certificates, the configuration of its connector, and its section of this configuration
    Add(SourceAdd),
    /// List the configured sources
    List(SourceList),
    /// Show what a source has: tables, columns, keys, capabilities
    Inspect(SourceInspect),
    /// Ask sources whether their tables can be read
    Check(SourceCheck),
}

#[derive(Debug, Args)]
pub(crate) struct SourceList {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct SourceInspect {
    /// The name of the source
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// As JSON, the form in which descriptions are recorded
    #[arg(long)]
    pub(crate) json: bool,
    /// Record the description, so that `weft check` can check the mapping without network
    #[arg(long)]
    pub(crate) record: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SourceCheck {
    /// The name of the source; all sources without
    pub(crate) name: Option<String>,
    /// Only these tables
    #[arg(long = "table", value_name = "TABLE", requires = "name")]
    pub(crate) tables: Vec<String>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cert {
    /// Make a certificate authority: ca.pem and ca.key
    Authority(CertAuthority),
    /// Issue a certificate: NAME.pem and NAME.key
    Issue(CertIssue),
}

#[derive(Debug, Args)]
pub(crate) struct CertAuthority {
    /// Where the files go
    #[arg(long, default_value = "certs", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The trust domain of the identities
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) trust_domain: String,
}

#[derive(Debug, Args)]
pub(crate) struct CertIssue {
    /// Where the authority is and the files go
    #[arg(long, default_value = "certs", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The name of the files
    #[arg(long)]
    pub(crate) name: String,
    /// The path of the SPIFFE id, such as connector/erp
    #[arg(long, value_name = "PATH")]
    pub(crate) id: String,
    /// A host name or address the certificate is also for
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) validity: Duration,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_endpoint_and_a_configuration_exclude_each_other() {
        let both = ["weft", "query", "--config", "a.toml", "--endpoint", "http://localhost", "ASK {}"];
        assert!(Cli::try_parse_from(both).is_err());
        let query = ["weft", "query", "--endpoint", "http://localhost", "--timeout", "5s", "ASK {}"];
        let Command::Query(query) = Cli::try_parse_from(query).unwrap().command else { unreachable!() };
        assert_eq!(query.asked.timeout, Some(Duration::from_secs(5)));
        assert!(Cli::try_parse_from(["weft", "query", "--file", "a.rq", "ASK {}"]).is_err());
        assert!(Cli::try_parse_from(["weft", "query", "--timeout", "5", "ASK {}"]).is_err());
    }
}
