//! A folder with a configuration, and the processes that use it.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// For the broker to see links that were recorded.
const REFRESHED: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"
[broker]
base = "https://example.com/"
listen = "127.0.0.1:0"
ontology = ["o.ttl"]
[prefixes]
ex = "https://example.com/"
weft = "https://weft.dev/ns#"
[links]
store = "links.sqlite"
rules = "links.toml"
shapes = ["shapes.ttl"]
refresh = "200ms"
[server]
link_tokens = { ann = { file = "token" } }
[telemetry]
log_format = "pretty"
"#;

pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new(data: &str, rules: &str, shapes: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("weft.toml", CONFIG);
        desk.write("token", "s3cret\n");
        desk.data(data);
        desk.rules(rules);
        desk.shapes(shapes);
        desk
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.path().join(file), text).unwrap();
    }

    pub(crate) fn data(&self, turtle: &str) {
        self.write("o.ttl", &format!("@prefix ex: <https://example.com/> .\n{turtle}"));
    }

    pub(crate) fn rules(&self, text: &str) {
        self.write("links.toml", text);
    }

    pub(crate) fn shapes(&self, turtle: &str) {
        let prefixes = "@prefix ex: <https://example.com/> . @prefix weft: <https://weft.dev/ns#> . \
                        @prefix sh: <http://www.w3.org/ns/shacl#> .\n";
        self.write("shapes.ttl", &format!("{prefixes}{turtle}"));
    }

    fn command(&self) -> Command {
        let mut command = Command::new(weft());
        command.current_dir(self.0.path()).env("USER", "tester").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "weft {}: {error}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// The exit status, and all that was written.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "weft {} did not fail", arguments.join(" "));
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

/// The binary beside this test's own folder; building the tests does not build it.
fn weft() -> PathBuf {
    if let Some(path) = std::env::var_os("WEFT_BIN") {
        return path.into();
    }
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("weft");
    assert!(path.exists(), "{} is missing: build the binaries first", path.display());
    path
}

/// A running broker. It ends also where a test fails.
pub(crate) struct Broker {
    child: Child,
    address: String,
    client: reqwest::Client,
    log: Arc<Mutex<String>>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Broker {
    pub(crate) async fn serve(desk: &Desk) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = desk.command().arg("serve").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut broker = Self { child, address: String::new(), client, log: log.clone() };
        for line in lines.by_ref() {
            let line = line.unwrap();
            log.lock().unwrap().push_str(&line);
            if let Some((_, url)) = line.split_once("ready: ") {
                broker.address = url.trim().trim_end_matches("/sparql").to_owned();
                break;
            }
        }
        assert!(!broker.address.is_empty(), "the broker ended: {}", log.lock().unwrap());
        // Nobody reading would block the broker when it logs.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| log.lock().unwrap().push_str(&line)));
        broker
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{}{path}", self.address)), token).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.address));
        self.send(request.header("content-type", "application/json").body(body.to_string()), token).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, token: &str) -> (u16, Value) {
        let request =
            if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// Waits until a query with one variable gives these values.
    pub(crate) async fn settles(&self, query: &str, expected: &[&str]) {
        let deadline = Instant::now() + REFRESHED;
        loop {
            let found = self.values(query).await;
            if found == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{query} gives {found:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn values(&self, query: &str) -> Vec<String> {
        let request = self.client.post(format!("{}/sparql", self.address));
        let request = request.header("content-type", "application/sparql-query").header("accept", "text/csv");
        let response = request.body(query.to_owned()).send().await.unwrap();
        let text = response.text().await.unwrap();
        let mut values: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        values.sort();
        values
    }
}
