//! A small mesh of real processes: two SQLite files behind gRPC connectors, an ontology, and the broker.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use weft_tests::ports::free_port;

const START_TIMEOUT: Duration = Duration::from_secs(60);

const ERP: &str = "
    CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), released DATE, active BOOLEAN);
    INSERT INTO part VALUES (1, 'Box', '12.50', '2024-01-02', 1),
        (2, 'Lid, <b>\"wide\"</b> & é' || char(13, 10), '3.20', '2024-02-03', 1), (3, 'Screw', NULL, '2023-05-06', 0);";

const MES: &str = "
    CREATE TABLE run (no INTEGER PRIMARY KEY, part INTEGER NOT NULL, quantity INTEGER NOT NULL, started TIMESTAMP);
    INSERT INTO run VALUES (10, 1, 5, '2024-03-01T08:00:00'), (11, 1, 7, NULL), (12, 2, 20, '2024-03-02T09:30:00'),
        (13, 3, 100, '2024-03-03T10:00:00');";

const PREFIXES: &str = "@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix ex: <https://demo.example/vocab#> .\n";

const ERP_MAPPING: &str = "
    <#part> rr:logicalTable [ rr:tableName \"part\" ] ;
      rr:subjectMap [ rr:template \"https://demo.example/part/{id}\" ; rr:class ex:Part ] ;
      rr:predicateObjectMap [ rr:predicate ex:name ; rr:objectMap [ rr:column \"name\" ] ] ,
        [ rr:predicate ex:price ; rr:objectMap [ rr:column \"price\" ] ] ,
        [ rr:predicate ex:released ; rr:objectMap [ rr:column \"released\" ] ] ,
        [ rr:predicate ex:active ; rr:objectMap [ rr:column \"active\" ] ] .";

const MES_MAPPING: &str = "
    <#run> rr:logicalTable [ rr:tableName \"run\" ] ;
      rr:subjectMap [ rr:template \"https://demo.example/run/{no}\" ; rr:class ex:Run ] ;
      rr:predicateObjectMap [ rr:predicate ex:of ; rr:objectMap [ rr:template \"https://demo.example/part/{part}\" ] ] ,
        [ rr:predicate ex:quantity ; rr:objectMap [ rr:column \"quantity\" ] ] ,
        [ rr:predicate ex:started ; rr:objectMap [ rr:column \"started\" ] ] .";

const ONTOLOGY: &str = "
    @prefix ex: <https://demo.example/vocab#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    ex:Part a rdfs:Class ; rdfs:label \"Part\"@en , \"Teil\"@de . ex:Run a rdfs:Class ; rdfs:label \"Run\"@en .";

/// Ends its processes when it is dropped.
pub(crate) struct Mesh {
    folder: TempDir,
    children: Vec<Child>,
    pub(crate) endpoint: String,
}

impl Mesh {
    /// Starts connectors and broker, and waits until the broker is ready.
    pub(crate) fn start() -> Result<Self> {
        let ports: [u16; 3] = std::array::from_fn(|_| free_port());
        let endpoint = format!("http://127.0.0.1:{}/sparql", ports[2]);
        let mut mesh = Self { folder: tempfile::tempdir()?, children: Vec::new(), endpoint };
        mesh.run(&["cert", "authority", "--trust-domain", "weft.dev"])?;
        mesh.run(&["cert", "issue", "--name", "broker", "--id", "broker"])?;
        let mut config = broker_config(ports[2]);
        for (name, port, data, mapping) in [("erp", ports[0], ERP, ERP_MAPPING), ("mes", ports[1], MES, MES_MAPPING)] {
            config.push_str(&mesh.connector(name, port, data, mapping)?);
        }
        fs::write(mesh.path("ontology.ttl"), ONTOLOGY)?;
        fs::write(mesh.path("weft.toml"), config)?;
        mesh.spawn("weft", &["serve"], "weft", ports[2])?;
        mesh.until_ready()?;
        Ok(mesh)
    }

    /// Starts a connector over new data, and returns its section in the configuration of the broker.
    fn connector(&mut self, name: &str, port: u16, data: &str, mapping: &str) -> Result<String> {
        rusqlite::Connection::open(self.path(&format!("{name}.sqlite")))?.execute_batch(data)?;
        fs::write(self.path(&format!("{name}.ttl")), format!("{PREFIXES}{mapping}"))?;
        let id = format!("connector/{name}");
        self.run(&["cert", "issue", "--name", name, "--id", &id, "--host", "127.0.0.1"])?;
        let config = format!(
            "listen = \"127.0.0.1:{port}\"\n[identity]\ncertificate = \"certs/{name}.pem\"\nkey = \"certs/{name}.key\"\n\
             trust = \"certs/ca.pem\"\nallow = [\"spiffe://weft.dev/broker\"]\n[database]\nurl = \"sqlite:{name}.sqlite\"\n"
        );
        let file = format!("{name}.toml");
        fs::write(self.path(&file), config)?;
        self.spawn("weft-connector-sql", &[&file], name, port)?;
        Ok(format!(
            "[sources.{name}]\nmapping = \"{name}.ttl\"\n[sources.{name}.grpc]\nendpoint = \"https://127.0.0.1:{port}\"\n\
             identity = \"spiffe://weft.dev/connector/{name}\"\n"
        ))
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(program("weft")?).args(arguments).current_dir(self.folder.path()).output()?;
        ensure!(output.status.success(), "weft {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Starts a process and waits until somebody listens on its port.
    fn spawn(&mut self, name: &str, arguments: &[&str], log: &str, port: u16) -> Result<()> {
        let log = self.path(&format!("{log}.log"));
        let file = File::create(&log)?;
        let mut command = Command::new(program(name)?);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        let mut child = command.stdout(file.try_clone()?).stderr(file).spawn().context(name.to_owned())?;
        let deadline = Instant::now() + START_TIMEOUT;
        let mut ended = None;
        while TcpStream::connect(("127.0.0.1", port)).is_err() && ended.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(30));
            ended = child.try_wait()?;
        }
        self.children.push(child);
        if ended.is_some() || Instant::now() >= deadline {
            bail!("{name} does not listen on {port} ({ended:?}): {}", fs::read_to_string(log).unwrap_or_default());
        }
        Ok(())
    }

    fn until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let log = fs::read_to_string(self.path("weft.log"))?;
            if log.contains("ready: ") {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the broker is not ready: {log}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn broker_config(port: u16) -> String {
    format!(
        "[broker]\nbase = \"https://demo.example/\"\nlisten = \"127.0.0.1:{port}\"\nontology = [\"ontology.ttl\"]\n\
         [server]\ncors_origins = [\"https://app.example\"]\n[identity]\ncertificate = \"certs/broker.pem\"\n\
         key = \"certs/broker.key\"\ntrust = \"certs/ca.pem\"\n"
    )
}

/// The programs lie beside the folder of the tests.
fn program(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let path = tests.parent().and_then(Path::parent).context("a target folder")?.join(name);
    ensure!(path.is_file(), "{} is missing: run cargo build --workspace first", path.display());
    Ok(path)
}
