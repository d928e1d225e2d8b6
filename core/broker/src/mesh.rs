//! The sources of a configuration: connectors behind their guards, with their mappings.

mod assemble;
mod beside;
mod describe;
mod history;
mod publication;
mod reasoning;
mod record;
mod service;
mod transport;

pub(crate) use assemble::{Described, assemble};
pub(crate) use describe::{describe, describe_all};
pub(crate) use publication::{publication, question_files, read_question};
pub(crate) use reasoning::Reasoning;
pub(crate) use record::{read_description, write_description, write_whole};
pub(crate) use service::{open_service, open_services};
pub(crate) use transport::Transports;

use crate::config::{Config, Source};
use crate::failure::Failure;
use oxrdf::NamedNode;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::{CallContext, Connector, GuardLimits, Guarded};
use weft_mapping::{InvalidValues, Mapping, MappingLimits};
use weft_model::Code;

/// No bundle of authorities is larger.
const TRUST_BYTES: usize = 4 << 20;

/// A source whose connector is known. Nothing is connected before the first call.
#[derive(Clone)]
pub(crate) struct MeshSource {
    pub(crate) name: Arc<str>,
    pub(crate) graph: NamedNode,
    /// Nothing when the connector's own mapping is to be used.
    pub(crate) mapping: Option<Arc<Mapping>>,
    pub(crate) optional: bool,
    pub(crate) invalid_values: InvalidValues,
    pub(crate) guarded: Guarded,
    /// For questions that are not part of a query: no breaker, no retry of its own.
    pub(crate) plain: Guarded,
    pub(crate) timeout: Duration,
}

impl MeshSource {
    /// Reads the mapping and makes the connector. Reads files; opens no connection.
    pub(crate) async fn open(
        config: &Config,
        name: &str,
        source: &Source,
        transports: &Transports,
    ) -> Result<Self, Failure> {
        let about = |failure: Failure| failure.about(format_args!("source {name}"));
        let mapping = read_mapping(config, source).map_err(about)?.map(Arc::new);
        let connector: Arc<dyn Connector> = transports.connect(config, name, source).await.map_err(about)?;
        let limits = source.limits.guard();
        let patient = GuardLimits { breaker_failures: 0, retries: 0, ..limits.clone() };
        let name: Arc<str> = name.into();
        Ok(Self {
            graph: NamedNode::new(source.graph_iri(&name))
                .map_err(|error| about(Failure::caused(Code::InvalidConfig, &error)))?,
            mapping,
            optional: source.optional,
            invalid_values: source.invalid_values.into(),
            timeout: limits.timeout,
            guarded: Guarded::new(name.clone(), connector.clone(), limits),
            plain: Guarded::new(name.clone(), connector, patient),
            name,
        })
    }

    /// The context of a call that is not part of a query.
    pub(crate) fn context(&self) -> CallContext {
        CallContext { deadline: Instant::now() + self.timeout, traceparent: None }
    }
}

/// The sources of the configuration in the order of their names.
pub(crate) async fn open_all(config: &Config, transports: &Transports) -> Result<Vec<MeshSource>, Failure> {
    let mut sources = Vec::with_capacity(config.sources.len());
    for (name, source) in &config.sources {
        sources.push(MeshSource::open(config, name, source, transports).await?);
    }
    Ok(sources)
}

/// The one source of this name.
pub(crate) async fn open_one(config: &Config, transports: &Transports, name: &str) -> Result<MeshSource, Failure> {
    MeshSource::open(config, name, configured(config, name)?, transports).await
}

/// The one source of this name, with another mapping than that of the configuration, which is not read.
pub(crate) async fn open_with(
    config: &Config,
    transports: &Transports,
    name: &str,
    mapping: Option<Arc<Mapping>>,
) -> Result<MeshSource, Failure> {
    let mut source = configured(config, name)?.clone();
    source.mapping = None;
    let opened = MeshSource::open(config, name, &source, transports).await?;
    Ok(MeshSource { mapping, ..opened })
}

fn configured<'a>(config: &'a Config, name: &str) -> Result<&'a Source, Failure> {
    config.sources.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.sources.keys().map(String::as_str).collect();
        Failure::new(Code::NotFound, format!("there is no source {name:?}; there are {}", known.join(", ")))
    })
}

/// Reads and parses the mapping of a source, if it has one of its own.
pub(crate) fn read_mapping(config: &Config, source: &Source) -> Result<Option<Mapping>, Failure> {
    let path = source.mapping.as_ref().map(|path| config.path(path));
    path.map(|path| read_mapping_file(&path, &config.broker.base)).transpose()
}

/// Reads and parses a mapping.
pub(crate) fn read_mapping_file(path: &Path, base: &str) -> Result<Mapping, Failure> {
    let limits = MappingLimits::default();
    let text = read_text(path, limits.document_bytes)?;
    let files = |name: &str| beside::read_beside(path, name, limits.document_bytes);
    Ok(Mapping::parse_beside(&path.display().to_string(), &text, base, &limits, &files)?)
}

/// Reads a text of at most so many bytes.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<String, Failure> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|_| Failure::new(Code::InvalidConfig, format!("{} is not UTF-8", path.display())))
}

fn read_bytes(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Code::InvalidConfig, format!("cannot read {}: {error}", path.display()));
    let found = std::fs::metadata(path).map_err(failed)?.len();
    if found > limit as u64 {
        let message = format!("{} has {found} bytes, {limit} are allowed", path.display());
        return Err(Failure::new(Code::InvalidConfig, message));
    }
    std::fs::read(path).map_err(failed)
}
