//! The binary `weft`, as a person or a script runs it. The sources are files: no connector is needed.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary beside this test's own folder; building the tests does not build it.
fn weft() -> PathBuf {
    if let Some(path) = std::env::var_os("WEFT_BIN") {
        return path.into();
    }
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("weft");
    assert!(path.exists(), "{} is missing: run `cargo build -p weft` first", path.display());
    path
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(weft()).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with a configuration that has an ontology, links and no sources.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let config = "[broker]\nbase = \"https://example.com/\"\nlisten = \"127.0.0.1:0\"\nontology = [\"o.ttl\"]\n\
                  [prefixes]\nex = \"https://example.com/\"\n[links]\nstore = \"links.sqlite\"\n[telemetry]\nlog_format = \"pretty\"\n";
    std::fs::write(dir.path().join("weft.toml"), config).unwrap();
    std::fs::write(dir.path().join("o.ttl"), "@base <https://example.com/> . <a> <p> 1 . <b> <p> 2 .").unwrap();
    dir
}

#[test]
fn help_is_an_answer_and_a_wrong_command_line_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["--help"]);
    assert!(help.status.success());
    for command in ["serve", "query", "explain", "check", "source", "mapping", "cert"] {
        assert!(stdout(&help).contains(command), "{command} is not in the help");
    }
    let wrong = run(dir.path(), &["qery"]);
    assert_eq!((wrong.status.code(), stdout(&wrong).as_str()), (Some(64), ""));
    assert!(stderr(&wrong).contains("query"), "{}", stderr(&wrong));
}

#[test]
fn check_names_everything_that_is_wrong_with_file_and_line() {
    let dir = folder();
    let fine = run(dir.path(), &["check"]);
    assert!(fine.status.success(), "{}", stdout(&fine));
    assert!(stdout(&fine).contains("ontology o.ttl, 2 statements"));
    assert!(!dir.path().join("links.sqlite").exists(), "a check must not make files");

    std::fs::write(dir.path().join("o.ttl"), "<a> <p> 1 .\n<b> <p> ??? .").unwrap();
    let more = "[sources.plm]\nmapping = \"plm.ttl\"\n[sources.plm.wasm]\ncomponent = \"absent.wasm\"\n";
    let config = std::fs::read_to_string(dir.path().join("weft.toml")).unwrap();
    std::fs::write(dir.path().join("weft.toml"), config.clone() + more).unwrap();
    std::fs::write(dir.path().join("plm.ttl"), "<m> <http://www.w3.org/ns/r2rml#logicalTable> [ ").unwrap();
    let wrong = run(dir.path(), &["check"]);
    assert_eq!(wrong.status.code(), Some(78));
    let text = stdout(&wrong);
    assert!(text.contains("error    o.ttl:2:9: ") && text.contains("error    source plm: plm.ttl:1: "), "{text}");
    assert!(text.contains("absent.wasm"), "{text}");
    assert!(stderr(&wrong).contains("3 errors"), "{}", stderr(&wrong));

    std::fs::write(dir.path().join("weft.toml"), config + "[limit]\n").unwrap();
    let unknown = run(dir.path(), &["check"]);
    assert_eq!(unknown.status.code(), Some(78));
    assert_eq!(stderr(&unknown), "error: weft.toml:11: limit: unknown key; did you mean limits?\n");
}

#[test]
fn certificates_are_made_once_and_checked() {
    let dir = folder();
    let authority = ["cert", "authority", "--trust-domain", "weft.dev"];
    assert!(run(dir.path(), &authority).status.success());
    assert_eq!(run(dir.path(), &authority).status.code(), Some(78), "an authority was overwritten");
    let issue = run(dir.path(), &["cert", "issue", "--name", "broker", "--id", "broker", "--host", "127.0.0.1"]);
    assert_eq!(stdout(&issue), "certs/broker.pem\ncerts/broker.key\n");
    let identity =
        "[identity]\ncertificate = \"certs/broker.pem\"\nkey = \"certs/broker.key\"\ntrust = \"certs/ca.pem\"\n";
    let config = std::fs::read_to_string(dir.path().join("weft.toml")).unwrap();
    std::fs::write(dir.path().join("weft.toml"), config + identity).unwrap();
    let check = run(dir.path(), &["check"]);
    assert!(stdout(&check).contains("identity spiffe://weft.dev/broker, valid for 89 days"), "{}", stdout(&check));
    std::fs::copy(dir.path().join("certs/ca.key"), dir.path().join("certs/broker.key")).unwrap();
    let mismatch = run(dir.path(), &["check"]);
    assert_eq!(mismatch.status.code(), Some(78));
    assert!(stdout(&mismatch).contains("does not belong to the certificate"), "{}", stdout(&mismatch));
}

#[test]
fn a_query_is_answered_in_process() {
    let dir = folder();
    let query = "SELECT ?s ?n { ?s ex:p ?n } ORDER BY ?n";
    let table = run(dir.path(), &["query", query, "--report"]);
    assert!(table.status.success(), "{}", stderr(&table));
    let text = stdout(&table);
    assert!(text.contains("ex:a") && text.contains("ex:b"), "{text}");
    assert!(stderr(&table).contains("2 rows") && stderr(&table).contains("index"), "{}", stderr(&table));
    let csv = run(dir.path(), &["query", "--format", "csv", query]);
    assert_eq!(stdout(&csv), "s,n\r\nhttps://example.com/a,1\r\nhttps://example.com/b,2\r\n");
    std::fs::write(dir.path().join("q.rq"), query).unwrap();
    let file = run(dir.path(), &["query", "--file", "q.rq", "--rows", "1"]);
    assert!(stderr(&file).contains("1 of 2 rows are shown"), "{}", stderr(&file));
    let explain = run(dir.path(), &["explain", "--file", "q.rq"]);
    assert!(stdout(&explain).contains("<https://example.com/p>"), "{}", stdout(&explain));
    assert!(!stdout(&explain).contains("run:"), "{}", stdout(&explain));
    let analyze = run(dir.path(), &["explain", "--analyze", "--file", "q.rq"]);
    assert!(stdout(&analyze).contains("run:\n  2 rows in "), "{}{}", stdout(&analyze), stderr(&analyze));
    let analyze = run(dir.path(), &["explain", "--analyze", "--json", "--file", "q.rq"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&analyze)).unwrap();
    assert_eq!(json["plan"]["actual"]["rows"], 2, "{json:#}");
    let syntax = run(dir.path(), &["query", "SELECT * {\n ?s ?p }"]);
    assert_eq!(syntax.status.code(), Some(65));
    assert!(stderr(&syntax).contains("line 2") && stderr(&syntax).trim_end().ends_with('^'), "{}", stderr(&syntax));
    let missing = run(dir.path(), &["query", "--config", "absent.toml", query]);
    assert_eq!(missing.status.code(), Some(78));
    let list = run(dir.path(), &["source", "list"]);
    assert!(list.status.success());
    let unknown = run(dir.path(), &["source", "inspect", "erp"]);
    assert_eq!(unknown.status.code(), Some(64));
}

/// What is asked in this process and of a broker is written the same way.
#[test]
fn a_graph_is_written_as_turtle_or_as_asked() {
    let dir = folder();
    let (_broker, url) = serve(dir.path());
    let construct = "CONSTRUCT { ?s <called> ?n } WHERE { ?s ex:p ?n }";
    for place in [&[][..], &["--endpoint", &url]] {
        let ask = |arguments: &[&str]| run(dir.path(), &[&["query"], place, arguments].concat());
        let turtle = ask(&[construct]);
        assert!(stdout(&turtle).starts_with("@prefix ex: <https://example.com/> .\n"), "{}", stderr(&turtle));
        assert!(stdout(&turtle).contains("ex:a ex:called "), "{}", stdout(&turtle));
        let lines = ask(&["--format", "ntriples", construct]);
        let mut lines: Vec<String> = stdout(&lines).lines().map(str::to_owned).collect();
        lines.sort();
        let triple = |s: &str, n: u8| {
            format!(
                "<https://example.com/{s}> <https://example.com/called> \"{n}\"^^<http://www.w3.org/2001/XMLSchema#integer> ."
            )
        };
        assert_eq!(lines, [triple("a", 1), triple("b", 2)]);
        let json = ask(&["--format", "jsonld", "DESCRIBE ex:a"]);
        assert!(stdout(&json).starts_with('[') && stdout(&json).ends_with("]\n"), "{}", stderr(&json));
        let xml = ask(&["--format", "rdfxml", "CONSTRUCT {} WHERE {}"]);
        assert!(stdout(&xml).contains("rdf:RDF"), "{}", stderr(&xml));
        for (format, query) in
            [("csv", construct), ("json", construct), ("turtle", "SELECT * { ?s ex:p ?n }"), ("ntriples", "ASK {}")]
        {
            let refused = ask(&["--format", format, query]);
            assert_eq!((refused.status.code(), stdout(&refused).as_str()), (Some(64), ""), "{query} as {format}");
        }
    }
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
    let mut child = Command::new(weft())
        .arg("serve")
        .current_dir(folder)
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let broker = Broker(child);
    let mut seen = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if let Some((_, url)) = line.split_once("ready: ") {
            let url = url.trim().to_owned();
            // Nobody reading would block the broker when it logs.
            std::thread::spawn(move || lines.for_each(drop));
            return (broker, url);
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("the broker ended: {seen}");
}

#[test]
fn a_running_broker_answers_and_drains() {
    let dir = folder();
    let (mut broker, url) = serve(dir.path());
    let query = "SELECT ?s ?n { ?s ex:p ?n } ORDER BY ?n";
    let csv = run(dir.path(), &["query", "--endpoint", &url, "--format", "csv", "--report", query]);
    assert_eq!(stdout(&csv), "s,n\r\nhttps://example.com/a,1\r\nhttps://example.com/b,2\r\n", "{}", stderr(&csv));
    assert!(stderr(&csv).contains("index"), "{}", stderr(&csv));
    let mut asked = Command::new(weft())
        .args(["query", "--endpoint", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    asked.stdin.take().unwrap().write_all(query.as_bytes()).unwrap();
    let table = stdout(&asked.wait_with_output().unwrap());
    assert!(table.contains("<https://example.com/a>"), "{table}");
    let syntax = run(dir.path(), &["query", "--endpoint", &url, "SELEKT"]);
    assert_eq!(syntax.status.code(), Some(65));

    let terminated = Command::new("kill").args(["-TERM", &broker.0.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    assert_eq!(ends_within(&mut broker, Duration::from_secs(15)), Some(0));
    let gone = run(dir.path(), &["query", "--endpoint", &url, query]);
    assert_eq!(gone.status.code(), Some(69), "{}", stderr(&gone));
    assert!(stderr(&gone).contains("cannot reach the broker"), "{}", stderr(&gone));
}

/// A gRPC source where nobody listens, with the certificates it would need.
fn add_absent_source(dir: &Path, optional: bool) {
    for arguments in [
        &["cert", "authority", "--trust-domain", "weft.dev"][..],
        &["cert", "issue", "--name", "broker", "--id", "broker"],
    ] {
        assert!(run(dir, arguments).status.success());
    }
    // Nobody listens there.
    let port = weft_tests::ports::free_port();
    let source = format!(
        "[identity]\ncertificate = \"certs/broker.pem\"\nkey = \"certs/broker.key\"\ntrust = \"certs/ca.pem\"\n\
         [sources.erp]\nmapping = \"erp.ttl\"\noptional = {optional}\n[sources.erp.grpc]\n\
         endpoint = \"https://127.0.0.1:{port}\"\nidentity = \"spiffe://weft.dev/connector/erp\"\n"
    );
    let config = std::fs::read_to_string(dir.join("weft.toml")).unwrap();
    let config = config.replace("[prefixes]", "start_timeout = \"1s\"\n[prefixes]");
    std::fs::write(dir.join("weft.toml"), config + &source).unwrap();
    let mapping = "@prefix rr: <http://www.w3.org/ns/r2rml#> . <#m> rr:logicalTable [ rr:tableName \"item\" ] ;
        rr:subjectMap [ rr:template \"https://example.com/item/{id}\" ] .";
    std::fs::write(dir.join("erp.ttl"), mapping).unwrap();
}

#[test]
fn a_required_source_that_is_down_is_named() {
    let dir = folder();
    add_absent_source(dir.path(), false);
    let check = run(dir.path(), &["check"]);
    assert!(check.status.success(), "{}", stdout(&check));
    assert!(stdout(&check).contains("note     source erp: its mapping was not checked against its tables"));
    for arguments in [&["serve"][..], &["query", "ASK {}"], &["source", "inspect", "erp"]] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(69), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("error: source erp: "), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    let checked = run(dir.path(), &["source", "check"]);
    assert_eq!(checked.status.code(), Some(69));
    assert!(stdout(&checked).contains("source-unavailable"), "{}", stdout(&checked));
}

#[test]
fn an_optional_source_that_is_down_is_left_out_and_told_of() {
    let dir = folder();
    add_absent_source(dir.path(), true);
    let (_broker, url) = serve(dir.path());
    let csv = run(dir.path(), &["query", "--endpoint", &url, "--format", "csv", "SELECT ?s { ?s ex:p 1 }"]);
    assert_eq!(stdout(&csv), "s\r\nhttps://example.com/a\r\n", "{}", stderr(&csv));
    let local = run(dir.path(), &["query", "--format", "csv", "SELECT ?s { ?s ex:p 1 }"]);
    assert!(local.status.success());
    assert!(stderr(&local).contains("warning: the answer leaves out optional source erp"), "{}", stderr(&local));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let health = runtime.block_on(async {
        rustls::crypto::ring::default_provider().install_default().ok();
        reqwest::get(url.replace("/sparql", "/health")).await.unwrap().text().await.unwrap()
    });
    let expected = r#"{"status":"degraded","sources":{"erp":{"state":"absent","reason":"source-unavailable"}}}"#;
    assert_eq!(health, expected);
}

#[test]
fn a_collector_that_is_down_keeps_nobody_from_answers() {
    let dir = folder();
    let config = std::fs::read_to_string(dir.path().join("weft.toml")).unwrap();
    std::fs::write(dir.path().join("weft.toml"), config + "otlp = \"http://127.0.0.1:9\"\n").unwrap();
    let (mut broker, url) = serve(dir.path());
    let csv = run(dir.path(), &["query", "--endpoint", &url, "--format", "csv", "SELECT ?s { ?s ex:p 1 }"]);
    assert_eq!(stdout(&csv), "s\r\nhttps://example.com/a\r\n", "{}", stderr(&csv));
    assert!(Command::new("kill").args(["-TERM", &broker.0.id().to_string()]).status().unwrap().success());
    assert_eq!(ends_within(&mut broker, Duration::from_secs(10)), Some(0));
}

fn ends_within(broker: &mut Broker, limit: Duration) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = broker.0.try_wait().unwrap() {
            return status.code();
        }
        assert!(begun.elapsed() < limit, "the broker does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_broker_that_cannot_listen_says_so() {
    let dir = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(weft())
        .arg("serve")
        .current_dir(dir.path())
        .env("WEFT__BROKER__LISTEN", &address)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(
        stderr(&output).contains(&format!("error: broker.listen: cannot listen on {address}")),
        "{}",
        stderr(&output)
    );
}
