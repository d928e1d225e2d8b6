//! Planning alone, over catalogues of many sources. No source is asked: there are none behind them.

use crate::data::{Data, Site};
use crate::measure::{Times, times};
use crate::stage::{prefixes, virtual_graph};
use anyhow::{Context, Result};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::{CallContext, Connector as _};
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::contract::Description;
use weft_plan::{Catalogue, PlanLimits, plan};

/// Parsing recurses.
const STACK: usize = 64 << 20;

#[derive(Debug, Serialize)]
pub(crate) struct Planned {
    pub(crate) name: &'static str,
    pub(crate) sources: u32,
    pub(crate) times: Times,
    /// Milliseconds it may take; where nothing is said, it is only shown.
    pub(crate) target: Option<f64>,
    /// Why there is no plan.
    pub(crate) refused: Option<String>,
}

/// Questions about the vendors: all, by a constant that any may know, by a constant of one.
pub(crate) const QUESTIONS: [(&str, &str); 4] = [
    ("star", "SELECT * { ?product v:label ?label ; v:same ?same ; v:size ?size }"),
    (
        "feature",
        "SELECT ?product ?label ?price { ?product v:feature <http://b/feature/17> ; v:label ?label .
           ?offer v:product ?product ; v:offerPrice ?price ; v:days ?days FILTER(?days <= 3) }",
    ),
    (
        "compare",
        "SELECT ?product ?label ?price { <http://vendor3.b/product/5> v:same ?shared .
           ?product v:same ?shared ; v:label ?label . ?offer v:product ?product ; v:offerPrice ?price }",
    ),
    (
        "one",
        "SELECT ?label ?price { <http://vendor3.b/product/5> v:label ?label .
           ?offer v:product <http://vendor3.b/product/5> ; v:offerPrice ?price }",
    ),
];

/// What planning may take, in milliseconds.
fn target(sources: u32) -> Option<f64> {
    match sources {
        10 => Some(3.0),
        1_000 => Some(15.0),
        _ => None,
    }
}

pub(crate) async fn measure_planning(data: &Data, counts: &[u32], rounds: usize) -> Result<Vec<Planned>> {
    let description = Arc::new(describe(data).await?);
    // The numbers of vendors are in their mappings only.
    let template = data.sources(Site::Shop(1))?.remove(0).mapping;
    let counts = counts.to_vec();
    let work = move || -> Result<Vec<Planned>> {
        let mut all = Vec::new();
        for sources in counts {
            let catalogue = catalogue(&template, &description, sources)?;
            all.extend(QUESTIONS.map(|(name, text)| measure_one(name, text, sources, &catalogue, rounds)));
        }
        Ok(all)
    };
    let thread = std::thread::Builder::new().name("plan".to_owned()).stack_size(STACK).spawn(work)?;
    thread.join().ok().context("planning panicked")?
}

fn measure_one(name: &'static str, text: &str, sources: u32, catalogue: &Catalogue, rounds: usize) -> Planned {
    let limits = PlanLimits::default();
    let mut durations: Vec<Duration> = Vec::with_capacity(rounds);
    let mut refused = None;
    // The first is to warm up.
    for _ in 0..=rounds {
        let begun = Instant::now();
        let planned = plan(text, None, None, catalogue, &limits);
        durations.push(begun.elapsed());
        refused = planned.err().map(|error| error.to_string());
    }
    Planned { name, sources, times: times(&durations[1..]), target: target(sources), refused }
}

fn catalogue(template: &str, description: &Arc<Description>, sources: u32) -> Result<Catalogue> {
    let graph = |number: u32| {
        let name = format!("vendor{number}");
        let mapping = template.replace("http://vendor1.b/", &format!("http://{name}.b/"));
        virtual_graph(&name, &mapping, description.clone())
    };
    Ok(Catalogue::new((1..=sources).map(graph).collect::<Result<_>>()?, prefixes()))
}

/// What the connector says of a vendor's file.
async fn describe(data: &Data) -> Result<Description> {
    let source = data.sources(Site::Shop(1))?.remove(0);
    let connector = SqlConnector::open(SqlConfig::new(format!("sqlite:{}", source.file.display())))?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    Ok(connector.describe(&CallContext { deadline, traceparent: None }).await?)
}
