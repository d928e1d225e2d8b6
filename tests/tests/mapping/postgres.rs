//! A PostgreSQL server of a test's own.

use crate::programs::Process;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use weft_tests::ports::free_address;

const USER: &str = "plant";
const PASSWORD: &str = "not for logs 4711";

pub(crate) struct Postgres {
    at: SocketAddr,
    programs: PathBuf,
    // Ended before its folder goes.
    _server: Process,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// A server with a user and a password. Nothing, with a word why, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (initdb, postgres, psql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let cluster = folder.path().join("cluster").display().to_string();
        let password = format!("--pwfile={}", folder.path().join("password").display());
        let arguments =
            ["-D", &cluster, "-U", USER, "-A", "scram-sha-256", &password, "-E", "UTF8", "--locale=C", "--no-sync"];
        let made = unprivileged(&programs.join("initdb")).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let at = free_address();
        let settings = ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB"];
        let log = folder.path().join("server.log");
        let mut command = unprivileged(&programs.join("postgres"));
        command.args(["-D", &cluster, "-p", &at.port().to_string(), "-h", "127.0.0.1"]).args(settings);
        let server = Process::start(&mut command, &log).listening(at, &log);
        let found = Self { at, programs, _server: server, folder };
        found.wait_until_ready();
        Some(found)
    }

    fn wait_until_ready(&self) {
        for _ in 0..600 {
            if self.psql("postgres", &["-c", "SELECT 1"]).status().unwrap().success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("PostgreSQL does not answer");
    }

    fn psql(&self, database: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        let port = self.at.port().to_string();
        command.args(["-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", database, "-q", "-X"]).args(arguments);
        command.args(["-v", "ON_ERROR_STOP=1"]).env("PGPASSWORD", PASSWORD);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Makes a database of a script, and gives its URL.
    pub(crate) fn database(&self, name: &str, script: &Path) -> String {
        assert!(self.psql("postgres", &["-c", &format!("CREATE DATABASE {name}")]).status().unwrap().success());
        let made = self.psql(name, &["-f", &script.display().to_string()]).stderr(Stdio::piped()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://{USER}@{}/{name}", self.at)
    }

    /// The file with the password.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    pub(crate) fn password(&self) -> &'static str {
        PASSWORD
    }
}

/// Debian keeps the programs of the server out of the path.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    let has_all = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(has_all)
}

/// The server refuses to run as root; in a user namespace the same user has another number.
fn unprivileged(program: &Path) -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000", "--map-group=1000", "--"]).arg(program);
    command
}
