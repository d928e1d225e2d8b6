//! The configuration and the binary: one broker that asks another one.

use crate::BASE;
use crate::endpoint::{Endpoint, evaluate, store};
use sparesults::QueryResultsFormat;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The binary beside this test's own folder; building the tests does not build it.
fn weft() -> PathBuf {
    if let Some(path) = std::env::var_os("WEFT_BIN") {
        return path.into();
    }
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("weft");
    assert!(path.exists(), "{} is missing: build the binaries first", path.display());
    path
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(weft()).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder(turtle: &str, services: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[broker]\nbase = \"{BASE}\"\nlisten = \"127.0.0.1:0\"\nontology = [\"o.ttl\"]\n[prefixes]\nex = \"{BASE}\"\n\
         [telemetry]\nlog_format = \"pretty\"\n{services}"
    );
    std::fs::write(dir.path().join("weft.toml"), config).unwrap();
    std::fs::write(dir.path().join("o.ttl"), format!("@prefix ex: <{BASE}> .\n{turtle}")).unwrap();
    dir
}

/// Ends the broker also where a test fails.
struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn serve(folder: &Path) -> (Broker, String) {
    let mut command = Command::new(weft());
    let mut child =
        command.arg("serve").current_dir(folder).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let broker = Broker(child);
    for line in lines.by_ref() {
        if let Some((_, url)) = line.unwrap().split_once("ready: ") {
            let url = url.trim().to_owned();
            // Nobody reading would block the broker when it logs.
            std::thread::spawn(move || lines.for_each(drop));
            return (broker, url);
        }
    }
    panic!("the broker ended");
}

#[test]
fn a_broker_asks_another_one() {
    let there = folder("ex:x1 ex:q 1 . ex:x2 ex:q 2 .", "");
    let (_broker, url) = serve(there.path());
    let services = format!("[services.\"https://partner.example/sparql\"]\nurl = \"{url}\"\n");
    let here = folder("ex:a ex:p ex:x1 . ex:b ex:p ex:x2 . ex:c ex:p ex:x3 .", &services);
    let query =
        "SELECT ?s ?q { ?s ex:p ?x OPTIONAL { SERVICE <https://partner.example/sparql> { ?x ex:q ?q } } } ORDER BY ?s";
    let output = run(here.path(), &["query", "--format", "csv", "--report", query]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows = "s,q\r\nhttps://example.com/a,1\r\nhttps://example.com/b,2\r\nhttps://example.com/c,\r\n";
    assert_eq!(text(&output.stdout), rows);
    assert!(text(&output.stderr).contains("https://partner.example/sparql"), "{}", text(&output.stderr));
    let down = query.replace("SERVICE", "SERVICE SILENT").replace("partner", "partner2");
    let silent = run(here.path(), &["query", "--format", "csv", "--report", &down]);
    assert_eq!(text(&silent.stdout).lines().count(), 4, "{}", text(&silent.stderr));
    let hidden = "1 failures of service https://partner2.example/sparql were hidden by SILENT";
    assert!(text(&silent.stderr).contains(hidden), "{}", text(&silent.stderr));
    let explained = run(here.path(), &["explain", query]);
    assert!(text(&explained.stdout).contains("sends: SELECT ?q ?x WHERE"), "{}", text(&explained.stdout));
    let other = run(here.path(), &["query", "ASK { SERVICE <https://nobody.example/> { ?s ?p ?o } }"]);
    assert_eq!(other.status.code(), Some(77), "{}", text(&other.stderr));
    assert!(text(&other.stderr).contains("these are: <https://partner.example/sparql>"), "{}", text(&other.stderr));
}

#[test]
fn credentials_are_sent_and_services_are_listed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let data = store("ex:x1 ex:q 1 .");
    let endpoint =
        runtime.block_on(Endpoint::start(move |_, asked| evaluate(&data, &asked.query, QueryResultsFormat::Json)));
    let services = format!(
        "[services.\"urn:partner\"]\nurl = \"{}\"\nrequest = \"direct\"\n\
         credentials = [{{ header = \"authorization\", value = {{ file = \"token\" }} }}]\n",
        endpoint.url()
    );
    let here = folder("ex:a ex:p ex:x1 .", &services);
    let check = run(here.path(), &["check"]);
    assert_eq!(check.status.code(), Some(78), "the secret is not there yet");
    assert!(text(&check.stdout).contains("error    service <urn:partner>: credentials, header authorization: "));
    std::fs::write(here.path().join("token"), "Bearer s3cret\n").unwrap();
    let check = run(here.path(), &["check"]);
    assert!(text(&check.stdout).contains("ok       service <urn:partner>"), "{}", text(&check.stdout));
    let list = run(here.path(), &["source", "list"]);
    assert!(text(&list.stdout).contains("urn:partner"), "{}", text(&list.stdout));
    let query = run(
        here.path(),
        &["query", "--format", "csv", "SELECT ?q { ?s ex:p ?x SERVICE <urn:partner> { ?x ex:q ?q } }"],
    );
    assert_eq!(text(&query.stdout), "q\r\n1\r\n", "{}", text(&query.stderr));
    let asked = &endpoint.asked()[0];
    assert_eq!(asked.header("authorization").as_deref(), Some("Bearer s3cret"));
    assert_eq!(asked.header("content-type").as_deref(), Some("application/sparql-query"));
    for output in [check, list, query] {
        assert!(!text(&output.stdout).contains("s3cret") && !text(&output.stderr).contains("s3cret"));
    }
}

#[test]
fn a_service_that_cannot_be_is_refused_with_its_line() {
    for (section, message) in [
        ("[services.\"not an iri\"]\n", "weft.toml:9: services.not an iri: \"not an iri\" is not an absolute IRI"),
        (
            "[services.\"http://partner.example/a.b\"]\n",
            "weft.toml:9: services.http://partner.example/a.b: url: plain http leaves this machine",
        ),
        ("[services.\"urn:x\"]\n", "weft.toml:9: services.urn:x: url: it begins neither"),
        (
            "[services.\"urn:x\"]\nurl = \"https://u:s3cret@partner.example/\"\n",
            "url: it holds a user name or a password",
        ),
        ("[services.\"https://partner.example/\"]\nurll = \"x\"\n", "did you mean url?"),
        (
            "[services.\"https://partner.example/\"]\nurl = \"https://x.example/\"\nmax_response_bytes = \"much\"\n",
            "weft.toml:11: services.https://partner.example/.max_response_bytes: ",
        ),
        (
            "[services.\"https://partner.example/\"]\ncredentials = [{ header = \"authorization\", value = \"s3cret\" }]\n",
            "a secret is never in the config",
        ),
    ] {
        let here = folder("", section);
        let check = run(here.path(), &["check"]);
        assert_eq!(check.status.code(), Some(78), "{section}");
        let error = text(&check.stderr);
        assert!(error.contains(message), "{section}\n{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
