//! Sources that hold RDF: encoded terms through the engine, blank nodes that stay apart, documents in the sandbox.
#![allow(clippy::unwrap_used, clippy::panic)]

use futures::StreamExt as _;
use oxrdf::{NamedNode, Term};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use weft_connector::{Connector, Guarded};
use weft_connector_triples::{FileConfig, TriplesConfig, TriplesConnector};
use weft_exec::{Answer, Engine, EngineLimits, QueryError, QueryRequest};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::Code;
use weft_model::contract::{DataType, Value};
use weft_plan::Catalogue;
use weft_tests::guests::install_guest;
use weft_tests::http_server::{HttpServer, Reply};
use weft_tests::mesh::{call, one_try, sqlite_connector};
use weft_wasm::{Grants, GuestLimits, HttpGrant, InstalledComponent, Sandbox, SandboxLimits, WasmConnector};

const BASE: &str = "https://weft.test/";

type Sources = Vec<(&'static str, Arc<dyn Connector>, Option<&'static str>)>;

/// An engine over sources: name, connector, mapping (the connector's own when there is none).
async fn engine(sources: Sources) -> Engine {
    let mut graphs = Vec::new();
    let mut guarded = HashMap::new();
    for (name, connector, mapping) in sources {
        let name: Arc<str> = name.into();
        let source = Guarded::new(name.clone(), connector, one_try());
        let description = source.describe(&call()).await.unwrap();
        let own = description.default_mapping.clone();
        let text = mapping.map(str::to_owned).or(own).unwrap();
        let mapping = Mapping::parse("mapping.ttl", &text, BASE).unwrap();
        let graph = NamedNode::new(format!("{BASE}source/{name}")).unwrap();
        graphs.push(VirtualGraph::new(&name, graph, &mapping, Arc::new(description), BASE).unwrap());
        guarded.insert(name, source);
    }
    Engine::new(Catalogue::new(graphs, Vec::new()), guarded, EngineLimits::default())
}

fn documents(folder: &Path, name: &str, text: &str) -> Arc<dyn Connector> {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    let files = vec![FileConfig { path, base: Some("http://ex/".into()), ..FileConfig::default() }];
    Arc::new(TriplesConnector::open(&TriplesConfig { files, ..TriplesConfig::default() }).unwrap())
}

/// The rows, in text order.
async fn ask(engine: &Engine, text: &str) -> Result<Vec<Vec<Option<Term>>>, QueryError> {
    let text = format!("PREFIX : <http://ex/> {text}");
    let request = QueryRequest { text, ..QueryRequest::default() };
    let Answer::Solutions(mut solutions) = engine.query(request).await? else { panic!("no rows") };
    let mut rows = Vec::new();
    while let Some(batch) = solutions.rows.next().await {
        rows.extend(batch?);
    }
    rows.sort_by_key(|row| format!("{row:?}"));
    Ok(rows)
}

async fn values(engine: &Engine, text: &str) -> Vec<String> {
    let rows = ask(engine, text).await.unwrap();
    let show = |cell: Option<Term>| cell.map_or_else(|| "-".to_owned(), |term| term.to_string());
    rows.into_iter().map(|row| row.into_iter().map(show).collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn the_own_mapping_serves_graphs_and_every_kind_of_term() {
    let folder = tempfile::tempdir().unwrap();
    let trig = "<a> <p> 01, 1, 'x'@EN, 'x' . <g> { <a> <p> <b> . <b> <p> <a> } <h> { <a> <p> <b> }";
    let engine = engine(vec![("rdf", documents(folder.path(), "a.trig", trig), None)]).await;
    let found = values(&engine, "SELECT ?o { :a :p ?o }").await;
    let integer = "<http://www.w3.org/2001/XMLSchema#integer>";
    let expected = [
        format!("\"01\"^^{integer}"),
        format!("\"1\"^^{integer}"),
        "\"x\"".to_owned(),
        "\"x\"@en".to_owned(),
        "<http://ex/b>".to_owned(),
    ];
    let mut expected: Vec<String> = expected.into();
    let mut found_sorted = found.clone();
    expected.sort();
    found_sorted.sort();
    assert_eq!(found_sorted, expected, "named graphs are in the default graph, and a statement in two of them is one");
    assert_eq!(values(&engine, "SELECT ?g { GRAPH ?g { :a :p :b } }").await, ["<http://ex/g>", "<http://ex/h>"]);
    assert_eq!(values(&engine, "SELECT ?s { GRAPH :g { ?s ?p :a } }").await, ["<http://ex/b>"]);
    let own = values(&engine, "SELECT ?o { GRAPH <https://weft.test/source/rdf> { :a :p ?o } }").await;
    assert_eq!(own.len(), 4);
    assert_eq!(values(&engine, "SELECT ?s { ?s :p 01 }").await, ["<http://ex/a>"]);
    assert_eq!(values(&engine, "SELECT ?s { ?s :p 001 }").await, [""; 0]);
    assert_eq!(values(&engine, "SELECT ?s { ?s :p 'x'@en }").await, ["<http://ex/a>"]);
}

#[tokio::test]
async fn sources_never_share_a_blank_node_and_still_know_their_own() {
    let folder = tempfile::tempdir().unwrap();
    // Both connectors give their blank nodes the same labels.
    let left = documents(folder.path(), "l.ttl", "<a> <knows> _:x . _:x <name> 'left' . <a> <tag> 'a' .");
    let right = documents(folder.path(), "r.ttl", "<a> <likes> _:x . _:x <name> 'right' . <a> <tag> 'b' .");
    let engine = engine(vec![("l", left, None), ("r", right, None)]).await;
    assert_eq!(values(&engine, "SELECT ?n { :a :knows ?x . ?x :name ?n }").await, ["\"left\""]);
    assert_eq!(values(&engine, "SELECT ?n { :a :likes ?x . ?x :name ?n }").await, ["\"right\""]);
    assert_eq!(values(&engine, "SELECT ?n { :a :likes|:knows ?x . ?x :name ?n }").await, ["\"left\"", "\"right\""]);
    assert_eq!(values(&engine, "SELECT ?x { :a :knows ?x . :a :likes ?x }").await, [""; 0]);
    let nodes = ask(&engine, "SELECT DISTINCT ?x { ?x :name ?n }").await.unwrap();
    assert_eq!(nodes.len(), 2);
    assert!(nodes.iter().all(|row| matches!(&row[0], Some(Term::BlankNode(_)))));
    assert_eq!(values(&engine, "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x :name ?m }").await.len(), 1);
}

#[tokio::test]
async fn keys_of_a_bind_join_are_in_the_words_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let many: String = (0..3000).map(|i| format!("_:n{i} <name> 'n{i}' . ")).collect();
    let few = "<a> <knows> _:n7 . _:n7 <age> 7 . <a> <knows> <b> . <b> <name> 'b' .";
    let left = documents(folder.path(), "l.ttl", &format!("{few} {many}"));
    let right = documents(folder.path(), "r.ttl", &format!("<a> <knows> _:n8 . {many}"));
    let engine = engine(vec![("l", left, None), ("r", right, None)]).await;
    let query = "SELECT ?n { :a :knows ?x . ?x :name ?n }";
    assert_eq!(values(&engine, query).await, ["\"b\"", "\"n7\"", "\"n8\""]);
    let request = QueryRequest { text: format!("PREFIX : <http://ex/> {query}"), ..QueryRequest::default() };
    let plan = engine.explain(request).await.unwrap().to_text();
    assert!(plan.to_lowercase().contains("bind"), "{plan}");
}

/// A table of texts in a SQLite file.
fn table(folder: &Path, rows: &[(&str, &str)]) -> Arc<dyn Connector> {
    let description = json!({
        "name": "rows", "version": "1", "contract": { "min": 1, "max": 1 }, "config_schema": "{}",
        "tables": [{ "name": "t", "columns": [], "keys": [["s", "o"]], "foreign_keys": [], "rows": null, "filters": [],
            "max_keys": 0 }],
        "relational": weft_model::contract::RelationalCapabilities::read_only(),
        "default_mapping": null, "change_feed": null,
    });
    let mut description: weft_model::contract::Description = serde_json::from_value(description).unwrap();
    let column = |name: &str| weft_model::contract::Column {
        name: name.to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
        unit: None,
        text_comparison: weft_model::contract::TextComparison::CodePoint,
        binding: weft_model::contract::Binding::Optional,
        filterable: true,
        sortable: false,
        distinct: None,
    };
    description.tables[0].columns = vec![column("s"), column("o")];
    let cell = |text: &str| Some(Value::Text(text.to_owned()));
    let source = weft_tests::scenario::Source {
        name: "rows".into(),
        graph: format!("{BASE}source/rows"),
        transport: weft_tests::scenario::Transport::Sqlite,
        rows: vec![rows.iter().map(|(s, o)| vec![cell(s), cell(o)]).collect()],
        mapping: weft_tests::scenario::MappingDocument::default(),
        description,
    };
    sqlite_connector(&source, folder).unwrap()
}

const ROWS: &str = r#"
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix weft: <https://weft.dev/ns#> .
<#T> rr:logicalTable [ rr:tableName "t" ] ;
  rr:subjectMap [ rr:column "s" ; rr:termType weft:EncodedTerm ] ;
  rr:predicateObjectMap [ rr:predicate <http://ex/p> ;
    rr:objectMap [ rr:column "o" ; rr:termType weft:EncodedTerm ] ] ."#;

#[tokio::test]
async fn any_source_may_hold_encoded_terms_and_what_is_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let good = table(folder.path(), &[("Ihttp://ex/a", "Bx"), ("Bx", "Len\u{1}y")]);
    let engine_over = async |connector| engine(vec![("rows", connector, Some(ROWS))]).await;
    let engine = engine_over(good).await;
    assert_eq!(values(&engine, "SELECT ?o { :a :p ?x . ?x :p ?o }").await, ["\"y\"@en"]);

    for (subject, object, said) in [
        ("Sx", "Sx", "column s: \"Sx\" is not an encoded IRI or blank node"),
        ("Ihttp://ex/a", "x", "column o: \"x\" is not an encoded RDF term"),
        ("Ihttp://ex/a", "Ino iri", "column o: \"Ino iri\" is not an encoded IRI"),
        ("Ihttp://ex/a", "Tx\u{1}y", "column o: "),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_over(table(folder.path(), &[(subject, object)])).await;
        let error = ask(&engine, "SELECT ?s ?o { ?s :p ?o }").await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{error}");
        assert!(error.to_string().contains("rows") && error.to_string().contains(said), "{error}");
    }
}

/// The component over documents at URLs and in its configuration.
fn sandboxed(component: &InstalledComponent, config: serde_json::Value, allow: &str) -> Arc<dyn Connector> {
    let http = HttpGrant { allow: vec![allow.to_owned()], allow_private: true, ..HttpGrant::default() };
    let (grants, limits) = (Grants { http: Some(http) }, GuestLimits::default());
    Arc::new(WasmConnector::new("boxed", component.clone(), config.to_string(), &grants, limits).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_component_reads_documents_it_is_allowed_to_fetch() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/parts" => Reply::new(200, "text/turtle; charset=utf-8", "<a> <p> _:x . _:x <name> 'x' ."),
        "/more.rdf" => Reply::new(
            200,
            "application/octet-stream",
            "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:e='http://ex/'>\
             <r:Description r:about='http://ex/a'><e:q>1</e:q></r:Description></r:RDF>",
        ),
        "/broken.ttl" => Reply::new(200, "text/turtle", "<a> <p>\n"),
        _ => Reply::new(404, "text/plain", "no"),
    });
    let server = server.await.unwrap();
    let sandbox = Sandbox::new(SandboxLimits::default()).unwrap();
    let component = install_guest(&sandbox, "triples").await.unwrap();
    let allow = format!("http://{}/", server.address());
    let document = |path: &str| json!({ "url": format!("{allow}{path}"), "base": "http://ex/" });
    let text = json!({ "text": "<http://ex/a> <http://ex/r> \"t\" .", "format": "nt", "graph": "http://ex/g" });
    let config = json!({ "documents": [document("parts"), document("more.rdf"), text] });
    let engine = engine(vec![("boxed", sandboxed(&component, config, &allow), None)]).await;
    // Each scan parses the documents again; the blank node is the same.
    assert_eq!(values(&engine, "SELECT ?n { :a :p ?x . ?x :name ?n }").await, ["\"x\""]);
    assert_eq!(values(&engine, "SELECT ?o { :a :q|:r ?o }").await, ["\"1\"", "\"t\""]);
    assert_eq!(values(&engine, "SELECT ?o { GRAPH :g { ?s ?p ?o } }").await, ["\"t\""]);

    let other = HttpServer::start(|_| Reply::new(200, "text/turtle", "")).await.unwrap();
    let foreign = json!({ "url": format!("http://{}/x.ttl", other.address()) });
    let wrong = [
        (document("nowhere.ttl"), Code::NotFound, "status 404"),
        (document("broken.ttl"), Code::InvalidData, "line 2"),
        (foreign, Code::NotGranted, "allow"),
        (json!({}), Code::InvalidConfig, "documents[0]: exactly one of url and text"),
        (json!({ "text": "" }), Code::InvalidConfig, "documents[0]: a text needs its format"),
        (json!({ "txt": "" }), Code::InvalidConfig, "txt"),
    ];
    for (document, code, said) in wrong {
        let connector = sandboxed(&component, json!({ "documents": [document] }), &allow);
        let error = connector.describe(&call()).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(said), "{error}");
    }
    assert!(other.received().is_empty());
}
