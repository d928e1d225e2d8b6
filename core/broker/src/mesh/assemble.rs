//! From described sources to an engine.

use super::history::IndexHistory;
use super::{MeshSource, Reasoning, publication};
use crate::config::Config;
use crate::failure::Failure;
use crate::telemetry;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;
use weft_connector::{GuardLimits, Guarded, GuardedEndpoint};
use weft_exec::Engine;
use weft_index::{AsOf, Index, IndexInputs, LinkStore, Publication};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::Code;
use weft_model::contract::Description;
use weft_plan::Catalogue;

/// A source and what it said of itself.
#[derive(Clone)]
pub(crate) struct Described {
    pub(crate) source: MeshSource,
    pub(crate) description: Arc<Description>,
    /// When it said so.
    pub(super) at: SystemTime,
}

impl Described {
    /// What a source has just said.
    pub(crate) fn now(source: MeshSource, description: Arc<Description>) -> Self {
        Self { source, description, at: SystemTime::now() }
    }

    /// What the source gives as RDF.
    pub(crate) fn virtual_graph(&self, base: &str) -> Result<VirtualGraph, Failure> {
        virtual_graph(&self.source, &self.description, base)
            .map_err(|failure| failure.about(format_args!("source {}", self.source.name)))
    }
}

fn virtual_graph(source: &MeshSource, description: &Arc<Description>, base: &str) -> Result<VirtualGraph, Failure> {
    let own;
    let mapping: &Mapping = match &source.mapping {
        Some(mapping) => mapping,
        None => {
            let Some(text) = &description.default_mapping else {
                let message = "it has no mapping, and its connector offers none: set mapping";
                return Err(Failure::new(Code::InvalidMapping, message));
            };
            own = Mapping::parse("the connector's own mapping", text, base)?;
            &own
        }
    };
    let graph = VirtualGraph::new(&source.name, source.graph.clone(), mapping, description.clone(), base)?;
    Ok(VirtualGraph { invalid_values: source.invalid_values, ..graph })
}

/// Builds the index and the engine. All mappings are checked, and all that is wrong is told at once.
pub(crate) async fn assemble(
    config: Arc<Config>,
    services: &[GuardedEndpoint],
    described: Vec<Described>,
) -> Result<Engine, Failure> {
    let base = &config.broker.base;
    let reasoning = Reasoning::read(&config)?;
    let (mut graphs, mut wrong) = (Vec::new(), Vec::new());
    for source in &described {
        match source.virtual_graph(base).and_then(|graph| reasoning.saturate(graph)) {
            Ok(graph) => graphs.push(graph),
            Err(failure) => wrong.push(failure.message),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::new(Code::InvalidMapping, wrong.join("\n")));
    }
    let publication = Arc::new(publication(&config, &described)?);
    let (config_for_index, inputs, for_index) = (config.clone(), graphs.clone(), publication.clone());
    let index =
        tokio::task::spawn_blocking(move || build_index(&config_for_index, &inputs, &for_index, &AsOf::default()))
            .await
            .map_err(|error| Failure::caused(Code::Internal, &error))??;
    tracing::info!(sources = described.len(), statements = index.len(), "sources and index are ready");

    graphs.push(index.virtual_graph());
    let aliases = index.aliases();
    if let Err(reason) = &aliases {
        tracing::warn!("there is no thread view: {reason}");
    }
    let guarded = |Described { source, description, .. }: Described| {
        (source.name.clone(), source.guarded.offering(&description.relational))
    };
    let mut sources: HashMap<Arc<str>, Guarded> = described.into_iter().map(guarded).collect();
    let name: Arc<str> = Index::SOURCE.into();
    sources.insert(name.clone(), Guarded::new(name, Arc::new(index), GuardLimits::default()));
    let prefixes = config.prefix_list();
    // Looks at each name.
    let catalogue = tokio::task::spawn_blocking(move || Catalogue::new(graphs, prefixes).with_aliases(aliases))
        .await
        .map_err(|error| Failure::caused(Code::Internal, &error))?;
    let engine = Engine::new(catalogue, sources, config.engine_limits()).with_views(config.views());
    let engine = match config.links {
        Some(_) => engine.with_history(Arc::new(IndexHistory::new(config, publication))),
        None => engine,
    };
    Ok(engine.with_services(services.iter().cloned()).with_trace_context(telemetry::current_traceparent))
}

/// The index with the links of a time.
pub(super) fn build_index(
    config: &Config,
    sources: &[VirtualGraph],
    publication: &Publication,
    at: &AsOf,
) -> Result<Index, Failure> {
    let reasoning = Reasoning::read(config)?;
    let links = config.link_store().map(|path| LinkStore::open(&path)).transpose()?;
    let inputs = IndexInputs {
        ontology: &config.ontology(),
        base: &config.broker.base,
        rules: reasoning.of_index(),
        links: links.as_ref(),
        sources,
        publication: Some(publication),
    };
    Ok(Index::build_at(at, &inputs, &config.index_limits())?)
}
