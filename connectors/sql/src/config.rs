//! The configuration: one TOML file, then environment variables `WEFT_SQL__SECTION__KEY`.

mod known;

use crate::error::OpenError;
use crate::lower::SizeLimits;
use config::{Environment, File, FileFormat};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// JSON Schema of the configuration; also the list of keys that exist.
pub(crate) const SCHEMA: &str = include_str!("config.schema.json");

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("{path}: cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{path}: {cause}")]
    Invalid {
        path: PathBuf,
        #[source]
        cause: config::ConfigError,
    },
    #[error("{path}: unknown key {key:?}{}", suggestion.as_ref().map(|s| format!(", did you mean {s:?}?")).unwrap_or_default())]
    UnknownKey { path: PathBuf, key: String, suggestion: Option<String> },
}

/// What the binary is configured with.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    /// Address and port, `127.0.0.1:7101`.
    pub listen: String,
    pub identity: Identity,
    pub database: Database,
    #[serde(default)]
    pub views: Vec<View>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub telemetry: Telemetry,
}

/// Certificates of the server, and who may call it.
#[derive(Clone, Debug, Deserialize)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub trust: PathBuf,
    /// SPIFFE identities.
    pub allow: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Telemetry {
    /// Address of an OpenTelemetry collector (OTLP over gRPC).
    pub otlp: Option<String>,
    /// `tracing` filter directives; `info` by default.
    pub log: Option<String>,
    #[serde(default)]
    pub json: bool,
}

/// What a connector is made of.
#[derive(Clone, Debug)]
pub struct SqlConfig {
    pub database: Database,
    pub views: Vec<View>,
    pub limits: Limits,
}

/// The database and what of it is served.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`, without password.
    pub url: String,
    pub password: Option<PasswordSource>,
    /// Allows an unencrypted connection to another host.
    #[serde(default)]
    pub plaintext: bool,
    /// PostgreSQL: the schemas to serve; `public` when there is none.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// Only these tables; all when absent.
    pub tables: Option<Vec<String>>,
}

/// A query that is served as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct View {
    pub name: String,
    /// One SELECT.
    pub sql: String,
    /// Sets of columns whose values together are unique and never null, as the configuration promises.
    #[serde(default)]
    pub keys: Vec<Vec<String>>,
    /// SQLite: the types of columns that are computed, which it does not know before it has computed them.
    #[serde(default)]
    pub columns: Vec<ViewColumn>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ViewColumn {
    pub name: String,
    /// As in CREATE TABLE.
    #[serde(rename = "type")]
    pub declared: String,
}

/// Where a password is, never the password itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasswordSource {
    Env(String),
    /// The first line counts.
    File(PathBuf),
}

/// The key of each is in the schema with its meaning.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub connections: u32,
    pub queue: u32,
    pub statement_seconds: u32,
    pub connect_seconds: u32,
    pub busy_milliseconds: u32,
    pub rows: u64,
    pub batch_rows: u32,
    pub batch_bytes: u32,
    pub cell_bytes: u32,
    pub keys: u32,
    pub depth: u32,
    pub nodes: u32,
    pub cache_bytes: u32,
    pub statistics_rows: u64,
    pub statistics_milliseconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4,
            queue: 64,
            statement_seconds: 300,
            connect_seconds: 5,
            busy_milliseconds: 2_000,
            rows: 10_000_000,
            batch_rows: 8_192,
            batch_bytes: 1 << 20,
            cell_bytes: 16 << 20,
            keys: 10_000,
            depth: 64,
            nodes: 20_000,
            cache_bytes: 16 << 20,
            statistics_rows: 100_000,
            statistics_milliseconds: 250,
        }
    }
}

impl Limits {
    pub(crate) fn validate(&self) -> Result<(), OpenError> {
        let positive = [
            ("connections", u64::from(self.connections)),
            ("statement_seconds", u64::from(self.statement_seconds)),
            ("connect_seconds", u64::from(self.connect_seconds)),
            ("rows", self.rows),
            ("batch_rows", u64::from(self.batch_rows)),
            ("batch_bytes", u64::from(self.batch_bytes)),
            ("cell_bytes", u64::from(self.cell_bytes)),
            ("keys", u64::from(self.keys)),
            ("depth", u64::from(self.depth)),
            ("nodes", u64::from(self.nodes)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(OpenError::ZeroLimit(name));
        }
        if self.depth > MAX_DEPTH {
            return Err(OpenError::Depth(MAX_DEPTH));
        }
        Ok(())
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_secs(self.statement_seconds.into())
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_seconds.into())
    }

    pub(crate) fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_milliseconds.into())
    }

    pub(crate) fn size(&self) -> SizeLimits {
        SizeLimits { depth: self.depth as usize, nodes: self.nodes as usize, keys: self.keys as usize }
    }
}

/// What lowering can recurse without a thought for the stack.
const MAX_DEPTH: u32 = 200;

impl SqlConfig {
    /// This database, with default limits.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            database: Database { url: url.into(), ..Database::default() },
            views: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Service {
    /// Reads the file and the environment. Paths in the file are relative to it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_with(path, std::env::vars().collect())
    }

    fn read_with(path: &Path, variables: config::Map<String, String>) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        let invalid = |cause| ConfigError::Invalid { path: path.to_owned(), cause };
        let environment = Environment::with_prefix("WEFT_SQL")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("identity.allow")
            .with_list_parse_key("database.schemas")
            .with_list_parse_key("database.tables")
            .source(Some(variables));
        let read = config::Config::builder()
            .add_source(File::from_str(&text, FileFormat::Toml))
            .add_source(environment)
            .build()
            .map_err(invalid)?;
        let tree: serde_json::Value = read.clone().try_deserialize().map_err(invalid)?;
        if let Some((key, suggestion)) = known::unknown_key(SCHEMA, &tree) {
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key, suggestion });
        }
        let mut service: Self = read.try_deserialize().map_err(invalid)?;
        service.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(service)
    }

    /// Makes paths relative to `folder`.
    fn resolve(&mut self, folder: &Path) {
        let Identity { certificate, key, trust, .. } = &mut self.identity;
        for path in [certificate, key, trust] {
            *path = folder.join(&*path);
        }
        if let Some(PasswordSource::File(path)) = &mut self.database.password {
            *path = folder.join(&*path);
        }
        if let Some(file) = self.database.url.strip_prefix("sqlite:") {
            self.database.url = format!("sqlite:{}", folder.join(file).display());
        }
    }

    /// The part that makes the connector.
    pub fn connector(&self) -> SqlConfig {
        SqlConfig { database: self.database.clone(), views: self.views.clone(), limits: self.limits }
    }
}

impl Database {
    /// The file, if this is SQLite.
    pub(crate) fn sqlite_path(&self) -> Result<Option<PathBuf>, OpenError> {
        let Some((scheme, path)) = self.url.split_once(':') else {
            return Err(OpenError::UnknownScheme(String::new()));
        };
        match scheme {
            "sqlite" if self.password.is_some() => Err(OpenError::PostgresOnly("password")),
            "sqlite" if !self.schemas.is_empty() => Err(OpenError::PostgresOnly("schemas")),
            "sqlite" => Ok(Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            "postgres" | "postgresql" => Ok(None),
            other => Err(OpenError::UnknownScheme(other.to_owned())),
        }
    }
}

impl PasswordSource {
    /// The password. Only the connection may have it.
    pub(crate) fn read(&self) -> Result<String, OpenError> {
        match self {
            Self::Env(name) => std::env::var(name).map_err(|_| OpenError::PasswordVariable(name.clone())),
            Self::File(path) => {
                let failed = |cause| OpenError::PasswordFile { path: path.display().to_string(), cause };
                let text = std::fs::read_to_string(path).map_err(failed)?;
                Ok(text.lines().next().unwrap_or_default().to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests;
