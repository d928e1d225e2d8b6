//! The section `[server]`: what clients over HTTP are told and allowed.

use super::{SecretSource, value};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use url::Url;
use weft_server::{LinkTokens, ServerOptions};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSection {
    /// Where clients find the broker, where a proxy stands before it.
    public_url: Option<String>,
    /// Proxies that tell which client asked them.
    trusted_proxies: Vec<IpAddr>,
    /// Origins whose pages may read answers; `*` is any.
    cors_origins: Vec<String>,
    /// How long a browser may remember that it may ask.
    #[serde(deserialize_with = "value::duration")]
    cors_max_age: Duration,
    /// Who may see and change links over HTTP, by name. Nobody without.
    link_tokens: BTreeMap<String, SecretSource>,
}

impl Default for ServerSection {
    fn default() -> Self {
        let cors_max_age = ServerOptions::default().cors_max_age;
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            cors_max_age,
            link_tokens: BTreeMap::new(),
        }
    }
}

impl ServerSection {
    /// Lays the section over what the limits say.
    pub(super) fn apply(&self, options: ServerOptions) -> ServerOptions {
        ServerOptions {
            // It was checked when the file was read.
            public_url: self.public_url.as_deref().and_then(|text| public_url(text).ok()),
            trusted_proxies: self.trusted_proxies.clone(),
            cors_origins: self.cors_origins.clone(),
            cors_max_age: self.cors_max_age,
            ..options
        }
    }

    /// Reads the secrets. The errors never show them.
    pub(crate) fn link_tokens(&self, folder: &Path) -> Result<LinkTokens, String> {
        let mut tokens = LinkTokens::default();
        for (name, secret) in &self.link_tokens {
            let read = secret.read_with(folder, |text| tokens.add(name, text));
            read.map_err(|message| format!("server.link_tokens.{name}: {message}"))?;
        }
        Ok(tokens)
    }

    pub(super) fn check(&self, wrong: &mut Vec<(String, String)>) {
        if let Some(text) = &self.public_url
            && let Err(message) = public_url(text)
        {
            wrong.push(("server.public_url".to_owned(), message));
        }
        for text in &self.cors_origins {
            if let Err(message) = check_origin(text) {
                wrong.push(("server.cors_origins".to_owned(), message));
            }
        }
    }
}

/// With a slash at the end, so that paths can be put after it.
fn public_url(text: &str) -> Result<Url, String> {
    let mut url = web_address(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{text:?} has a query or a fragment: paths are put after it"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Browsers write an origin in one way only, and it is compared as it is.
fn check_origin(text: &str) -> Result<(), String> {
    if text == "*" {
        return Ok(());
    }
    let origin = web_address(text)?.origin().ascii_serialization();
    if origin == text { Ok(()) } else { Err(format!("{text:?} is not an origin as browsers write it: {origin:?} is")) }
}

fn web_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{text:?} does not begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password does not belong here".to_owned());
    }
    Ok(url)
}
