//! The server over real connections, with an endpoint that does as it is told by the text of the query.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::{
    Answer, Client, Dataset, Explanation, Graph, GraphFormat, NamedGraph, Problem, QueryCall, ResultFormat, Solutions,
    SourceHealth, SourceState, Wanted,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use oxrdf::{Literal, NamedNode, Term, Triple, Variable};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weft_exec::AnswerBatch;
use weft_model::{Code, Fault};

mod fairness;
mod links;
mod service;

type Batch = Result<AnswerBatch, Problem>;

/// `rows N`, `fail` (at the first batch), `late N` (fails after N batches), `stall N` (hangs after N batches), `yes`,
/// `hang` (while planning), `CONSTRUCT N` (as many triples), `SELECT ?s ?p ?o` (a statement whose object is the query),
/// `ASK { GRAPH` (whether the graph is `urn:column`).
struct Script {
    running: Arc<AtomicUsize>,
    pulled: Arc<AtomicUsize>,
}

/// Counts a query for as long as it lives.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn failure() -> Problem {
    Problem { source_name: Some("erp".into()), ..Problem::new(Code::SourceFailed, Fault::Source, "disk on fire") }
}

fn batch(number: usize, rows: usize) -> Batch {
    let text = |row| format!("{number}/{row}: {}", "x".repeat(50));
    let rows: Vec<_> = (0..rows).map(|row| vec![Some(Literal::from(text(row)).into()), None]).collect();
    Ok(AnswerBatch::from_terms(2, &rows))
}

#[async_trait]
impl QueryEndpoint for Script {
    async fn query(&self, call: QueryCall) -> Result<Answer, Problem> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let alive = Alive(self.running.clone());
        if let Some(count) = call.text.strip_prefix("CONSTRUCT ") {
            return Ok(Answer::Graph(triples(count.parse().unwrap(), alive)));
        }
        if call.text.starts_with("ASK { GRAPH ") {
            return Ok(Answer::Boolean { value: call.text.contains("<urn:column>"), report: json!({"sources": []}) });
        }
        if call.text.starts_with("SELECT ?s ?p ?o") {
            return Ok(Answer::Solutions(statement(&call.text)));
        }
        let (verb, number) = call.text.split_once(' ').unwrap_or((&call.text, "0"));
        let number: usize = number.parse().unwrap();
        let batches = |count: usize| stream::iter((0..count).map(|i| batch(i, 100)));
        let rows: BoxStream<'static, Batch> = match verb {
            "rows" => batches(number).boxed(),
            "fail" => stream::iter([Err(failure())]).boxed(),
            "late" => batches(number).chain(stream::iter([Err(failure())])).boxed(),
            "stall" => batches(number).chain(stream::pending()).boxed(),
            "yes" => return Ok(Answer::Boolean { value: true, report: json!({"sources": []}) }),
            "hang" => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                panic!("nobody waits that long");
            }
            _ => return Err(Problem::new(Code::InvalidQuery, Fault::Caller, "no such script")),
        };
        let pulled = self.pulled.clone();
        let rows = rows.inspect(move |_| {
            let _ = &alive;
            pulled.fetch_add(1, Ordering::SeqCst);
        });
        let variables = vec![Variable::new_unchecked("a"), Variable::new_unchecked("b")];
        let report = Arc::new(|| json!({"sources": [{"name": "erp"}]}));
        Ok(Answer::Solutions(Solutions { variables, rows: rows.boxed(), report }))
    }

    async fn explain(&self, call: QueryCall) -> Result<Explanation, Problem> {
        let what = if call.analyze { "run" } else { "plan" };
        Ok(Explanation { text: format!("{what} of {}", call.text), json: json!({what: call.text}) })
    }

    fn dataset(&self) -> Result<Dataset, Problem> {
        let graph = |name: &str, source: Option<&str>| NamedGraph {
            name: NamedNode::new_unchecked(name),
            source: source.map(Arc::from),
        };
        let graphs = vec![graph("http://127.0.0.1/graphs/erp", Some("erp")), graph("urn:part", None)];
        Ok(Dataset { graphs, prefixes: vec![("e".into(), "https://e/".into())] })
    }
}

fn triples(count: usize, alive: Alive) -> Graph {
    let triples = stream::iter((0..count).map(move |number| {
        let _ = &alive;
        let node = NamedNode::new_unchecked(format!("https://e/n{number}"));
        Ok(Triple::new(node.clone(), node, Literal::from(": xxx")))
    }));
    let prefixes = vec![("e".into(), "https://e/".into())];
    Graph { triples: triples.boxed(), prefixes, report: Arc::new(|| json!({"sources": []})) }
}

/// A statement whose object is the query.
fn statement(text: &str) -> Solutions {
    let node = || Some(Term::from(NamedNode::new_unchecked("http://purl.org/dc/terms/title")));
    let row = vec![node(), node(), Some(Literal::from(text).into())];
    let variables = ["s", "p", "o"].map(Variable::new_unchecked).to_vec();
    let rows = stream::iter([Ok(AnswerBatch::from_terms(3, &[row]))]).boxed();
    Solutions { variables, rows, report: Arc::new(|| json!({"sources": []})) }
}

struct Running {
    url: String,
    address: SocketAddr,
    queries: Arc<AtomicUsize>,
    pulled: Arc<AtomicUsize>,
    health: Health,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start(options: ServerOptions) -> Running {
    rustls_provider();
    let (queries, pulled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let script: Arc<dyn QueryEndpoint> = Arc::new(Script { running: queries.clone(), pulled: pulled.clone() });
    let health = Health::default();
    let (_, endpoints) = watch::channel(script);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), endpoints, health.clone(), options).await.unwrap();
    let address = server.local_address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    Running { url: format!("http://{address}"), address, queries, pulled, health, stop, task }
}

fn rustls_provider() {
    // Another test may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
}

async fn settles(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen");
}

fn rows(format: ResultFormat) -> Wanted {
    Wanted { results: Some(format), graph: None }
}

async fn get(server: &Running, query: &str) -> reqwest::Response {
    reqwest::get(format!("{}/sparql?query={}", server.url, query.replace(' ', "+"))).await.unwrap()
}

#[tokio::test]
async fn a_small_answer_has_its_length_and_its_report() {
    let server = start(ServerOptions::default()).await;
    let response = get(&server, "rows 2").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["weft-report"], r#"{"sources":[{"name":"erp"}]}"#);
    assert!(response.headers().contains_key("content-length"));
    let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["results"]["bindings"].as_array().unwrap().len(), 200);
    let empty = get(&server, "rows 0").await.text().await.unwrap();
    assert_eq!(empty, r#"{"head":{"vars":["a","b"]},"results":{"bindings":[]}}"#);
    assert_eq!(get(&server, "yes").await.text().await.unwrap(), r#"{"head":{},"boolean":true}"#);
}

#[tokio::test]
async fn a_large_answer_is_streamed_in_every_format() {
    let server = start(ServerOptions::default()).await;
    let client = Client::new(&server.url, None).unwrap();
    for format in [ResultFormat::Json, ResultFormat::Xml, ResultFormat::Csv, ResultFormat::Tsv] {
        let answer = client.query("rows 300", rows(format)).await.unwrap();
        assert_eq!(answer.report, None);
        let pieces: Vec<_> = answer.body.map(|piece| piece.unwrap()).collect().await;
        let text = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(text.matches(": xxx").count(), 30_000, "{format}");
    }
    settles("the end of all queries", || server.queries.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_failure_before_the_first_row_is_a_status() {
    let server = start(ServerOptions::default()).await;
    for query in ["fail", "late 1"] {
        let response = get(&server, query).await;
        assert_eq!(response.status(), 502, "{query}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!((problem["code"].as_str(), problem["source"].as_str()), (Some("source-failed"), Some("erp")));
    }
    let client = Client::new(&format!("{}/sparql", server.url), None).unwrap();
    let problem = client.query("fail", rows(ResultFormat::Csv)).await.unwrap_err();
    assert_eq!(problem, failure());
    assert_eq!(client.query("nonsense", rows(ResultFormat::Csv)).await.unwrap_err().code, Code::InvalidQuery);
}

/// The truth about a chunked body is in its last bytes, so no HTTP client stands between.
#[tokio::test]
async fn a_failure_after_the_first_byte_breaks_the_connection() {
    let server = start(ServerOptions::default()).await;
    for (query, complete) in [("rows+300", true), ("late+300", false)] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET /sparql?query={query} HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end, too.
        socket.read_to_end(&mut answer).await.ok();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{query}");
        assert!(answer.len() > 1_000_000, "{query}: {} bytes", answer.len());
        assert_eq!(answer.ends_with(b"\r\n0\r\n\r\n"), complete, "{query}");
    }
    let client = Client::new(&server.url, None).unwrap();
    let answer = client.query("late 300", rows(ResultFormat::Csv)).await.unwrap();
    let last = answer.body.collect::<Vec<_>>().await.pop().unwrap();
    assert_eq!(last.unwrap_err().code, Code::StreamTruncated);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_source_back() {
    let server = start(ServerOptions::default()).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /sparql?query=rows+1000000 HTTP/1.1\r\nHost: weft\r\n\r\n").await.unwrap();
    settles("the start", || server.pulled.load(Ordering::SeqCst) > 0).await;
    // What the socket buffers hold is pulled, and nothing after it.
    let mut before = 0;
    let mut quiet = 0;
    while quiet < 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = server.pulled.load(Ordering::SeqCst);
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
        assert!(before < 20_000, "{before} batches were pulled for nobody");
    }
    assert_eq!(server.queries.load(Ordering::SeqCst), 1);
    drop(socket);
    settles("the end of the query", || server.queries.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_query() {
    let server = start(ServerOptions::default()).await;
    for query in ["hang", "stall+0", "stall+1", "stall+2000"] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(format!("GET /sparql?query={query} HTTP/1.1\r\nHost: weft\r\n\r\n").as_bytes()).await.unwrap();
        settles("the start", || server.queries.load(Ordering::SeqCst) == 1).await;
        drop(socket);
        settles(query, || server.queries.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test]
async fn the_time_of_a_query_ends_while_it_waits_and_while_it_streams() {
    let server = start(ServerOptions { query_timeout: Duration::from_millis(300), ..ServerOptions::default() }).await;
    for query in ["hang", "stall 0"] {
        let response = get(&server, query).await;
        assert_eq!(response.status(), 504, "{query}");
    }
    let response = get(&server, "stall 1").await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.is_err(), "a part was taken for the whole");
    // Nor does a client that never reads keep it alive.
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /sparql?query=rows+1000000 HTTP/1.1\r\nHost: weft\r\n\r\n").await.unwrap();
    settles("the start", || server.pulled.load(Ordering::SeqCst) > 10).await;
    settles("the end of all queries", || server.queries.load(Ordering::SeqCst) == 0).await;
    let client = Client::new(&server.url, Some(Duration::from_millis(100))).unwrap();
    assert_eq!(client.query("hang", rows(ResultFormat::Csv)).await.unwrap_err().code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn too_many_queries_are_told_to_come_back() {
    let limits = ServerOptions { concurrent_queries: 1, queued_queries: 0, ..ServerOptions::default() };
    let server = start(limits).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /sparql?query=hang HTTP/1.1\r\nHost: weft\r\n\r\n").await.unwrap();
    settles("the start", || server.queries.load(Ordering::SeqCst) == 1).await;
    let refused = get(&server, "yes").await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    drop(socket);
    settles("the end", || server.queries.load(Ordering::SeqCst) == 0).await;
    assert_eq!(get(&server, "yes").await.status(), 200);
}

#[tokio::test]
async fn a_drain_lets_answers_end_and_breaks_off_the_rest() {
    let server = start(ServerOptions { drain_timeout: Duration::from_secs(3), ..ServerOptions::default() }).await;
    let stalled = get(&server, "stall 1").await;
    let flowing = get(&server, "rows 300").await;
    server.stop.send(()).unwrap();
    settles("draining", || server.health.report().status == "draining").await;
    assert_eq!(flowing.text().await.unwrap().matches(": xxx").count(), 30_000);
    assert!(stalled.text().await.is_err());
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    settles("the end of all queries", || server.queries.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn the_other_paths_and_methods_answer() {
    let server = start(ServerOptions::default()).await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", server.url);
    let text = http.get(url("/")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("/sparql"));
    let missing = http.get(url("/nowhere")).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    let head = http.head(url("/sparql?query=hang")).header("accept", "text/csv").send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-type"].to_str().unwrap()),
        (200, "text/csv; charset=utf-8")
    );
    let options = http.request(http::Method::OPTIONS, url("/sparql")).send().await.unwrap();
    assert_eq!(
        (options.status().as_u16(), options.headers()["allow"].to_str().unwrap()),
        (204, "GET, HEAD, POST, OPTIONS")
    );
    assert_eq!(http.delete(url("/sparql")).send().await.unwrap().status(), 405);
    let refused = http.get(url("/sparql?query=yes")).header("accept", "image/png").send().await.unwrap();
    assert_eq!(refused.status(), 406);
    let client = Client::new(&server.url, None).unwrap();
    assert_eq!(client.explain("q", false).await.unwrap(), "plan of q");
    assert_eq!(client.explain("q", true).await.unwrap(), r#"{"plan":"q"}"#);
    assert_eq!(client.analyze("q", false).await.unwrap(), "run of q");
    let slow = Client::new(&server.url, Some(Duration::from_secs(5))).unwrap();
    assert_eq!(slow.analyze("q", true).await.unwrap(), r#"{"run":"q"}"#);
    assert_eq!(http.get(url("/health")).send().await.unwrap().status(), 503);
    server.health.set_ready();
    server.health.set_source("erp", SourceHealth { state: SourceState::Absent, reason: Some("down".into()) });
    let health = http.get(url("/health")).send().await.unwrap().text().await.unwrap();
    assert_eq!(health, r#"{"status":"degraded","sources":{"erp":{"state":"absent","reason":"down"}}}"#);
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut_off() {
    let quick = Duration::from_millis(200);
    let server = start(ServerOptions { header_timeout: quick, body_timeout: quick, ..ServerOptions::default() }).await;
    let mut head = TcpStream::connect(server.address).await.unwrap();
    head.write_all(b"GET /sparql?query=yes HTTP/1.1\r\nHost: we").await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), head.read_to_end(&mut answer)).await.unwrap().ok();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    let mut body = TcpStream::connect(server.address).await.unwrap();
    let request = b"POST /sparql HTTP/1.1\r\nHost: weft\r\nContent-Type: application/sparql-query\r\nContent-Length: 10\r\n\r\nye";
    body.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    timeout(Duration::from_secs(5), body.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 504");
}

#[test]
fn a_client_refuses_addresses_that_are_none() {
    rustls_provider();
    for address in ["", "localhost:7878", "ftp://x/", "http://"] {
        assert_eq!(Client::new(address, None).unwrap_err().code, Code::InvalidRequest, "{address}");
    }
}
