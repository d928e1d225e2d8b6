//! `/graphs`: reading by the SPARQL 1.1 Graph Store HTTP Protocol, and `/.well-known/void`.
//!
//! Every named graph can be read: those of the index, and the virtual graph of each source, which then streams all its
//! triples through the limits a query has. Nothing can be written: the data belongs to the sources.

use crate::address::public_url;
use crate::answer::{by, set_headers};
use crate::description::{is_void, void_description, whole};
use crate::form::Shape;
use crate::negotiate::Accepted;
use crate::request::{GraphName, read_graph_name, read_traceparent};
use crate::routes::Service;
use crate::sparql::{not_allowed, options, query_span, run};
use crate::{Answer, Graph, Problem, QueryCall};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use http::Method;
use http::request::Parts;
use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};
use std::future::ready;
use std::sync::Arc;
use tokio::time::Instant;
use weft_model::{Code, Fault};

const ALLOWED: &str = "GET, HEAD, OPTIONS";

pub(crate) async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = match parts.method {
        Method::GET => read(&service, &parts).await,
        Method::HEAD => head(&service, &parts).await,
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Ok(not_allowed(ALLOWED)),
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn read(service: &Service, parts: &Parts) -> Result<Response, Problem> {
    let accepted = Accepted::of(&parts.headers, Some(Shape::Graph))?;
    let text = match graph_name(service, parts).await? {
        GraphName::Default => "SELECT ?s ?p ?o WHERE { ?s ?p ?o }".to_owned(),
        GraphName::Named(name) => all_of(&name),
    };
    let prefixes = service.dataset()?.prefixes;
    let nothing = Graph { triples: stream::empty().boxed(), prefixes, report: Arc::new(|| serde_json::Value::Null) };
    let call = call(parts, text);
    let span = query_span(service, &call, Some("GRAPH"));
    run(service, service.caller(parts), call, accepted, span, |answer| graph_of(answer, nothing, |_| true)).await
}

/// What a GET would be answered in.
async fn head(service: &Service, parts: &Parts) -> Result<Response, Problem> {
    let accepted = Accepted::of(&parts.headers, Some(Shape::Graph))?;
    graph_name(service, parts).await?;
    let mut response = Body::empty().into_response();
    set_headers(&mut response, accepted.graphs()?.content_type);
    Ok(response)
}

/// A graph that is there: named by a parameter, or by the IRI of the request itself (section 4.1).
async fn graph_name(service: &Service, parts: &Parts) -> Result<GraphName, Problem> {
    let path = parts.uri.path().trim_start_matches('/');
    let name = match read_graph_name(parts)? {
        Some(GraphName::Default) => return Ok(GraphName::Default),
        Some(GraphName::Named(name)) => name,
        None if matches!(path, "graphs" | "graphs/") => {
            return Err(Problem::invalid_request("which graph? say ?default, or ?graph= and the IRI of a named graph"));
        }
        None => NamedNode::new(format!("{}{path}", public_url(parts, &service.options)?))
            .map_err(|error| Problem::invalid_request(format!("the path makes no IRI of a graph: {error}")))?,
    };
    if service.dataset()?.graphs.iter().any(|graph| graph.name == name) || has_statements(service, parts, &name).await?
    {
        return Ok(GraphName::Named(name));
    }
    Err(Problem::new(Code::NotFound, Fault::Caller, format!("there is no graph {name}")))
}

/// Where a source says the graph of each statement, only a look tells.
async fn has_statements(service: &Service, parts: &Parts, name: &NamedNode) -> Result<bool, Problem> {
    let deadline = Instant::now() + service.options.query_timeout;
    let _permit = service.admission.enter(service.caller(parts), deadline).await?;
    let call = call(parts, format!("ASK {{ GRAPH {name} {{ ?s ?p ?o }} }}"));
    match by(deadline, service.endpoint().query(call)).await? {
        Answer::Boolean { value, .. } => Ok(value),
        Answer::Solutions(_) | Answer::Graph(_) => {
            Err(Problem::new(Code::Internal, Fault::Broker, "an ASK query has no boolean"))
        }
    }
}

pub(crate) async fn void(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = match parts.method {
        Method::GET => read_void(&service, &parts).await,
        Method::HEAD => head_void(&parts),
        Method::OPTIONS => Ok(options(ALLOWED)),
        _ => Ok(not_allowed(ALLOWED)),
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn read_void(service: &Service, parts: &Parts) -> Result<Response, Problem> {
    let accepted = Accepted::of(&parts.headers, Some(Shape::Graph))?;
    let own = void_description(&public_url(parts, &service.options)?, &service.dataset()?);
    let Some(catalogue) = &service.options.catalogue else { return whole(own, accepted.graphs()?).await };
    let call = call(parts, all_of(catalogue));
    let span = query_span(service, &call, Some("GRAPH"));
    run(service, service.caller(parts), call, accepted, span, |answer| graph_of(answer, own, is_void)).await
}

fn head_void(parts: &Parts) -> Result<Response, Problem> {
    let accepted = Accepted::of(&parts.headers, Some(Shape::Graph))?;
    let mut response = Body::empty().into_response();
    set_headers(&mut response, accepted.graphs()?.content_type);
    Ok(response)
}

fn call(parts: &Parts, text: String) -> QueryCall {
    QueryCall { text, traceparent: read_traceparent(&parts.headers), ..QueryCall::default() }
}

/// A graph is a set, so its triples are the solutions of this pattern.
fn all_of(graph: &NamedNode) -> String {
    format!("SELECT ?s ?p ?o WHERE {{ GRAPH {graph} {{ ?s ?p ?o }} }}")
}

/// Solutions for subject, predicate and object as triples after those that are there already.
fn graph_of(answer: Answer, first: Graph, wanted: fn(&Triple) -> bool) -> Result<Answer, Problem> {
    let Answer::Solutions(solutions) = answer else { return Err(not_triples()) };
    let rows = solutions.rows.flat_map(|batch| {
        let triples: Vec<Result<Triple, Problem>> = match batch {
            Ok(batch) => batch.rows().into_iter().map(triple).collect(),
            Err(problem) => vec![Err(problem)],
        };
        stream::iter(triples)
    });
    let rows = rows.filter(move |triple| ready(triple.as_ref().map_or(true, wanted)));
    Ok(Answer::Graph(Graph {
        triples: first.triples.chain(rows).boxed(),
        prefixes: first.prefixes,
        report: solutions.report,
    }))
}

fn triple(row: Vec<Option<Term>>) -> Result<Triple, Problem> {
    let mut cells = row.into_iter().flatten();
    let (Some(subject), Some(predicate), Some(object), None) = (cells.next(), cells.next(), cells.next(), cells.next())
    else {
        return Err(not_triples());
    };
    let subject: NamedOrBlankNode = match subject {
        Term::NamedNode(node) => node.into(),
        Term::BlankNode(node) => node.into(),
        _ => return Err(not_triples()),
    };
    let Term::NamedNode(predicate) = predicate else { return Err(not_triples()) };
    Ok(Triple::new(subject, predicate, object))
}

fn not_triples() -> Problem {
    Problem::new(Code::Internal, Fault::Broker, "the statements of a graph are no triples")
}
