//! Connector processes, and the broker's end of their connections.

use super::{SOURCE, patient};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use weft_connector::{Connector, Guarded};
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, create_authority, issue};

const DOMAIN: &str = "weft.dev";
const START: Duration = Duration::from_secs(60);

/// Certificates, and a folder for what processes need.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
    broker: Arc<LiveCredentials>,
    started: AtomicU32,
}

pub(crate) struct Process {
    child: Child,
    pub(crate) guarded: Guarded,
}

pub(crate) enum Start {
    Running(Process),
    /// It ended by itself, and this is what it said.
    Refused(String),
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        create_authority(folder.path(), DOMAIN).unwrap();
        for (name, path) in [("broker", "broker"), (SOURCE, "connector/r2rml")] {
            let hosts = vec!["127.0.0.1".to_owned()];
            let validity = Duration::from_secs(3600);
            issue(folder.path(), &CertificateRequest { name: name.into(), path: path.into(), hosts, validity })
                .unwrap();
        }
        let file = |name: &str| folder.path().join(name);
        let files = CredentialFiles { certificate: file("broker.pem"), key: file("broker.key"), trust: file("ca.pem") };
        let broker = Arc::new(LiveCredentials::load(files).unwrap());
        Self { folder, broker, started: AtomicU32::new(0) }
    }

    /// An SQLite file made by a script.
    pub(crate) fn sqlite(&self, script: &str) -> String {
        let file = self.folder.path().join("db.sqlite");
        rusqlite::Connection::open(&file).unwrap().execute_batch(script).unwrap();
        format!("sqlite:{}", file.display())
    }

    /// A connector for a database; `further` goes to the end of its configuration.
    pub(crate) async fn start(&self, url: &str, further: &str) -> Start {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let config = format!(
            "listen = \"127.0.0.1:0\"\n[identity]\ncertificate = \"{SOURCE}.pem\"\nkey = \"{SOURCE}.key\"\ntrust = \"ca.pem\"\n\
             allow = [\"spiffe://{DOMAIN}/broker\"]\n[database]\nurl = \"{url}\"\n{further}"
        );
        let file = self.folder.path().join(format!("{number}.toml"));
        fs::write(&file, config).unwrap();
        let log = self.folder.path().join(format!("{number}.log"));
        let mut child = Command::new(program())
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let address = loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if let Some(address) = address_in(&said) {
                break address;
            }
            if let Some(status) = child.try_wait().unwrap() {
                assert!(!status.success(), "it ended well:\n{said}");
                return Start::Refused(fs::read_to_string(&log).unwrap());
            }
            assert!(begun.elapsed() < START, "not ready after {} s:\n{said}", START.as_secs());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        Start::Running(Process { child, guarded: self.connect(address) })
    }

    fn connect(&self, address: SocketAddr) -> Guarded {
        let options = ClientOptions {
            endpoint: format!("https://{address}"),
            server: format!("spiffe://{DOMAIN}/connector/r2rml").parse().unwrap(),
            credentials: self.broker.clone(),
            limits: ClientLimits::default(),
        };
        let connector: Arc<dyn Connector> = Arc::new(GrpcConnector::new(options).unwrap());
        Guarded::new(SOURCE.into(), connector, patient())
    }
}

/// The address in a whole line of the log.
fn address_in(log: &str) -> Option<SocketAddr> {
    let (lines, _) = log.rsplit_once('\n')?;
    let (_, rest) = lines.split_once("address=")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The program lies beside the folder of the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap_or(Path::new("")).join("weft-connector-sql");
    assert!(path.is_file(), "{} is missing: run cargo build --workspace first", path.display());
    path
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
