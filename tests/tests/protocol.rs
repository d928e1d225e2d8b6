//! The SPARQL Protocol over real connections, with the real engine over the index as its source, against oxigraph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation, reason = "tests")]

#[path = "protocol/endless.rs"]
#[allow(dead_code, reason = "each suite uses its part")]
mod endless;
#[path = "grpc_faults/loopback.rs"]
#[allow(dead_code, reason = "the fault tests use the rest")]
mod loopback;
#[path = "protocol/streaming.rs"]
mod streaming;
#[path = "protocol/suite.rs"]
mod suite;
#[path = "protocol/w3c.rs"]
mod w3c;

use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use oxrdf::{GraphName, NamedNode, Quad, Term, Triple};
use sparesults::{QueryResultsFormat, QueryResultsParser, ReaderQueryResultsParserOutput};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use weft_connector::{GuardLimits, Guarded};
use weft_exec::{Engine, EngineLimits};
use weft_index::{
    CATALOGUE_GRAPH, Index, IndexInputs, IndexLimits, LINK_RECORDS_GRAPH, LINKS_GRAPH, Link, LinkState, LinkStore,
    ONTOLOGY_GRAPH,
};
use weft_plan::Catalogue;
use weft_server::{Health, QueryEndpoint, Server, ServerOptions};

const BASE: &str = "https://example.com/";

fn ontology() -> String {
    let mut text = String::from(
        "@prefix ex: <https://example.com/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
         @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
         ex:Part a owl:Class ; rdfs:label \"Part\"@en, \"Teil \\\"x\\\", <y> & z\"@de .
         ex:Lot a owl:Class ; rdfs:subClassOf ex:Part ; rdfs:label \"Lot\\twith tab\"@en .\n",
    );
    for i in 0..3000 {
        text.push_str(&format!("ex:i{i} a ex:Part ; ex:number {i} ; ex:next ex:i{} .\n", (i + 1) % 3000));
    }
    text
}

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("{BASE}{name}")).unwrap()
}

struct Broker {
    address: SocketAddr,
    oracle: Store,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A broker whose only source is its index, and an oracle with the same statements.
async fn start() -> Broker {
    rustls::crypto::ring::default_provider().install_default().ok();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("o.ttl");
    std::fs::write(&file, ontology()).unwrap();
    let mut links = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let link = Link {
        subject: node("i1"),
        predicate: node("sameThingAs"),
        object: node("i2"),
        rule: None,
        author: None,
        evidence: None,
        confidence: None,
        state: LinkState::Confirmed,
        valid_from: None,
        valid_to: None,
    };
    links.record(std::slice::from_ref(&link)).unwrap();

    let inputs = IndexInputs {
        ontology: &[file],
        base: BASE,
        rules: None,
        publication: None,
        links: Some(&links),
        sources: &[],
    };
    let described = Index::build(&inputs, &IndexLimits::default()).unwrap();
    // The catalogue describes the index of a first pass, so that it has something in it.
    let sources = [described.virtual_graph()];
    let index = Index::build(&IndexInputs { sources: &sources, ..inputs }, &IndexLimits::default()).unwrap();
    let catalogue = Catalogue::new(vec![index.virtual_graph()], vec![("ex".into(), BASE.into())]);
    let name: Arc<str> = Index::SOURCE.into();
    let guarded = Guarded::new(name.clone(), Arc::new(index), GuardLimits::default());
    let engine = Engine::new(catalogue, HashMap::from([(name, guarded)]), EngineLimits::default());

    let named = |name: &str| NamedNode::new(name).unwrap();
    let options = ServerOptions {
        base_iri: Some(BASE.into()),
        graphs: vec![named(ONTOLOGY_GRAPH), named(LINKS_GRAPH), named(CATALOGUE_GRAPH)],
        catalogue: Some(named(CATALOGUE_GRAPH)),
        ..ServerOptions::default()
    };
    let (address, stop, task) = serve(engine, options).await;
    Broker { address, oracle: oracle(&link), stop, task }
}

async fn serve(engine: Engine, options: ServerOptions) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let endpoint: Arc<dyn QueryEndpoint> = Arc::new(engine);
    let (_, endpoints) = watch::channel(endpoint);
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(listen, endpoints, Health::default(), options).await.unwrap();
    let address = server.local_address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    (address, stop, task)
}

/// The default graph is the union of ontology and links, not of the catalogue.
fn oracle(link: &Link) -> Store {
    let store = Store::new().unwrap();
    store.load_from_slice(RdfFormat::Turtle, &ontology()).unwrap();
    let ontology_graph = NamedNode::new(ONTOLOGY_GRAPH).unwrap();
    let named: Vec<Quad> = store
        .iter()
        .map(|quad| Quad { graph_name: GraphName::NamedNode(ontology_graph.clone()), ..quad.unwrap() })
        .collect();
    store.extend(named).unwrap();
    for graph in [GraphName::DefaultGraph, NamedNode::new(LINKS_GRAPH).unwrap().into()] {
        store.insert(&Quad::new(link.subject.clone(), link.predicate.clone(), link.object.clone(), graph)).unwrap();
    }
    store
}

impl Broker {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn ask(&self, query: &str, accept: &str) -> reqwest::Response {
        reqwest::Client::new()
            .post(self.url("/sparql"))
            .header("content-type", "application/sparql-query")
            .header("accept", accept)
            .body(query.to_owned())
            .send()
            .await
            .unwrap()
    }

    async fn problem(&self, query: &str) -> serde_json::Value {
        let response = self.ask(query, "*/*").await;
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let status = response.status().as_u16();
        let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["status"], status);
        body
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

type Rows = Vec<Vec<Option<Term>>>;

fn parse(format: QueryResultsFormat, body: &[u8]) -> Rows {
    match QueryResultsParser::from_format(format).for_reader(body).unwrap() {
        ReaderQueryResultsParserOutput::Boolean(_) => panic!("a boolean"),
        ReaderQueryResultsParserOutput::Solutions(solutions) => {
            sorted(solutions.map(|solution| solution.unwrap().values().to_vec()).collect())
        }
    }
}

fn sorted(mut rows: Rows) -> Rows {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

fn expected(store: &Store, query: &str) -> Rows {
    let results = SparqlEvaluator::new()
        .with_prefix("ex", BASE)
        .unwrap()
        .parse_query(query)
        .unwrap()
        .on_store(store)
        .execute()
        .unwrap();
    let QueryResults::Solutions(solutions) = results else { panic!("no solutions") };
    sorted(solutions.map(|solution| solution.unwrap().values().to_vec()).collect())
}

const QUERIES: &[&str] = &[
    "SELECT ?s ?label { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?label }",
    "SELECT ?s ?n { ?s a ex:Part ; ex:number ?n }",
    "SELECT ?a ?b { ?a ex:sameThingAs ?b }",
    "SELECT ?a ?n { ?a ex:sameThingAs ?b . ?b ex:number ?n }",
    "SELECT ?g ?a ?b { GRAPH ?g { ?a ex:sameThingAs ?b } }",
    "SELECT ?c { ex:Lot a ?c }",
    "SELECT ?p ?o { ex:i7 ?p ?o }",
    "SELECT ?n ?m { ?s ex:number ?n . OPTIONAL { ?s ex:sameThingAs ?t . ?t ex:number ?m } FILTER(?n < 4) }",
    "SELECT ?s { ?s ex:absent ?o }",
    "SELECT (COUNT(*) AS ?n) { ?s a ex:Part }",
];

#[tokio::test]
async fn answers_in_all_formats_are_those_of_one_engine_over_the_same_data() {
    let broker = start().await;
    for query in QUERIES {
        let wanted = expected(&broker.oracle, query);
        for (format, accept) in [
            (QueryResultsFormat::Json, "application/sparql-results+json"),
            (QueryResultsFormat::Xml, "application/sparql-results+xml"),
            (QueryResultsFormat::Tsv, "text/tab-separated-values"),
        ] {
            let response = broker.ask(query, accept).await;
            let status = response.status();
            let body = response.bytes().await.unwrap();
            assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&body));
            assert_eq!(parse(format, &body), wanted, "{query} as {format}");
        }
        let csv = broker.ask(query, "text/csv").await.text().await.unwrap();
        assert_eq!(csv.lines().count(), wanted.len() + 1, "{query}");
    }
    broker.end().await;
}

#[tokio::test]
async fn the_catalogue_is_asked_by_name_only() {
    let broker = start().await;
    let default = broker.ask("SELECT * { ?s <http://rdfs.org/ns/void#property> ?p }", "text/csv").await;
    assert_eq!(default.text().await.unwrap().lines().count(), 1);
    let query = "SELECT ?p { GRAPH <https://weft.dev/ns#catalogue> { ?s <http://rdfs.org/ns/void#property> ?p } }";
    let named = broker.ask(query, "text/csv").await.text().await.unwrap();
    assert!(named.contains("https://example.com/number"), "{named}");
    let ask = broker.ask("ASK { ?s a ex:Part }", "application/json").await.text().await.unwrap();
    assert_eq!(ask, r#"{"head":{},"boolean":true}"#);
    broker.end().await;
}

#[tokio::test]
async fn a_small_answer_tells_what_it_cost() {
    let broker = start().await;
    let response = broker.ask("SELECT ?a { ?a ex:sameThingAs ?b }", "*/*").await;
    let report: serde_json::Value = serde_json::from_slice(response.headers()["weft-report"].as_bytes()).unwrap();
    assert_eq!((&report["complete"], &report["rows"]), (&true.into(), &1.into()));
    assert_eq!((&report["sources"][0]["name"], &report["sources"][0]["requests"]), (&"index".into(), &1.into()));
    broker.end().await;
}

#[tokio::test]
async fn refusals_are_problem_details() {
    let broker = start().await;
    let syntax = broker.problem("SELECT *\nWHERE { ?s ?p }").await;
    assert_eq!(
        (&syntax["code"], &syntax["status"], &syntax["line"]),
        (&"invalid-query".into(), &400.into(), &2.into())
    );
    assert!(syntax["excerpt"].as_str().unwrap().ends_with('^') && syntax["column"].is_u64(), "{syntax}");
    let deep = broker.problem(&format!("SELECT * {}{}", "{".repeat(20_000), "}".repeat(20_000))).await;
    assert_eq!((&deep["code"], &deep["status"]), (&"query-too-large".into(), &413.into()));
    let long = broker.problem(&format!("ASK {{}} #{}", "x".repeat(300_000))).await;
    assert_eq!(long["code"], "query-too-large");
    let update = reqwest::get(broker.url("/sparql?update=CLEAR+ALL")).await.unwrap();
    assert_eq!(update.status(), 403);
    broker.end().await;
}

const GRAPH_FORMATS: [RdfFormat; 3] = [RdfFormat::Turtle, RdfFormat::NTriples, RdfFormat::RdfXml];

/// The statements of a document; none of the graphs compared has blank nodes.
fn statements(media_type: &str, body: &[u8]) -> BTreeSet<String> {
    let parser = RdfParser::from_format(RdfFormat::from_media_type(media_type).unwrap());
    parser.for_slice(body).map(|quad| Triple::from(quad.unwrap()).to_string()).collect()
}

fn expected_graph(store: &Store, query: &str) -> BTreeSet<String> {
    let evaluator = SparqlEvaluator::new().with_prefix("ex", BASE).unwrap();
    let results = evaluator.parse_query(query).unwrap().on_store(store).execute().unwrap();
    let QueryResults::Graph(triples) = results else { panic!("no graph") };
    triples.map(|triple| triple.unwrap().to_string()).collect()
}

#[tokio::test]
async fn graphs_in_all_formats_are_those_of_one_engine_over_the_same_data() {
    let broker = start().await;
    for query in [
        "CONSTRUCT { ?b ex:before ?a } WHERE { ?a ex:next ?b }",
        "CONSTRUCT WHERE { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?label }",
        "CONSTRUCT { ex:a ex:b 1 } WHERE { ?s ex:absent ?o }",
        "DESCRIBE ex:Lot",
    ] {
        let wanted = expected_graph(&broker.oracle, query);
        for format in GRAPH_FORMATS.map(RdfFormat::media_type).into_iter().chain(["application/ld+json"]) {
            let response = broker.ask(query, format).await;
            let (status, content_type) = (response.status(), response.headers()["content-type"].clone());
            let body = response.bytes().await.unwrap();
            assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&body));
            assert!(content_type.to_str().unwrap().starts_with(format));
            assert_eq!(statements(format, &body), wanted, "{query} as {format}");
        }
    }
    broker.end().await;
}

#[tokio::test]
async fn whole_graphs_are_read_by_their_names() {
    let broker = start().await;
    let everything =
        |from: &str| expected_graph(&broker.oracle, &format!("CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {from} }}"));
    for (path, wanted) in [
        ("/graphs?default".to_owned(), everything("?s ?p ?o")),
        (format!("/graphs?graph={}", ONTOLOGY_GRAPH.replace('#', "%23")), everything(&in_graph(ONTOLOGY_GRAPH))),
        (format!("/graphs?graph={}", LINKS_GRAPH.replace('#', "%23")), everything(&in_graph(LINKS_GRAPH))),
    ] {
        for format in GRAPH_FORMATS.map(RdfFormat::media_type) {
            let request = reqwest::Client::new().get(broker.url(&path)).header("accept", format);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(statements(format, &response.bytes().await.unwrap()), wanted, "{path} as {format}");
        }
    }
    let void = reqwest::get(broker.url("/.well-known/void")).await.unwrap().text().await.unwrap();
    assert!(void.contains("void:property ex:number"), "{void}");
    assert!(!void.contains("ns#column"), "{void}");
    let service = reqwest::get(broker.url("/sparql")).await.unwrap().text().await.unwrap();
    let named = [ONTOLOGY_GRAPH, LINKS_GRAPH, LINK_RECORDS_GRAPH, CATALOGUE_GRAPH];
    for graph in named {
        assert!(service.contains(&format!("sd:name <{graph}>")), "{graph} is not in {service}");
    }
    assert_eq!(service.matches("sd:name <").count(), named.len(), "{service}");
    let absent = reqwest::get(broker.url("/graphs?graph=urn:absent")).await.unwrap();
    assert_eq!(absent.status(), 404);
    broker.end().await;
}

fn in_graph(name: &str) -> String {
    format!("GRAPH <{name}> {{ ?s ?p ?o }}")
}

/// SPARQL 1.1 Protocol section 2.1.4: what the request says counts, and not what the query says.
#[tokio::test]
async fn the_request_chooses_the_dataset() {
    let broker = start().await;
    let links = "default-graph-uri=https://weft.dev/ns%23links";
    let ontology = "named-graph-uri=https://weft.dev/ns%23ontology";
    for (parameters, query, expected) in [
        (links.to_owned(), "ASK { ?a ex:sameThingAs ?b }", true),
        (links.to_owned(), "ASK { ?a ex:number ?b }", false),
        (links.to_owned(), "ASK { GRAPH ?g { ?a ex:number ?b } }", false),
        (ontology.to_owned(), "ASK { GRAPH ?g { ?a ex:number ?b } }", true),
        (ontology.to_owned(), "ASK { ?a ex:number ?b }", false),
        (format!("{links}&{ontology}"), "ASK { ?a ex:sameThingAs ?b GRAPH ?g { ?b ex:number ?n } }", true),
        (links.to_owned(), "ASK FROM <https://weft.dev/ns#ontology> { ?a ex:number ?b }", false),
        ("default-graph-uri=urn:absent".to_owned(), "ASK { ?a ?p ?b }", false),
    ] {
        let client = reqwest::Client::new().post(broker.url(&format!("/sparql?{parameters}")));
        let request = client.header("content-type", "application/sparql-query").body(query.to_owned());
        let text = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(text, format!(r#"{{"head":{{}},"boolean":{expected}}}"#), "{query} with {parameters}");
    }
    broker.end().await;
}

#[tokio::test]
async fn explain_shows_what_is_looked_up() {
    let broker = start().await;
    let url = broker.url("/explain?query=SELECT+*+%7B+?a+ex:sameThingAs+?b+%7D");
    let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(text.contains("GRAPH ?graph { ?subject <https://example.com/sameThingAs> ?object }"), "{text}");
    let json = reqwest::Client::new().get(&url).header("accept", "application/json").send().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&json.text().await.unwrap()).unwrap().is_object());
    broker.end().await;
}

#[tokio::test]
async fn explain_runs_the_query_where_that_is_asked_for() {
    let broker = start().await;
    let query = "/explain?query=SELECT+*+%7B+?a+ex:sameThingAs+?b+%7D";
    let read = async |url: &str| {
        let request = reqwest::Client::new().get(broker.url(url)).header("accept", "application/json");
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str::<serde_json::Value>(&response.text().await.unwrap()).unwrap())
    };
    let (_, plan) = read(query).await;
    assert!(plan["run"].is_null() && plan["plan"]["actual"].is_null(), "{plan:#}");
    let (status, run) = read(&format!("{query}&explain=analyze")).await;
    assert_eq!((status, &run["run"]["rows"]), (200, &run["plan"]["actual"]["rows"]), "{run:#}");
    assert!(run["run"]["rows"].as_u64().unwrap() > 0 && run["run"]["failure"].is_null(), "{run:#}");
    let (status, problem) = read(&format!("{query}&explain=everything")).await;
    assert_eq!(status, 400, "{problem}");
    // An answer is not explained: a client that thinks so is told.
    let (status, problem) = read(&format!("{}&explain=analyze", query.replace("/explain", "/sparql"))).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("invalid-request")), "{problem}");
    broker.end().await;
}
