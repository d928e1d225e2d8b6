//! Answers are those of oxigraph, which reads the whole service and joins.

use crate::endpoint::Endpoint;
use crate::fixture::{SERVICE, Settings, ask, engine, expected, service, with_one};
use sparesults::QueryResultsFormat;

const HERE: &str = r#"
    ex:a ex:p ex:x1 ; ex:name "A" ; ex:n 1 . ex:b ex:p ex:x1, ex:x2 ; ex:name "B" ; ex:n 2 .
    ex:c ex:p ex:x3 ; ex:n 3 ; ex:opt ex:x1 . ex:d ex:p ex:x4 ; ex:name "D"@en ; ex:opt ex:x2 . ex:e ex:p [] , ex:x9 .
    ex:f ex:n 1.50 , "01"^^<http://www.w3.org/2001/XMLSchema#integer> , true . ex:g ex:p ex:x2 ; ex:name "A" ."#;
const THERE: &str = r#"
    ex:x1 ex:q "one", "uno" ; ex:r 1, 2 ; ex:next ex:x2 . ex:x2 ex:q "two" ; ex:r 2 ; ex:next ex:x3 .
    ex:x3 ex:q "three"@en ; ex:r 3.5 ; ex:next ex:x1 . ex:x5 ex:q "line\nbreak \"quoted\" \\ tab\t é" ; ex:r 1.5 .
    ex:x4 ex:r "x" ; ex:blank [ ex:deep ex:x4 ] . ex:y ex:label "A", "B", "D"@en , "D" ."#;

/// `S` stands for the service.
const QUERIES: &[&str] = &[
    "SELECT ?s ?x ?q { ?s ex:p ?x SERVICE S { ?x ex:q ?q } }",
    "SELECT ?s ?x ?q { SERVICE S { ?x ex:q ?q } ?s ex:p ?x }",
    "SELECT ?s ?x ?q { ?s ex:p ?x OPTIONAL { SERVICE S { ?x ex:q ?q } } }",
    "SELECT ?s ?x ?q { ?s ex:p ?x OPTIONAL { SERVICE S { ?x ex:q ?q } FILTER(?s != ex:b) } }",
    "SELECT ?x ?q { SERVICE S { ?x ex:q ?q } }",
    "SELECT ?x ?q { SERVICE S { ?x ex:q ?q FILTER(STRLEN(STR(?q)) * (1 + 1) > 6) } }",
    "SELECT ?x ?v { SERVICE S { ?x ex:r ?r BIND((?r + 1) * 2 - (3 - 1) AS ?v) } }",
    "SELECT ?x ?v { SERVICE S { ?x ex:r ?r . BIND(-(?r + 1) AS ?v) FILTER(!(?v > -3 || ?v < -9)) } }",
    // What is bound on the left only sometimes, and twice the same.
    "SELECT ?s ?x ?q { ?s ex:n ?n OPTIONAL { ?s ex:opt ?x } SERVICE S { ?x ex:q ?q } }",
    "SELECT ?s ?x ?r { ?s ex:n ?n OPTIONAL { ?s ex:opt ?x } OPTIONAL { SERVICE S { ?x ex:r ?r } } }",
    "SELECT ?x ?r { VALUES ?x { ex:x1 ex:x1 UNDEF } SERVICE S { ?x ex:r ?r } }",
    "SELECT ?x ?y ?r { VALUES (?x ?y) { (ex:x1 ex:x2) (ex:x1 UNDEF) (UNDEF ex:x3) } SERVICE S { ?x ex:next ?y ; ex:r ?r } }",
    "SELECT ?x ?q ?r { VALUES (?x ?q) { (ex:x1 'one') (ex:x1 UNDEF) } SERVICE S { ?x ex:r ?r OPTIONAL { ?x ex:q ?q } } }",
    // Literals of all kinds, as keys and as answers.
    "SELECT ?s ?n ?x { ?s ex:n ?n SERVICE S { ?x ex:r ?n } }",
    "SELECT ?s ?n ?x { ?s ex:name ?n SERVICE S { ?x ex:label ?n } }",
    "SELECT ?x ?n { VALUES ?n { 1 2 3.5 1.5 } SERVICE S { ?x ex:r ?n } }",
    "SELECT ?n ?q { VALUES ?n { 'line\\nbreak \"quoted\" \\\\ tab\\t é' } SERVICE S { ?x ex:q ?n ; ex:q ?q } }",
    // Blank nodes here are none of there.
    "SELECT ?s ?x ?q { ?s ex:p ?x OPTIONAL { SERVICE S { ?x ex:q ?q } } FILTER(?s = ex:e) }",
    "SELECT ?b ?d { SERVICE S { ?x ex:blank ?b . ?b ex:deep ?d } }",
    "SELECT ?d { SERVICE S { ex:x4 ex:blank [ ex:deep ?d ] } }",
    // No variable, or none that is shown.
    "SELECT ?s { ?s ex:name 'B' SERVICE S { ex:x1 ex:r 1 } }",
    "SELECT ?s { ?s ex:name 'B' SERVICE S { ex:x1 ex:r 7 } }",
    "SELECT ?s { ?s ex:name 'B' SERVICE S { { ex:x1 ex:r 1 } UNION { ex:x2 ex:r 2 } } }",
    "ASK { ?s ex:p ?x SERVICE S { ?x ex:q 'two' } }",
    // Every operator inside.
    "SELECT * { ?s ex:p ?x SERVICE S { { ?x ex:q ?q } UNION { ?x ex:r ?q FILTER(?q = 2) } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:r ?r MINUS { ?x ex:q 'two' } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:r ?r FILTER NOT EXISTS { ?x ex:q ?l FILTER(LANG(?l) = 'en') } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:r ?r FILTER(EXISTS { ?x ex:next ?z } && ?r IN (1, 2, 3.5)) } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:next/ex:next* ?z } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x !(ex:q|ex:r) ?z . ?z ^ex:next|ex:q ?w } }",
    "SELECT * { ?s ex:p ?x SERVICE S { { SELECT ?x (COUNT(?q) + 1 AS ?c) { ?x ex:q ?q } GROUP BY ?x HAVING (COUNT(?q) > 1) } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { { SELECT (SUM(?r) AS ?sum) (GROUP_CONCAT(DISTINCT ?l; separator=', \"') AS ?t) { ?z ex:r ?r ; ex:next ?l FILTER(?r = 1) } } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { { SELECT DISTINCT ?x { ?x ex:r|ex:q ?any } ORDER BY DESC(?x) LIMIT 3 OFFSET 1 } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:q ?q OPTIONAL { ?x ex:r ?r FILTER(?q = 'one' && ?r > 1) } OPTIONAL { { ?x ex:next ?n FILTER(?n != ex:x2) } } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { { ?x ex:r ?r FILTER(?r > 1) } ?x ex:q ?q } }",
    "SELECT * { ?s ex:p ?x SERVICE S { { ?x ex:r ?r FILTER(?r > 1) } OPTIONAL { ?x ex:q ?q } { ?x ex:next ?y BIND(STR(?y) AS ?t) } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { VALUES (?x ?q) { (ex:x1 'one') (ex:x2 UNDEF) } ?x ex:q ?q } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:q ?q FILTER(REGEX(STR(?q), \"^[\\\"a-z]+$\", 'i') && IF(BOUND(?q), COALESCE(?zz, true), false)) } }",
    "SELECT * { ?s ex:p ?x SERVICE S { BIND(1 AS ?one) } }",
    // SERVICE in every place.
    "SELECT * { ?s ex:p ?x { SERVICE S { ?x ex:q ?q } } UNION { SERVICE S { ?x ex:r ?q } } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:next ?y } SERVICE S { ?y ex:q ?q } }",
    "SELECT * { ?s ex:p ?x SERVICE S { ?x ex:next ?y } ?z ex:p ?y }",
    "SELECT * { ?s ex:p ?x FILTER EXISTS { SERVICE S { ?x ex:q ?q } } }",
    "SELECT * { ?s ex:p ?x FILTER NOT EXISTS { SERVICE S { ?x ex:q ?q } } }",
    "SELECT * { ?s ex:p ?x MINUS { SERVICE S { ?x ex:q 'two' } } }",
    "SELECT ?x (COUNT(*) AS ?c) { ?s ex:p ?x SERVICE S { ?x ex:q ?q } } GROUP BY ?x",
    "SELECT ?s ?c { ?s ex:p ?x { SELECT (COUNT(?x) AS ?c) { SERVICE S { ?x ex:q ?q } } } }",
    "SELECT ?s ?y { ?s ex:p ?x { SELECT ?y { SERVICE S { ?x ex:next ?y } } } }",
    "SELECT ?x ?q { SERVICE S { ?x ex:q ?q } } ORDER BY ?x LIMIT 0",
    "SELECT ?s ?x ?q { ?s ex:p ?x { SELECT ?x ?q { SERVICE S { ?x ex:q ?q } } ORDER BY DESC(?x) ?q LIMIT 2 } }",
    "SELECT ?s ?x ?c { ?s ex:p ?x { SELECT ?x (COUNT(*) AS ?c) { SERVICE S { ?x ex:q ?q } } GROUP BY ?x } }",
    "SELECT ?s ?x { ?s ex:p ?x { SELECT DISTINCT ?x { SERVICE S { ?x ex:q ?q } } } }",
    "SELECT ?s ?x ?y { ?s ex:p ?x OPTIONAL { { SELECT ?x (COUNT(?n) AS ?y) { ?z ex:p ?x SERVICE S { ?x ex:next ?n } } GROUP BY ?x } } }",
    "SELECT ?s ?x ?q { ?s ex:p ?x OPTIONAL { ?z ex:opt ?x SERVICE S { ?x ex:q ?q } } MINUS { SERVICE S { ?x ex:r 3.5 } } }",
];

async fn same(endpoint: &Endpoint, settings: &Settings) {
    let engine = with_one(HERE, endpoint, settings);
    let mut wrong = Vec::new();
    for query in QUERIES {
        let query = query.replace(" S ", &format!(" <{SERVICE}> "));
        let expected = expected(HERE, &[(SERVICE, THERE)], &query);
        match ask(&engine, &query).await {
            Ok((rows, _)) if rows == expected => {}
            Ok((rows, _)) => wrong.push(format!("{query}\nexpected {expected:#?}\nfound {rows:#?}")),
            Err(error) => wrong.push(format!("{query}\n{error} {:?}", error.detail)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), QUERIES.len(), wrong.join("\n"));
}

#[tokio::test]
async fn answers_are_those_of_one_engine_whatever_is_shipped_at_once() {
    for block in [1, 2, 100] {
        let endpoint = Endpoint::over(THERE, QueryResultsFormat::Json).await;
        same(&endpoint, &Settings { block, ..Settings::default() }).await;
    }
}

#[tokio::test]
async fn answers_are_the_same_in_every_format() {
    for format in [QueryResultsFormat::Xml, QueryResultsFormat::Tsv] {
        let endpoint = Endpoint::over(THERE, format).await;
        same(&endpoint, &Settings::default()).await;
    }
}

#[tokio::test]
async fn a_variable_names_the_service_of_each_solution() {
    let other = "https://other.example/sparql";
    let (one, two) = (
        Endpoint::over(THERE, QueryResultsFormat::Json).await,
        Endpoint::over("ex:x1 ex:q 'eins' . ex:x2 ex:q 'zwei' .", QueryResultsFormat::Xml).await,
    );
    let settings = Settings::default();
    let here = format!("{HERE} ex:a ex:at <{SERVICE}> . ex:b ex:at <{other}> . ex:c ex:at <{SERVICE}>, <{other}> .");
    let engine =
        engine(&here, vec![service(SERVICE, &one.url(), &settings), service(other, &two.url(), &settings)], &settings);
    let query = "SELECT ?s ?at ?x ?q { ?s ex:p ?x ; ex:at ?at SERVICE ?at { ?x ex:q ?q } }";
    let (rows, report) = ask(&engine, query).await.unwrap();
    let at = |iri: &str, rest: &str| rest.replace("AT", &format!("<{iri}>"));
    let mut expected = vec![
        at(SERVICE, r#"<a> AT <x1> "one""#),
        at(SERVICE, r#"<a> AT <x1> "uno""#),
        at(other, r#"<b> AT <x1> "eins""#),
        at(other, r#"<b> AT <x2> "zwei""#),
        at(SERVICE, r#"<c> AT <x3> "three"@en"#),
    ];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    assert_eq!((one.requests(), two.requests()), (1, 1));
    let services: Vec<_> = report.sources.iter().filter(|source| source.name != "index").collect();
    assert_eq!(services.len(), 2);
    assert!(services.iter().all(|service| service.requests == 1 && service.rows > 0), "{services:?}");
    // The pattern may use the variable, too.
    let inside = "SELECT ?s ?at { ?s ex:at ?at SERVICE ?at { BIND(?at AS ?same) ?x ex:q 'zwei' } }";
    let (rows, _) = ask(&engine, inside).await.unwrap();
    assert_eq!(rows, [format!("<b> <{other}>"), format!("<c> <{other}>")]);
    // With OPTIONAL, solutions without an answer stay.
    let optional = "SELECT ?s ?q { ?s ex:at ?at OPTIONAL { SERVICE ?at { ex:x2 ex:q ?q FILTER(?q = 'zwei') } } }";
    let (rows, _) = ask(&engine, optional).await.unwrap();
    assert_eq!(rows, [r#"<a> -"#, r#"<b> "zwei""#, r#"<c> "zwei""#, "<c> -"]);
}

#[tokio::test]
async fn blank_nodes_of_two_requests_are_never_the_same() {
    // The same label in each answer, as endpoints that count them give.
    let json = br#"{"head":{"vars":["x"]},"results":{"bindings":[{"x":{"type":"bnode","value":"b0"}},{"x":{"type":"bnode","value":"b0"}}]}}"#;
    let endpoint =
        Endpoint::start(|_, _| crate::endpoint::Sent::new(200, "application/sparql-results+json", json)).await;
    let engine = with_one("", &endpoint, &Settings::default());
    let service = format!("SERVICE <{SERVICE}> {{ ?x ex:p ?o1 }}").replace("?o1", "1");
    let (rows, _) = ask(&engine, &format!("SELECT (COUNT(DISTINCT ?x) AS ?c) {{ {service} }}")).await.unwrap();
    assert!(rows[0].starts_with("\"1\""), "{rows:?}");
    let union = format!("SELECT (COUNT(DISTINCT ?x) AS ?c) {{ {{ {service} }} UNION {{ {service} }} }}");
    let (rows, _) = ask(&engine, &union).await.unwrap();
    assert!(rows[0].starts_with("\"2\""), "{rows:?}");
}

#[tokio::test]
async fn a_service_that_takes_equal_values_for_one_gives_nothing_twice() {
    // Oxigraph's store keeps one form of each number: both keys would find the same.
    let endpoint = Endpoint::over("ex:x ex:r 1 ; ex:s ex:y .", QueryResultsFormat::Json).await;
    let engine = with_one("ex:a ex:n 1 . ex:b ex:n 01 . ex:c ex:n 1.0 .", &endpoint, &Settings::default());
    let query = format!("SELECT ?s ?n ?x {{ VALUES ?n {{ 1 01 2 }} SERVICE <{SERVICE}> {{ ?x ex:r ?n }} }}");
    let (rows, _) = ask(&engine, &query).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
}
