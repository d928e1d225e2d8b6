//! A child process with its log.

use super::POLL;
use anyhow::{Context, Error, Result, anyhow, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long a process may take to end by itself before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of the log shown when a process dies.
const LOG_LINES: usize = 20;

pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` in `directory`, both its outputs going to `logs/<name>.log` there.
    pub(super) fn start(name: &'static str, program: &Path, arguments: &[&str], directory: &Path) -> Result<Self> {
        let log = directory.join("logs").join(format!("{name}.log"));
        fs::create_dir_all(directory.join("logs")).context("cannot create the folder of the logs")?;
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { name, child, log })
    }

    /// Waits until `ready`, or fails with the end of the log when the process dies or the time is over.
    pub(super) async fn until(&mut self, limit: Duration, mut ready: impl AsyncFnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failure(&format!("ended early ({status})")));
            }
            if ready().await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.failure(&format!("was not ready after {} s", limit.as_secs())));
            }
            sleep(POLL).await;
        }
    }

    /// Waits until the log tells a port behind `mark`.
    pub(super) async fn logged_port(&mut self, limit: Duration, mark: &str) -> Result<u16> {
        let log = self.log.clone();
        let mut port = None;
        let told = async || {
            port = fs::read_to_string(&log).ok().and_then(|log| port_behind(mark, &log));
            port.is_some()
        };
        self.until(limit, told).await?;
        port.context("the log tells no port")
    }

    fn failure(&self, what: &str) -> Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        anyhow!("{} {what}; its log {} ends with:\n  {end}", self.name, self.log.display())
    }

    async fn end(mut self) {
        if let Some(id) = self.child.id() {
            // The shell's own `kill`: the program of that name is not everywhere.
            let _ = Command::new("sh")
                .args(["-c", "kill -TERM \"$0\"", &id.to_string()])
                .stderr(Stdio::null())
                .status()
                .await;
            if timeout(END_TIMEOUT, self.child.wait()).await.is_err() {
                eprintln!("{} did not end in {} s and is killed", self.name, END_TIMEOUT.as_secs());
                let _ = self.child.kill().await;
            }
        }
    }
}

/// The number behind the first `mark`, once something follows it: a log may end within a number.
fn port_behind(mark: &str, log: &str) -> Option<u16> {
    let (_, rest) = log.split_once(mark)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

/// Ends when any of the processes has ended, which none should.
pub(super) async fn any_death(processes: &mut [Process]) -> Error {
    loop {
        for process in &mut *processes {
            if let Ok(Some(status)) = process.child.try_wait() {
                return process.failure(&format!("ended ({status})"));
            }
        }
        sleep(4 * POLL).await;
    }
}

/// Ends the processes, the last started first, all at the same time.
pub(super) async fn end_all(processes: Vec<Process>) {
    futures::future::join_all(processes.into_iter().rev().map(Process::end)).await;
}

/// Runs a command to its end; its output is shown only when it fails.
pub(super) async fn complete(program: &Path, arguments: &[&str], directory: &Path, limit: Duration) -> Result<()> {
    let call = format!("{} {}", program.display(), arguments.join(" "));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(limit, command.output())
        .await
        .with_context(|| format!("{call} did not end in {} s", limit.as_secs()))?
        .with_context(|| format!("cannot start {call}"))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!("{call} failed ({}):\n{}", output.status, String::from_utf8_lossy(&text).trim_end());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::port_behind;

    #[test]
    fn a_port_is_read_when_it_is_whole() {
        let mark = "address=127.0.0.1:";
        assert_eq!(port_behind(mark, "INFO serving address=127.0.0.1:3345"), None);
        assert_eq!(port_behind(mark, "INFO serving address=127.0.0.1:33451\nmore 7"), Some(33451));
        assert_eq!(
            port_behind("ready: http://127.0.0.1:", "{\"message\":\"ready: http://127.0.0.1:80/sparql\"}"),
            Some(80)
        );
        assert_eq!(port_behind(mark, "INFO starting\n"), None);
        assert_eq!(port_behind(mark, "address=127.0.0.1:99999\n"), None);
    }
}
