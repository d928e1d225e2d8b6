//! The binary: mutual TLS, a scan through it, an orderly end.

use crate::world::{context, read, rows};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::Connector as _;
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, create_authority, issue};

const BINARY: &str = env!("CARGO_BIN_EXE_weft-connector-triples");

/// Ends the process however the test ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A configuration with certificates and one document, in a folder.
fn prepare(folder: &Path) {
    create_authority(folder, "weft.dev").unwrap();
    for (name, path) in [("broker", "broker"), ("rdf", "connector/rdf")] {
        let hosts = vec!["127.0.0.1".to_owned()];
        let validity = Duration::from_secs(3600);
        issue(folder, &CertificateRequest { name: name.into(), path: path.into(), hosts, validity }).unwrap();
    }
    let config = "listen = \"127.0.0.1:0\"\n[identity]\ncertificate = \"rdf.pem\"\nkey = \"rdf.key\"\ntrust = \"ca.pem\"\n\
        allow = [\"spiffe://weft.dev/broker\"]\n[[files]]\npath = \"a.ttl\"\nbase = \"http://ex/\"\n";
    std::fs::write(folder.join("rdf.toml"), config).unwrap();
    std::fs::write(folder.join("a.ttl"), "<a> <p> 1, 2 .").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_answers_over_mutual_tls_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let file = folder.path().join("rdf.toml");
    let started = Command::new(BINARY).arg(&file).env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
    let mut service = Service(started);
    let mut log = BufReader::new(service.0.stderr.take().unwrap()).lines();
    let address = loop {
        let line = log.next().unwrap().unwrap();
        if let Some((_, address)) = line.split_once("address=") {
            break address.trim().to_owned();
        }
    };
    let path = |name: &str| folder.path().join(name);
    let files = CredentialFiles { certificate: path("broker.pem"), key: path("broker.key"), trust: path("ca.pem") };
    let client = GrpcConnector::new(ClientOptions {
        endpoint: format!("https://{address}"),
        server: "spiffe://weft.dev/connector/rdf".parse().unwrap(),
        credentials: Arc::new(LiveCredentials::load(files).unwrap()),
        limits: ClientLimits::default(),
    })
    .unwrap();
    let description = client.describe(&context()).await.unwrap();
    assert_eq!(description.name, "weft-connector-triples");
    assert_eq!(rows(&client, read("triples", &["s", "o"])).await.len(), 2);

    let pid = service.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let told = Instant::now();
    let status = loop {
        if let Some(status) = service.0.try_wait().unwrap() {
            break status;
        }
        assert!(told.elapsed() < Duration::from_secs(20), "it does not stop");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success());
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

#[test]
fn check_reads_the_documents_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let file = folder.path().join("rdf.toml");
    let file = file.to_str().unwrap();
    let good = run(&["--check", file]);
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success());
    assert!(said.contains("triples: readable, 3 columns") && said.contains("quads: readable, no rows"), "{said}");

    std::fs::write(folder.path().join("a.ttl"), "<a> <p> .").unwrap();
    let bad = run(&["--check", file]);
    let said = String::from_utf8(bad.stderr).unwrap();
    assert!(!bad.status.success());
    assert!(said.contains("a.ttl, line 1, column 9"), "{said}");

    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.contains("RDF") && help.contains("--check") && help.contains("WEFT_TRIPLES__"), "{help}");
    let absent = run(&["/nowhere.toml"]);
    assert!(String::from_utf8(absent.stderr).unwrap().contains("/nowhere.toml"));
}
