//! The sections `[sources.NAME]`.

use super::{Reasoning, SecretSource, value};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use weft_connector::GuardLimits;
use weft_mapping::InvalidValues;
use weft_wasm::{GuestLimits, HttpGrant};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// An R2RML document. Without, the connector's own is used, if it has one.
    pub(crate) mapping: Option<PathBuf>,
    /// The named graph of the source; `urn:weft:source:NAME` by default.
    pub(crate) graph: Option<String>,
    /// Whether the broker starts without it.
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) invalid_values: InvalidValuePolicy,
    /// What is made of the ontology; by default what the section `[broker]` says.
    pub(crate) reasoning: Option<Reasoning>,
    pub(super) grpc: Option<GrpcSource>,
    pub(super) wasm: Option<WasmSource>,
    #[serde(default)]
    pub(crate) limits: SourceLimits,
}

/// What becomes of a value that is no term of the mapping.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvalidValuePolicy {
    #[default]
    Refuse,
    LeaveOut,
}

impl From<InvalidValuePolicy> for InvalidValues {
    fn from(policy: InvalidValuePolicy) -> Self {
        match policy {
            InvalidValuePolicy::Refuse => Self::Refuse,
            InvalidValuePolicy::LeaveOut => Self::LeaveOut,
        }
    }
}

/// How a source is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport<'a> {
    Grpc(&'a GrpcSource),
    Wasm(&'a WasmSource),
}

impl Source {
    /// Nothing when not exactly one transport is given, which is refused when the file is loaded.
    pub(crate) fn transport(&self) -> Option<Transport<'_>> {
        match (&self.grpc, &self.wasm) {
            (Some(grpc), None) => Some(Transport::Grpc(grpc)),
            (None, Some(wasm)) => Some(Transport::Wasm(wasm)),
            _ => None,
        }
    }

    pub(crate) fn graph_iri(&self, name: &str) -> String {
        self.graph.clone().unwrap_or_else(|| format!("urn:weft:source:{name}"))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrpcSource {
    /// `https://host:port`.
    pub(crate) endpoint: String,
    /// The SPIFFE id the connector must show.
    pub(crate) identity: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WasmSource {
    pub(crate) component: PathBuf,
    #[serde(default = "WasmSource::default_memory", deserialize_with = "value::size")]
    pub(crate) memory: usize,
    #[serde(default = "WasmSource::default_time", deserialize_with = "value::duration")]
    pub(crate) time: Duration,
    #[serde(default = "WasmSource::default_output_bytes", deserialize_with = "value::size")]
    pub(crate) output_bytes: usize,
    #[serde(default = "WasmSource::default_log_lines")]
    pub(crate) log_lines: u32,
    pub(crate) http: Option<HttpSection>,
    /// Handed to the guest as JSON.
    #[serde(default = "WasmSource::default_config")]
    pub(crate) config: serde_json::Value,
}

impl WasmSource {
    fn default_memory() -> usize {
        GuestLimits::default().memory
    }

    fn default_time() -> Duration {
        GuestLimits::default().time
    }

    fn default_output_bytes() -> usize {
        GuestLimits::default().output_bytes
    }

    fn default_log_lines() -> u32 {
        GuestLimits::default().log_lines
    }

    fn default_config() -> serde_json::Value {
        serde_json::Value::Object(serde_json::Map::new())
    }

    pub(crate) fn guest_limits(&self) -> GuestLimits {
        GuestLimits {
            memory: self.memory,
            time: self.time,
            output_bytes: self.output_bytes,
            log_lines: self.log_lines,
            ..GuestLimits::default()
        }
    }
}

/// What a sandboxed source may reach.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpSection {
    pub(crate) allow: Vec<String>,
    pub(crate) allow_private: bool,
    pub(crate) credentials: Vec<CredentialSection>,
    /// A PEM file of authorities to trust besides those of the system.
    pub(crate) trust: Option<PathBuf>,
    #[serde(deserialize_with = "value::size")]
    pub(crate) max_response_bytes: usize,
    #[serde(deserialize_with = "value::size")]
    pub(crate) max_request_bytes: usize,
    #[serde(deserialize_with = "value::size")]
    pub(crate) max_url_bytes: usize,
    pub(crate) max_requests: u32,
    #[serde(deserialize_with = "value::duration")]
    pub(crate) timeout: Duration,
}

impl Default for HttpSection {
    fn default() -> Self {
        let grant = HttpGrant::default();
        Self {
            allow: grant.allow,
            allow_private: grant.allow_private,
            credentials: Vec::new(),
            trust: None,
            max_response_bytes: grant.max_response_bytes,
            max_request_bytes: grant.max_request_bytes,
            max_url_bytes: grant.max_url_bytes,
            max_requests: grant.max_requests,
            timeout: grant.timeout,
        }
    }
}

/// A header the host adds; the guest never sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialSection {
    pub(crate) prefix: Option<String>,
    pub(crate) header: String,
    pub(crate) value: SecretSource,
}

/// `[sources.NAME.limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceLimits {
    #[serde(deserialize_with = "value::duration")]
    timeout: Duration,
    concurrency: usize,
    queue: usize,
    max_rows: u64,
    #[serde(deserialize_with = "value::size")]
    max_bytes: u64,
    retries: u32,
    #[serde(deserialize_with = "value::duration")]
    retry_backoff: Duration,
    breaker_failures: u32,
    #[serde(deserialize_with = "value::duration")]
    breaker_cooldown: Duration,
}

impl Default for SourceLimits {
    fn default() -> Self {
        let limits = GuardLimits::default();
        Self {
            timeout: limits.timeout,
            concurrency: limits.concurrency,
            queue: limits.queue,
            max_rows: limits.max_rows,
            max_bytes: limits.max_bytes,
            retries: limits.retries,
            retry_backoff: limits.retry_backoff,
            breaker_failures: limits.breaker_failures,
            breaker_cooldown: limits.breaker_cooldown,
        }
    }
}

impl SourceLimits {
    pub(crate) fn guard(&self) -> GuardLimits {
        GuardLimits {
            timeout: self.timeout,
            concurrency: self.concurrency,
            queue: self.queue,
            max_rows: self.max_rows,
            max_bytes: self.max_bytes,
            retries: self.retries,
            retry_backoff: self.retry_backoff,
            breaker_failures: self.breaker_failures,
            breaker_cooldown: self.breaker_cooldown,
        }
    }
}
