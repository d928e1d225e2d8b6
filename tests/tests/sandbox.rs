//! Hostile guests end with the right code, and nobody beside them notices. Grants hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::StreamExt;
use serde_json::json;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_model::Code;
use weft_model::contract::{
    CheckOutcome, ContractError, DataType, End, Expression, Field, Outcome, Read, Relation, ScanRequest, Value,
};
use weft_tests::guests::{call_within, install_guest};
use weft_tests::http_server::{HttpServer, Received, Reply};
use weft_wasm::{
    Credential, Grants, GuestLimits, HttpGrant, InstalledComponent, Sandbox, SandboxError, SandboxLimits, Secret,
    WasmConnector,
};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(SandboxLimits::default()).unwrap());

/// Compiled once for all tests.
async fn installed(name: &str) -> InstalledComponent {
    static HOSTILE: tokio::sync::OnceCell<InstalledComponent> = tokio::sync::OnceCell::const_new();
    static TABLES: tokio::sync::OnceCell<InstalledComponent> = tokio::sync::OnceCell::const_new();
    let cell = if name == "hostile" { &HOSTILE } else { &TABLES };
    cell.get_or_init(|| async { install_guest(&SANDBOX, name).await.unwrap() }).await.clone()
}

fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: false, native_type: String::new() }
}

fn read(table: &str, fields: &[Field]) -> Read {
    Read {
        table: table.to_owned(),
        alias: String::new(),
        columns: fields.iter().map(|f| f.name.clone()).collect(),
        schema: fields.to_vec(),
        filter: None,
        keys: None,
        limit: None,
    }
}

fn request(read: Read) -> ScanRequest {
    ScanRequest {
        id: "test".to_owned(),
        relation: Relation::Read(read),
        batch_rows: 1_000,
        batch_bytes: 1 << 20,
        explain: false,
    }
}

fn hostile_request() -> ScanRequest {
    request(read("t", &[field("id", DataType::Int64), field("name", DataType::Text)]))
}

async fn hostile_with(on: &str, behaviour: &str, url: &str, grant: HttpGrant) -> WasmConnector {
    let config = json!({"on": on, "do": behaviour, "url": url}).to_string();
    let limits = GuestLimits { memory: 32 << 20, time: Duration::from_millis(700), ..GuestLimits::default() };
    let grants = Grants { http: Some(grant) };
    WasmConnector::new("bad", installed("hostile").await, config, &grants, limits).unwrap()
}

async fn hostile(on: &str, behaviour: &str) -> WasmConnector {
    let grant = HttpGrant { allow: vec!["http://allowed.invalid/".to_owned()], ..HttpGrant::default() };
    hostile_with(on, behaviour, "", grant).await
}

/// Reads a whole scan: rows and the end.
async fn drain(connector: &dyn Connector, request: ScanRequest) -> Result<(usize, End), ContractError> {
    let mut stream = connector.scan(&call_within(Duration::from_secs(20)), request).await?;
    let mut rows = 0;
    while let Some(event) = stream.next().await {
        match event? {
            ScanEvent::Batch(batch) => rows += batch.num_rows(),
            ScanEvent::End(end) => {
                assert!(stream.next().await.is_none(), "the stream goes on after its end");
                return Ok((rows, end));
            }
        }
    }
    panic!("the stream stopped without an end");
}

async fn innocent() -> WasmConnector {
    let rows: Vec<_> = (0..100).map(|i| json!([i, format!("row {i}")])).collect();
    let columns = json!([{"name": "id", "type": "int64"}, {"name": "name", "type": "text"}]);
    let config = json!({"tables": [{"name": "t", "columns": columns, "keys": [["id"]], "rows": rows}]}).to_string();
    let component = installed("tables").await;
    WasmConnector::new("good", component, config, &Grants::default(), GuestLimits::default()).unwrap()
}

#[tokio::test]
async fn a_well_behaved_guest_is_heard() {
    let connector = hostile("next", "nothing").await;
    let description = connector.describe(&call_within(Duration::from_secs(5))).await.unwrap();
    assert_eq!(description.tables.len(), 1);
    let (rows, end) = drain(&connector, hostile_request()).await.unwrap();
    assert_eq!((rows, end.rows, end.outcome), (3, 3, Outcome::Complete));
    assert!(end.statements.is_empty(), "the host counts requests, whatever the guest says: {:?}", end.statements);
}

#[tokio::test]
async fn every_misdeed_has_its_code() {
    let cases = [
        ("describe", "loop", Code::DeadlineExceeded),
        ("open", "loop", Code::DeadlineExceeded),
        ("next", "loop", Code::DeadlineExceeded),
        ("describe", "allocate", Code::LimitExceeded),
        ("next", "allocate", Code::LimitExceeded),
        ("open", "trap", Code::GuestTrapped),
        ("next", "panic", Code::GuestTrapped),
        ("next", "recurse", Code::GuestTrapped),
        ("next", "flood-rows", Code::LimitExceeded),
        ("describe", "flood-bytes", Code::LimitExceeded),
        ("next", "flood-bytes", Code::LimitExceeded),
        ("next", "endless", Code::DeadlineExceeded),
        ("next", "empty", Code::LimitExceeded),
        ("next", "bad-offsets", Code::InvalidData),
        ("next", "falling-offsets", Code::InvalidData),
        ("next", "missing-offsets", Code::InvalidData),
        ("next", "bad-utf8", Code::InvalidData),
        ("next", "wrong-type", Code::InvalidData),
        ("next", "wrong-width", Code::InvalidData),
        ("next", "short-column", Code::InvalidData),
        ("next", "short-validity", Code::InvalidData),
        ("next", "null", Code::InvalidData),
        ("next", "miscount", Code::ContractViolation),
        ("describe", "old-contract", Code::ContractViolation),
        ("describe", "bad-decimal", Code::ContractViolation),
        ("next", "bad-error-text", Code::SourceFailed),
    ];
    for (on, behaviour, code) in cases {
        let connector = hostile(on, behaviour).await;
        let started = Instant::now();
        let error = match on {
            "describe" => connector.describe(&call_within(Duration::from_secs(20))).await.err(),
            _ => drain(&connector, hostile_request()).await.err(),
        };
        let error = error.unwrap_or_else(|| panic!("{behaviour} on {on} went unnoticed"));
        assert_eq!(error.code, code, "{behaviour} on {on}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{behaviour} on {on} took {:?}", started.elapsed());
        assert!(!error.message.chars().any(char::is_control), "{error:?}");
    }
}

#[tokio::test]
async fn a_panic_is_told_to_the_operator() {
    let error = drain(&hostile("next", "panic").await, hostile_request()).await.unwrap_err();
    assert!(error.detail.unwrap_or_default().contains("the guest gives up"));
    assert!(!error.message.contains("gives up"));
}

#[tokio::test]
async fn rows_in_answer_to_an_explain_are_refused() {
    let explain = ScanRequest { explain: true, ..hostile_request() };
    let error = drain(&hostile("next", "talkative").await, explain).await.unwrap_err();
    assert_eq!(error.code, Code::ContractViolation, "{error:?}");
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut() {
    let connector = hostile("open", "flood-log").await;
    assert_eq!(drain(&connector, hostile_request()).await.unwrap().0, 3);
}

/// Eight guests spin; an innocent one beside them answers as if alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_innocent_scan_beside_spinning_guests_is_prompt() {
    let innocent = innocent().await;
    let columns = [field("id", DataType::Int64), field("name", DataType::Text)];
    assert_eq!(drain(&innocent, request(read("t", &columns))).await.unwrap().0, 100);
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let connector = hostile("next", "loop").await;
        spinning.spawn(async move { drain(&connector, hostile_request()).await });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        assert_eq!(drain(&innocent, request(read("t", &columns))).await.unwrap().0, 100);
        times.push(started.elapsed());
    }
    assert!(!spinning.is_empty());
    times.sort();
    println!("beside eight spinning guests: {times:?}");
    assert!(times[2] < Duration::from_millis(300), "{times:?}");
    while let Some(result) = spinning.join_next().await {
        assert_eq!(result.unwrap().unwrap_err().code, Code::DeadlineExceeded);
    }
}

/// Storms of traps leave places free.
#[tokio::test]
async fn dead_guests_give_their_places_back() {
    let sandbox = Sandbox::new(SandboxLimits { guests: 2, ..SandboxLimits::default() }).unwrap();
    let component = install_guest(&sandbox, "hostile").await.unwrap();
    let grants =
        Grants { http: Some(HttpGrant { allow: vec!["http://allowed.invalid/".to_owned()], ..HttpGrant::default() }) };
    let new = |behaviour: &str, limits: GuestLimits| {
        let config = json!({"on": "next", "do": behaviour}).to_string();
        WasmConnector::new("bad", component.clone(), config, &grants, limits).unwrap()
    };
    let trapping = new("trap", GuestLimits::default());
    for _ in 0..50 {
        assert_eq!(drain(&trapping, hostile_request()).await.unwrap_err().code, Code::GuestTrapped);
    }
    // Two scans that nobody reads take both places; a third waits, and says why it got none.
    let idle = new("endless", GuestLimits::default());
    let context = call_within(Duration::from_secs(20));
    let first = idle.scan(&context, hostile_request()).await.unwrap();
    let second = idle.scan(&context, hostile_request()).await.unwrap();
    let error = idle.scan(&call_within(Duration::from_millis(100)), hostile_request()).await.err().unwrap();
    assert_eq!(error.code, Code::Overloaded, "{error:?}");
    drop((first, second));
    assert_eq!(drain(&new("nothing", GuestLimits::default()), hostile_request()).await.unwrap().0, 3);
}

/// The next batch is computed when it is asked for: a guest that would never stop stands still.
#[tokio::test]
async fn nobody_reads_nothing_runs() {
    let server = HttpServer::start(|_| Reply::json("{}")).await.unwrap();
    let grant = HttpGrant { allow: vec![server.url("/")], allow_private: true, ..HttpGrant::default() };
    let connector = hostile_with("next", "fetch", &server.url("/x"), grant).await;
    let mut stream = connector.scan(&call_within(Duration::from_secs(5)), hostile_request()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.targets().is_empty(), "the guest runs ahead of its reader");
    assert!(matches!(stream.next().await, Some(Ok(ScanEvent::Batch(_)))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.targets().len(), 1);
}

#[tokio::test]
async fn dropping_the_stream_ends_the_request_in_flight() {
    let server = HttpServer::start(|_| Reply { hang: true, body: vec![b'x'; 10], status: 200, headers: Vec::new() });
    let server = server.await.unwrap();
    let grant = HttpGrant { allow: vec![server.url("/")], allow_private: true, ..HttpGrant::default() };
    let config = json!({"on": "next", "do": "fetch", "url": server.url("/slow")}).to_string();
    let grants = Grants { http: Some(grant) };
    let component = installed("hostile").await;
    let connector = WasmConnector::new("bad", component, config, &grants, GuestLimits::default()).unwrap();
    let mut stream = connector.scan(&call_within(Duration::from_secs(20)), hostile_request()).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(waited.is_err(), "the server answered");
    assert_eq!((server.targets().len(), server.closed()), (1, 0));
    drop(stream);
    let until = Instant::now() + Duration::from_secs(1);
    while server.closed() == 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.closed(), 1, "the connection outlived its scan");
}

#[tokio::test]
async fn http_is_denied_by_default_and_the_message_says_what_would_grant_it() {
    let component = installed("hostile").await;
    let new =
        |grants: &Grants| WasmConnector::new("plm", component.clone(), "{}".into(), grants, GuestLimits::default());
    let error = new(&Grants::default()).unwrap_err();
    assert!(matches!(error, SandboxError::NotGranted { .. }));
    let text = error.to_string();
    assert!(text.contains("weft:connector/http") && text.contains("sources.plm.wasm.http.allow"), "{text}");
    let empty = Grants { http: Some(HttpGrant::default()) };
    assert!(matches!(new(&empty), Err(SandboxError::NotGranted { .. })));

    let server = HttpServer::start(|_| Reply::json("{}")).await.unwrap();
    let grant =
        |allow: &str, allow_private| HttpGrant { allow: vec![allow.to_owned()], allow_private, ..HttpGrant::default() };
    let port = server.address().port();
    let cases = [
        (grant("http://allowed.invalid/", true), server.url("/x"), "sources.bad.wasm.http.allow would grant it"),
        (grant(&server.url("/odata/"), true), server.url("/other"), "sources.bad.wasm.http.allow would grant it"),
        (grant(&server.url("/odata/"), true), server.url("/odata/../x"), "sources.bad.wasm.http.allow would grant it"),
        (grant(&server.url("/"), false), server.url("/x"), "sources.bad.wasm.http.allow_private"),
        (grant(&format!("http://localhost:{port}/"), false), format!("http://localhost:{port}/x"), "allow_private"),
    ];
    for (grant, url, expected) in cases {
        let error = drain(&hostile_with("next", "fetch", &url, grant).await, hostile_request()).await.unwrap_err();
        assert_eq!(error.code, Code::NotGranted, "{url}: {error:?}");
        assert!(error.message.contains(expected), "{url}: {error:?}");
    }
    assert!(server.received().is_empty(), "{:?}", server.targets());
    // The same name is reached where the grant says so.
    let allowed = grant(&format!("http://localhost:{port}/"), true);
    let url = format!("http://localhost:{port}/x");
    let connector = hostile_with("open", "fetch", &url, allowed).await;
    let (_, end) = drain(&connector, hostile_request()).await.unwrap();
    assert_eq!(end.statements, [format!("GET {url}")]);
}

#[tokio::test]
async fn the_trace_goes_on_in_the_guests_requests() {
    let server = HttpServer::start(|_| Reply::json("{}")).await.unwrap();
    let grant = HttpGrant { allow: vec![server.url("/")], allow_private: true, ..HttpGrant::default() };
    let connector = hostile_with("open", "fetch", &server.url("/x"), grant).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let context = CallContext { traceparent: Some(trace.clone()), ..call_within(Duration::from_secs(5)) };
    let mut stream = connector.scan(&context, hostile_request()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ScanEvent::Batch(_)))));
    assert_eq!(server.received()[0].header("traceparent"), Some(trace.as_str()));
}

#[tokio::test]
async fn explaining_touches_nothing() {
    let server = HttpServer::start(|_| Reply::json("{}")).await.unwrap();
    let grant = HttpGrant { allow: vec![server.url("/")], allow_private: true, ..HttpGrant::default() };
    let connector = hostile_with("open", "fetch", &server.url("/x"), grant).await;
    let explain = ScanRequest { explain: true, ..hostile_request() };
    assert_eq!(drain(&connector, explain).await.unwrap_err().code, Code::NotGranted);
    assert!(server.received().is_empty());
}

/// Redirects are followed only where a request could have gone itself, and credentials stay with their origin.
#[tokio::test]
async fn redirects_are_checked_hop_by_hop() {
    let other = HttpServer::start(|_| Reply::json("{}")).await.unwrap();
    let elsewhere = other.url("/in/here");
    let outside = other.url("/out");
    let server = HttpServer::start(move |request: &Received| {
        let to = |location: &str| Reply::new(302, "text/plain", "").with_header("location", location);
        match request.target.as_str() {
            "/api/near" => to("far"),
            "/api/cross" => to(&elsewhere),
            "/api/leave" => to("/secret"),
            "/api/away" => to(&outside),
            "/api/metadata" => to("http://169.254.169.254/latest/meta-data"),
            "/api/circle" => to("/api/circle"),
            "/api/nowhere" => Reply::new(302, "text/plain", ""),
            _ => Reply::json("{}"),
        }
    })
    .await
    .unwrap();
    let grant = || HttpGrant {
        allow: vec![server.url("/api/"), other.url("/in/"), "http://169.254.169.254/".to_owned()],
        allow_private: true,
        credentials: vec![Credential {
            prefix: Some(server.url("/api/")),
            header: "authorization".to_owned(),
            value: Secret::new("Bearer canary-4711"),
        }],
        ..HttpGrant::default()
    };
    let run = async |path: &str| {
        let connector = hostile_with("open", "fetch", &server.url(path), grant()).await;
        drain(&connector, hostile_request()).await
    };
    let (_, end) = run("/api/near").await.unwrap();
    assert_eq!(end.statements, [format!("GET {}", server.url("/api/near")), format!("GET {}", server.url("/api/far"))]);
    run("/api/cross").await.unwrap();
    for (path, expected) in [
        ("/api/leave", Code::NotGranted),
        ("/api/away", Code::NotGranted),
        ("/api/metadata", Code::NotGranted),
        ("/api/circle", Code::SourceUnavailable),
        ("/api/nowhere", Code::SourceUnavailable),
    ] {
        let error = run(path).await.unwrap_err();
        assert_eq!(error.code, expected, "{path}: {error:?}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert!(server.received().iter().all(|r| r.header("authorization") == Some("Bearer canary-4711")));
    assert_eq!(other.targets(), ["GET /in/here"]);
    assert!(other.received().iter().all(|r| r.header("authorization").is_none()));
}

/// A server whose authority is not trusted hears no request; one whose authority the grant names does.
#[tokio::test]
async fn https_servers_must_be_trusted() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = signed.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let server = HttpServer::start_tls(config.into(), |_| Reply::json("{}")).await.unwrap();
    let url = format!("https://localhost:{}/", server.address().port());
    // An authority that has nothing to do with the server: a machine may have no others.
    let stranger = rcgen::generate_simple_self_signed(vec!["elsewhere".to_owned()]).unwrap().cert.pem();
    let grant = |trust: String| HttpGrant {
        allow: vec![url.clone()],
        allow_private: true,
        trust: Some(trust),
        ..HttpGrant::default()
    };
    let error = drain(&hostile_with("open", "fetch", &url, grant(stranger)).await, hostile_request()).await;
    let error = error.unwrap_err();
    assert!(error.message.contains("certificate"), "{error:?}");
    assert!(server.received().is_empty());
    let (_, end) = drain(&hostile_with("open", "fetch", &url, grant(pem)).await, hostile_request()).await.unwrap();
    assert_eq!(end.statements, [format!("GET {url}")]);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn requests_are_limited_in_number_size_time_and_headers() {
    let server = HttpServer::start(|request: &Received| match request.target.as_str() {
        "/big" => Reply::json("x".repeat(2_000)),
        "/hang" => Reply { hang: true, body: vec![b'x'; 10], status: 200, headers: Vec::new() },
        "/packed" => Reply::json("{}").with_header("content-encoding", "gzip"),
        _ => Reply::json("{}"),
    })
    .await
    .unwrap();
    let grant = || HttpGrant {
        allow: vec![server.url("/")],
        allow_private: true,
        max_requests: 5,
        max_response_bytes: 1_000,
        max_url_bytes: 200,
        timeout: Duration::from_millis(200),
        ..HttpGrant::default()
    };
    let long = format!("/{}", "a".repeat(300));
    for (behaviour, path, expected) in [
        ("fetch-many", "/x", Code::LimitExceeded),
        ("fetch", "/big", Code::LimitExceeded),
        ("fetch", long.as_str(), Code::LimitExceeded),
        ("fetch", "/hang", Code::DeadlineExceeded),
        ("fetch", "/packed", Code::SourceUnavailable),
        ("credentials", "/x", Code::InvalidRequest),
    ] {
        let connector = hostile_with("open", behaviour, &server.url(path), grant()).await;
        let error = drain(&connector, hostile_request()).await.unwrap_err();
        assert_eq!(error.code, expected, "{behaviour} {path}: {error:?}");
    }
    assert_eq!(server.targets().iter().filter(|target| *target == "GET /x").count(), 5);
}

#[tokio::test]
async fn what_is_not_a_connector_is_not_installed() {
    let error = SANDBOX.install("junk", b"\0asm junk".to_vec()).await.unwrap_err();
    assert!(matches!(error, SandboxError::NotAComponent { .. }), "{error:?}");
    // The smallest component there is, which exports nothing.
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    let error = SANDBOX.install("empty", empty).await.unwrap_err();
    assert!(matches!(error, SandboxError::NotAConnector { .. }), "{error:?}");
    let small = Sandbox::new(SandboxLimits { component_bytes: 1_000, ..SandboxLimits::default() }).unwrap();
    assert!(matches!(small.install("large", vec![0; 1_001]).await, Err(SandboxError::TooLarge { .. })));
    let limits = GuestLimits { memory: 1 << 40, ..GuestLimits::default() };
    let result = WasmConnector::new("x", installed("tables").await, "{}".into(), &Grants::default(), limits);
    assert!(matches!(result, Err(SandboxError::Limit { key: "memory", .. })));
}

#[tokio::test]
async fn the_tables_guest_evaluates_what_it_is_asked() {
    let connector = innocent().await;
    let columns = [field("id", DataType::Int64), field("name", DataType::Text)];
    let filter = Expression::In {
        input: Box::new(Expression::Column(weft_model::contract::ColumnRef::bare("id"))),
        values: vec![Value::Int64(3), Value::Decimal { unscaled: 70, scale: 1 }, Value::Int64(-1)],
    };
    let filtered = Read { filter: Some(filter), ..read("t", &columns) };
    let (rows, end) = drain(&connector, request(filtered)).await.unwrap();
    assert_eq!((rows, end.rows), (2, 2));
    let limited = Read { limit: Some(7), ..read("t", &columns) };
    assert_eq!(drain(&connector, request(limited)).await.unwrap().0, 7);
    let changed = read("t", &[field("id", DataType::Text)]);
    assert_eq!(drain(&connector, request(changed)).await.unwrap_err().code, Code::SchemaChanged);
    let check = connector.check(&call_within(Duration::from_secs(5)), &[]).await.unwrap();
    let row = vec![Some(Value::Int64(0)), Some(Value::Text("row 0".into()))];
    assert_eq!(check.tables, [("t".to_owned(), CheckOutcome::Row(row))]);
    let bad = WasmConnector::new(
        "bad",
        installed("tables").await,
        r#"{"tables": [], "tabels": 1}"#.into(),
        &Grants::default(),
        GuestLimits::default(),
    );
    let error = bad.unwrap().describe(&call_within(Duration::from_secs(5))).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidConfig);
    assert!(error.message.contains("tabels"), "{error:?}");
}
