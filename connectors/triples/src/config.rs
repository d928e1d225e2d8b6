//! The configuration: one TOML file, then environment variables `WEFT_TRIPLES__SECTION__KEY`.

use crate::error::OpenError;
use config::{Environment, File, FileFormat};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use weft_triples::LoadLimits;

/// JSON Schema of the configuration.
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
}

/// What the binary is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Address and port, `127.0.0.1:7102`.
    pub listen: String,
    pub identity: Identity,
    pub files: Vec<FileConfig>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub telemetry: Telemetry,
}

/// Certificates of the server, and who may call it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub trust: PathBuf,
    /// SPIFFE identities.
    pub allow: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// `tracing` filter directives; `info` by default.
    pub log: Option<String>,
    #[serde(default)]
    pub json: bool,
}

/// One document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    pub path: PathBuf,
    /// `turtle`, `trig`, `n-triples`, `n-quads` or `rdf-xml`; by the extension when absent.
    pub format: Option<String>,
    /// What relative IRIs are resolved against; the file's own URL when absent.
    pub base: Option<String>,
    /// The graph of the statements that the document puts in none.
    pub graph: Option<String>,
}

/// What a connector is made of.
#[derive(Clone, Debug, Default)]
pub struct TriplesConfig {
    pub files: Vec<FileConfig>,
    pub limits: Limits,
}

/// The key of each is in the schema with its meaning.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub file_bytes: usize,
    pub statements: usize,
    pub scans: u32,
    pub scan_seconds: u32,
    pub batch_rows: u32,
    pub batch_bytes: u32,
    pub keys: u32,
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            statements: 5_000_000,
            scans: 16,
            scan_seconds: 300,
            batch_rows: 8_192,
            batch_bytes: 1 << 20,
            keys: 10_000,
            nodes: 20_000,
        }
    }
}

impl Limits {
    pub(crate) fn validate(&self) -> Result<(), OpenError> {
        let positive = [
            ("file_bytes", self.file_bytes as u64),
            ("statements", self.statements as u64),
            ("scans", u64::from(self.scans)),
            ("scan_seconds", u64::from(self.scan_seconds)),
            ("batch_rows", u64::from(self.batch_rows)),
            ("batch_bytes", u64::from(self.batch_bytes)),
            ("keys", u64::from(self.keys)),
            ("nodes", self.nodes as u64),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(OpenError::ZeroLimit(name)),
            None => Ok(()),
        }
    }

    pub(crate) fn load(&self) -> LoadLimits {
        LoadLimits { document_bytes: self.file_bytes, statements: self.statements }
    }

    pub(crate) fn scan_timeout(&self) -> Duration {
        Duration::from_secs(self.scan_seconds.into())
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
        let environment = Environment::with_prefix("WEFT_TRIPLES")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("identity.allow")
            .source(Some(variables));
        let read = config::Config::builder()
            .add_source(File::from_str(&text, FileFormat::Toml))
            .add_source(environment)
            .build()
            .map_err(invalid)?;
        let mut service: Self = read.try_deserialize().map_err(invalid)?;
        service.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(service)
    }

    /// Makes paths relative to `folder`.
    fn resolve(&mut self, folder: &Path) {
        let Identity { certificate, key, trust, .. } = &mut self.identity;
        let files = self.files.iter_mut().map(|file| &mut file.path);
        for path in [certificate, key, trust].into_iter().chain(files) {
            *path = folder.join(&*path);
        }
    }

    /// The part that makes the connector.
    pub fn connector(&self) -> TriplesConfig {
        TriplesConfig { files: self.files.clone(), limits: self.limits }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "listen = \"127.0.0.1:0\"\n[identity]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
        trust = \"ca.pem\"\nallow = []\n[[files]]\npath = \"a.ttl\"\ngraph = \"http://ex/g\"\n";

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Service, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("triples.toml");
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Service::read_with(&path, variables)
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let variables = [("WEFT_TRIPLES__LIMITS__KEYS", "7"), ("WEFT_TRIPLES__IDENTITY__ALLOW", "spiffe://a/b")];
        let service = read(TEXT, &variables).unwrap();
        assert_eq!(service.limits.keys, 7);
        assert_eq!(service.identity.allow, ["spiffe://a/b"]);
        assert!(service.files[0].path.is_absolute() && service.files[0].path.ends_with("a.ttl"));
    }

    #[test]
    fn unknown_keys_and_values_are_named() {
        let unknown = read(&format!("{TEXT}fromat = \"ttl\"\n"), &[]).unwrap_err().to_string();
        assert!(unknown.contains("fromat") && unknown.contains("format"), "{unknown}");
        assert!(read(&TEXT.replace("[[files]]", "[limits]\nkeys = -1\n[[files]]"), &[]).is_err());
        let limits = Limits { keys: 0, ..Limits::default() };
        assert_eq!(limits.validate().unwrap_err().to_string(), "limits.keys: must be at least 1");
    }

    #[test]
    fn the_schema_knows_every_key() {
        for key in ["file_bytes", "statements", "scans", "scan_seconds", "batch_rows", "batch_bytes", "keys", "nodes"] {
            assert!(SCHEMA.contains(&format!("\"{key}\"")), "{key}");
        }
    }
}
