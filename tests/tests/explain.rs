//! EXPLAIN ANALYZE tells what was done, and what scans showed corrects what sources declare.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;
use weft_connector::{Connector, GuardLimits};
use weft_exec::EngineLimits;
use weft_model::Code;
use weft_model::contract::{DataType, Statistic, Value};
use weft_plan::{PlanLimits, Rule, Rules};
use weft_tests::compare::Found;
use weft_tests::faulty::{FaultyConnector, Mishap};
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::{Mesh, one_try};
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, offer_everything, plain_column, plain_table,
};

const PREFIX: &str = "PREFIX ex: <http://example.com/vocab#>\n";

/// `plm` has names of parts, `erp` stock of some of them: every `step`th.
fn two_sources(parts: i64, step: usize) -> Scenario {
    let text = |n: i64| Some(Value::Text(format!("part {n}")));
    let plm = (0..parts).map(|n| vec![Some(Value::Int64(n)), text(n)]).collect();
    let erp = (0..parts).step_by(step).map(|n| vec![Some(Value::Int64(n)), Some(Value::Int64(n % 7))]).collect();
    let sources = vec![source("plm", "name", DataType::Text, plm), source("erp", "stock", DataType::Int64, erp)];
    Scenario { sources, tuning: Tuning::default(), axioms: Vec::new(), things: Vec::new() }
}

fn source(name: &str, property: &str, data_type: DataType, rows: Vec<Row>) -> Source {
    let columns = vec![plain_column("id", DataType::Int64, false), plain_column("value", data_type, false)];
    let mut table = plain_table("items", columns, &["id"]);
    table.rows = Some(Statistic { count: rows.len() as u64, measured_at: 0 });
    let mut description = describe(vec![table]);
    offer_everything(&mut description, 100);
    let prologue = format!(
        "@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix ex: <http://example.com/vocab#> .
<#items> rr:logicalTable [ rr:tableName \"items\" ] ;
    rr:subjectMap [ rr:template \"http://example.com/part/{{id}}\" ] ;
    rr:predicateObjectMap [ rr:predicate ex:{property} ; rr:objectMap [ rr:column \"value\" ] ] .
"
    );
    Source {
        name: name.to_owned(),
        graph: format!("urn:weft:source:{name}"),
        mapping: MappingDocument { prologue, maps: Vec::new() },
        description,
        rows: vec![rows],
        transport: Transport::Memory,
    }
}

type Named = (Arc<str>, Arc<dyn Connector>);

fn connectors(scenario: &Scenario) -> Vec<Named> {
    let connector = |source: &Source| -> Named {
        let connector = MemoryConnector::new(source.description.clone(), source.rows.clone(), 7);
        (Arc::from(source.name.as_str()), Arc::new(connector))
    };
    scenario.sources.iter().map(connector).collect()
}

/// All operators, outer ones first.
fn operators(node: &Json) -> Vec<&Json> {
    let inputs = node["inputs"].as_array().into_iter().flatten();
    std::iter::once(node).chain(inputs.flat_map(operators)).collect()
}

fn operator<'a>(explained: &'a Json, name: &str) -> &'a Json {
    let all = operators(&explained["plan"]);
    all.into_iter().find(|o| o["operator"].as_str().unwrap().contains(name)).unwrap_or_else(|| panic!("{explained:#}"))
}

#[tokio::test]
async fn every_operator_tells_what_it_did() {
    let scenario = two_sources(300, 3);
    let mesh = Mesh::over(&scenario, connectors(&scenario)).await.unwrap();
    let query =
        format!("{PREFIX}SELECT * {{ ?p ex:stock ?stock OPTIONAL {{ ?p ex:name ?name }} FILTER (?stock < 5) }}");
    let Found::Rows { rows, .. } = mesh.ask(&query).await.unwrap() else { panic!("rows are expected") };
    let explained = mesh.analyze(&query).await.unwrap();
    let json = explained.to_json();
    assert_eq!(json["run"]["rows"], rows.len(), "{json:#}");
    assert_eq!(json["run"]["failure"], Json::Null);
    assert!(json["run"]["elapsedMs"].as_f64().unwrap() >= json["run"]["planningMs"].as_f64().unwrap());
    for operator in operators(&json["plan"]) {
        let actual = &operator["actual"];
        assert!(actual["complete"].as_bool().unwrap() && actual["runs"].as_u64().unwrap() > 0, "{operator:#}");
        let (first, last) = (actual["firstRowMs"].as_f64(), actual["lastRowMs"].as_f64());
        assert_eq!(first.is_some(), actual["rows"] != 0, "{operator:#}");
        assert!(first.unwrap_or_default() <= last.unwrap_or_default(), "{operator:#}");
    }
    let root = &json["plan"]["actual"];
    assert_eq!(root["rows"], rows.len(), "{json:#}");
    let (left, right) = (&operator(&json, "Scan erp")["actual"], &operator(&json, "Scan plm")["actual"]);
    assert_eq!((&left["rows"], &left["requests"]["calls"]), (&rows.len().into(), &1.into()), "{left:#}");
    assert_eq!(left["requests"]["statements"].as_array().unwrap().len(), 1, "{left:#}");
    // Each key is that of one part.
    assert_eq!(right["requests"]["keys"], rows.len(), "{right:#}");
    assert_eq!(right["rows"], rows.len(), "{right:#}");
    assert_eq!(right["requests"]["blocks"], right["requests"]["calls"], "{right:#}");
    assert!(right["requests"]["bytes"].as_u64().unwrap() > 0 && right["requests"]["firstRowsMs"].is_number());
    let text = explained.to_text();
    for told in ["ran: ", "asked: ", "sent: ", "run:\n", " keys in ", " held at once"] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
}

#[tokio::test]
async fn every_form_is_analysed() {
    let scenario = two_sources(20, 1);
    let mesh = Mesh::over(&scenario, connectors(&scenario)).await.unwrap();
    for (query, rows) in [
        ("ASK { ?p ex:stock 3 }", 1),
        ("CONSTRUCT { ?p ex:has ?s . ?p ex:also ?s } WHERE { ?p ex:stock ?s }", 40),
        ("SELECT * { ?p ex:stock ?s } LIMIT 7", 7),
        ("SELECT * { ?p ex:nothing ?s }", 0),
    ] {
        let explained = mesh.analyze(&format!("{PREFIX}{query}")).await.unwrap();
        assert_eq!(explained.analysis().unwrap().rows, rows, "{}", explained.to_text());
    }
    assert_eq!(mesh.analyze("SELECT * {").await.unwrap_err().code, Code::InvalidQuery);
}

#[tokio::test]
async fn a_run_that_fails_is_told_of_as_far_as_it_went() {
    let scenario = two_sources(300, 3);
    let query = format!("{PREFIX}SELECT * {{ ?p ex:stock ?stock ; ex:name ?name }}");
    let mut connectors = connectors(&scenario);
    connectors[0].1 = Arc::new(FaultyConnector::new(connectors[0].1.clone(), Mishap::ErrorAtEnd, 0));
    let mesh = Mesh::over(&scenario, connectors).await.unwrap();
    let explained = mesh.analyze(&query).await.unwrap();
    let json = explained.to_json();
    let failure = json["run"]["failure"].as_str().unwrap_or_else(|| panic!("{json:#}"));
    assert!(failure.contains("source plm: "), "{failure}");
    assert_eq!(operator(&json, "Scan erp")["actual"]["rows"], 100, "{json:#}");
    let spoilt = &operator(&json, "Scan plm")["actual"];
    assert!(!spoilt["complete"].as_bool().unwrap() && spoilt["requests"]["unfinished"] != 0, "{json:#}");
    assert!(explained.to_text().contains("failed: source plm: "), "{}", explained.to_text());

    let limits = EngineLimits { result_rows: 10, ..EngineLimits::default() };
    let mesh = Mesh::within(&scenario, self::connectors(&scenario), one_try(), limits).await.unwrap();
    let failure = mesh.analyze(&query).await.unwrap().analysis().unwrap().failure.clone().unwrap();
    assert!(failure.contains("limits.result_rows"), "the answer is thrown away, but it counts: {failure}");
}

#[tokio::test]
async fn a_run_ends_at_its_deadline() {
    let scenario = two_sources(300, 3);
    let mut connectors = connectors(&scenario);
    connectors[0].1 = Arc::new(FaultyConnector::new(connectors[0].1.clone(), Mishap::Silence, 0));
    let limits = EngineLimits { timeout: Duration::from_millis(300), ..EngineLimits::default() };
    let mesh = Mesh::within(&scenario, connectors, GuardLimits::default(), limits).await.unwrap();
    let explained = mesh.analyze(&format!("{PREFIX}SELECT * {{ ?p ex:name ?name }}")).await.unwrap();
    let analysis = explained.analysis().unwrap();
    assert!(analysis.failure.is_some() && analysis.elapsed < Duration::from_secs(10), "{}", explained.to_text());
}

/// The first scan of a plan, which everything else is joined with.
fn first_scan(text: &str) -> &str {
    text.lines().find_map(|line| line.trim_start().strip_prefix("Scan ")).unwrap_or_else(|| panic!("{text}"))
}

fn sorted(found: Found) -> Vec<String> {
    let Found::Rows { rows, .. } = found else { panic!("rows are expected") };
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn the_second_query_knows_what_the_first_one_showed() {
    let mut scenario = two_sources(3_000, 10);
    // In truth there are 3,000.
    scenario.sources[0].description.tables[0].rows = Some(Statistic { count: 5, measured_at: 0 });
    let query = format!("{PREFIX}SELECT * {{ ?p ex:stock ?stock ; ex:name ?name }}");
    let within = async |limits: EngineLimits| {
        let mesh = Mesh::within(&scenario, connectors(&scenario), one_try(), limits).await.unwrap();
        let before = mesh.explain(&query).await;
        let first = sorted(mesh.ask(&query).await.unwrap());
        let after = mesh.explain(&query).await;
        let second = sorted(mesh.ask(&query).await.unwrap());
        assert_eq!(first, second, "{after}");
        assert_eq!(first.len(), 300);
        (before, after)
    };
    let (before, after) = within(EngineLimits::default()).await;
    assert!(first_scan(&before).starts_with("plm [~5 rows, declared]"), "{before}");
    assert!(first_scan(&after).starts_with("erp "), "{after}");
    assert!(after.contains(", observed]"), "{after}");
    let rules = Rules::default().without(Rule::ObservedStatistics);
    let plan = PlanLimits { rules, ..PlanLimits::default() };
    for limits in [
        EngineLimits { plan, ..EngineLimits::default() },
        EngineLimits { observed_shapes: 0, ..EngineLimits::default() },
    ] {
        let (before, after) = within(limits).await;
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn scans_that_are_cut_short_show_nothing() {
    let mut scenario = two_sources(3_000, 10);
    scenario.sources[0].description.tables[0].rows = Some(Statistic { count: 5, measured_at: 0 });
    let query = format!("{PREFIX}SELECT * {{ ?p ex:name ?name }}");
    let mut faulty = connectors(&scenario);
    faulty[0].1 = Arc::new(FaultyConnector::new(faulty[0].1.clone(), Mishap::NoEnd, 0));
    let mesh = Mesh::over(&scenario, faulty).await.unwrap();
    mesh.ask(&query).await.unwrap_err();
    assert!(mesh.explain(&query).await.contains("~5 rows, declared"));
    let mesh = Mesh::over(&scenario, connectors(&scenario)).await.unwrap();
    mesh.ask(&format!("{query} LIMIT 3")).await.unwrap();
    assert!(mesh.explain(&query).await.contains("~5 rows, declared"));
    mesh.ask(&query).await.unwrap();
    assert!(mesh.explain(&query).await.contains("~3000 rows, observed"), "{}", mesh.explain(&query).await);
}
