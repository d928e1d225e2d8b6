#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! The demonstration from its command line: answers, and ends what it started.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The programs lie beside the folder of the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join("weft-demo");
    assert!(path.is_file(), "{} is missing: run cargo build --workspace first", path.display());
    path
}

fn demo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("run").arg("--directory").arg(directory).args(arguments).stdin(Stdio::null());
    if let Some(guests) = std::env::var_os("WEFT_GUESTS") {
        command.arg("--guest").arg(Path::new(&guests).join("odata.wasm"));
    }
    command
}

/// Addresses on 127.0.0.1 that the configuration in `directory` names.
fn ports(directory: &Path) -> Vec<u16> {
    let config = fs::read_to_string(directory.join("weft.toml")).unwrap();
    let numbers = config.split("127.0.0.1:").skip(1);
    numbers.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()).collect()
}

fn nobody_listens(directory: &Path) {
    let ports = ports(directory);
    assert!(ports.len() >= 6, "{ports:?}");
    for port in ports {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "something still listens on {port}");
    }
}

#[test]
fn every_answer_is_the_expected_one_and_everything_ends() {
    let directory = tempfile::tempdir().unwrap();
    let output = demo(directory.path(), &["--once"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("NOT THE EXPECTED ANSWER"), "{text}");
    assert_eq!(text.matches(" rows in ").count(), 8, "{text}");
    nobody_listens(directory.path());
}

/// Kills the process when the test fails.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_stays_up_until_it_is_told_to_end_and_runs_once_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Guarded(demo(directory.path(), &[]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let up = lines.find(|line| line.as_ref().unwrap().contains("stays up at http://127.0.0.1:"));
    assert!(up.is_some(), "it ended without staying up");
    assert!(ports(directory.path()).into_iter().all(|port| TcpStream::connect(("127.0.0.1", port)).is_ok()));

    let second = demo(directory.path(), &["--once"]).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another demonstration is running"));

    let kill = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &child.0.id().to_string()]).status().unwrap();
    assert!(kill.success());
    lines.for_each(drop);
    assert!(child.0.wait().unwrap().success());
    nobody_listens(directory.path());
}

#[test]
fn a_process_that_cannot_start_is_named_with_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let empty = tempfile::tempdir().unwrap();
    let binaries = empty.path().to_str().unwrap();
    let output = demo(directory.path(), &["--once", "--binaries", binaries]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains("cannot start") && text.contains("weft cert authority"),
        "{text}"
    );
}
