//! The programs of the project, run in a folder.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(60);

/// A program beside the folder of the tests; building the tests does not build it.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// The output of a command that must succeed.
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.status, 0, "{}\n{}", self.out, self.err);
        self
    }
}

/// Runs `weft` in a folder.
pub(crate) fn weft(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(program("weft"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap().into()
}

/// A process that ends with this, also where a test fails.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Process {
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().unwrap())
    }

    /// Waits until somebody listens there.
    pub(crate) fn listening(mut self, at: SocketAddr, log: &Path) -> Self {
        let begun = Instant::now();
        while TcpStream::connect(at).is_err() {
            let ended = self.0.try_wait().unwrap();
            let log = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none(), "ended early: {}", log());
            assert!(begun.elapsed() < START, "nobody listens at {at}: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self
    }
}

/// Starts the connector of a configuration in a folder.
pub(crate) fn connector(folder: &Path, config: &str, at: SocketAddr) -> Process {
    let log = folder.join(format!("{config}.log"));
    let mut command = Command::new(program("weft-connector-sql"));
    Process::start(command.arg(config).current_dir(folder), &log).listening(at, &log)
}

/// The file of a case.
pub(crate) fn case(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/mapping").join(path)
}

/// Compares with a file, or writes it.
pub(crate) fn is_kept(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{} is another", path.display());
}
