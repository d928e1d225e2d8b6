//! The configuration.

use serde::Deserialize;
use weft_guest::{Code, Error, Result};

pub const SCHEMA: &str = include_str!("config.schema.json");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The service root.
    pub url: String,
    /// Entity sets to show; all of them when empty.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The page size asked for; the service's own when absent.
    pub page_size: Option<u32>,
    #[serde(default = "defaults::max_url_bytes")]
    pub max_url_bytes: usize,
    #[serde(default = "defaults::max_keys")]
    pub max_keys: u32,
    #[serde(default = "defaults::max_pages")]
    pub max_pages: u32,
    /// Rows of one side of a join that is computed here.
    #[serde(default = "defaults::max_join_rows")]
    pub max_join_rows: usize,
    /// Whether the service compares and sorts text by code point.
    #[serde(default)]
    pub exact_text: bool,
    /// Whether the service understands `in (...)`; learned from the version of `$metadata` when absent.
    pub in_operator: Option<bool>,
    /// Whether describing counts the rows of every entity set.
    #[serde(default)]
    pub statistics: bool,
}

mod defaults {
    pub fn max_url_bytes() -> usize {
        8_000
    }

    pub fn max_keys() -> u32 {
        1_000
    }

    pub fn max_pages() -> u32 {
        10_000
    }

    pub fn max_join_rows() -> usize {
        100_000
    }
}

impl Config {
    /// Checks what the types do not say. The URL ends with a slash from here on.
    pub fn checked(mut self) -> Result<Self> {
        let wrong = |message: String| Error::new(Code::InvalidConfig, message);
        if !(self.url.starts_with("http://") || self.url.starts_with("https://")) {
            return Err(wrong(format!("url: {:?} is not the http or https url of a service root", self.url)));
        }
        if self.url.contains(['?', '#', ' ']) {
            return Err(wrong(format!("url: {:?} has a query, a fragment or a blank", self.url)));
        }
        if !self.url.ends_with('/') {
            self.url.push('/');
        }
        if self.max_url_bytes < self.url.len() + 500 {
            return Err(wrong(format!("max_url_bytes: {} leaves no room for a request", self.max_url_bytes)));
        }
        if self.page_size == Some(0) || self.max_pages == 0 {
            return Err(wrong("page_size and max_pages must be at least 1".to_owned()));
        }
        Ok(self)
    }
}
