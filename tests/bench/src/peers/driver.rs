//! A peer in a process of its own. It reads percent-encoded queries, one a line, and writes `ready VERSION`,
//! `ok MILLISECONDS ROWS` or `error WHY`, one a line.

use super::{Outcome, Peer};
use crate::stage;
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Some read their data before they are ready.
const START: Duration = Duration::from_secs(180);

/// How a peer is started.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) folder: PathBuf,
    /// What it writes to standard error.
    pub(super) log: PathBuf,
}

/// A peer that is started again when it did not answer in time.
#[derive(Debug)]
pub(super) struct Driver {
    launch: Launch,
    version: String,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    child: Child,
    queries: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    pub(super) async fn start(launch: Launch) -> Result<Self> {
        let (live, version) = Live::start(&launch).await?;
        Ok(Self { launch, version, live: Some(live) })
    }

    async fn answer(&mut self, text: &str, limit: Duration) -> Result<Outcome> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.launch).await?.0,
        };
        live.send(text).await?;
        match timeout(limit, live.lines.next_line()).await {
            // The process ends as it is dropped: what it still computes is of no use.
            Err(_) => Ok(Outcome::TimedOut),
            Ok(line) => {
                let line = line?.with_context(|| format!("it ended; see {}", self.launch.log.display()))?;
                self.live = Some(live);
                read(&line)
            }
        }
    }
}

impl Live {
    async fn start(launch: &Launch) -> Result<(Self, String)> {
        let log = File::create(&launch.log).with_context(|| format!("cannot write {}", launch.log.display()))?;
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", launch.program.display()))?;
        let queries = child.stdin.take().context("no standard input")?;
        let lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut live = Self { child, queries, lines };
        let line = timeout(START, live.lines.next_line()).await.context("it was not ready in time")??;
        match line.as_deref().and_then(|line| line.strip_prefix("ready ")) {
            Some(version) => Ok((live, version.to_owned())),
            None => bail!("it did not start ({line:?}); see {}", launch.log.display()),
        }
    }

    async fn send(&mut self, text: &str) -> Result<()> {
        let line = format!("{}\n", utf8_percent_encode(text, NON_ALPHANUMERIC));
        self.queries.write_all(line.as_bytes()).await?;
        Ok(self.queries.flush().await?)
    }
}

fn read(line: &str) -> Result<Outcome> {
    if let Some(why) = line.strip_prefix("error ") {
        return Ok(Outcome::Failed(why.to_owned()));
    }
    let numbers = line.strip_prefix("ok ").and_then(|rest| rest.split_once(' '));
    let (millis, rows) = numbers.with_context(|| format!("the peer said {line:?}"))?;
    let elapsed = Duration::from_secs_f64(millis.parse::<f64>()? / 1e3);
    Ok(Outcome::Answered { elapsed, rows: rows.trim().parse()? })
}

#[async_trait]
impl Peer for Driver {
    fn version(&self) -> &str {
        &self.version
    }

    async fn ask(&mut self, text: &str, limit: Duration) -> Outcome {
        self.answer(text, limit).await.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
    }

    fn peak_memory(&self) -> Option<u64> {
        stage::memory(self.live.as_ref()?.child.id()?, "VmHWM").ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str, folder: &tempfile::TempDir) -> Launch {
        Launch {
            program: "sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            folder: folder.path().to_owned(),
            log: folder.path().join("log"),
        }
    }

    #[tokio::test]
    async fn a_peer_answers_fails_is_late_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo ready 1.2; while read -r line; do case $line in \
            fast) echo ok 1.5 7;; slow) sleep 600;; bad) echo error no such thing;; gone) exit;; *) echo \"$line\";; esac; done";
        let mut peer = Driver::start(shell(script, &folder)).await.unwrap();
        assert_eq!(peer.version(), "1.2");
        let limit = Duration::from_millis(500);
        let answered = Outcome::Answered { elapsed: Duration::from_micros(1_500), rows: 7 };
        assert_eq!(peer.ask("fast", limit).await, answered);
        assert!(peer.peak_memory().unwrap() > 0);
        assert_eq!(peer.ask("bad", limit).await, Outcome::Failed("no such thing".to_owned()));
        let process = peer.live.as_ref().unwrap().child.id().unwrap();
        assert_eq!(peer.ask("slow", limit).await, Outcome::TimedOut);
        assert_eq!(peer.ask("fast", limit).await, answered);
        assert_ne!(peer.live.as_ref().unwrap().child.id(), Some(process));
        assert!(matches!(peer.ask("gone", limit).await, Outcome::Failed(why) if why.contains("it ended")));
        assert_eq!(peer.ask("fast", limit).await, answered);
        // A query is one line, whatever is in it.
        assert!(matches!(peer.ask("a\nb c", limit).await, Outcome::Failed(why) if why.contains("a%0Ab%20c")));
    }

    #[tokio::test]
    async fn a_peer_that_does_not_start_says_where_to_look() {
        let folder = tempfile::tempdir().unwrap();
        let error = Driver::start(shell("echo broken >&2", &folder)).await.unwrap_err();
        assert!(error.to_string().contains("log"), "{error}");
    }
}
