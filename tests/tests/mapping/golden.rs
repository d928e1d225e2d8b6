//! Suggested mappings of SQLite databases.

use crate::programs::{case, is_kept};
use oxrdf::NamedNode;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weft_connector::{CallContext, Connector};
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_mapping::{Mapping, OntologyTerms, SuggestRequest, VirtualGraph, review, suggest};
use weft_model::contract::Description;

const BASE: &str = "https://plant.example/";

#[tokio::test]
async fn a_store_without_ontology_is_mapped_as_kept() {
    is_suggested("store").await;
}

#[tokio::test]
async fn a_laboratory_with_hard_names_is_mapped_as_kept() {
    is_suggested("laboratory").await;
}

async fn is_suggested(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.sqlite");
    let schema = std::fs::read_to_string(case(name).join("schema.sql")).unwrap();
    Connection::open(&file).unwrap().execute_batch(&schema).unwrap();
    let description = described(&file).await;
    let text = std::fs::read_to_string(case(name).join("ontology.ttl")).unwrap();
    let statements: Vec<_> = oxttl::TurtleParser::new().for_slice(&text).map(Result::unwrap).collect();
    let ontology = OntologyTerms::new(&statements);
    let request =
        SuggestRequest { source: name, base: BASE, prefixes: &[], description: &description, ontology: &ontology };
    let suggested = suggest(&request).unwrap().text;
    is_kept(&case(name).join("expected.ttl"), &suggested);

    let mapping = Mapping::parse("expected.ttl", &suggested, BASE).unwrap();
    let found = review(&mapping, &description, &ontology);
    assert!(found.coverage.is_whole(), "{}", found.coverage);
    VirtualGraph::new(name, NamedNode::new("urn:g").unwrap(), &mapping, Arc::new(description), BASE).unwrap();
}

async fn described(file: &Path) -> Description {
    let connector = SqlConnector::open(SqlConfig::new(format!("sqlite:{}", file.display()))).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    connector.describe(&CallContext { deadline, traceparent: None }).await.unwrap()
}
