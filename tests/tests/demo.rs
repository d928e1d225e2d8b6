#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! The demonstration from its command line: answers, plans, and ends what it started. The plans of its questions are kept
//! in `cases/demo`; `UPDATE=1` rewrites them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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

/// Processes that work in `directory`. Who listens on a port that was theirs may be somebody else.
fn processes(directory: &Path) -> usize {
    let directory = directory.canonicalize().unwrap();
    let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("cwd"));
    all.filter(|process| fs::read_link(process).is_ok_and(|cwd| cwd == directory)).count()
}

#[test]
fn every_answer_is_the_expected_one_and_everything_ends() {
    let directory = tempfile::tempdir().unwrap();
    let output = demo(directory.path(), &["--once"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("NOT THE EXPECTED ANSWER"), "{text}");
    assert_eq!(text.matches(" rows in ").count(), 8, "{text}");
    assert_eq!(processes(directory.path()), 0);
}

/// Ends the demonstration, and with it what it started, however the test ends.
struct Guarded(Child);

impl Guarded {
    fn terminate(&self) -> bool {
        Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &self.0.id().to_string()])
            .status()
            .is_ok_and(|s| s.success())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.terminate();
        }
        for _ in 0..100 {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_stays_up_until_it_is_told_to_end_and_runs_once_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Guarded(demo(directory.path(), &["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let up = lines.find(|line| line.as_ref().unwrap().contains("stays up at http://127.0.0.1:"));
    assert!(up.is_some(), "it ended without staying up");
    assert_eq!(processes(directory.path()), 6);

    let second = demo(directory.path(), &["--once"]).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another demonstration is running"));

    assert!(child.terminate());
    lines.for_each(drop);
    assert!(child.0.wait().unwrap().success());
    assert_eq!(processes(directory.path()), 0);
}

/// Ports are free ones, so they differ from run to run.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("127.0.0.1:PORT");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

#[test]
fn every_question_has_its_plan() {
    let directory = tempfile::tempdir().unwrap();
    // What the broker observed of the questions it was asked before has no part in the plans.
    let mut command = demo(directory.path(), &["--port", "0"]);
    command.env("WEFT__LIMITS__OBSERVED_SHAPES", "0");
    let mut child = Guarded(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let up = lines.find(|line| line.contains("stays up at http://127.0.0.1:")).expect("it ended without staying up");
    // The pipe is read on, or the demonstration would stop at a full one.
    std::thread::spawn(move || lines.for_each(drop));
    let address = up.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut questions: Vec<PathBuf> =
        fs::read_dir(root.join("../deploy/demo/questions")).unwrap().map(|entry| entry.unwrap().path()).collect();
    questions.sort();
    assert!(questions.len() >= 6, "questions are missing");
    let mut failures = Vec::new();
    for question in questions {
        let explain = Command::new(program().with_file_name("weft"))
            .args(["explain", "--endpoint", &address, "--file"])
            .arg(&question)
            .output()
            .unwrap();
        assert!(explain.status.success(), "{}", String::from_utf8_lossy(&explain.stderr));
        let found = without_ports(&String::from_utf8_lossy(&explain.stdout));
        // What is sent is shown in each source's own language: SQL, and URLs of the sandboxed source.
        assert!(!found.contains("not known:"), "{found}");
        let expected = root.join("cases/demo").join(question.with_extension("txt").file_name().unwrap());
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(expected.parent().unwrap()).unwrap();
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} is now\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    drop(child);
    assert_eq!(processes(directory.path()), 0);
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
