//! A process of the bench: its log in a file, ended when dropped.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// How long a process may take until it is ready.
const START: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that stands beside this one; what it writes to standard error goes to `NAME.log` in `folder`.
    pub(crate) fn start(name: &str, program: &Path, arguments: &[&str], folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log with `mark`, and gives the word behind it.
    pub(crate) async fn word_after(&mut self, mark: &str) -> Result<String> {
        let begun = Instant::now();
        loop {
            let log = fs::read(&self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            // A line is whole once it is ended.
            let whole = log.rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some((_, rest)) = whole.split_once(mark) {
                return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended early ({status}):\n{log}", self.name);
            }
            if begun.elapsed() > START {
                bail!("{} was not ready after {} s:\n{log}", self.name, START.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks it to end, and waits a few seconds: a database frees what is not its own memory.
    pub(crate) fn interrupt(&mut self) {
        // The shell's own `kill`: the program of that name is not everywhere.
        Command::new("sh").args(["-c", "kill -INT \"$0\"", &self.id().to_string()]).status().ok();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A program of this workspace, built beside the bench.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is missing: build it with cargo build --workspace --release --bins", path.display());
    }
    Ok(path)
}

/// Bytes of memory of a process by the kernel's books: `VmRSS` is what it has, `VmHWM` the most it had.
pub(crate) fn memory(process: u32, entry: &str) -> Result<u64> {
    kernel_entry(&format!("/proc/{process}/status"), entry)
}

/// Bytes of memory of a process, where what it shares with others counts in parts.
pub(crate) fn proportional_memory(process: u32) -> Result<u64> {
    kernel_entry(&format!("/proc/{process}/smaps_rollup"), "Pss")
}

fn kernel_entry(path: &str, entry: &str) -> Result<u64> {
    let status = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(entry)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.with_context(|| format!("{path} has no {entry}"))? * 1024)
}

/// From now on `VmHWM` counts anew.
pub(crate) fn forget_peak(process: u32) -> Result<()> {
    let path = format!("/proc/{process}/clear_refs");
    fs::write(&path, "5").with_context(|| format!("cannot write {path}"))
}
