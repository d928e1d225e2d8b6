//! The processes of the example: peers, connectors and broker, on free ports and with state of their own.

use anyhow::{Context, Result, bail, ensure};
use oxrdf::Term;
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};
use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use weft_tests::ports::free_port;

const START_TIMEOUT: Duration = Duration::from_secs(90);
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Servers,
    Sqlite,
    /// The files, inspection results, and links.
    Linked,
}

impl Variant {
    fn config(self) -> &'static str {
        match self {
            Self::Servers => "weft-servers.toml",
            Self::Sqlite => "weft-sqlite.toml",
            Self::Linked => "weft-linked.toml",
        }
    }

    fn peers(self) -> &'static [&'static str] {
        match self {
            Self::Servers => &["postgres", "cap", "sqlite"],
            Self::Sqlite | Self::Linked => &["sqlite"],
        }
    }

    fn connectors(self) -> &'static [&'static str] {
        match self {
            Self::Servers => &["erp", "cmms", "mes-postgres"],
            Self::Sqlite => &["erp", "cmms", "mes-sqlite", "plm-sqlite"],
            Self::Linked => &["erp", "cmms", "mes-sqlite", "plm-sqlite", "quality"],
        }
    }
}

/// The peers kit and its seed files.
pub(crate) struct Kit {
    pub(crate) folder: PathBuf,
    pub(crate) seed: PathBuf,
}

/// `None` where the kit is not there.
pub(crate) fn kit() -> Option<Kit> {
    let shared = env::var_os("WEFT_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let folder = shared.join("peers").canonicalize().ok().filter(|folder| folder.join("peers").is_file())?;
    let cache = || {
        let home = || Path::new(&env::var_os("HOME").unwrap_or_default()).join(".cache");
        env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("weft-peers")
    };
    let seed = env::var_os("PEERS_HOME").map_or_else(cache, PathBuf::from).join("seed");
    Some(Kit { folder, seed })
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

pub(crate) fn example() -> PathBuf {
    repository().join("deploy/examples/crada")
}

/// One row of an answer: variable to the IRI or lexical form; unbound ones are not there.
pub(crate) struct Row(BTreeMap<String, String>);

impl Row {
    pub(crate) fn text(&self, variable: &str) -> String {
        self.0.get(variable).cloned().unwrap_or_default()
    }
}

pub(crate) struct World {
    kit: Kit,
    variant: Variant,
    /// A copy of the example with other ports.
    folder: TempDir,
    children: Vec<Child>,
    url: String,
    client: reqwest::Client,
}

impl World {
    pub(crate) async fn start(kit: Kit, variant: Variant) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir()?;
        let ports: [u16; 9] = std::array::from_fn(|_| free_port());
        let client = reqwest::Client::builder().no_proxy().timeout(QUERY_TIMEOUT).build()?;
        let url = format!("http://127.0.0.1:{}/sparql", ports[0]);
        let mut world = Self { kit, variant, folder, children: Vec::new(), url, client };
        world.copy(&ports)?;
        for (peer, port) in [("postgres", ports[6]), ("cap", ports[7]), ("sqlite", 0)] {
            if variant.peers().contains(&peer) {
                world.start_peer(peer, port)?;
            }
        }
        if variant == Variant::Linked {
            world.inspection_results()?;
        }
        world.certificates()?;
        world.weft(&["check", "--config", variant.config()])?;
        for name in variant.connectors() {
            let config = format!("connectors/{name}.toml");
            let child = world.spawn("weft-connector-sql", &[&config], name)?;
            world.children.push(child);
            let port = listen_port(&world.folder.path().join(&config))?;
            world.until(name, async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await?;
        }
        let child = world.spawn("weft", &["serve", "--config", variant.config()], "weft")?;
        world.children.push(child);
        let probe = (world.client.clone(), world.url.clone());
        world.until("weft", async || send(&probe.0, &probe.1, "ASK { BIND(1 AS ?x) }").await.is_ok()).await?;
        Ok(world)
    }

    pub(crate) fn kit(&self) -> &Kit {
        &self.kit
    }

    /// Names of the questions, in order.
    pub(crate) fn questions(&self) -> Result<Vec<String>> {
        let files = fs::read_dir(self.folder.path().join("questions"))?.collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<String> =
            files.iter().filter_map(|file| file.file_name().to_str()?.strip_suffix(".rq").map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    pub(crate) async fn ask(&self, question: &str) -> Result<Vec<Row>> {
        let query = fs::read_to_string(self.folder.path().join("questions").join(question).with_extension("rq"))?;
        let begun = Instant::now();
        let body = send(&self.client, &self.url, &query).await?;
        let rows = rows(&body)?;
        eprintln!(
            "{:?} {question}: {} rows in {:.0} ms",
            self.variant,
            rows.len(),
            begun.elapsed().as_secs_f64() * 1000.0
        );
        Ok(rows)
    }

    /// Copies the example, with free ports and absolute paths to what lies outside of it.
    fn copy(&self, ports: &[u16]) -> Result<()> {
        let guests =
            env::var_os("WEFT_GUESTS").map_or_else(|| repository().join("target/guests/components"), PathBuf::from);
        let component = guests.join("odata.wasm");
        if self.variant == Variant::Servers {
            ensure!(
                component.is_file(),
                "{} is missing: build it with plugins-sdk/build-guest.sh",
                component.display()
            );
        }
        let mut replaced: Vec<(String, String)> = vec![
            ("../../../target/guests/components/odata.wasm".to_owned(), component.display().to_string()),
            ("../../../ontology".to_owned(), repository().join("ontology").display().to_string()),
        ];
        let usual = [7979, 7211, 7212, 7213, 7214, 7215, 15432, 14004, 7216];
        replaced
            .extend(usual.iter().zip(ports).map(|(old, new)| (format!("127.0.0.1:{old}"), format!("127.0.0.1:{new}"))));
        for folder in ["", "mappings", "questions", "questions/links", "connectors"] {
            fs::create_dir_all(self.folder.path().join(folder))?;
            for file in fs::read_dir(example().join(folder))? {
                let path = file?.path();
                let extension = path.extension().and_then(|extension| extension.to_str());
                let Some("toml" | "ttl" | "rq") = extension else { continue };
                let mut text = fs::read_to_string(&path)?;
                for (old, new) in replaced.iter().filter(|_| extension == Some("toml")) {
                    text = text.replace(old, new);
                }
                fs::write(self.folder.path().join(folder).join(path.file_name().unwrap_or_default()), text)?;
            }
        }
        Ok(())
    }

    fn peer(&self, script: &Path, port: u16) -> Command {
        let mut command = Command::new(script);
        command.env("PEERS_STATE", self.folder.path().join("state")).stdin(Stdio::null());
        if port > 0 {
            command.env("PEER_PORT", port.to_string());
        }
        command
    }

    fn start_peer(&self, name: &str, port: u16) -> Result<()> {
        let output = self.peer(&self.kit.folder.join("peers"), port).args(["up", name]).output()?;
        ensure!(output.status.success(), "peer {name}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn certificates(&self) -> Result<()> {
        self.weft(&["cert", "authority", "--dir", "certs", "--trust-domain", "weft.dev"])?;
        for name in ["broker", "erp", "cmms", "mes", "plm", "quality"] {
            let id = if name == "broker" { name.to_owned() } else { format!("connector/{name}") };
            self.weft(&["cert", "issue", "--dir", "certs", "--name", name, "--id", &id, "--host", "127.0.0.1"])?;
        }
        Ok(())
    }

    /// What the inspection files say, in a database.
    fn inspection_results(&self) -> Result<()> {
        let out = self.folder.path().join("state/data/sqlite/quality.sqlite");
        let mut command = Command::new("python3");
        let output = command.arg(example().join("quality.py")).arg(&self.kit.seed).arg(out).output()?;
        ensure!(output.status.success(), "quality.py: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Runs a command to its end and gives what it writes.
    pub(crate) fn weft(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program("weft")?).args(arguments).current_dir(self.folder.path()).output()?;
        ensure!(output.status.success(), "weft {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The configuration, for commands.
    pub(crate) fn config(&self) -> &'static str {
        self.variant.config()
    }

    /// Asks the broker a query that is in no file.
    pub(crate) async fn query(&self, text: &str) -> Result<Vec<Row>> {
        rows(&send(&self.client, &self.url, text).await?)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn spawn(&self, name: &str, arguments: &[&str], log: &str) -> Result<Child> {
        let log = File::create(self.log(log))?;
        let mut command = Command::new(program(name)?);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log).spawn().context(name.to_owned())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// Waits until the process started last is ready.
    async fn until(&mut self, name: &str, mut ready: impl AsyncFnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !ready().await {
            let ended = match self.children.last_mut() {
                Some(child) => child.try_wait()?,
                None => None,
            };
            if ended.is_some() || Instant::now() > deadline {
                bail!("{name} is not ready ({ended:?}): {}", fs::read_to_string(self.log(name)).unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for peer in self.variant.peers() {
            let _ = self.peer(&self.kit.folder.join(peer).join("peer"), 0).arg("stop").output();
        }
    }
}

/// The programs lie beside the folder of the tests.
fn program(name: &str) -> Result<PathBuf> {
    let tests = env::current_exe()?;
    let folder = tests.parent().and_then(Path::parent).context("a target folder")?;
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is missing: run cargo build --workspace first", path.display());
    Ok(path)
}

fn listen_port(config: &Path) -> Result<u16> {
    let text = fs::read_to_string(config)?;
    let address =
        text.lines().find_map(|line| line.strip_prefix("listen = \"")?.strip_suffix('"')).context("listen")?;
    Ok(address.parse::<std::net::SocketAddr>()?.port())
}

async fn send(client: &reqwest::Client, url: &str, query: &str) -> Result<Vec<u8>> {
    let request = client
        .post(url)
        .header("content-type", "application/sparql-query")
        .header("accept", "application/sparql-results+json")
        .body(query.to_owned());
    let response = request.send().await?;
    let status = response.status();
    let body = response.bytes().await?;
    ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    Ok(body.to_vec())
}

fn rows(body: &[u8]) -> Result<Vec<Row>> {
    let parsed = QueryResultsParser::from_format(QueryResultsFormat::Json).for_slice(body)?;
    let SliceQueryResultsParserOutput::Solutions(solutions) = parsed else { bail!("not a table") };
    solutions
        .map(|solution| {
            let solution = solution?;
            let cells = solution.iter().map(|(variable, term)| (variable.as_str().to_owned(), text(term)));
            Ok(Row(cells.collect()))
        })
        .collect()
}

fn text(term: &Term) -> String {
    match term {
        Term::NamedNode(node) => node.as_str().to_owned(),
        Term::Literal(literal) => literal.value().to_owned(),
        other => other.to_string(),
    }
}
