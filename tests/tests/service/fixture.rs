//! An engine whose only source is its index, with services beside it; and oxigraph asked the same.

use crate::BASE;
use crate::endpoint::{Endpoint, store};
use futures::StreamExt;
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use oxrdf::{NamedNode, Term};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use weft_connector::{GuardLimits, Guarded, GuardedEndpoint};
use weft_exec::{Answer, Engine, EngineLimits, QueryError, QueryRequest, Report};
use weft_index::{Index, IndexInputs, IndexLimits};
use weft_plan::Catalogue;
use weft_sparql::{EndpointLimits, EndpointOptions, HttpEndpoint, RequestForm};

pub(crate) const SERVICE: &str = "https://partner.example/sparql";

/// What a service is given, where it is not what is usual.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) guard: GuardLimits,
    pub(crate) endpoint: EndpointLimits,
    pub(crate) request: RequestForm,
    pub(crate) block: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let guard = GuardLimits { retries: 0, breaker_failures: 0, ..GuardLimits::default() };
        Self { guard, endpoint: EndpointLimits::default(), request: RequestForm::Form, block: 100 }
    }
}

pub(crate) fn service(iri: &str, url: &str, settings: &Settings) -> GuardedEndpoint {
    rustls::crypto::ring::default_provider().install_default().ok();
    let options = EndpointOptions {
        url: url.to_owned(),
        insecure: false,
        request: settings.request,
        credentials: Vec::new(),
        trust: None,
        limits: settings.endpoint,
    };
    GuardedEndpoint::new(iri.into(), Arc::new(HttpEndpoint::new(options).unwrap()), settings.guard.clone())
}

/// An engine over Turtle, with services at these IRIs.
pub(crate) fn engine(turtle: &str, services: Vec<GuardedEndpoint>, settings: &Settings) -> Engine {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("o.ttl");
    std::fs::write(&file, format!("@prefix ex: <{BASE}> .\n{turtle}")).unwrap();
    let inputs =
        IndexInputs { ontology: &[file], base: BASE, rules: None, publication: None, links: None, sources: &[] };
    let index = Index::build(&inputs, &IndexLimits::default()).unwrap();
    let catalogue = Catalogue::new(vec![index.virtual_graph()], vec![("ex".into(), BASE.into())]);
    let name: Arc<str> = Index::SOURCE.into();
    let guarded = Guarded::new(name.clone(), Arc::new(index), GuardLimits::default());
    let mut limits = EngineLimits::default();
    limits.plan.service_block = settings.block;
    Engine::new(catalogue, HashMap::from([(name, guarded)]), limits).with_services(services)
}

/// The usual case: one service, [`SERVICE`].
pub(crate) fn with_one(turtle: &str, endpoint: &Endpoint, settings: &Settings) -> Engine {
    engine(turtle, vec![service(SERVICE, &endpoint.url(), settings)], settings)
}

pub(crate) fn request(text: &str) -> QueryRequest {
    QueryRequest { text: text.to_owned(), timeout: Some(Duration::from_secs(20)), ..QueryRequest::default() }
}

/// The rows, each as text, in an order of their own; and what the answer cost.
pub(crate) async fn ask(engine: &Engine, query: &str) -> Result<(Vec<String>, Report), QueryError> {
    let solutions = match engine.query(request(query)).await? {
        Answer::Solutions(solutions) => solutions,
        Answer::Boolean { value, report } => return Ok((vec![value.to_string()], report)),
        Answer::Graph(_) => panic!("a graph"),
    };
    let mut places: Vec<usize> = (0..solutions.variables.len()).collect();
    if query.contains("SELECT *") {
        // Oxigraph gives these in the order of their names.
        places.sort_by_key(|place| solutions.variables[*place].as_str());
    }
    let mut batches = solutions.rows;
    let mut rows = Vec::new();
    while let Some(batch) = batches.next().await {
        let arranged = |row: &Vec<Option<Term>>| places.iter().map(|place| row[*place].clone()).collect::<Vec<_>>();
        rows.extend(batch?.iter().map(|row| line(&arranged(row))));
    }
    rows.sort_unstable();
    Ok((rows, solutions.report.snapshot()))
}

fn line(row: &[Option<Term>]) -> String {
    let cell = |term: &Option<Term>| match term {
        None => "-".to_owned(),
        Some(Term::BlankNode(_)) => "_:".to_owned(),
        Some(term) => term.to_string().replace(BASE, ""),
    };
    row.iter().map(cell).collect::<Vec<_>>().join(" ")
}

/// The answer of oxigraph, which asks stores for services.
pub(crate) fn expected(turtle: &str, services: &[(&str, &str)], query: &str) -> Vec<String> {
    let mut evaluator = SparqlEvaluator::new().with_prefix("ex", BASE).unwrap();
    for (iri, turtle) in services {
        evaluator = evaluator.with_service_handler(NamedNode::new(*iri).unwrap(), InStore(store(turtle)));
    }
    let results = evaluator.parse_query(query).unwrap().on_store(&store(turtle)).execute().unwrap();
    let mut rows: Vec<String> = match results {
        QueryResults::Boolean(value) => vec![value.to_string()],
        QueryResults::Solutions(solutions) => solutions.map(|solution| line(solution.unwrap().values())).collect(),
        QueryResults::Graph(_) => panic!("a graph"),
    };
    rows.sort_unstable();
    rows
}

struct InStore(Store);

impl oxigraph::sparql::ServiceHandler for InStore {
    type Error = oxigraph::sparql::QueryEvaluationError;

    fn handle(
        &self,
        pattern: &spargebra::algebra::GraphPattern,
        base_iri: Option<&oxiri::Iri<String>>,
    ) -> Result<oxigraph::sparql::QuerySolutionIter<'static>, Self::Error> {
        let query = spargebra::Query::Select { dataset: None, pattern: pattern.clone(), base_iri: base_iri.cloned() };
        match SparqlEvaluator::new().for_query(query).on_store(&self.0).execute()? {
            QueryResults::Solutions(solutions) => Ok(solutions),
            _ => unreachable!("a SELECT has solutions"),
        }
    }
}
