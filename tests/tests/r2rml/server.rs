//! A PostgreSQL server of the tests' own, and databases made by scripts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use weft_tests::ports::free_port;

const USER: &str = "weft";
const START: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    port: u16,
    programs: PathBuf,
    child: Child,
    /// The databases by their scripts.
    made: Mutex<HashMap<PathBuf, String>>,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let (folder, programs) = (tempfile::tempdir().unwrap(), programs());
        let cluster = folder.path().join("cluster").display().to_string();
        let arguments = ["-D", &cluster, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        let made = unprivileged(&programs.join("initdb")).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = unprivileged(&programs.join("postgres"))
            .args(["-D", &cluster, "-p", &port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { port, programs, child, made: Mutex::default(), _folder: folder };
        let begun = Instant::now();
        while !server.psql("postgres", &["-c", "SELECT 1"]).status.success() {
            assert!(begun.elapsed() < START, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The database that a script file makes. It is only read from, so that one is enough for all.
    pub(crate) fn database(&self, script: &Path) -> String {
        let mut made = self.made.lock().unwrap();
        let number = made.len();
        let make = || self.make(&format!("case{number}"), &["-f", &script.display().to_string()]);
        made.entry(script.to_owned()).or_insert_with(make).clone()
    }

    /// A database with what the statements make.
    pub(crate) fn script(&self, name: &str, sql: &str) -> String {
        self.make(name, &["-c", sql])
    }

    fn make(&self, name: &str, arguments: &[&str]) -> String {
        succeeded(&self.psql("postgres", &["-c", &format!("CREATE DATABASE {name}")]));
        succeeded(&self.psql(name, arguments));
        format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port)
    }

    fn psql(&self, database: &str, arguments: &[&str]) -> Output {
        Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-U", USER, "-d", database])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end, it gives back what is not its own memory. The program called kill is not everywhere.
        let kill = ["-c", "kill -INT \"$0\"", &self.child.id().to_string()].map(str::to_owned);
        Command::new("sh").args(kill).status().ok();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where the programs of the server are: Debian keeps them out of the path. The kit of third-party systems installs them.
fn programs() -> PathBuf {
    if let Some(folder) = installed() {
        return folder;
    }
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("WEFT_SHARED").map_or_else(beside, PathBuf::from);
    let state = tempfile::tempdir().unwrap();
    let kit = Command::new(shared.join("peers/postgres/peer")).arg("install").env("PEERS_STATE", state.path()).status();
    assert!(kit.is_ok_and(|status| status.success()), "PostgreSQL could not be installed");
    installed().expect("PostgreSQL is not installed (initdb, postgres and psql)")
}

fn installed() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let has_all = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(has_all)
}

/// The server refuses to run as root; in a user namespace the same user has another number.
fn unprivileged(program: &Path) -> Command {
    let is_root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000", "--map-group=1000", "--"]).arg(program);
    command
}
