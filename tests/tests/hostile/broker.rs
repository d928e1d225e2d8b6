//! A broker with small limits, over an ontology and a source in the sandbox.

use super::corpus::Ending;
use reqwest::Client;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use weft_tests::guests::guest_bytes;

/// What a query has.
pub(crate) const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

const NORMAL: &str = "SELECT ?next { ?s ex:number 7 ; ex:next ?next }";

/// Things in a circle, and things that are linked with each other.
const CIRCLE: usize = 1500;
const CLIQUE: usize = 40;
const PARTS: usize = 1500;

pub(crate) struct Broker {
    child: Mutex<Child>,
    url: String,
    client: Client,
    /// What it logged, a JSON object a line.
    log: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("o.ttl"), ontology()).unwrap();
        std::fs::write(folder.path().join("tables.wasm"), guest_bytes("tables").unwrap()).unwrap();
        std::fs::write(folder.path().join("parts.ttl"), MAPPING).unwrap();
        std::fs::write(folder.path().join("weft.toml"), config()).unwrap();
        let (child, url, log) = serve(folder.path());
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().no_proxy().build().unwrap();
        let broker = Self { child: Mutex::new(child), url, client, log, _folder: folder };
        broker.answers().await.expect("the broker answers");
        broker
    }

    /// Asks the normal query and checks its answer.
    pub(crate) async fn answers(&self) -> Result<(), String> {
        let request = self.post(NORMAL).timeout(Duration::from_secs(30));
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let text = response.text().await.map_err(|error| format!("{error:?}"))?;
        if text.contains("https://example.com/i8") { Ok(()) } else { Err(text) }
    }

    fn post(&self, query: &str) -> reqwest::RequestBuilder {
        self.client.post(&self.url).header("content-type", "application/sparql-query").body(query.to_owned())
    }

    /// How a query ends, when it is given so long.
    pub(crate) async fn end_of(&self, query: &str, within: Duration) -> Ending {
        let logged = self.log.lock().unwrap().len();
        let asked = async {
            let mut response = match self.post(query).send().await {
                Ok(response) => response,
                Err(error) => return Ending::Broken(format!("{error:?}")),
            };
            if !response.status().is_success() {
                let body = response.text().await.unwrap_or_default();
                let problem: Value = serde_json::from_str(&body).unwrap_or_default();
                return Ending::Failed(problem["code"].as_str().unwrap_or("no code").to_owned());
            }
            loop {
                match response.chunk().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ending::Answered,
                    Err(_) => return Ending::Cut(self.cause_of_cut(logged).await),
                }
            }
        };
        tokio::time::timeout(within, asked).await.unwrap_or(Ending::Silent)
    }

    /// The code that the broker logged for an answer it broke off.
    async fn cause_of_cut(&self, logged: usize) -> String {
        for _ in 0..100 {
            let lines: Vec<String> = self.log.lock().unwrap()[logged..].to_vec();
            let broken = lines.iter().filter(|line| line.contains("answer broken off"));
            if let Some(entry) = broken.filter_map(|line| serde_json::from_str::<Value>(line).ok()).next() {
                let code = entry["fields"]["code"].as_str().or(entry["code"].as_str());
                return code.unwrap_or("no code").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        "not logged".to_owned()
    }

    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.child.lock().unwrap().try_wait(), Ok(None))
    }

    pub(crate) fn last_lines(&self) -> String {
        let log = self.log.lock().unwrap();
        log[log.len().saturating_sub(5)..].join("\n")
    }

    /// The most resident memory so far, in bytes; 0 where the system does not tell.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.lock().unwrap().id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn serve(folder: &Path) -> (Child, String, Arc<Mutex<Vec<String>>>) {
    let mut child = Command::new(weft())
        .arg("serve")
        .current_dir(folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let url = loop {
        let line = lines.next().expect("the broker is ready").unwrap();
        if let Some((_, url)) = line.split_once("ready: ") {
            break url.split(['"', ' ']).next().unwrap_or_default().to_owned();
        }
        log.lock().unwrap().push(line);
        assert!(begun.elapsed() < Duration::from_secs(120), "the broker is not ready: {log:?}");
    };
    let kept = log.clone();
    // Nobody reading would block the broker when it logs.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
    (child, url, log)
}

/// The binary beside this test's own folder; building the tests does not build it.
fn weft() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("weft");
    assert!(path.exists(), "{} is missing: run cargo build --workspace first", path.display());
    path
}

fn config() -> String {
    let rows: Vec<Value> =
        (0..PARTS).map(|i| json!([i, (i * 7 + 1) % PARTS, format!("part {i}"), (i % 97) as f64 / 4.0])).collect();
    let columns = json!([
        { "name": "id", "type": "int64" },
        { "name": "up", "type": "int64" },
        { "name": "name", "type": "text" },
        { "name": "weight", "type": "float64" },
    ]);
    let tables = json!([{ "name": "parts", "columns": columns, "keys": [["id"]], "rows": rows }]);
    format!(
        r#"
[broker]
base = "https://example.com/"
listen = "127.0.0.1:0"
ontology = ["o.ttl"]
[prefixes]
ex = "https://example.com/"
[telemetry]
log_format = "json"
[limits]
query_timeout = "{}s"
memory = "64MiB"
result_rows = 200000
concurrent_queries = 4
[sources.parts]
mapping = "parts.ttl"
[sources.parts.wasm]
component = "tables.wasm"
[sources.parts.wasm.config]
tables = {}
"#,
        QUERY_TIMEOUT.as_secs(),
        inline(&tables)
    )
}

/// JSON as an inline value of TOML.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

const MAPPING: &str = r#"
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix ex: <https://example.com/> .
<#parts> rr:logicalTable [ rr:tableName "parts" ] ;
  rr:subjectMap [ rr:template "https://example.com/part/{id}" ; rr:class ex:Part ] ;
  rr:predicateObjectMap [ rr:predicate ex:parent ; rr:objectMap [ rr:template "https://example.com/part/{up}" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column "name" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:weight ; rr:objectMap [ rr:column "weight" ] ] .
"#;

fn ontology() -> String {
    let mut text = "@prefix ex: <https://example.com/> .\n".to_owned();
    for i in 0..CIRCLE {
        let _ = writeln!(text, "ex:i{i} a ex:Thing ; ex:number {i} ; ex:next ex:i{} .", (i + 1) % CIRCLE);
    }
    for i in 0..CLIQUE {
        let others: Vec<String> = (0..CLIQUE).filter(|j| *j != i).map(|j| format!("ex:d{j}")).collect();
        let _ = writeln!(text, "ex:d{i} ex:link {} .", others.join(", "));
    }
    for i in 0..20 {
        let _ = writeln!(text, "ex:t{i} ex:text \"{}{i}\" .", "a".repeat(5_000));
    }
    text
}
