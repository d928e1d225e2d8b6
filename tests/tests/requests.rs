//! How often sources are asked, and that whatever goes wrong at one ends in an error, never in a shorter answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::{Connector, GuardLimits};
use weft_exec::EngineLimits;
use weft_model::Code;
use weft_model::contract::{DataType, Relation, Value};
use weft_plan::PlanLimits;
use weft_tests::compare::{Found, evaluate};
use weft_tests::faulty::{FaultyConnector, Mishap};
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::{Mesh, one_try};
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, offer_everything, plain_column, plain_table,
};
use weft_tests::union::union;

type Named = (Arc<str>, Arc<dyn Connector>);

const PREFIX: &str = "PREFIX ex: <http://example.com/vocab#>\n";

/// Rows that match in all three sources.
const MATCHING: i64 = 1_000;

/// `plm` knows names, `erp` stock, `quality` results, all of the same parts; `erp` also has rows of no part.
fn three_sources(parts: i64, max_keys: u32) -> Scenario {
    let text = |n: i64| Some(Value::Text(format!("part {n}")));
    let plm = (0..parts).map(|n| vec![Some(Value::Int64(n)), text(n)]).collect();
    let erp = (0..parts).map(|n| vec![Some(Value::Int64(n)), Some(Value::Int64(n % 7))]).collect();
    let quality = (0..parts).map(|n| vec![Some(Value::Int64(n)), Some(Value::Boolean(n % 2 == 0))]).collect();
    Scenario {
        sources: vec![
            source("plm", "name", DataType::Text, plm, max_keys),
            source("erp", "stock", DataType::Int64, erp, max_keys),
            source("quality", "ok", DataType::Boolean, quality, max_keys),
        ],
        tuning: Tuning::default(),
        axioms: Vec::new(),
        things: Vec::new(),
    }
}

fn source(name: &str, property: &str, data_type: DataType, rows: Vec<Row>, max_keys: u32) -> Source {
    let columns = vec![plain_column("id", DataType::Int64, false), plain_column("value", data_type, false)];
    let mut description = describe(vec![plain_table("items", columns, &["id"])]);
    offer_everything(&mut description, max_keys);
    let prologue = format!(
        "@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix ex: <http://example.com/vocab#> .
<#items> rr:logicalTable [ rr:tableName \"items\" ] ;
    rr:subjectMap [ rr:template \"http://example.com/part/{{id}}\" ; rr:class ex:Part ] ;
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

fn memory(scenario: &Scenario) -> Vec<Arc<MemoryConnector>> {
    let connector =
        |source: &Source| Arc::new(MemoryConnector::new(source.description.clone(), source.rows.clone(), 7));
    scenario.sources.iter().map(connector).collect()
}

fn named(scenario: &Scenario, connectors: &[Arc<MemoryConnector>]) -> Vec<Named> {
    let name = |source: &Source| Arc::from(source.name.as_str());
    scenario.sources.iter().zip(connectors).map(|(s, c)| (name(s), c.clone() as Arc<dyn Connector>)).collect()
}

fn rows(found: &Found) -> usize {
    match found {
        Found::Rows { rows, .. } => rows.len(),
        Found::Boolean(_) | Found::Graph(_) => panic!("rows are expected"),
    }
}

/// Asks, and gives the rows of the answer and the scans of each source.
async fn requests(scenario: &Scenario, query: &str) -> (usize, Vec<usize>) {
    let connectors = memory(scenario);
    let mesh = Mesh::over(scenario, named(scenario, &connectors)).await.unwrap();
    let before: Vec<u64> = connectors.iter().map(|connector| connector.calls()).collect();
    let found = mesh.ask(&format!("{PREFIX}{query}")).await.unwrap();
    let scans: Vec<usize> = connectors.iter().map(|connector| connector.scans().len()).collect();
    for ((connector, before), scans) in connectors.iter().zip(before).zip(&scans) {
        assert_eq!(connector.calls() - before, *scans as u64, "nothing but scans is asked: {query}");
    }
    (rows(&found), scans)
}

#[tokio::test]
async fn a_question_over_three_sources_asks_each_at_most_once() {
    let scenario = three_sources(MATCHING, 2_000);
    let questions = [
        ("SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok }", MATCHING as usize),
        ("SELECT * { ?p ex:name ?name OPTIONAL { ?p ex:stock ?stock } OPTIONAL { ?p ex:ok ?ok } }", MATCHING as usize),
        ("SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok FILTER (?stock = 3) }", 143),
        ("SELECT * { ?p ex:name \"part 5\" ; ex:stock ?stock ; ex:ok ?ok }", 1),
        ("SELECT ?ok (COUNT(*) AS ?n) { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok } GROUP BY ?ok", 2),
        ("SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok } ORDER BY ?name LIMIT 10", 10),
    ];
    for (query, expected) in questions {
        let (found, scans) = requests(&scenario, query).await;
        assert_eq!(found, expected, "{query}");
        assert!(scans.iter().all(|n| *n == 1), "{scans:?} requests for {query}");
    }
}

#[tokio::test]
async fn the_source_itself_sorts_and_cuts_where_it_can() {
    let scenario = three_sources(MATCHING, 2_000);
    let connectors = memory(&scenario);
    let mesh = Mesh::over(&scenario, named(&scenario, &connectors)).await.unwrap();
    let query = format!("{PREFIX}SELECT ?name {{ ?p ex:name ?name }} ORDER BY DESC(?name) LIMIT 5 OFFSET 2");
    let Found::Rows { rows, .. } = mesh.ask(&query).await.unwrap() else { panic!("rows are expected") };
    let found: Vec<String> = rows.iter().map(|row| row[0].as_ref().unwrap().to_string()).collect();
    let mut expected: Vec<String> = (0..MATCHING).map(|n| format!("\"part {n}\"")).collect();
    expected.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, expected[2..7]);
    let scans = connectors[0].scans();
    let [Relation::Limit { input, offset: 0, count: Some(7) }] = scans.as_slice() else { panic!("{scans:?}") };
    assert!(matches!(**input, Relation::Sort { .. }), "{scans:?}");
}

#[tokio::test]
async fn a_source_that_cannot_take_part_is_not_asked() {
    let scenario = three_sources(10, 2_000);
    let questions = [
        ("SELECT * { ?p ex:stock ?stock }", [0, 1, 0]),
        ("SELECT * { ?p ex:name ?name ; ex:ok ?ok }", [1, 0, 1]),
        ("SELECT * { ?p ex:colour ?colour ; ex:ok ?ok }", [0, 0, 0]),
        ("SELECT * { <http://example.com/machine/1> ex:name ?name }", [0, 0, 0]),
        ("SELECT * { GRAPH <urn:weft:source:erp> { ?p a ex:Part } }", [0, 1, 0]),
    ];
    for (query, expected) in questions {
        let (_, scans) = requests(&scenario, query).await;
        assert_eq!(scans, expected, "{query}");
    }
}

#[tokio::test]
async fn keys_that_do_not_fit_one_block_come_in_several_and_the_answer_is_whole() {
    for max_keys in [0, 1, 7, 999] {
        let scenario = three_sources(MATCHING, max_keys);
        let query = "SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok FILTER (?stock = 3) }";
        let (found, _) = requests(&scenario, query).await;
        assert_eq!(found, 143, "blocks of {max_keys}");
    }
}

/// Five parts whose sizes fit `xsd:byte` or not, and whose pages are IRIs or not.
fn odd_values() -> Scenario {
    let sizes = [300, 1, 200, 2, -129];
    let rows = (0_i64..).zip(sizes).map(|(n, size)| vec![Some(Value::Int64(n)), Some(Value::Int64(size))]).collect();
    let mut source = source("plm", "size", DataType::Int64, rows, 100);
    let typed = "rr:column \"value\" ; rr:datatype <http://www.w3.org/2001/XMLSchema#byte>";
    source.mapping.prologue = source.mapping.prologue.replace("rr:column \"value\"", typed);
    Scenario { sources: vec![source], tuning: Tuning::default(), axioms: Vec::new(), things: Vec::new() }
}

#[tokio::test]
async fn values_that_are_no_terms_are_refused_or_left_out_and_counted() {
    let scenario = odd_values();
    let query = format!("{PREFIX}SELECT * {{ ?p ex:size ?size }}");
    let refusing = Mesh::over(&scenario, named(&scenario, &memory(&scenario))).await.unwrap();
    let error = refusing.ask(&query).await.unwrap_err();
    assert_eq!((error.code, error.source_name.as_deref()), (Code::InvalidData, Some("plm")));
    assert!(error.message.contains("column value") && error.message.contains("is not xsd:byte"), "{error}");
    let mesh = Mesh::leaving_out(&scenario, named(&scenario, &memory(&scenario))).await.unwrap();
    // What the source computes would count or cut rows that are none.
    for (query, expected) in [
        ("SELECT * { ?p ex:size ?size }", 2),
        ("SELECT * { ?p ex:size ?size } LIMIT 2", 2),
        ("SELECT * { ?p ex:size ?size } ORDER BY DESC(?size) LIMIT 1", 1),
        ("SELECT * { ?p a ex:Part OPTIONAL { ?p ex:size ?size } FILTER(!BOUND(?size)) }", 3),
        ("SELECT * { { SELECT (COUNT(?size) AS ?n) { ?p ex:size ?size } } FILTER(?n = 2) }", 1),
        ("SELECT * { { SELECT (MAX(?size) AS ?n) { ?p ex:size ?size } } FILTER(?n = 2) }", 1),
    ] {
        let (rows, report) = mesh.report(&format!("{PREFIX}{query}")).await.unwrap();
        assert_eq!((rows, report.sources[0].invalid_values), (expected, 3), "{query}");
    }
}

/// A chain of parts, `1` in `plm` made of `2` in `erp` made of `3` in `plm` and so on; in one source when `one` is set.
fn chain(length: i64, one: bool, recurse: bool) -> Scenario {
    let link = |n: i64| vec![Some(Value::Int64(n)), Some(Value::Int64(n + 1))];
    let (odd, even): (Vec<Row>, Vec<Row>) = if one {
        ((1..length).map(link).collect(), Vec::new())
    } else {
        let rows = |rest: i64| (1..length).filter(move |n| n % 2 == rest).map(link).collect();
        (rows(1), rows(0))
    };
    let mut sources =
        vec![source("plm", "madeOf", DataType::Int64, odd, 100), source("erp", "madeOf", DataType::Int64, even, 100)];
    for source in &mut sources {
        source.description.relational.recurse = recurse;
        source.mapping.prologue =
            source.mapping.prologue.replace("rr:column \"value\"", "rr:template \"http://example.com/part/{value}\"");
    }
    Scenario { sources, tuning: Tuning::default(), axioms: Vec::new(), things: Vec::new() }
}

#[tokio::test]
async fn a_path_across_sources_is_asked_once_a_level() {
    let from_start = "SELECT ?x { <http://example.com/part/1> ex:madeOf+ ?x }";
    let to_end = "SELECT ?x { ?x ex:madeOf+ <http://example.com/part/6> }";
    for query in [from_start, to_end] {
        let (found, scans) = requests(&chain(6, false, true), query).await;
        // Five steps, and a last level that finds none.
        assert_eq!((found, scans), (5, vec![6, 6]), "{query}");
    }
    let from_rows =
        "SELECT ?x ?y { VALUES ?x { <http://example.com/part/1> <http://example.com/part/2> } ?x ex:madeOf+ ?y }";
    assert_eq!(requests(&chain(6, false, true), from_rows).await, (9, vec![5, 5]));
    // Of unknown ends, the steps are read once.
    let all = "SELECT ?x ?y { ?x ex:madeOf+ ?y }";
    assert_eq!(requests(&chain(6, false, true), all).await, (15, vec![1, 1]));
}

#[tokio::test]
async fn a_source_that_follows_steps_is_asked_once() {
    let mut scenario = chain(50, true, true);
    scenario.sources.truncate(1);
    for (query, expected) in [
        ("SELECT ?x { <http://example.com/part/1> ex:madeOf+ ?x }", 49),
        ("SELECT ?x { ?x ex:madeOf* <http://example.com/part/50> }", 50),
        ("SELECT ?x ?y { ?x ex:madeOf <http://example.com/part/48> ; ex:madeOf+ ?y }", 3),
    ] {
        let (found, scans) = requests(&scenario, query).await;
        assert_eq!(found, expected, "{query}");
        assert!(scans[0] <= 2, "{scans:?} requests for {query}");
    }
    scenario.sources[0].description.relational.recurse = false;
    let (found, scans) = requests(&scenario, "SELECT ?x { <http://example.com/part/1> ex:madeOf+ ?x }").await;
    assert_eq!((found, scans), (49, vec![50]));
}

/// One of each kind of plan. Some answers may be complete before the trouble starts.
const PLANS: &[(&str, &str, bool)] = &[
    ("scan", "SELECT * { ?p ex:name ?name }", false),
    ("filter", "SELECT * { ?p ex:name ?name FILTER (STRLEN(?name) > 2) }", false),
    ("join", "SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok }", false),
    ("bound join", "SELECT * { ?p ex:name \"part 5\" ; ex:stock ?stock ; ex:ok ?ok }", false),
    ("optional", "SELECT * { ?p ex:name ?name OPTIONAL { ?p ex:stock ?s } OPTIONAL { ?p ex:ok ?ok } }", false),
    ("union", "SELECT * { { ?p ex:name ?v } UNION { ?p ex:stock ?v } UNION { ?p ex:ok ?v } }", false),
    ("same in all", "SELECT * { ?p a ex:Part }", false),
    ("any predicate", "SELECT * { ?p ?property ?value }", false),
    ("graph", "SELECT * { GRAPH ?g { ?p a ex:Part } }", false),
    ("distinct", "SELECT DISTINCT ?stock { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok }", false),
    ("group", "SELECT ?ok (COUNT(*) AS ?n) { ?p ex:ok ?ok ; ex:stock ?s ; ex:name ?name } GROUP BY ?ok", false),
    ("count", "SELECT (COUNT(*) AS ?n) { ?p ex:name ?name }", false),
    ("order", "SELECT * { ?p ex:name ?name ; ex:stock ?s ; ex:ok ?ok } ORDER BY DESC(?s) ?name", false),
    ("top", "SELECT * { ?p ex:name ?name ; ex:stock ?s ; ex:ok ?ok } ORDER BY ?s ?name LIMIT 3", false),
    ("limit", "SELECT * { ?p ex:name ?name ; ex:stock ?s ; ex:ok ?ok } LIMIT 3", true),
    ("ask", "ASK { ?p ex:name ?name ; ex:stock ?s ; ex:ok ?ok }", true),
    (
        "sub-query",
        "SELECT * { ?p ex:name ?n { SELECT ?p (SUM(?s) AS ?sum) { ?p ex:stock ?s } GROUP BY ?p } ?p ex:ok ?ok }",
        false,
    ),
    ("minus", "SELECT * { { ?p ex:name ?n } UNION { ?p ex:stock ?n } MINUS { ?p ex:ok false } }", false),
    (
        "exists",
        "SELECT * { ?p ex:name ?n ; ex:stock ?s FILTER NOT EXISTS { ?p ex:ok ?ok FILTER(?ok && ?s > 3) } }",
        false,
    ),
    ("mark", "SELECT * { ?p ex:name ?n ; ex:stock ?s BIND(EXISTS { ?p ex:ok true } AS ?good) }", false),
    ("path", "SELECT * { ?p (ex:name|ex:stock|ex:ok)* ?x }", false),
    ("path from rows", "SELECT * { ?p ex:name \"part 5\" ; (ex:stock|ex:ok)+ ?x }", false),
    ("construct", "CONSTRUCT { ?p ex:all ?n , ?s , ?ok } WHERE { ?p ex:name ?n ; ex:stock ?s ; ex:ok ?ok }", false),
    ("describe", "DESCRIBE <http://example.com/part/5>", false),
    ("values", "SELECT * { VALUES ?stock { 1 2 3 } ?p ex:stock ?stock ; ex:name ?name ; ex:ok ?ok }", false),
];

/// The mesh with one source spoilt from its first scan on.
async fn spoilt(
    scenario: &Scenario,
    broken: usize,
    mishap: Mishap,
    limits: GuardLimits,
) -> (Mesh, Arc<FaultyConnector>) {
    let mut connectors = named(scenario, &memory(scenario));
    let faulty = Arc::new(FaultyConnector::new(connectors[broken].1.clone(), mishap, 0));
    connectors[broken].1 = faulty.clone();
    let mesh = Mesh::within(scenario, connectors, limits, EngineLimits::default()).await.unwrap();
    (mesh, faulty)
}

#[tokio::test]
async fn a_source_that_fails_fails_the_query_in_every_kind_of_plan() {
    let scenario = three_sources(40, 2_000);
    let store = union(&scenario).unwrap();
    for (plan, query, may_end_early) in PLANS {
        let text = format!("{PREFIX}{query}");
        let expected = evaluate(&store, &text).unwrap().unwrap_or_else(|| panic!("{plan} is not decided"));
        let mut touched = 0;
        for broken in 0..scenario.sources.len() {
            let name = &scenario.sources[broken].name;
            for mishap in Mishap::ALL {
                let (mesh, faulty) = spoilt(&scenario, broken, *mishap, one_try()).await;
                let answer = mesh.ask(&text).await;
                let context = format!("{plan}, {mishap:?} at {name}");
                touched += faulty.spoilt();
                match answer {
                    Err(error) => {
                        assert!(faulty.spoilt() > 0, "{context}: fails without having asked");
                        assert_eq!(error.source_name.as_deref(), Some(name.as_str()), "{context}: {error}");
                        assert_ne!(error.code, Code::Internal, "{context}: {error}");
                    }
                    Ok(found) => {
                        let whole = found.len() == expected.len();
                        assert!(whole && (faulty.spoilt() == 0 || *may_end_early), "{context}: {} rows", found.len());
                    }
                }
            }
        }
        assert!(touched > 0, "{plan}: no source was asked");
    }
}

#[tokio::test]
async fn a_source_that_falls_silent_fails_the_query_at_its_deadline() {
    let scenario = three_sources(40, 2_000);
    let limits = GuardLimits { timeout: Duration::from_millis(300), ..one_try() };
    for (plan, query, _) in PLANS.iter().filter(|(plan, ..)| ["scan", "join", "optional", "group"].contains(plan)) {
        let begun = Instant::now();
        let (mesh, faulty) = spoilt(&scenario, 0, Mishap::Silence, limits.clone()).await;
        let error = mesh.ask(&format!("{PREFIX}{query}")).await.unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded, "{plan}: {error}");
        assert_eq!(error.source_name.as_deref(), Some("plm"), "{plan}: {error}");
        assert!(faulty.spoilt() > 0, "{plan}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{plan} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn limits_end_in_an_error_that_names_them() {
    let scenario = three_sources(40, 2_000);
    let query = format!("{PREFIX}SELECT * {{ ?p ex:name ?name ; ex:stock ?stock }}");
    let ask = async |guard: GuardLimits, engine: EngineLimits| {
        let connectors = named(&scenario, &memory(&scenario));
        let mesh = Mesh::within(&scenario, connectors, guard, engine).await.unwrap();
        mesh.ask(&query).await
    };
    let default = EngineLimits::default;
    let rows_of_source = ask(GuardLimits { max_rows: 39, ..one_try() }, default()).await.unwrap_err();
    assert_eq!(rows_of_source.code, Code::LimitExceeded, "{rows_of_source}");
    assert!(rows_of_source.source_name.is_some(), "{rows_of_source}");
    let bytes_of_source = ask(GuardLimits { max_bytes: 100, ..one_try() }, default()).await.unwrap_err();
    assert_eq!(bytes_of_source.code, Code::LimitExceeded, "{bytes_of_source}");
    let rows_of_answer = ask(one_try(), EngineLimits { result_rows: 39, ..default() }).await.unwrap_err();
    assert_eq!(rows_of_answer.code, Code::LimitExceeded, "{rows_of_answer}");
    let bytes_of_answer = ask(one_try(), EngineLimits { result_bytes: 1_000, ..default() }).await.unwrap_err();
    assert!(bytes_of_answer.message.contains("limits.result_bytes"), "{bytes_of_answer}");
    let plan = PlanLimits { plan_rows: 39, ..PlanLimits::default() };
    let rows_of_plan = ask(one_try(), EngineLimits { plan, ..default() }).await.unwrap_err();
    assert_eq!(rows_of_plan.code, Code::QueryTooLarge, "{rows_of_plan}");
    let enough = ask(GuardLimits { max_rows: 40, ..one_try() }, EngineLimits { result_rows: 40, ..default() }).await;
    assert_eq!(rows(&enough.unwrap()), 40);
}

/// No row passes, so nothing but the clock can end this.
#[test]
fn a_query_that_only_computes_ends_at_its_deadline() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let scenario = three_sources(MATCHING, 2_000);
        let limits = EngineLimits { timeout: Duration::from_millis(500), ..EngineLimits::default() };
        let connectors = named(&scenario, &memory(&scenario));
        let mesh = Mesh::within(&scenario, connectors, one_try(), limits).await.unwrap();
        let query = "SELECT * { ?a ex:name ?n . ?b ex:stock ?s . ?c ex:ok ?o
            FILTER (STRLEN(CONCAT(?n, STR(?s), STR(?o))) < 0) }";
        let _ = sender.send(mesh.ask(&format!("{PREFIX}{query}")).await);
    });
    let answer = receiver.recv_timeout(Duration::from_secs(20));
    // A worker that never looks up would never be waited for to the end.
    runtime.shutdown_background();
    let error = answer.expect("the deadline passes unnoticed").unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded, "{error}");
}

#[tokio::test]
async fn queries_at_once_do_not_disturb_each_other() {
    let scenario = three_sources(40, 2_000);
    let connectors = memory(&scenario);
    let mesh = Mesh::over(&scenario, named(&scenario, &connectors)).await.unwrap();
    let queries = (0..20).map(|_| mesh.ask("SELECT * { ?s ?p ?o }"));
    let answers = futures::future::join_all(queries).await;
    for answer in answers {
        assert_eq!(rows(&answer.unwrap()), 3 * 40 + 40);
    }
}

#[tokio::test]
async fn where_ten_rows_are_wanted_few_keys_are_asked_for() {
    let scenario = three_sources(5_000, 2_000);
    for (query, least) in [
        ("SELECT * { ?p ex:name ?name ; ex:stock ?stock ; ex:ok ?ok } LIMIT 10", 20),
        ("SELECT * { ?p ex:name ?name OPTIONAL { ?p ex:stock ?stock } OPTIONAL { ?p ex:ok ?ok } } LIMIT 10", 20),
        ("SELECT * { ?p ex:name ?name ; ex:stock ?stock FILTER (STRLEN(?name) > 6) } LIMIT 10", 10),
    ] {
        let connectors = memory(&scenario);
        let mesh = Mesh::over(&scenario, named(&scenario, &connectors)).await.unwrap();
        assert_eq!(rows(&mesh.ask(&format!("{PREFIX}{query}")).await.unwrap()), 10, "{query}");
        let scans: Vec<Relation> = connectors.iter().flat_map(|connector| connector.scans()).collect();
        let blocks = scans.iter().flat_map(Relation::reads).filter_map(|read| read.keys.as_ref());
        let keys: usize = blocks.map(|block| block.keys.num_rows()).sum();
        assert!((least..=4 * least).contains(&keys), "{keys} keys for {query}");
    }
}
