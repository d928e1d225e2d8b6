//! Large answers, from a connector over gRPC through a broker process: what they hold, and what ends with them.

use crate::endless::{Broker, Endless};
use futures::StreamExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const QUERY: &str = "SELECT ?part ?name { ?part <https://e/name> ?name }";
const CONSTRUCT: &str = "CONSTRUCT { ?part <https://e/called> ?name } WHERE { ?part <https://e/name> ?name }";

/// `WEFT_STREAM_ROWS=1000000` for the long measurement.
fn rows() -> u64 {
    std::env::var("WEFT_STREAM_ROWS").map_or(100_000, |text| text.parse().unwrap())
}

fn post(broker: &Broker, parameters: &str) -> reqwest::RequestBuilder {
    rustls::crypto::ring::default_provider().install_default().ok();
    let url = format!("http://{}/sparql{parameters}", broker.address);
    reqwest::Client::new().post(url).header("content-type", "application/sparql-query")
}

async fn settles(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a query over a socket, and reads the first bytes of its answer.
async fn begin(broker: &Broker, query: &str) -> TcpStream {
    let mut socket = TcpStream::connect(broker.address).await.unwrap();
    let head = format!(
        "POST /sparql HTTP/1.1\r\nHost: weft\r\nContent-Type: application/sparql-query\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    socket.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_takes_no_more_memory_than_a_small_one() {
    let rows = rows();
    let broker = Broker::start(Endless::new(rows), "[limits]\nquery_timeout = \"10m\"\n").await;
    for (query, accept) in [(QUERY, "text/csv"), (QUERY, "application/sparql-results+json"), (CONSTRUCT, "text/turtle")]
    {
        let (mut most, mut early, mut lines) = (0, 0, 0u64);
        let begun = Instant::now();
        let response = post(&broker, "").header("accept", accept).body(query).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.unwrap();
            lines += piece.split(|byte| *byte == b'n').count() as u64;
            let resident = broker.resident();
            most = most.max(resident);
            if lines < rows / 4 {
                early = most;
            }
        }
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        eprintln!(
            "{rows} rows as {accept}: {:.1} s, resident memory {:.0} MiB after the first rows, {:.0} MiB at most",
            begun.elapsed().as_secs_f64(),
            mib(early),
            mib(most)
        );
        assert!(lines >= rows, "{lines}");
        if query == QUERY {
            assert!(most < early + (32 << 20), "memory grew from {early} to {most} bytes as {accept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_holds_the_connector_back() {
    let connector = Endless::new(100_000_000);
    let broker = Broker::start(connector.clone(), "").await;
    let socket = begin(&broker, QUERY).await;
    let (mut before, mut quiet) = (0, 0);
    while quiet < 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = connector.sent.load(Ordering::SeqCst);
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
        // Socket buffers and the windows of two protocols hold some megabytes.
        assert!(before < 1_000_000, "{before} rows were sent for nobody");
    }
    let resident = broker.resident();
    assert!(resident < 256 << 20, "{resident} bytes");
    eprintln!("a client that reads nothing: {before} rows pulled, {} MiB resident", resident >> 20);
    assert_eq!(scans(&connector.scans), 1);
    drop(socket);
    settles("the end of the scan", || scans(&connector.scans) == 0).await;
}

/// The connector is on the other side of HTTP, the engine and gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_scan_at_the_connector() {
    let connector = Endless::new(100_000_000);
    let broker = Broker::start(connector.clone(), "").await;
    for query in [QUERY, "SELECT (COUNT(*) AS ?n) { ?part <https://e/name> ?name }", CONSTRUCT] {
        let mut socket = TcpStream::connect(broker.address).await.unwrap();
        let target =
            query.replace(' ', "+").replace('{', "%7B").replace('}', "%7D").replace('<', "%3C").replace('>', "%3E");
        let head = format!("GET /sparql?query={target} HTTP/1.1\r\nHost: weft\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        settles("the scan", || scans(&connector.scans) == 1).await;
        let sent = connector.sent.load(Ordering::SeqCst);
        settles("the first rows", || connector.sent.load(Ordering::SeqCst) > sent).await;
        drop(socket);
        let left = Instant::now();
        settles("the end of the scan", || scans(&connector.scans) == 0).await;
        eprintln!("{query}: the scan ended {} ms after its client left", left.elapsed().as_millis());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_time_is_over_ends_the_scan_at_the_connector() {
    let connector = Endless::new(100_000_000);
    let broker = Broker::start(connector.clone(), "").await;
    let response = post(&broker, "?timeout=500ms")
        .body("SELECT (COUNT(*) AS ?n) { ?part <https://e/name> ?name }")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 504);
    settles("the end of the scan", || scans(&connector.scans) == 0).await;
}

fn scans(count: &AtomicU64) -> u64 {
    count.load(Ordering::SeqCst)
}
