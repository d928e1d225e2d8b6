//! `weft source add`.

use super::ConfigFile;
use clap::{ArgGroup, Args};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("system").required(true).args(["postgres", "sqlite"])))]
pub(crate) struct SourceAdd {
    /// What the source is to be called: a-z, 0-9, - and _
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// A PostgreSQL database, such as postgres://reader@localhost:5432/plant, without password
    #[arg(long, value_name = "URL")]
    pub(crate) postgres: Option<String>,
    /// A SQLite file
    #[arg(long, value_name = "FILE")]
    pub(crate) sqlite: Option<PathBuf>,
    /// The environment variable in which the connector finds the password
    #[arg(long, value_name = "NAME", requires = "postgres", conflicts_with = "password_file")]
    pub(crate) password_env: Option<String>,
    /// The file in which the connector finds the password
    #[arg(long, value_name = "FILE", requires = "postgres")]
    pub(crate) password_file: Option<PathBuf>,
    /// Let the connector speak unencrypted with a database on another host
    #[arg(long, requires = "postgres")]
    pub(crate) plaintext: bool,
    /// Serve this schema; public without
    #[arg(long = "schema", value_name = "SCHEMA", requires = "postgres")]
    pub(crate) schemas: Vec<String>,
    /// Serve this table; all without
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Where the connector listens [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// What IRIs begin with, where the configuration is made [default: https://example.org/]
    #[arg(long, value_name = "IRI")]
    pub(crate) base: Option<String>,
    /// Where certificates are and go, beside the configuration
    #[arg(long, default_value = "certs", value_name = "DIR")]
    pub(crate) certs: PathBuf,
    /// The trust domain of the identities, where the authority is made
    #[arg(long, default_value = "weft.local", value_name = "DOMAIN")]
    pub(crate) trust_domain: String,
}
