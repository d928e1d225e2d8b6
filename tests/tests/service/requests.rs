//! How much is asked of a service, and what EXPLAIN and the report tell of it.

use crate::endpoint::Endpoint;
use crate::fixture::{SERVICE, Settings, ask, engine, request, with_one};
use sparesults::QueryResultsFormat;
use std::fmt::Write;
use std::sync::Arc;
use weft_connector::GuardedEndpoint;
use weft_model::Code;
use weft_sparql::{EndpointLimits, EndpointOptions, HttpEndpoint, RequestForm};
use weft_tests::http_server::{HttpServer, Reply};

/// So many keys, each on two rows.
fn here(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        writeln!(text, "ex:x{i} ex:of ex:s{i} , ex:t{i} .").unwrap();
        text
    })
}

fn there(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        writeln!(text, "ex:x{i} ex:q {i} .").unwrap();
        text
    })
}

fn query() -> String {
    format!("SELECT ?s ?x ?q {{ ?x ex:of ?s SERVICE <{SERVICE}> {{ ?x ex:q ?q }} }}")
}

#[tokio::test]
async fn each_key_is_shipped_once_in_blocks() {
    for (keys, block, limit) in [(30, 7, 1_000), (30, 30, 1_000), (30, 31, 1_000), (1, 10, 1_000), (30, 100, 4)] {
        let endpoint = Endpoint::over(&there(keys + 5), QueryResultsFormat::Json).await;
        let limits = EndpointLimits { shipped_solutions: limit, ..EndpointLimits::default() };
        let engine = with_one(&here(keys), &endpoint, &Settings { block, endpoint: limits, ..Settings::default() });
        let (rows, report) = ask(&engine, &query()).await.unwrap();
        assert_eq!(rows.len(), 2 * keys, "{keys} keys");
        let expected = keys.div_ceil(block.min(limit));
        assert_eq!(endpoint.requests(), expected, "{keys} keys in blocks of {block} and {limit}");
        let shipped: usize = endpoint.asked().iter().map(|asked| asked.query.matches("/x").count()).sum();
        assert_eq!(shipped, keys);
        let service = report.sources.iter().find(|source| source.name == SERVICE).unwrap();
        assert_eq!((service.requests as usize, service.rows as usize), (expected, keys));
    }
}

#[tokio::test]
async fn a_query_never_has_more_bytes_than_are_allowed() {
    let endpoint = Endpoint::over(&there(40), QueryResultsFormat::Json).await;
    let limits = EndpointLimits { query_bytes: 400, ..EndpointLimits::default() };
    let engine = with_one(&here(40), &endpoint, &Settings { endpoint: limits, ..Settings::default() });
    let (rows, _) = ask(&engine, &query()).await.unwrap();
    assert_eq!(rows.len(), 80);
    let lengths: Vec<usize> = endpoint.asked().iter().map(|asked| asked.query.len()).collect();
    assert!(lengths.len() > 2 && lengths.iter().all(|length| *length <= 400), "{lengths:?}");

    let tight = EndpointLimits { query_bytes: 20, ..EndpointLimits::default() };
    let engine = with_one(&here(2), &endpoint, &Settings { endpoint: tight, ..Settings::default() });
    let error = ask(&engine, &query()).await.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.contains(SERVICE) && error.message.contains("max_query_bytes"), "{error}");
}

#[tokio::test]
async fn nothing_is_asked_where_the_left_has_nothing() {
    let endpoint = Endpoint::over(&there(3), QueryResultsFormat::Json).await;
    let engine = with_one(&here(3), &endpoint, &Settings::default());
    let none = query().replace("?x ex:of ?s", "?x ex:of ?s FILTER(?x = ex:nobody)");
    assert_eq!(ask(&engine, &none).await.unwrap().0.len(), 0);
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test]
async fn explain_shows_the_query_and_asks_nobody() {
    let endpoint = Endpoint::over(&there(3), QueryResultsFormat::Json).await;
    let engine = with_one(&here(3), &endpoint, &Settings::default());
    let explanation = engine.explain(request(&query())).await.unwrap();
    let text = explanation.to_text();
    let sends =
        "sends: SELECT ?q ?x WHERE { ?x <https://example.com/q> ?q . } # with at most 100 solutions shipped at once";
    assert!(text.contains(sends), "{text}");
    assert!(explanation.to_json().to_string().contains("SELECT ?q ?x WHERE"), "{}", explanation.to_json());
    assert_eq!(endpoint.requests(), 0);
    let unknown = query().replace(SERVICE, "https://nobody.example/");
    let text = engine.explain(request(&unknown)).await.unwrap().to_text();
    assert!(text.contains("sends: nothing: service <https://nobody.example/> is not configured"), "{text}");
    // The report says what was sent, without thousands of keys.
    let (_, report) = ask(&engine, &query()).await.unwrap();
    let statements = &report.sources.iter().find(|source| source.name == SERVICE).unwrap().statements;
    assert_eq!(statements.len(), 1);
    assert!(statements[0].ends_with("# 2 of 3 shipped solutions"), "{statements:?}");
}

#[tokio::test]
async fn the_request_is_one_of_the_protocol() {
    for form in [RequestForm::Form, RequestForm::Direct] {
        let endpoint = Endpoint::over(&there(3), QueryResultsFormat::Json).await;
        let engine = with_one(&here(3), &endpoint, &Settings { request: form, ..Settings::default() });
        let traced = weft_exec::QueryRequest {
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            ..request(&query())
        };
        let weft_exec::Answer::Solutions(solutions) = engine.query(traced).await.unwrap() else { panic!("no rows") };
        let batches: Vec<_> = futures::StreamExt::collect(solutions.rows).await;
        assert!(batches.iter().all(Result::is_ok));
        let asked = &endpoint.asked()[0];
        assert!(asked.head.starts_with("POST /sparql HTTP/1.1"), "{}", asked.head);
        let content_type = match form {
            RequestForm::Form => "application/x-www-form-urlencoded",
            RequestForm::Direct => "application/sparql-query",
        };
        assert_eq!(asked.header("content-type").as_deref(), Some(content_type));
        assert!(asked.header("accept").unwrap().starts_with("application/sparql-results+json"));
        assert!(asked.header("traceparent").unwrap().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    }
}

/// An endpoint whose authority is not trusted hears no query; one whose authority the configuration names does.
#[tokio::test]
async fn https_endpoints_must_be_trusted() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let json = r#"{"head":{"vars":["q","x"]},"results":{"bindings":[]}}"#;
    let server =
        HttpServer::start_tls(config.into(), move |_| Reply::new(200, "application/sparql-results+json", json));
    let server = server.await.unwrap();
    // An authority that has nothing to do with the endpoint: a machine may have no others.
    let stranger = rcgen::generate_simple_self_signed(vec!["elsewhere".to_owned()]).unwrap().cert.pem();
    for (trust, heard) in [(stranger, 0), (signed.cert.pem(), 1)] {
        let endpoint = HttpEndpoint::new(EndpointOptions {
            url: format!("https://localhost:{}/sparql", server.address().port()),
            insecure: false,
            request: RequestForm::Form,
            credentials: Vec::new(),
            trust: Some(trust),
            limits: EndpointLimits::default(),
        });
        let settings = Settings::default();
        let service = GuardedEndpoint::new(SERVICE.into(), Arc::new(endpoint.unwrap()), settings.guard.clone());
        let engine = engine(&here(2), vec![service], &settings);
        let answer = ask(&engine, &query()).await;
        assert_eq!(server.received().len(), heard);
        match answer {
            Ok((rows, _)) => assert_eq!((heard, rows.len()), (1, 0)),
            Err(error) => assert_eq!((heard, error.code), (0, Code::Unauthenticated), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_configured_is_refused_also_where_the_left_has_nothing() {
    let endpoint = Endpoint::over(&there(3), QueryResultsFormat::Json).await;
    let engine = with_one("", &endpoint, &Settings::default());
    let error = ask(&engine, &query().replace(SERVICE, "https://nobody.example/")).await.unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied, "{error}");
}
