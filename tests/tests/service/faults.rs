//! Endpoints that fail, and SILENT, which hides that they do.

use crate::endpoint::{Endpoint, Sent, evaluate, store};
use crate::fixture::{SERVICE, Settings, ask, engine, request, service, with_one};
use futures::StreamExt;
use sparesults::QueryResultsFormat;
use std::time::{Duration, Instant};
use weft_connector::GuardLimits;
use weft_exec::Answer;
use weft_model::Code;
use weft_sparql::EndpointLimits;

const HERE: &str = "ex:a ex:p ex:x1 . ex:b ex:p ex:x2 . ex:c ex:p ex:x3 .";
const THERE: &str = "ex:x1 ex:q 1 . ex:x2 ex:q 2 . ex:x3 ex:q 3 .";
const JSON: &str = "application/sparql-results+json";
const XML: &str = "application/sparql-results+xml";
const TSV: &str = "text/tab-separated-values";
const WHOLE: &str = r#"{"head":{"vars":["x","q"]},"results":{"bindings":[
    {"x":{"type":"uri","value":"https://example.com/x1"},"q":{"type":"literal","value":"1"}}]}}"#;
const WHOLE_XML: &str = r#"<?xml version="1.0"?><r:sparql xmlns:r="http://www.w3.org/2005/sparql-results#"><r:head>
    <r:variable name="x"/><r:variable name="q"/></r:head><r:results><r:result>
    <r:binding name="x"><r:uri>https://example.com/x1</r:uri></r:binding>
    <r:binding name="q"><r:literal>1</r:literal></r:binding></r:result></r:results></r:sparql >
"#;

fn query(silent: &str) -> String {
    format!("SELECT ?s ?q {{ ?s ex:p ?x SERVICE {silent} <{SERVICE}> {{ ?x ex:q ?q }} }}")
}

struct Fault {
    name: &'static str,
    sent: fn() -> Sent,
    code: Code,
    says: &'static str,
}

/// Everything an endpoint can do wrong, with what is told of it.
const FAULTS: &[Fault] = &[
    Fault {
        name: "error",
        sent: || Sent::new(500, "text/plain", b"s3cret stack trace"),
        code: Code::SourceFailed,
        says: "status 500",
    },
    Fault {
        name: "refused query",
        sent: || Sent::new(400, "text/plain", b"parse error"),
        code: Code::SourceFailed,
        says: "status 400",
    },
    Fault { name: "gone", sent: || Sent::new(404, "text/html", b""), code: Code::SourceFailed, says: "status 404" },
    Fault {
        name: "no credentials",
        sent: || Sent::new(401, "text/plain", b""),
        code: Code::Unauthenticated,
        says: "status 401",
    },
    Fault {
        name: "too often",
        sent: || Sent::new(429, "text/plain", b""),
        code: Code::RateLimited,
        says: "status 429",
    },
    Fault {
        name: "down",
        sent: || Sent::new(503, "text/plain", b""),
        code: Code::SourceUnavailable,
        says: "status 503",
    },
    Fault {
        name: "no format",
        sent: || Sent::with(200, "content-length: 2\r\n", b"{}"),
        code: Code::SourceFailed,
        says: "in which format",
    },
    Fault {
        name: "a page",
        sent: || Sent::new(200, "text/html", WHOLE.as_bytes()),
        code: Code::SourceFailed,
        says: "\"text/html\"",
    },
    Fault {
        name: "csv",
        sent: || Sent::new(200, "text/csv", b"x,q\r\n"),
        code: Code::SourceFailed,
        says: "\"text/csv\"",
    },
    Fault {
        name: "garbage",
        sent: || Sent::new(200, JSON, b"<html>"),
        code: Code::InvalidData,
        says: "not a SPARQL results document",
    },
    Fault {
        name: "not utf-8",
        sent: || Sent::new(200, JSON, b"{\"head\":{\"vars\":[\"\xff\"]}}"),
        code: Code::InvalidData,
        says: "not a SPARQL results document",
    },
    Fault {
        name: "an IRI that is none",
        sent: || Sent::new(200, JSON, WHOLE.replace("https:", "no scheme ").as_bytes()),
        code: Code::InvalidData,
        says: "not a SPARQL results document",
    },
    Fault {
        name: "a boolean",
        sent: || Sent::new(200, JSON, br#"{"head":{},"boolean":true}"#),
        code: Code::SourceFailed,
        says: "a boolean",
    },
    Fault {
        name: "other variables",
        sent: || Sent::new(200, JSON, br#"{"head":{"vars":["x"]},"results":{"bindings":[]}}"#),
        code: Code::SourceFailed,
        says: "no variable ?q",
    },
    Fault {
        name: "an unbound key",
        sent: || Sent::new(200, JSON, br#"{"head":{"vars":["x","q"]},"results":{"bindings":[{}]}}"#),
        code: Code::InvalidData,
        says: "unbound",
    },
    Fault {
        name: "empty",
        sent: || Sent::new(200, JSON, b""),
        code: Code::InvalidData,
        says: "not a SPARQL results document",
    },
    Fault {
        name: "cut json",
        sent: || Sent::new(200, JSON, &WHOLE.as_bytes()[..WHOLE.len() - 2]),
        code: Code::InvalidData,
        says: "not a SPARQL results document",
    },
    Fault {
        name: "cut xml",
        sent: || Sent::new(200, XML, WHOLE_XML.split("</r:results>").next().unwrap().as_bytes()),
        code: Code::StreamTruncated,
        says: "stops before its end",
    },
    Fault {
        name: "cut tsv",
        sent: || Sent::new(200, TSV, b"?x\t?q\n<https://example.com/x1>\t1"),
        code: Code::StreamTruncated,
        says: "stops before its end",
    },
    Fault {
        name: "tsv without a length",
        sent: || Sent::with(200, "content-type: text/tab-separated-values\r\n", b"?x\t?q\n"),
        code: Code::SourceFailed,
        says: "where it ends",
    },
    Fault {
        name: "less than announced",
        sent: || {
            Sent::with(
                200,
                "content-type: application/sparql-results+json\r\ncontent-length: 9999\r\n",
                WHOLE.as_bytes(),
            )
        },
        code: Code::StreamTruncated,
        says: "cut off",
    },
    Fault {
        name: "a chunk that never comes",
        sent: || {
            Sent::with(
                200,
                "content-type: text/tab-separated-values\r\ntransfer-encoding: chunked\r\n",
                b"6\r\n?x\t?q\n\r\n",
            )
        },
        code: Code::StreamTruncated,
        says: "cut off",
    },
    Fault {
        name: "compressed",
        sent: || {
            Sent::with(
                200,
                "content-type: application/sparql-results+json\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n",
                b"x",
            )
        },
        code: Code::SourceFailed,
        says: "compressed",
    },
    Fault {
        name: "cut by its row limit",
        sent: || {
            Sent::with(
                200,
                &format!(
                    "content-type: application/sparql-results+json\r\ncontent-length: {}\r\nx-sparql-maxrows: 1\r\n",
                    WHOLE.len()
                ),
                WHOLE.as_bytes(),
            )
        },
        code: Code::StreamTruncated,
        says: "no more than 1 rows",
    },
    Fault {
        name: "partial by its own word",
        sent: || {
            Sent::with(
                200,
                &format!(
                    "content-type: application/sparql-results+json\r\ncontent-length: {}\r\nx-sql-state: S1TAT\r\n",
                    WHOLE.len()
                ),
                WHOLE.as_bytes(),
            )
        },
        code: Code::StreamTruncated,
        says: "not whole",
    },
    Fault {
        name: "no http",
        sent: || Sent { bytes: b"hello\r\n\r\n".to_vec(), hang: false },
        code: Code::SourceUnavailable,
        says: "cannot be reached",
    },
];

#[tokio::test]
async fn a_failing_service_is_an_error_that_names_it() {
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let endpoint = Endpoint::start(|_, _| (fault.sent)()).await;
        let engine = with_one(HERE, &endpoint, &Settings::default());
        match ask(&engine, &query("")).await {
            Ok((rows, _)) => wrong.push(format!("{}: answered {rows:?}", fault.name)),
            Err(error) => {
                let named = error.source_name.as_deref() == Some(SERVICE)
                    && error.message.starts_with(&format!("service <{SERVICE}>: "));
                if error.code != fault.code || !error.message.contains(fault.says) || !named {
                    wrong.push(format!("{}: {:?} {error}", fault.name, error.code));
                }
                assert!(!error.message.contains("s3cret"), "what it wrote is for the log: {error}");
            }
        }
        assert_eq!(endpoint.requests(), 1, "{}", fault.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn silent_hides_failures_and_keeps_the_solutions() {
    for fault in FAULTS {
        let endpoint = Endpoint::start(|_, _| (fault.sent)()).await;
        let engine = with_one(HERE, &endpoint, &Settings::default());
        let (rows, report) = ask(&engine, &query("SILENT")).await.unwrap();
        assert_eq!(rows, ["<a> -", "<b> -", "<c> -"], "{}", fault.name);
        let service = report.sources.iter().find(|source| source.name == SERVICE).unwrap();
        assert_eq!(service.hidden_failures, 1, "{}", fault.name);
    }
}

#[tokio::test]
async fn whole_documents_are_taken_with_or_without_a_length() {
    for (content_type, body) in [(JSON, WHOLE), (XML, WHOLE_XML)] {
        let endpoint = Endpoint::start(move |_, _| {
            Sent::with(200, &format!("content-type: {content_type}; charset=utf-8\r\n"), body.as_bytes())
        })
        .await;
        let engine = with_one(HERE, &endpoint, &Settings::default());
        assert_eq!(ask(&engine, &query("")).await.unwrap().0, ["<a> \"1\""], "{content_type}");
    }
}

#[tokio::test]
async fn silent_hides_the_failure_of_one_request_only() {
    let there = store(THERE);
    let endpoint = Endpoint::start(move |before, asked| match before {
        1 => Sent::new(500, "text/plain", b""),
        _ => evaluate(&there, &asked.query, QueryResultsFormat::Json),
    })
    .await;
    let engine = with_one(HERE, &endpoint, &Settings { block: 1, ..Settings::default() });
    let (rows, _) = ask(&engine, &query("SILENT")).await.unwrap();
    let unbound = rows.iter().filter(|row| row.ends_with(" -")).count();
    assert_eq!((endpoint.requests(), rows.len(), unbound), (3, 3, 1), "{rows:?}");
    // In one block of the join, but several requests.
    let there = store(THERE);
    let endpoint = Endpoint::start(move |before, asked| match before {
        1 => Sent::new(500, "text/plain", b""),
        _ => evaluate(&there, &asked.query, QueryResultsFormat::Json),
    })
    .await;
    let limits = EndpointLimits { shipped_solutions: 1, ..EndpointLimits::default() };
    let engine = with_one(HERE, &endpoint, &Settings { endpoint: limits, ..Settings::default() });
    let (rows, _) = ask(&engine, &query("SILENT")).await.unwrap();
    let unbound = rows.iter().filter(|row| row.ends_with(" -")).count();
    assert_eq!((endpoint.requests(), rows.len(), unbound), (3, 3, 1), "{rows:?}");
}

#[tokio::test]
async fn silent_drops_what_came_before_the_failure() {
    let json = r#"{"head":{"vars":["x","q"]},"results":{"bindings":["#;
    let row = |i: usize| {
        format!(r#"{{"x":{{"type":"uri","value":"https://example.com/x1"}},"q":{{"type":"literal","value":"{i}"}}}}"#)
    };
    let rows: Vec<String> = (0..20_000).map(row).collect();
    let body = format!("{json}{}", rows.join(","));
    let endpoint = Endpoint::start(move |_, _| Sent::new(200, JSON, body.as_bytes())).await;
    let engine = with_one(HERE, &endpoint, &Settings::default());
    let (rows, _) = ask(&engine, &query("SILENT")).await.unwrap();
    assert_eq!(rows, ["<a> -", "<b> -", "<c> -"]);
    assert_eq!(ask(&engine, &query("")).await.unwrap_err().code, Code::InvalidData);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_told_of() {
    let port = weft_tests::ports::free_port();
    let settings = Settings::default();
    let url = format!("http://127.0.0.1:{port}/sparql");
    let engine = engine(HERE, vec![service(SERVICE, &url, &settings)], &settings);
    let error = ask(&engine, &query("")).await.unwrap_err();
    assert_eq!((error.code, error.source_name.as_deref()), (Code::SourceUnavailable, Some(SERVICE)));
    assert!(!error.message.contains(&port.to_string()), "where it is asked is the operator's business: {error}");
    assert_eq!(ask(&engine, &query("SILENT")).await.unwrap().0.len(), 3);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Endpoint::over(THERE, QueryResultsFormat::Json).await;
    let url = target.url();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {url}\r\ncontent-length: 0\r\n");
        let endpoint = Endpoint::start(move |_, _| Sent::with(status, &location, b"")).await;
        let engine = with_one(HERE, &endpoint, &Settings::default());
        let error = ask(&engine, &query("")).await.unwrap_err();
        assert!(error.message.contains("redirect") && !error.message.contains(&url), "{error}");
        assert_eq!(ask(&engine, &query("SILENT")).await.unwrap().0.len(), 3);
    }
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn what_is_not_configured_is_never_asked() {
    let (known, unknown) =
        (Endpoint::over(THERE, QueryResultsFormat::Json).await, Endpoint::over(THERE, QueryResultsFormat::Json).await);
    let here = format!("{HERE} ex:a ex:at <{}> . ex:b ex:at \"text\" . ex:c ex:at [] .", unknown.url());
    let engine = with_one(&here, &known, &Settings::default());
    let fixed = query("").replace(SERVICE, &unknown.url());
    let error = ask(&engine, &fixed).await.unwrap_err();
    assert_eq!((error.code, error.code.http_status()), (Code::PermissionDenied, 403));
    assert_eq!(error.message, format!("service <{}> is not configured; these are: <{SERVICE}>", unknown.url()));
    let silent = query("SILENT").replace(SERVICE, &unknown.url());
    let (rows, report) = ask(&engine, &silent).await.unwrap();
    assert_eq!(rows, ["<a> -", "<b> -", "<c> -"]);
    assert!(report.sources.iter().any(|source| source.name == unknown.url() && source.hidden_failures == 1));

    let variable = "SELECT ?s ?q { ?s ex:p ?x ; ex:at ?at FILTER(COND) SERVICE MOD ?at { ?x ex:q ?q } }";
    let named = |condition: &str, silent: &str| variable.replace("COND", condition).replace("MOD", silent);
    for (condition, code, says) in [
        ("?s = ex:a", Code::PermissionDenied, "is not configured"),
        ("?s = ex:b", Code::InvalidQuery, "SERVICE ?at: \"text\" is not an IRI"),
        ("?s = ex:c", Code::InvalidQuery, "is not an IRI"),
    ] {
        let error = ask(&engine, &named(condition, "")).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(says), "{error}");
        let (rows, _) = ask(&engine, &named(condition, "SILENT")).await.unwrap();
        assert_eq!(rows.len(), 1, "{condition}: {rows:?}");
        assert!(rows[0].ends_with(" -"), "{rows:?}");
    }
    assert_eq!((known.requests(), unknown.requests()), (0, 0));
}

#[tokio::test]
async fn a_variable_that_names_no_service_in_some_solution_is_an_error() {
    let endpoint = Endpoint::over(THERE, QueryResultsFormat::Json).await;
    let engine = with_one(HERE, &endpoint, &Settings::default());
    for query in [
        "SELECT * { SERVICE ?at { ?x ex:q ?q } }",
        "SELECT * { ?s ex:p ?x SERVICE ?at { ?x ex:q ?q } }",
        "SELECT * { ?s ex:p ?x OPTIONAL { ?s ex:at ?at } SERVICE ?at { ?x ex:q ?q } }",
        "SELECT * { ?s ex:p ?x OPTIONAL { ?s ex:at ?at } SERVICE SILENT ?at { ?x ex:q ?q } }",
    ] {
        let error = ask(&engine, query).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidQuery, "{query}: {error}");
        assert!(error.message.contains("?at must be bound"), "{query}: {error}");
    }
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test]
async fn answers_are_limited_in_bytes_and_rows() {
    let endpoint = Endpoint::over(THERE, QueryResultsFormat::Json).await;
    let limits = EndpointLimits { response_bytes: 100, ..EndpointLimits::default() };
    let announced = with_one(HERE, &endpoint, &Settings { endpoint: limits, ..Settings::default() });
    let error = ask(&announced, &query("")).await.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded, "{error}");
    assert!(error.message.contains("max_response_bytes"), "{error}");

    let endless = Endpoint::start(|_, _| {
        let body = format!("{}{}", &WHOLE[..WHOLE.len() - 3], " ".repeat(1 << 20));
        Sent::with(200, &format!("content-type: {JSON}\r\n"), body.as_bytes()).hanging()
    })
    .await;
    let limits = EndpointLimits { response_bytes: 300_000, ..EndpointLimits::default() };
    let engine = with_one(HERE, &endless, &Settings { endpoint: limits, ..Settings::default() });
    let error = ask(&engine, &query("")).await.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded, "{error}");
    assert_eq!(ask(&engine, &query("SILENT")).await.unwrap().0.len(), 3);

    let endpoint = Endpoint::over(THERE, QueryResultsFormat::Json).await;
    let guard = GuardLimits { max_rows: 2, ..Settings::default().guard };
    let engine = with_one(HERE, &endpoint, &Settings { guard, ..Settings::default() });
    let error = ask(&engine, &query("")).await.unwrap_err();
    assert!(error.message.contains("max_rows"), "{error}");
}

#[tokio::test]
async fn a_slow_service_is_given_its_time_and_no_more() {
    let first = WHOLE.split(r#"{"x""#).next().unwrap();
    let slow: [(&str, Vec<u8>); 3] = [
        ("never", Vec::new()),
        ("head", format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n").into_bytes()),
        ("body", format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n{first}").into_bytes()),
    ];
    for (name, bytes) in slow {
        let endpoint = Endpoint::start(move |_, _| Sent { bytes: bytes.clone(), hang: true }).await;
        let guard = GuardLimits { timeout: Duration::from_millis(200), ..Settings::default().guard };
        let engine = with_one(HERE, &endpoint, &Settings { guard, ..Settings::default() });
        let begun = Instant::now();
        let error = ask(&engine, &query("")).await.unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded, "{name}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {:?}", begun.elapsed());
        assert_eq!(ask(&engine, &query("SILENT")).await.unwrap().0.len(), 3, "{name}");
        eventually(|| endpoint.left() == 2).await;
    }
}

#[tokio::test]
async fn silent_does_not_hide_that_the_time_of_the_query_is_over() {
    let endpoint = Endpoint::start(|_, _| Sent { bytes: Vec::new(), hang: true }).await;
    let engine = with_one(HERE, &endpoint, &Settings::default());
    let short = weft_exec::QueryRequest { timeout: Some(Duration::from_millis(200)), ..request(&query("SILENT")) };
    let Answer::Solutions(solutions) = engine.query(short).await.unwrap() else { panic!("no rows") };
    let batches: Vec<_> = solutions.rows.collect().await;
    let error = batches.into_iter().find_map(Result::err).expect("the time of the query is over");
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn dropping_the_answer_ends_the_request() {
    let first = WHOLE.split(r#"{"x""#).next().unwrap().to_owned();
    let row = r#"{"x":{"type":"uri","value":"https://example.com/x1"},"q":{"type":"literal","value":"1"}},"#;
    let body = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n{first}{}", row.repeat(20_000));
    let endpoint = Endpoint::start(move |_, _| Sent { bytes: body.clone().into_bytes(), hang: true }).await;
    let engine = with_one(HERE, &endpoint, &Settings::default());
    let Answer::Solutions(mut solutions) = engine.query(request(&query(""))).await.unwrap() else { panic!("no rows") };
    assert!(!solutions.rows.next().await.unwrap().unwrap().is_empty(), "rows come before the answer has ended");
    assert_eq!(endpoint.left(), 0);
    drop(solutions);
    eventually(|| endpoint.left() == 1).await;
}

#[tokio::test]
async fn a_service_that_is_down_for_a_moment_is_asked_again_and_one_that_stays_down_is_left_alone() {
    let there = store(THERE);
    let endpoint = Endpoint::start(move |before, asked| match before {
        0 => Sent::new(503, "text/plain", b""),
        _ => evaluate(&there, &asked.query, QueryResultsFormat::Json),
    })
    .await;
    let guard = GuardLimits { retry_backoff: Duration::from_millis(1), ..GuardLimits::default() };
    let engine = with_one(HERE, &endpoint, &Settings { guard: guard.clone(), ..Settings::default() });
    assert_eq!(ask(&engine, &query("")).await.unwrap().0.len(), 3);
    assert_eq!(endpoint.requests(), 2);

    let down = Endpoint::start(|_, _| Sent::new(503, "text/plain", b"")).await;
    let guard = GuardLimits { retries: 0, breaker_failures: 2, ..guard };
    let engine = with_one(HERE, &down, &Settings { guard, ..Settings::default() });
    for _ in 0..3 {
        assert!(ask(&engine, &query("")).await.is_err());
    }
    assert_eq!(down.requests(), 2, "the breaker is open");
}

async fn eventually(holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "it never holds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
