//! The configuration.

use serde::Deserialize;
use weft_triples::LoadLimits;

pub const SCHEMA: &str = include_str!("config.schema.json");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub documents: Vec<DocumentConfig>,
    #[serde(default = "defaults::document_bytes")]
    pub document_bytes: usize,
    #[serde(default = "defaults::statements")]
    pub statements: usize,
    #[serde(default = "defaults::max_keys")]
    pub max_keys: u32,
}

/// One document: a URL or a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentConfig {
    pub url: Option<String>,
    pub text: Option<String>,
    /// As for the gRPC connector; else by what the server says, else by the end of the URL.
    pub format: Option<String>,
    /// The URL when absent.
    pub base: Option<String>,
    pub graph: Option<String>,
}

mod defaults {
    pub fn document_bytes() -> usize {
        8 << 20
    }

    pub fn statements() -> usize {
        100_000
    }

    pub fn max_keys() -> u32 {
        10_000
    }
}

impl Config {
    pub fn limits(&self) -> LoadLimits {
        LoadLimits { document_bytes: self.document_bytes, statements: self.statements }
    }
}
