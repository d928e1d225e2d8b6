//! A scenario brought to life: a connector for each source, and the engine over all of them.

mod sqlite;
mod tables;

use crate::compare::Found;
use crate::memory::MemoryConnector;
use crate::scenario::{BASE, Scenario, Source, Transport};
use anyhow::{Context, anyhow, bail};
use futures::{StreamExt, TryStreamExt};
use oxrdf::NamedNode;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::{CallContext, Connector, GuardLimits, Guarded};
use weft_exec::{Answer, AskedView, Engine, EngineLimits, Explanation, QueryError, QueryRequest, Report};
use weft_index::AliasBuilder;
use weft_mapping::{InvalidValues, Mapping, MappingError, Ontology, OntologyLimits, VirtualGraph};
use weft_model::contract::{Description, Relation};
use weft_model::{Aliases, Code};
use weft_plan::Catalogue;

pub use sqlite::connect as sqlite_connector;
pub use tables::Guests;

/// What a query has. Nothing in a scenario is large.
const SLOW: Duration = Duration::from_secs(20);

/// An engine and what it talks to.
pub struct Mesh {
    engine: Engine,
    memory: Vec<Arc<MemoryConnector>>,
    /// Whether queries are asked in the thread view.
    thread: bool,
}

impl Mesh {
    /// Connects every source of a scenario; `folder` is for what has to be a file.
    pub async fn open(scenario: &Scenario, folder: &Path, guests: Option<&Guests>) -> anyhow::Result<Self> {
        let mut connectors: Vec<(Arc<str>, Arc<dyn Connector>)> = Vec::new();
        let mut memory = Vec::new();
        for (number, source) in scenario.sources.iter().enumerate() {
            let connector: Arc<dyn Connector> = match (source.transport, guests) {
                (Transport::Memory, _) => {
                    let rows = source.rows.clone();
                    let connector = Arc::new(MemoryConnector::new(source.description.clone(), rows, number as u64));
                    memory.push(connector.clone());
                    connector
                }
                (Transport::Sqlite, _) => sqlite::connect(source, folder).context("sqlite")?,
                (Transport::Wasm, Some(guests)) => guests.connect(source)?,
                (Transport::Wasm, None) => bail!("source {} needs the guest that serves tables", source.name),
            };
            connectors.push((Arc::from(source.name.as_str()), connector));
        }
        Ok(Self { memory, ..Self::over(scenario, connectors).await? })
    }

    /// An engine over connectors that are there already, one for each source.
    pub async fn over(scenario: &Scenario, connectors: Vec<(Arc<str>, Arc<dyn Connector>)>) -> anyhow::Result<Self> {
        Self::within(scenario, connectors, one_try(), scenario.tuning.limits()).await
    }

    /// The same with other limits.
    pub async fn within(
        scenario: &Scenario,
        connectors: Vec<(Arc<str>, Arc<dyn Connector>)>,
        limits: GuardLimits,
        engine_limits: EngineLimits,
    ) -> anyhow::Result<Self> {
        Self::build(scenario, connectors, limits, engine_limits, InvalidValues::Refuse).await
    }

    /// The same over sources whose values need not be terms.
    pub async fn leaving_out(
        scenario: &Scenario,
        connectors: Vec<(Arc<str>, Arc<dyn Connector>)>,
    ) -> anyhow::Result<Self> {
        Self::build(scenario, connectors, one_try(), scenario.tuning.limits(), InvalidValues::LeaveOut).await
    }

    async fn build(
        scenario: &Scenario,
        connectors: Vec<(Arc<str>, Arc<dyn Connector>)>,
        limits: GuardLimits,
        engine_limits: EngineLimits,
        invalid_values: InvalidValues,
    ) -> anyhow::Result<Self> {
        let ontology = Ontology::read(&scenario.ontology()?);
        let mut graphs = Vec::new();
        let mut guarded = HashMap::new();
        for (source, (name, connector)) in scenario.sources.iter().zip(&connectors) {
            let source_guard = Guarded::new(name.clone(), connector.clone(), limits.clone());
            let description = source_guard.describe(&call()).await?;
            let source_guard = source_guard.offering(&description.relational);
            let graph = VirtualGraph { invalid_values, ..virtual_graph(source, description)? };
            graphs.push(ontology.saturate(graph, OntologyLimits::default().triple_maps)?);
            guarded.insert(name.clone(), source_guard);
        }
        let catalogue = Catalogue::new(graphs, Vec::new()).with_aliases(Ok(aliases(&scenario.things)?));
        let engine = Engine::new(catalogue, guarded, engine_limits);
        Ok(Self { engine, memory: Vec::new(), thread: !scenario.things.is_empty() })
    }

    /// Everything that was asked of the sources in memory, if they were opened with the mesh.
    pub fn scans(&self) -> Vec<Relation> {
        self.memory.iter().flat_map(|connector| connector.scans()).collect()
    }

    /// Lets every source in memory answer as if nothing had been asked before.
    pub fn forget(&self) {
        self.memory.iter().for_each(|connector| connector.forget());
    }

    /// The whole answer to a query.
    pub async fn ask(&self, text: &str) -> Result<Found, QueryError> {
        let solutions = match self.engine.query(request(text, self.thread)).await? {
            Answer::Boolean { value, .. } => return Ok(Found::Boolean(value)),
            Answer::Solutions(solutions) => solutions,
            Answer::Graph(graph) => return Ok(Found::Graph(graph.triples.try_collect().await?)),
        };
        let variables = solutions.variables.iter().map(|variable| variable.as_str().to_owned()).collect();
        let mut batches = solutions.rows;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            rows.extend(batch?);
        }
        Ok(Found::Rows { variables, rows })
    }

    /// The rows of a SELECT, and what the answer cost.
    pub async fn report(&self, text: &str) -> Result<(usize, Report), QueryError> {
        let Answer::Solutions(solutions) = self.engine.query(request(text, self.thread)).await? else {
            return Ok((0, Report::default()));
        };
        let rows: Vec<_> = solutions.rows.try_concat().await?;
        Ok((rows.len(), solutions.report.snapshot()))
    }

    /// The plan, for reports.
    pub async fn explain(&self, text: &str) -> String {
        match self.engine.explain(request(text, self.thread)).await {
            Ok(explanation) => explanation.to_text(),
            Err(error) => format!("no plan: {error}"),
        }
    }

    /// The plan, and what running it showed.
    pub async fn analyze(&self, text: &str) -> Result<Explanation, QueryError> {
        self.engine.analyze(request(text, self.thread)).await
    }
}

/// Names as the index knows them, linked in a chain.
fn aliases(things: &[Vec<String>]) -> anyhow::Result<Arc<dyn Aliases>> {
    let mut aliases = AliasBuilder::default();
    for pair in things.iter().flat_map(|names| names.windows(2)) {
        aliases.link(&pair[0], &pair[1])?;
    }
    Ok(Arc::new(aliases.finish(usize::MAX)?))
}

fn request(text: &str, thread: bool) -> QueryRequest {
    QueryRequest {
        view: AskedView { thread: Some(thread), ..AskedView::default() },
        text: text.to_owned(),
        base_iri: None,
        default_graphs: Vec::new(),
        named_graphs: Vec::new(),
        timeout: Some(SLOW),
        traceparent: None,
    }
}

/// Limits under which nothing is tried twice, so that what goes wrong is seen.
pub fn one_try() -> GuardLimits {
    GuardLimits { breaker_failures: 0, retries: 0, ..GuardLimits::default() }
}

/// A call with time enough for anything a test does.
pub fn call() -> CallContext {
    CallContext { deadline: Instant::now() + Duration::from_secs(60), traceparent: None }
}

fn virtual_graph(source: &Source, description: Description) -> anyhow::Result<VirtualGraph> {
    let file = format!("{}.ttl", source.name);
    let mapping = Mapping::parse(&file, &source.mapping.to_turtle(), BASE).map_err(mapping_error)?;
    let graph = NamedNode::new(&source.graph)?;
    VirtualGraph::new(&source.name, graph, &mapping, Arc::new(description), BASE).map_err(mapping_error)
}

fn mapping_error(errors: Vec<MappingError>) -> anyhow::Error {
    anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// Why the engine does not answer such a query, when that is what it says; none when it failed.
pub fn refusal(error: &QueryError) -> Option<String> {
    match error.code {
        Code::UnsupportedQuery if error.message.contains("needs a value for column") => {
            Some("a required binding is missing".to_owned())
        }
        Code::UnsupportedQuery if error.message.contains("graphs that are not known before it is asked") => {
            Some("rows name graphs".to_owned())
        }
        Code::UnsupportedQuery => Some(error.message.clone()),
        Code::QueryTooLarge => Some("too many alternatives".to_owned()),
        _ => None,
    }
}
