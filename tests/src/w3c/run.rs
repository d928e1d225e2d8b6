//! Runs one test.

use super::compare::{Row, Rows, difference};
use super::expected::{self, Answer};
use super::files::Suites;
use super::http::Running;
use super::judge::Judge;
use super::manifest::{Kind, Test};
use super::split::Data;
use super::stage::Stage;
use super::{csv, stage};
use anyhow::{Context, anyhow, bail};
use futures::StreamExt as _;
use oxrdf::{NamedNode, Term};
use sparesults::QueryResultsFormat;
use spargebra::{Query, SparqlParser};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use weft_connector::{GuardLimits, GuardedEndpoint};
use weft_exec::{Engine, EngineLimits, QueryRequest};
use weft_model::Code;
use weft_plan::Catalogue;
use weft_sparql::{EndpointLimits, EndpointOptions, HttpEndpoint, RequestForm};

/// How a test ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// The engine says that it does not answer such a query.
    Refused(String),
    Failed(String),
}

/// Runs a test on a stage. Never fails for what the test is about.
pub async fn run(suites: &Suites, test: &Test, stage: &Stage) -> Outcome {
    let outcome = match test.kind {
        Kind::PositiveSyntax | Kind::NegativeSyntax => syntax(suites, test).await,
        Kind::Evaluation | Kind::Csv => evaluation(suites, test, stage).await,
    };
    outcome.unwrap_or_else(|error| match error.downcast::<Refusal>() {
        Ok(Refusal(reason)) => Outcome::Refused(reason),
        Err(error) => Outcome::Failed(one_line(&format!("{error:#}"))),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

fn one_line(text: &str) -> String {
    const SHOWN: usize = 400;
    text.replace('\n', " ").chars().take(SHOWN).collect()
}

fn request(suites: &Suites, test: &Test) -> anyhow::Result<QueryRequest> {
    Ok(QueryRequest {
        text: suites.text(&test.query)?,
        base_iri: Some(test.query.clone()),
        timeout: Some(Duration::from_secs(20)),
        ..QueryRequest::default()
    })
}

/// Whether planning takes the query for SPARQL, or refuses it as none.
async fn syntax(suites: &Suites, test: &Test) -> anyhow::Result<Outcome> {
    let engine = Engine::new(Catalogue::new(Vec::new(), Vec::new()), HashMap::new(), EngineLimits::default());
    let found = engine.explain(request(suites, test)?).await;
    let is_positive = test.kind == Kind::PositiveSyntax;
    Ok(match found {
        Err(error) if error.code == Code::InvalidQuery && is_positive => Outcome::Failed(one_line(&error.to_string())),
        // It was read, and then found to name a function that there is not.
        Err(error) if error.code == Code::UnsupportedQuery && error.message.contains("there is no function") => {
            if is_positive {
                Outcome::Passed
            } else {
                Outcome::Failed("taken for a query".to_owned())
            }
        }
        Err(error) if error.code == Code::UnsupportedQuery => Outcome::Refused(one_line(&error.to_string())),
        Err(error) if error.code == Code::InvalidQuery => Outcome::Passed,
        Ok(_) if is_positive => Outcome::Passed,
        Ok(_) => Outcome::Failed("what is not SPARQL is taken for a query".to_owned()),
        Err(error) => Outcome::Failed(one_line(&format!("another error: {error}"))),
    })
}

async fn evaluation(suites: &Suites, test: &Test, stage: &Stage) -> anyhow::Result<Outcome> {
    let mut request = request(suites, test)?;
    // What the parser cannot read, the engine will not answer either.
    let query = SparqlParser::new().with_base_iri(test.query.as_str())?.parse_query(&request.text).ok();
    let (data, named) = data(suites, test, query.as_ref())?;
    let (engine, own_graphs) = stage.engine(&data).await?;
    let mut endpoints = Vec::new();
    let engine = with_services(suites, test, engine, &mut endpoints).await?;
    let chooses_dataset = query.as_ref().is_some_and(|query| query.dataset().is_some());
    let looks_at_graphs = !test.graph_data.is_empty() || request.text.to_ascii_uppercase().contains("GRAPH");
    if !chooses_dataset && looks_at_graphs {
        request.default_graphs = own_graphs;
        request.named_graphs = named;
    }
    let format = format_of(test);
    let judge = Judge::new(query.as_ref(), test.lax, data.literals());
    let outcome = match format {
        Some(format) if request.default_graphs.is_empty() => {
            let server = Running::start(engine, Some(test.query.clone())).await?;
            let outcome = formatted(suites, test, &server, &request.text, (format, &judge)).await;
            server.stop().await?;
            outcome?
        }
        _ => judge.answer(&answer(&engine, request).await?, &expected_answer(suites, test)?),
    };
    for endpoint in endpoints {
        endpoint.stop().await?;
    }
    Ok(outcome.map_or(Outcome::Passed, Outcome::Failed))
}

/// The data of a test, and its named graphs. Graphs that the query names are there, too.
fn data(suites: &Suites, test: &Test, query: Option<&Query>) -> anyhow::Result<(Data, Vec<String>)> {
    let mut data = Data::default();
    for file in &test.data {
        data.add(suites.triples(file)?, None);
    }
    let mut files = test.graph_data.clone();
    let dataset = query.and_then(Query::dataset);
    let named = dataset.into_iter().flat_map(|d| d.default.iter().chain(d.named.iter().flatten()));
    files.extend(named.map(|node| (node.as_str().to_owned(), node.as_str().to_owned())));
    let mut seen = HashSet::new();
    for (name, file) in files {
        if seen.insert(name.clone()) {
            data.add(suites.triples(&file)?, Some(NamedNode::new(name)?));
        }
    }
    let mut named: Vec<String> = test.graph_data.iter().map(|(name, _)| name.clone()).collect();
    named.sort();
    Ok((data, named))
}

/// The engine with the endpoints of the test, which are real servers and know each other.
async fn with_services(
    suites: &Suites,
    test: &Test,
    engine: Engine,
    running: &mut Vec<Running>,
) -> anyhow::Result<Engine> {
    let mut services = Vec::new();
    let mut all = Vec::new();
    for (iri, files) in &test.service_data {
        let mut data = Data::default();
        for file in files {
            data.add(suites.triples(file)?, None);
        }
        let server = Running::start(stage::local_engine(&data).await?, None).await?;
        services.push((iri.clone(), server.url.clone()));
        running.push(server);
        all.push(data);
    }
    for (server, data) in running.iter().zip(&all) {
        server.replace(stage::local_engine(data).await?.with_services(guarded(&services)?));
    }
    Ok(engine.with_services(guarded(&services)?))
}

fn guarded(services: &[(String, String)]) -> anyhow::Result<Vec<GuardedEndpoint>> {
    let endpoint = |(iri, url): &(String, String)| {
        let options = EndpointOptions {
            url: url.clone(),
            insecure: false,
            request: RequestForm::Form,
            credentials: Vec::new(),
            trust: None,
            limits: EndpointLimits::default(),
        };
        let limits = GuardLimits { breaker_failures: 0, retries: 0, ..GuardLimits::default() };
        Ok(GuardedEndpoint::new(iri.as_str().into(), Arc::new(HttpEndpoint::new(options)?), limits))
    };
    services.iter().map(endpoint).collect()
}

async fn answer(engine: &Engine, request: QueryRequest) -> anyhow::Result<Answer> {
    let refused = |error: weft_exec::QueryError| match error.code {
        Code::UnsupportedQuery => anyhow!(Refusal(one_line(&error.to_string()))),
        _ => anyhow!(error),
    };
    match engine.query(request).await.map_err(refused)? {
        weft_exec::Answer::Boolean { value, .. } => Ok(Answer::Boolean(value)),
        weft_exec::Answer::Solutions(mut solutions) => {
            let variables = solutions.variables.iter().map(|variable| variable.as_str().to_owned()).collect();
            let mut rows = Vec::new();
            while let Some(batch) = solutions.rows.next().await {
                rows.extend(batch.map_err(refused)?);
            }
            Ok(Answer::Solutions { variables, rows, ordered: false })
        }
        weft_exec::Answer::Graph(mut graph) => {
            let mut triples = Vec::new();
            while let Some(triple) = graph.triples.next().await {
                triples.push(triple.map_err(refused)?);
            }
            Ok(Answer::Graph(triples))
        }
    }
}

fn expected_answer(suites: &Suites, test: &Test) -> anyhow::Result<Answer> {
    expected::read(suites, test.result.as_deref().context("the test has no result")?)
}

const TSV: &str = "text/tab-separated-values";

/// The format a test is about.
fn format_of(test: &Test) -> Option<&'static str> {
    let about_formats = ["/csv-tsv-res/", "/json-res/"].iter().any(|folder| test.query.contains(folder));
    match test.result.as_deref()?.rsplit('.').next()? {
        "csv" => Some("text/csv"),
        "tsv" => Some(TSV),
        "srj" if about_formats => Some("application/sparql-results+json"),
        _ => None,
    }
}

/// Compares what a server sends with the file of the result.
async fn formatted(
    suites: &Suites,
    test: &Test,
    server: &Running,
    query: &str,
    (media_type, judge): (&str, &Judge),
) -> anyhow::Result<Option<String>> {
    let body = server.ask(query, media_type).await?;
    let format = match media_type {
        "text/csv" => return compare_csv(&suites.text(test.result.as_deref().context("no result")?)?, &body),
        TSV => QueryResultsFormat::Tsv,
        "application/sparql-results+json" => QueryResultsFormat::Json,
        other => bail!("no parser for {other}"),
    };
    let found = expected::parse(&body, format).with_context(|| String::from_utf8_lossy(&body).into_owned())?;
    Ok(judge.answer(&found, &expected_answer(suites, test)?))
}

/// Lines in any order; blank nodes by any label.
fn compare_csv(expected: &str, found: &[u8]) -> anyhow::Result<Option<String>> {
    let (expected, found) = (csv::records(expected), csv::records(std::str::from_utf8(found)?));
    let (Some((header, rows)), Some((names, found))) = (expected.split_first(), found.split_first()) else {
        bail!("a CSV without header");
    };
    // The order of the variables of SELECT * is free.
    let place = |name: &String| names.iter().position(|other| other == name);
    let places: Option<Vec<usize>> = header.iter().map(place).collect();
    let Some(places) = places.filter(|places| places.len() == names.len()) else {
        return Ok(Some(format!("header {names:?} instead of {header:?}")));
    };
    let row = |record: &Vec<String>| record.iter().map(|field| Some(csv_term(field))).collect::<Row>();
    let arranged = |record: &Vec<String>| places.iter().map(|i| record.get(*i).map(|f| csv_term(f))).collect::<Row>();
    let rows: Vec<Row> = rows.iter().map(row).collect();
    let found: Vec<Row> = found.iter().map(arranged).collect();
    Ok(difference(&rows, &found, Rows::Multiset))
}

fn csv_term(field: &str) -> Term {
    match field.strip_prefix("_:") {
        Some(label) => oxrdf::BlankNode::new_unchecked(label).into(),
        None => oxrdf::Literal::new_simple_literal(field).into(),
    }
}
