//! The R2RML test cases of the W3C's RDB2RDF group, on a real PostgreSQL: each case is a database, a mapping, and the quads it
//! gives or that it gives an error. A connector process serves the database over mutual TLS, and the engine answers.
//!
//! `tests/cases/r2rml/expected_failures.txt` lists what does not pass, and must be exact: one that passes is an error, too.
//! The suite is found by `WEFT_SHARED`; without it the test says that it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "r2rml/connector.rs"]
mod connector;
#[path = "r2rml/quads.rs"]
mod quads;
#[path = "r2rml/server.rs"]
mod server;
#[path = "r2rml/suite.rs"]
mod suite;

use connector::{Ground, Start};
use oxrdf::NamedNode;
use quads::{Quads, ask};
use server::Server;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use suite::{Case, Suite};
use weft_connector::{GuardLimits, Guarded};
use weft_exec::{Engine, EngineLimits};
use weft_mapping::{Mapping, MappingError, VirtualGraph};
use weft_plan::Catalogue;

/// What the suite says that relative IRIs are resolved against.
const BASE: &str = "http://example.com/base/";
const SOURCE: &str = "r2rml";
const GRAPH: &str = "urn:weft:source:r2rml";

/// Why a case gives no quads, in the words of whoever refused it.
#[derive(Debug)]
struct Refusal {
    mapping: Vec<String>,
    /// What the connector said of the queries of the mapping.
    connector: Option<String>,
}

impl Refusal {
    fn of_mapping(errors: &[MappingError]) -> Self {
        Self { mapping: errors.iter().map(ToString::to_string).collect(), connector: None }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_gives_its_quads_or_its_error() {
    let Some(suite) = Suite::find() else {
        println!("skipped: the R2RML test cases are not there (WEFT_SHARED)");
        return;
    };
    let cases = suite.cases();
    assert!(cases.len() >= 62, "cases are missing: {}", cases.len());
    let only = std::env::var("R2RML_ONLY").ok();
    let server = Server::start();
    let ground = Ground::new();
    let mut failed = Vec::new();
    let wanted = |case: &&Case| only.as_ref().is_none_or(|only| case.name.contains(only.as_str()));
    let run: Vec<&Case> = cases.iter().filter(wanted).collect();
    for case in &run {
        if let Err(why) = check(case, &server, &ground).await {
            failed.push((case.name.clone(), why));
        }
    }
    println!("R2RML: passed {} of {}", run.len() - failed.len(), run.len());
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/r2rml/expected_failures.txt");
    let list = std::fs::read_to_string(list).unwrap();
    let names = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
    let expected: BTreeSet<&str> = names.filter(|name| run.iter().any(|case| case.name == *name)).collect();
    let unexpected: Vec<_> = failed.iter().filter(|(name, _)| !expected.contains(name.as_str())).collect();
    let passed: Vec<_> = expected.iter().filter(|name| failed.iter().all(|(failed, _)| failed != *name)).collect();
    let text: Vec<String> = unexpected.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    assert!(unexpected.is_empty(), "{}", text.join("\n\n"));
    assert!(passed.is_empty(), "these pass and are listed as failures: {passed:?}");
}

async fn check(case: &Case, server: &Server, ground: &Ground) -> Result<(), String> {
    let url = server.database(&case.database);
    match (answer(case, &url, ground).await?, &case.expected) {
        (Ok(quads), Some(expected)) => quads.check(expected),
        (Err(refusal), None) => check_refusal(case, &refusal),
        (Ok(quads), None) => Err(format!("must be refused, and gives\n{quads}")),
        (Err(refusal), Some(_)) => Err(format!("is refused: {refusal:#?}")),
    }
}

/// The error names the triples map and its line.
fn check_refusal(case: &Case, refusal: &Refusal) -> Result<(), String> {
    let names_line = |error: &String| {
        error
            .match_indices(&format!("{}:", case.file))
            .any(|(at, mark)| error[at + mark.len()..].starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_named = |error: &String| names_line(error) && error.contains("<http://example.com/base/TriplesMap");
    // A query that is none is refused where it would run, too.
    let view_is_named = refusal.connector.as_ref().is_none_or(|log| log.contains("view \"triplesmap"));
    match refusal.mapping.iter().all(is_named) && !refusal.mapping.is_empty() && view_is_named {
        true => Ok(()),
        false => Err(format!("the error does not name triples map and line: {refusal:#?}")),
    }
}

/// All quads, or why there are none. An error is one of the test itself.
async fn answer(case: &Case, url: &str, ground: &Ground) -> Result<Result<Quads, Refusal>, String> {
    let mapping = match Mapping::parse(&case.file, &case.mapping, BASE) {
        Ok(mapping) => mapping,
        Err(errors) => return Ok(Err(Refusal::of_mapping(&errors))),
    };
    let Start::Running(mut connector) = ground.start(url, "").await else { return Err("no connector".to_owned()) };
    let mut graph = virtual_graph(&mapping, &connector.guarded).await;
    if let Err(errors) = &graph
        && let Some(views) = views(errors)
    {
        // What the error says to write into the configuration is all that is missing.
        let refusal = Refusal::of_mapping(errors);
        connector = match ground.start(url, &views).await {
            Start::Running(connector) => connector,
            Start::Refused(log) => return Ok(Err(Refusal { connector: Some(log), ..refusal })),
        };
        graph = virtual_graph(&mapping, &connector.guarded).await;
    }
    let graph = match graph {
        Ok(graph) => graph,
        Err(errors) => return Ok(Err(Refusal::of_mapping(&errors))),
    };
    let sources = HashMap::from([(Arc::<str>::from(SOURCE), connector.guarded.clone())]);
    let engine = Engine::new(Catalogue::new(vec![graph], Vec::new()), sources, EngineLimits::default());
    match Quads::all(&engine).await {
        Ok(quads) => Ok(Ok(quads)),
        Err(error) => Ok(Err(Refusal { mapping: vec![error.to_string()], connector: None })),
    }
}

async fn virtual_graph(mapping: &Mapping, source: &Guarded) -> Result<VirtualGraph, Vec<MappingError>> {
    let description = source.describe(&weft_tests::mesh::call()).await.unwrap();
    VirtualGraph::new(SOURCE, NamedNode::new_unchecked(GRAPH), mapping, Arc::new(description), BASE)
}

/// The lines of configuration that errors ask for.
fn views(errors: &[MappingError]) -> Option<String> {
    let lines: BTreeSet<&str> =
        errors.iter().filter_map(|error| error.message.find("[[views]]").map(|at| &error.message[at..])).collect();
    (!lines.is_empty()).then(|| lines.into_iter().collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_tables_that_are_pushed_into() {
    if Suite::find().is_none() {
        println!("skipped: the R2RML test cases are not there (WEFT_SHARED)");
        return;
    }
    let (server, ground) = (Server::start(), Ground::new());
    let postgres = server.script(
        "shop",
        "CREATE TABLE part (id int PRIMARY KEY, name text, made_by int, weight real, at time);
         CREATE TABLE maker (id int PRIMARY KEY, name text);
         INSERT INTO maker SELECT n, 'maker ' || n FROM generate_series(1, 50) AS n;
         INSERT INTO part SELECT n, 'part ' || n, 1 + n % 50, n / 10.0, '06:30'::time FROM generate_series(1, 1000) AS n;",
    );
    let sqlite = ground.sqlite(
        "CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT, made_by INTEGER, weight REAL, at TEXT);
         CREATE TABLE maker (id INTEGER PRIMARY KEY, name TEXT);
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50)
         INSERT INTO maker SELECT n, 'maker ' || n FROM n;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
         INSERT INTO part SELECT n, 'part ' || n, 1 + n % 50, n / 10.0, '06:30:00' FROM n;",
    );
    shop(&ground, &postgres, "http://www.w3.org/2001/XMLSchema#time").await;
    shop(&ground, &sqlite, "http://www.w3.org/2001/XMLSchema#string").await;
}

async fn shop(ground: &Ground, url: &str, type_of_time: &str) {
    let graph = "CASE WHEN id = 777 THEN 'http://www.w3.org/ns/r2rml#defaultGraph' ELSE 'http://ex/g/' || made_by END";
    let query = format!(
        "SELECT id, name AS \"Name\", made_by, weight, at, CAST({graph} AS text) AS graph FROM part WHERE weight > 50 -- heavy"
    );
    let views = format!("[[views]]\nname = \"heavy\"\nkeys = [[\"id\"]]\nsql = \"\"\"{query}\"\"\"\n");
    let Start::Running(connector) = ground.start(url, &views).await else { panic!("no connector") };
    let mapping = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/r2rml/shop.ttl")).unwrap();
    let mapping = Mapping::parse("shop.ttl", &mapping, BASE).unwrap();
    let graph = virtual_graph(&mapping, &connector.guarded).await.unwrap();
    let sources = HashMap::from([(Arc::<str>::from(SOURCE), connector.guarded.clone())]);
    let engine = Engine::new(Catalogue::new(vec![graph], Vec::new()), sources, EngineLimits::default());
    let xsd = |value: &str, name: &str| format!("\"{value}\"^^<http://www.w3.org/2001/XMLSchema#{name}>");
    let time = if type_of_time.ends_with("string") {
        "\"06:30:00\"".to_owned()
    } else {
        format!("\"06:30:00\"^^<{type_of_time}>")
    };
    for (query, expected) in [
        ("SELECT (COUNT(*) AS ?n) { ?p :weight ?w }", xsd("500", "integer")),
        ("SELECT ?n { <http://ex/part/777> :by ?m . ?m :name ?n }", "\"maker 28\"".to_owned()),
        ("SELECT ?w { <http://ex/part/777> :weight ?w }", xsd("7.77E1", "double")),
        ("SELECT ?p { ?p :weight 7.77E1 }", "<http://ex/part/777>".to_owned()),
        ("SELECT ?p { ?p :weight ?w FILTER(?w = 77.7) }", "<http://ex/part/777>".to_owned()),
        ("SELECT (COUNT(*) AS ?n) { ?p :weight ?w FILTER(?w >= 77.7 && ?w < 77.8) }", xsd("1", "integer")),
        ("SELECT (MAX(?w) AS ?m) { ?p :weight ?w }", xsd("1.0E2", "double")),
        ("SELECT ?g { GRAPH ?g { <http://ex/part/777> :name ?n } }", "<http://ex/by/28>".to_owned()),
        ("SELECT (COUNT(*) AS ?n) { GRAPH <http://ex/by/28> { ?p :name ?n } }", xsd("10", "integer")),
        ("SELECT (COUNT(*) AS ?n) FROM <http://ex/by/28> FROM <http://ex/by/29> { ?p :name ?n }", xsd("20", "integer")),
        ("SELECT ?t { <http://ex/part/777> :at ?t }", time),
        ("SELECT ?n { <http://ex/part/777> <http://ex/made28> ?n }", "\"part 777\"".to_owned()),
        ("SELECT ?p { <http://ex/part/777> ?p 'part 777' FILTER(?p != :name) }", "<http://ex/made28>".to_owned()),
        ("SELECT ?g { GRAPH ?g { <http://ex/named/778> :label ?l } }", "<http://ex/g/29>".to_owned()),
        ("SELECT ?g { GRAPH ?g { <http://ex/named/777> :label ?l } }", format!("<{GRAPH}>")),
        ("SELECT (COUNT(*) AS ?n) { ?s :label ?l }", xsd("500", "integer")),
        ("SELECT (COUNT(*) AS ?n) FROM <http://ex/g/28> { ?s :label ?l }", xsd("9", "integer")),
    ] {
        let rows = ask(&engine, &format!("PREFIX : <http://ex/> {query}")).await.unwrap();
        let cells: Vec<String> = rows.iter().flatten().flatten().map(ToString::to_string).collect();
        assert_eq!(cells, [expected], "{url} {query}");
    }
    let text = "PREFIX : <http://ex/> SELECT ?n (COUNT(?p) AS ?c) { ?p :by ?m . ?m :name ?n } GROUP BY ?n";
    let request = weft_exec::QueryRequest { text: text.to_owned(), ..weft_exec::QueryRequest::default() };
    let plan = engine.explain(request).await.unwrap().to_text();
    assert!(plan.contains("(SELECT id, name") && plan.contains("GROUP BY"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_query_that_only_reads_does_not_start() {
    if Suite::find().is_none() {
        println!("skipped: the R2RML test cases are not there (WEFT_SHARED)");
        return;
    }
    let (server, ground) = (Server::start(), Ground::new());
    let postgres = server.script("views", "CREATE TABLE t (id int); CREATE TABLE \"Big\" (id int)");
    let sqlite = ground.sqlite("CREATE TABLE t (id INTEGER); CREATE TABLE \"Big\" (id INTEGER)");
    let view = |sql: &str| format!("[[views]]\nname = \"v\"\nsql = \"\"\"{sql}\"\"\"\n");
    for (sql, why) in [
        ("DELETE FROM t", "view \"v\""),
        ("DELETE FROM t RETURNING id", "view \"v\""),
        ("WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone", "view \"v\""),
        ("SELECT id FROM t; SELECT id FROM t", "view \"v\""),
        ("SELECT id FROM t) AS x, (SELECT id FROM t", "view \"v\""),
        ("SELECT id FROM t; -- the end", "view \"v\""),
        ("SELECT nothing FROM t", "nothing"),
        ("SELECT id, id FROM t", "two columns that are called \"id\""),
        ("THIS IS NO QUERY", "view \"v\""),
        ("", "views.sql must be one SELECT"),
    ] {
        for url in [&postgres, &sqlite] {
            match ground.start(url, &view(sql)).await {
                Start::Refused(log) => assert!(log.contains(why), "{url} {sql}: {log}"),
                Start::Running(_) => panic!("{url} serves {sql}"),
            }
        }
    }
    for (url, sql, why) in [
        (&postgres, "SELECT id FROM t FOR UPDATE", "view \"v\""),
        (&postgres, "SELECT $1::int AS id", "takes values"),
        (&sqlite, "SELECT ? AS id", "takes values"),
        (&sqlite, "SELECT max(id, 1) AS most FROM t", "columns = [{ name = \"most\", type = \"TEXT\" }]"),
    ] {
        let Start::Refused(log) = ground.start(url, &view(sql)).await else { panic!("{url} serves {sql}") };
        assert!(log.contains(why), "{url} {sql}: {log}");
    }
    for (url, name, sql) in [(&postgres, "public.t", "SELECT 1 AS id"), (&sqlite, "t", "SELECT id FROM Big")] {
        let config = format!("[[views]]\nname = \"{name}\"\nsql = \"{sql}\"\n");
        let Start::Refused(log) = ground.start(url, &config).await else { panic!("{url} hides {name}") };
        assert!(log.contains("name of a table"), "{log}");
    }
    for (url, sql) in [
        (&postgres, "SELECT id FROM \\\"Big\\\" -- the end"),
        (&postgres, "VALUES (1)"),
        (&sqlite, "SELECT id, CAST('a' || id AS TEXT) AS name FROM t -- the end"),
    ] {
        assert!(matches!(ground.start(url, &view(sql)).await, Start::Running(_)), "{url} does not serve {sql}");
    }
}

/// The limits of tests: one try, and time for a slow machine.
fn patient() -> GuardLimits {
    GuardLimits { timeout: std::time::Duration::from_secs(60), ..weft_tests::mesh::one_try() }
}
