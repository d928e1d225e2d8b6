//! What the server says of itself: the service description and VoID.

use crate::answer::set_headers;
use crate::negotiate::Offer;
use crate::{Dataset, Encoder, Graph, GraphFormat, Problem};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{BlankNode, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

const SD: &str = "http://www.w3.org/ns/sparql-service-description#";
const VOID: &str = "http://rdfs.org/ns/void#";
const DCAT: &str = "http://www.w3.org/ns/dcat#";
const DCTERMS: &str = "http://purl.org/dc/terms/";
const FOAF: &str = "http://xmlns.com/foaf/0.1/";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const FORMATS: &str = "http://www.w3.org/ns/formats/";
/// What the catalogue calls what answers SPARQL, and begins the names of its example questions with.
const CATALOGUE_SERVICE: &str = "urn:weft:service";
const QUESTIONS: &str = "urn:weft:catalogue#question/";
const SIMPLE_ENTAILMENT: &str = "http://www.w3.org/ns/entailment/Simple";

const RESULT_FORMATS: &[&str] =
    &["SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV"];
const GRAPH_FORMATS: &[&str] = &["Turtle", "N-Triples", "JSON-LD", "RDF_XML"];

/// Statements in the order they are made.
#[derive(Default)]
struct Statements(Vec<Triple>);

impl Statements {
    fn add(&mut self, subject: impl Into<NamedOrBlankNode>, predicate: NamedNode, object: impl Into<Term>) {
        self.0.push(Triple::new(subject, predicate, object));
    }

    fn add_type(&mut self, subject: impl Into<NamedOrBlankNode>, class: NamedNode) {
        self.add(subject, rdf::TYPE.into_owned(), class);
    }
}

/// SPARQL 1.1 Service Description section 3.
pub(crate) fn service_description(url: &Url, dataset: &Dataset) -> Graph {
    let mut statements = Statements::default();
    let service = below(url, "sparql");
    statements.add_type(service.clone(), term(SD, "Service"));
    statements.add(service.clone(), term(SD, "endpoint"), service.clone());
    statements.add(service.clone(), term(SD, "supportedLanguage"), term(SD, "SPARQL11Query"));
    for format in RESULT_FORMATS.iter().chain(GRAPH_FORMATS) {
        statements.add(service.clone(), term(SD, "resultFormat"), term(FORMATS, format));
    }
    let entailment = NamedNode::new_unchecked(SIMPLE_ENTAILMENT);
    statements.add(service.clone(), term(SD, "defaultEntailmentRegime"), entailment);
    let all = whole_dataset(url);
    statements.add(service, term(SD, "defaultDataset"), all.clone());
    statements.add_type(all.clone(), term(SD, "Dataset"));
    let default = BlankNode::new_unchecked("default");
    statements.add(all.clone(), term(SD, "defaultGraph"), default.clone());
    statements.add_type(default.clone(), term(SD, "Graph"));
    let comment = "the union of the graphs of all sources, the ontology and the links, as sets; not the catalogue";
    statements.add(default, rdfs::COMMENT.into_owned(), Literal::new_simple_literal(comment));
    for (number, graph) in dataset.graphs.iter().enumerate() {
        let node = BlankNode::new_unchecked(format!("graph{number}"));
        statements.add(all.clone(), term(SD, "namedGraph"), node.clone());
        statements.add_type(node.clone(), term(SD, "NamedGraph"));
        statements.add(node, term(SD, "name"), graph.name.clone());
    }
    statements.into_graph(dataset)
}

/// The beginning of the VoID description; what is known of each source follows from the catalogue.
pub(crate) fn void_description(url: &Url, dataset: &Dataset) -> Graph {
    let mut statements = Statements::default();
    let (document, all) = (below(url, ".well-known/void"), whole_dataset(url));
    statements.add_type(document.clone(), term(VOID, "DatasetDescription"));
    statements.add(document, term(FOAF, "primaryTopic"), all.clone());
    statements.add_type(all.clone(), term(VOID, "Dataset"));
    statements.add(all.clone(), term(VOID, "sparqlEndpoint"), below(url, "sparql"));
    for format in GRAPH_FORMATS {
        statements.add(all.clone(), term(VOID, "feature"), term(FORMATS, format));
    }
    for graph in dataset.graphs.iter().filter(|graph| graph.source.is_some()) {
        statements.add(all.clone(), term(VOID, "subset"), graph.name.clone());
    }
    // The service of the catalogue has no address there: it is where the client found it.
    let service = NamedNode::new_unchecked(CATALOGUE_SERVICE);
    statements.add(service.clone(), term(DCAT, "endpointURL"), below(url, "sparql"));
    statements.add(service, term(DCAT, "endpointDescription"), below(url, "sparql"));
    statements.into_graph(dataset)
}

/// Whether a statement of the catalogue belongs in a VoID description: not tables and columns, which are no RDF, and not
/// example questions.
pub(crate) fn is_void(triple: &Triple) -> bool {
    let is_in = |iri: &str, namespaces: &[&str]| namespaces.iter().any(|namespace| iri.starts_with(namespace));
    if matches!(&triple.subject, NamedOrBlankNode::NamedNode(node) if node.as_str().starts_with(QUESTIONS)) {
        return false;
    }
    match &triple.object {
        Term::NamedNode(class) if triple.predicate == rdf::TYPE => is_in(class.as_str(), &[VOID, DCAT]),
        _ => is_in(triple.predicate.as_str(), &[VOID, DCAT, DCTERMS]),
    }
}

impl Statements {
    fn into_graph(self, dataset: &Dataset) -> Graph {
        let own = [
            ("sd", SD),
            ("void", VOID),
            ("dcat", DCAT),
            ("dcterms", DCTERMS),
            ("foaf", FOAF),
            ("formats", FORMATS),
            ("rdfs", RDFS),
        ];
        let own = own.map(|(name, namespace)| (name.to_owned(), namespace.to_owned()));
        let given = dataset.prefixes.iter().filter(|(name, _)| own.iter().all(|(taken, _)| taken != name));
        Graph {
            prefixes: given.chain(&own).cloned().collect(),
            triples: stream::iter(self.0.into_iter().map(Ok)).boxed(),
            report: Arc::new(|| Value::Null),
        }
    }
}

/// A small graph as a response.
pub(crate) async fn whole(graph: Graph, offer: &Offer<GraphFormat>) -> Result<Response, Problem> {
    let mut encoder = Encoder::graph(graph, offer.value);
    let mut body = Vec::new();
    while let Some(piece) = encoder.next().await? {
        body.extend_from_slice(&piece);
    }
    let mut response = body.into_response();
    set_headers(&mut response, offer.content_type);
    Ok(response)
}

/// Everything that can be asked, as one dataset.
fn whole_dataset(url: &Url) -> NamedNode {
    below(url, "sparql#dataset")
}

fn below(url: &Url, path: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{url}{path}"))
}

fn term(namespace: &str, name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{namespace}{name}"))
}
