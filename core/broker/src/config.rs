//! The configuration file.
//!
//! One TOML file, over which environment variables `WEFT__SECTION__KEY` are laid. Paths are relative to the file. Unknown
//! keys are errors. Secrets are never in it: only the names of the variables and files they are read from.

mod check;
mod error;
mod limits;
mod links;
mod load;
mod places;
mod planner;
mod secret;
mod server;
mod service;
mod source;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use error::{ConfigError, ConfigErrors};
pub(crate) use limits::Limits;
use links::Links;
pub(crate) use load::{load, load_text};
pub(crate) use secret::SecretSource;
pub(crate) use server::ServerSection;
pub(crate) use service::Service;
pub(crate) use source::{GrpcSource, HttpSection, Source, Transport, WasmSource};

use oxrdf::NamedNode;
use planner::Planner;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use view::View;
use weft_exec::EngineLimits;
use weft_identity::CredentialFiles;
use weft_index::{ALIASES_GRAPH, CATALOGUE_GRAPH, IndexLimits, LINKS_GRAPH, ONTOLOGY_GRAPH};
use weft_plan::PlanLimits;
use weft_server::ServerOptions;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where relative paths start: the folder of the file.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    pub(crate) broker: Broker,
    /// Declared for every query.
    #[serde(default)]
    pub(crate) prefixes: BTreeMap<String, String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) links: Option<Links>,
    #[serde(default)]
    pub(crate) telemetry: Telemetry,
    #[serde(default)]
    pub(crate) server: ServerSection,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    planner: Planner,
    #[serde(default)]
    pub(crate) sandbox: Sandbox,
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, Source>,
    /// What SERVICE may ask, by IRI.
    #[serde(default)]
    pub(crate) services: BTreeMap<String, Service>,
    /// What requests can ask to see, by name.
    #[serde(default)]
    views: BTreeMap<String, View>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    #[serde(default = "Broker::default_listen")]
    pub(crate) listen: SocketAddr,
    /// What relative IRIs in queries, mappings and ontologies are resolved against.
    pub(crate) base: String,
    /// Recorded descriptions are kept here.
    #[serde(default = "Broker::default_state_dir")]
    state_dir: PathBuf,
    #[serde(default)]
    ontology: Vec<PathBuf>,
    /// What follows from them, where a source says nothing else.
    #[serde(default)]
    reasoning: Reasoning,
    /// A folder of example questions.
    questions: Option<PathBuf>,
    /// How long sources may take to answer when the broker starts.
    #[serde(default = "Broker::default_start_timeout", deserialize_with = "value::duration")]
    pub(crate) start_timeout: Duration,
    /// How often an absent optional source is tried again.
    #[serde(default = "Broker::default_retry_interval", deserialize_with = "value::duration")]
    pub(crate) retry_interval: Duration,
}

/// What is made of the ontology.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) enum Reasoning {
    /// RDFS, and what of OWL 2 QL a mapping can hold.
    #[default]
    Ql,
    /// Nothing follows from it.
    None,
}

impl TryFrom<String> for Reasoning {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "ql" => Ok(Self::Ql),
            "none" => Ok(Self::None),
            _ => Err(format!("{text:?} is neither \"ql\" nor \"none\"")),
        }
    }
}

impl Broker {
    fn default_listen() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 7878))
    }

    fn default_state_dir() -> PathBuf {
        PathBuf::from("state")
    }

    fn default_start_timeout() -> Duration {
        Duration::from_secs(30)
    }

    fn default_retry_interval() -> Duration {
        Duration::from_secs(10)
    }
}

/// The PEM files of the broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    trust: PathBuf,
    /// How often the files are read again.
    #[serde(default = "Identity::default_reload_interval", deserialize_with = "value::duration")]
    pub(crate) reload_interval: Duration,
}

impl Identity {
    fn default_reload_interval() -> Duration {
        Duration::from_secs(30)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Telemetry {
    /// An OTLP gRPC collector. Without, nothing is exported.
    pub(crate) otlp: Option<String>,
    pub(crate) service_name: String,
    /// Which log lines are shown, in the notation of `RUST_LOG`.
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp: None, service_name: "weft".into(), log: "info".into(), log_format: LogFormat::Auto }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    Pretty,
    Json,
}

/// Limits of all sandboxed sources together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sandbox {
    pub(crate) threads: usize,
    pub(crate) guests: u32,
    #[serde(deserialize_with = "value::size")]
    pub(crate) guest_memory: usize,
    #[serde(deserialize_with = "value::size")]
    pub(crate) component_bytes: usize,
    #[serde(deserialize_with = "value::duration")]
    pub(crate) compile_time: Duration,
}

impl Default for Sandbox {
    fn default() -> Self {
        let limits = weft_wasm::SandboxLimits::default();
        Self {
            threads: limits.threads,
            guests: limits.guests,
            guest_memory: limits.guest_memory,
            component_bytes: limits.component_bytes,
            compile_time: limits.compile_time,
        }
    }
}

impl Config {
    /// A path of the file, as seen from where the process runs.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn ontology(&self) -> Vec<PathBuf> {
        self.broker.ontology.iter().map(|path| self.path(path)).collect()
    }

    /// The folder of example questions.
    pub(crate) fn questions(&self) -> Option<PathBuf> {
        self.broker.questions.as_ref().map(|path| self.path(path))
    }

    /// Whether the ontology is followed in the index, and in sources that say nothing else.
    pub(crate) fn reasons_by_default(&self) -> bool {
        self.broker.reasoning == Reasoning::Ql
    }

    /// Whether it is followed in a source.
    pub(crate) fn reasons_in(&self, source: &str) -> bool {
        let own = self.sources.get(source).and_then(|source| source.reasoning);
        own.unwrap_or(self.broker.reasoning) == Reasoning::Ql
    }

    /// Whether it is followed anywhere.
    pub(crate) fn reasons_anywhere(&self) -> bool {
        self.reasons_by_default() || self.sources.keys().any(|source| self.reasons_in(source))
    }

    pub(crate) fn link_store(&self) -> Option<PathBuf> {
        self.links.as_ref().map(|links| self.path(&links.store))
    }

    pub(crate) fn link_rules(&self) -> Option<PathBuf> {
        self.links.as_ref().and_then(|links| links.rules.as_ref()).map(|path| self.path(path))
    }

    pub(crate) fn link_shapes(&self) -> Vec<PathBuf> {
        self.links.iter().flat_map(|links| &links.shapes).map(|path| self.path(path)).collect()
    }

    pub(crate) fn credential_files(&self) -> Option<CredentialFiles> {
        self.identity.as_ref().map(|identity| CredentialFiles {
            certificate: self.path(&identity.certificate),
            key: self.path(&identity.key),
            trust: self.path(&identity.trust),
        })
    }

    /// Where the description of a source is recorded.
    pub(crate) fn description_file(&self, source: &str) -> PathBuf {
        self.path(&self.broker.state_dir).join("descriptions").join(format!("{source}.json"))
    }

    /// All that the sections say of the HTTP side.
    pub(crate) fn server_options(&self) -> ServerOptions {
        let index = [ONTOLOGY_GRAPH, LINKS_GRAPH, ALIASES_GRAPH, CATALOGUE_GRAPH].map(NamedNode::new_unchecked);
        ServerOptions {
            base_iri: Some(self.broker.base.clone()),
            catalogue: Some(NamedNode::new_unchecked(CATALOGUE_GRAPH)),
            graphs: index.into(),
            ..self.server.apply(self.limits.server())
        }
    }

    /// What a query may cost, and how it is planned.
    pub(crate) fn engine_limits(&self) -> EngineLimits {
        let limits = self.limits.engine();
        EngineLimits { plan: PlanLimits { rules: self.planner.rules(), ..limits.plan }, ..limits }
    }

    pub(crate) fn index_limits(&self) -> IndexLimits {
        let limits = self.limits.index();
        let max_aliases = self.links.as_ref().map_or(limits.max_aliases, |links| links.max_aliases);
        IndexLimits { max_aliases, ..limits }
    }

    pub(crate) fn views(&self) -> BTreeMap<String, weft_exec::View> {
        self.views.iter().map(|(name, view)| (name.clone(), view.seen())).collect()
    }

    pub(crate) fn prefix_list(&self) -> Vec<(String, String)> {
        self.prefixes.iter().map(|(prefix, iri)| (prefix.clone(), iri.clone())).collect()
    }
}
