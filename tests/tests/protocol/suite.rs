//! The W3C protocol suite against a broker whose sources are its data: one SQLite file a graph.

use crate::serve;
use crate::w3c::{self, Manifest, Request};
use oxigraph::io::{RdfFormat, RdfParser};
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use weft_connector::{GuardLimits, Guarded};
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_exec::{Engine, EngineLimits};
use weft_mapping::{Mapping, VirtualGraph};
use weft_plan::Catalogue;
use weft_server::ServerOptions;
use weft_tests::mesh::call;

/// All the data says is of which class something is.
const MAPPING: &str = "
    @prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
    <#t> rr:logicalTable [ rr:tableName \"triple\" ] ; rr:subjectMap [ rr:column \"s\" ; rr:termType rr:IRI ] ;
      rr:predicateObjectMap [ rr:predicate rdf:type ; rr:objectMap [ rr:column \"class\" ; rr:termType rr:IRI ] ] .";

#[tokio::test]
async fn the_protocol_suite_of_the_w3c_passes_but_for_updates() {
    let Some(folder) = w3c::folder() else {
        eprintln!("skipped: the W3C suites are not here (WEFT_SHARED)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(&folder, dir.path()).await;
    let options = ServerOptions { base_iri: Some("https://example.org/".into()), ..ServerOptions::default() };
    let (address, stop, task) = serve(engine, options).await;
    let (mut passed, mut refused, mut failed) = (0, 0, Vec::new());
    let cases = Manifest::read(&folder).cases();
    for case in &cases {
        let is_update = case.name.starts_with("update_");
        let mut outcome = Ok(());
        for request in &case.requests {
            let (status, content_type, body) = send(address, request).await;
            if is_update {
                // The first request is the update; the others look at what it did.
                outcome = if status == 403 { Ok(()) } else { Err(format!("an update was answered with {status}")) };
                break;
            }
            outcome = outcome.and_then(|()| request.check(status, &content_type, &body));
        }
        match outcome {
            Ok(()) if is_update => refused += 1,
            Ok(()) => passed += 1,
            Err(why) => failed.push(format!("{}: {why}", case.name)),
        }
    }
    eprintln!("W3C protocol: {passed} of {} pass, {refused} updates are refused", cases.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!((passed, refused, cases.len()), (27, 7, 34));
    stop.send(()).unwrap();
    task.await.unwrap();
}

async fn send(address: SocketAddr, request: &Request) -> (u16, String, Vec<u8>) {
    let url = format!("http://{address}/sparql{}", request.target);
    let method = request.method.parse().unwrap();
    let mut sent = reqwest::Client::new().request(method, url);
    for (name, value) in &request.headers {
        sent = sent.header(name, value);
    }
    if let Some(body) = &request.body {
        sent = sent.body(body.clone());
    }
    let response = sent.send().await.unwrap();
    let content_type = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    (response.status().as_u16(), content_type, response.bytes().await.unwrap().to_vec())
}

/// The graphs the tests name, each a source.
async fn engine(folder: &Path, dir: &Path) -> Engine {
    let (mut graphs, mut sources) = (Vec::new(), HashMap::new());
    for number in 1..=3 {
        let name: Arc<str> = format!("data{number}").into();
        let path = dir.join(format!("{name}.sqlite"));
        write(&path, &folder.join(format!("{name}.nt")));
        let connector = SqlConnector::open(SqlConfig::new(format!("sqlite:{}", path.display()))).unwrap();
        let guarded = Guarded::new(name.clone(), Arc::new(connector), GuardLimits::default());
        let description = Arc::new(guarded.describe(&call()).await.unwrap());
        let mapping = Mapping::parse("mapping.ttl", MAPPING, "https://e/").unwrap();
        let graph = NamedNode::new(format!("http://kasei.us/2009/09/sparql/data/{name}.rdf")).unwrap();
        graphs.push(VirtualGraph::new(&name, graph, &mapping, description, "https://e/").unwrap());
        sources.insert(name, guarded);
    }
    Engine::new(Catalogue::new(graphs, Vec::new()), sources, EngineLimits::default())
}

fn write(path: &Path, data: &Path) {
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch("CREATE TABLE triple (s TEXT NOT NULL, class TEXT NOT NULL)").unwrap();
    for quad in RdfParser::from_format(RdfFormat::NTriples).for_slice(&std::fs::read(data).unwrap()) {
        let triple = Triple::from(quad.unwrap());
        assert_eq!(triple.predicate, rdf::TYPE);
        let (NamedOrBlankNode::NamedNode(subject), Term::NamedNode(class)) = (triple.subject, triple.object) else {
            panic!("a node without a name");
        };
        database.execute("INSERT INTO triple VALUES (?, ?)", [subject.as_str(), class.as_str()]).unwrap();
    }
}
