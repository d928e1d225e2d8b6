//! The binary: mutual TLS, a scan through it, an orderly end.

use crate::sqlite::{Database, read};
use crate::world::{context, request, scan};
use std::io::{BufRead, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::Connector;
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, create_authority, issue};
use weft_model::contract::Relation;

const BINARY: &str = env!("CARGO_BIN_EXE_weft-connector-sql");

/// Ends the process however the test ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn certificates(folder: &Path) {
    create_authority(folder, "weft.dev").unwrap();
    for (name, path) in [("broker", "broker"), ("erp", "connector/erp")] {
        let hosts = vec!["127.0.0.1".to_owned()];
        let validity = Duration::from_secs(3600);
        issue(folder, &CertificateRequest { name: name.into(), path: path.into(), hosts, validity }).unwrap();
    }
}

fn config(database: &Database) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[identity]\ncertificate = \"erp.pem\"\nkey = \"erp.key\"\ntrust = \"ca.pem\"\n\
         allow = [\"spiffe://weft.dev/broker\"]\n[database]\nurl = \"{}\"\n",
        database.config().database.url
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_answers_over_mutual_tls_and_stops_when_told() {
    let database =
        Database::new("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL)");
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = folder.path().join("erp.toml");
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let telemetry = format!("[telemetry]\notlp = \"http://{}\"\n", collector.local_addr().unwrap());
    std::fs::write(&file, config(&database) + &telemetry).unwrap();
    // Hangs up on the exporter once it has seen it call.
    let exported = std::thread::spawn(move || {
        let mut preface = [0; 14];
        collector.accept().unwrap().0.read_exact(&mut preface).map(|()| preface)
    });
    let started = Command::new(BINARY).arg(&file).env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
    let mut service = Service(started);
    let mut log = BufReader::new(service.0.stderr.take().unwrap()).lines();
    let serving = log.find_map(|line| line.unwrap().split_once("serving address=").map(|(_, a)| a.to_owned())).unwrap();
    let drained = std::thread::spawn(move || log.map_while(Result::ok).collect::<Vec<_>>());

    let files = CredentialFiles {
        certificate: folder.path().join("broker.pem"),
        key: folder.path().join("broker.key"),
        trust: folder.path().join("ca.pem"),
    };
    let client = GrpcConnector::new(ClientOptions {
        endpoint: format!("https://{}", serving.trim()),
        server: "spiffe://weft.dev/connector/erp".parse().unwrap(),
        credentials: Arc::new(LiveCredentials::load(files).unwrap()),
        limits: ClientLimits::default(),
    })
    .unwrap();
    assert_eq!(client.describe(&context()).await.unwrap().name, "weft-connector-sql");
    let relation = Relation::Read(read(&client, "t", &["a", "b"]).await);
    let (rows, statement) = scan(&client, request(relation)).await.unwrap();
    assert_eq!((rows.len(), statement.as_str()), (2, "SELECT \"a\", \"b\" FROM \"t\""));

    terminate(&mut service.0).await;
    let log = drained.join().unwrap().join("\n");
    assert!(log.contains("finishing what runs"), "{log}");
    assert_eq!(&exported.join().unwrap().unwrap(), b"PRI * HTTP/2.0", "spans are sent before the end");
}

async fn terminate(service: &mut Child) {
    let told = Command::new("kill").arg("-TERM").arg(service.id().to_string()).status().unwrap();
    assert!(told.success());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = service.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "the service does not stop");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

#[test]
fn help_is_short_and_mistakes_are_named() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.lines().count() < 20 && help.contains("--check"), "{help}");
    let database = Database::new("CREATE TABLE t (a INTEGER)");
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = folder.path().join("erp.toml");
    let path = file.display().to_string();
    let good = config(&database);
    for (text, part) in [
        (good.replace("allow", "alow"), "did you mean \"identity.allow\""),
        (good.replace("erp.key", "none.key"), "none.key"),
        (good.replace("127.0.0.1:0", "nowhere"), "listen: \"nowhere\""),
        (good.replace("spiffe://weft.dev/broker", "broker"), "identity.allow: \"broker\""),
        (good.replace("sqlite:", "mysql:"), "database.url"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = run(&[&path]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(part), "{part}: {error}");
    }
    std::fs::write(&file, &good).unwrap();
    let check = run(&["--check", &path]);
    assert_eq!(String::from_utf8(check.stdout).unwrap().lines().last(), Some("t: readable, no rows"));
    assert!(check.status.success());
}
