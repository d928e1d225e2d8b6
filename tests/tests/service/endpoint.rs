//! Other people's SPARQL endpoints: a small HTTP server that answers as it is told to, well or badly.

use oxigraph::io::RdfFormat;
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use sparesults::{QueryResultsFormat, QueryResultsSerializer};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) query: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    }
}

/// What is written to the connection.
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection then stays open, silent, until the other side closes it.
    pub(crate) hang: bool,
}

impl Sent {
    /// A whole answer.
    pub(crate) fn new(status: u16, content_type: &str, body: &[u8]) -> Self {
        Self::with(status, &format!("content-type: {content_type}\r\ncontent-length: {}\r\n", body.len()), body)
    }

    pub(crate) fn with(status: u16, headers: &str, body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n{headers}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        Self { bytes, hang: false }
    }

    pub(crate) fn hanging(mut self) -> Self {
        self.hang = true;
        self
    }
}

type Handler = dyn Fn(usize, &Asked) -> Sent + Send + Sync;

/// Stops when it is dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    left: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// The handler is told how many requests came before.
    pub(crate) async fn start(handler: impl Fn(usize, &Asked) -> Sent + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, left) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<AtomicUsize>::default());
        let handler: Arc<Handler> = Arc::new(handler);
        let (log, gone) = (asked.clone(), left.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (log, gone, handler) = (log.clone(), gone.clone(), handler.clone());
                connections.spawn(async move {
                    // A client that goes away is no failure of the server.
                    serve(stream, &log, &gone, &*handler).await.ok();
                });
            }
        });
        Self { address, asked, left, task }
    }

    /// One that evaluates queries over Turtle and answers in a format.
    pub(crate) async fn over(turtle: &str, format: QueryResultsFormat) -> Self {
        let store = store(turtle);
        Self::start(move |_, asked| evaluate(&store, &asked.query, format)).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/sparql", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Connections that the client left while it was kept waiting.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    left: &AtomicUsize,
    handler: &Handler,
) -> std::io::Result<()> {
    let asked = read(&mut stream).await?;
    let before = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let sent = handler(before, &asked);
    stream.write_all(&sent.bytes).await?;
    stream.flush().await?;
    if sent.hang {
        let mut rest = [0; 64];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        left.fetch_add(1, Ordering::SeqCst);
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Asked> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let asked = Asked { head: String::from_utf8_lossy(&bytes[..end]).into_owned(), query: String::new() };
        let length: usize = asked.header("content-length").and_then(|n| n.parse().ok()).unwrap_or_default();
        let body = &bytes[end + 4..];
        if body.len() >= length {
            let query = query_of(&asked, body);
            return Ok(Asked { query, ..asked });
        }
    }
}

fn query_of(asked: &Asked, body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    if asked.header("content-type").as_deref() == Some("application/sparql-query") {
        return text;
    }
    let encoded = text.strip_prefix("query=").unwrap_or_default().replace('+', " ");
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped =
            (*first == b'%').then(|| u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn store(turtle: &str) -> Store {
    let store = Store::new().unwrap();
    let turtle = format!("@prefix ex: <{}> .\n{turtle}", super::BASE);
    store.load_from_slice(RdfFormat::Turtle, turtle.as_bytes()).unwrap();
    store
}

/// The answer of a good endpoint.
pub(crate) fn evaluate(store: &Store, query: &str, format: QueryResultsFormat) -> Sent {
    let parsed = match SparqlEvaluator::new().parse_query(query) {
        Ok(parsed) => parsed,
        Err(error) => return Sent::new(400, "text/plain", format!("{error}: {query}").as_bytes()),
    };
    let QueryResults::Solutions(solutions) = parsed.on_store(store).execute().unwrap() else {
        return Sent::new(500, "text/plain", b"not a SELECT");
    };
    let variables = solutions.variables().to_vec();
    let mut serializer =
        QueryResultsSerializer::from_format(format).serialize_solutions_to_writer(Vec::new(), variables).unwrap();
    for solution in solutions {
        serializer.serialize(&solution.unwrap()).unwrap();
    }
    Sent::new(200, format.media_type(), &serializer.finish().unwrap())
}
