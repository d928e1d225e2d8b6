//! Results as a table and as JSON, and whether they are what was aimed at.

use crate::data::Scale;
use crate::endpoint::{MEMORY_TARGET, Served};
use crate::floor::civil;
use crate::measure::{Measured, Times};
use crate::planning::Planned;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Weft may take this much longer, or `SLACK` milliseconds more, whichever allows more.
const TIME_RATIO: f64 = 1.2;
const SLACK: f64 = 3.0;
const BYTES_RATIO: f64 = 1.1;
/// A block of one key has a frame, and a constant in a condition is not counted.
const BYTES_SLACK: u64 = 1024;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// When the run began, in UTC.
    pub(crate) begun: String,
    pub(crate) machine: Machine,
    pub(crate) scale: Scale,
    pub(crate) store: &'static str,
    /// Whether the programs are optimised.
    pub(crate) optimised: bool,
    pub(crate) questions: Vec<Measured>,
    /// Questions without a result, and why.
    pub(crate) failed: Vec<(String, String)>,
    pub(crate) planning: Vec<Planned>,
    pub(crate) endpoint: Vec<Served>,
    /// Sources of a site, and the memory of their connector processes together.
    pub(crate) connectors: Vec<(usize, u64)>,
}

/// What the times are of. Other work on the machine makes both sides slower, and ratios less certain.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    /// Processes that ran or waited to, in the last minute before the run; none where the system does not say.
    load: Option<f64>,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.and_then(|text| text.split_whitespace().next()?.parse().ok()),
        }
    }
}

impl Measured {
    /// What the ratio is of.
    fn baseline(&self) -> Option<Times> {
        self.floor.as_ref().map(|floor| floor.times).or(self.sql)
    }

    /// What was missed.
    fn misses(&self) -> Vec<&'static str> {
        let mut misses = Vec::new();
        let too_slow = |base: Times| self.weft.times.median > (base.median * TIME_RATIO).max(base.median + SLACK);
        if let Some(floor) = &self.floor {
            if too_slow(floor.times) {
                misses.push("time");
            }
            if self.weft.traffic.requests > floor.traffic.requests {
                misses.push("requests");
            }
            if exceeds(self.weft.traffic.all_bytes(), floor.traffic.all_bytes()) {
                misses.push("bytes");
            }
        }
        if self.is_pushed_whole && self.sql.is_some_and(too_slow) {
            misses.push("sql");
        }
        misses
    }
}

#[allow(clippy::cast_precision_loss, reason = "a ratio")]
fn exceeds(weft: u64, floor: u64) -> bool {
    weft > floor + BYTES_SLACK && weft as f64 > floor as f64 * BYTES_RATIO
}

impl Report {
    /// # Errors
    /// Only those of formatting, which there are not.
    pub(crate) fn table(&self) -> Result<String> {
        let mut text = String::new();
        let (cores, load) = (self.machine.cores, shown(self.machine.load));
        let debug = if self.optimised { "" } else { ", NOT OPTIMISED" };
        writeln!(text, "{} over {}: {cores} cores, load before {load}{debug}\n", self.begun, self.store)?;
        self.question_lines(&mut text)?;
        self.planning_lines(&mut text)?;
        self.endpoint_lines(&mut text)?;
        for (sources, bytes) in &self.connectors {
            writeln!(text, "{sources} connector processes have {} MiB together", bytes >> 20)?;
        }
        for (name, error) in &self.failed {
            writeln!(text, "FAILED {name}: {error}")?;
        }
        Ok(text)
    }

    fn question_lines(&self, text: &mut String) -> Result<()> {
        if self.questions.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "{:<18}{:>8}{:>10}{:>10}{:>10}{:>7}{:>8}{:>9}{:>9}{:>9}{:>10}{:>10}  ",
            "question",
            "rows",
            "sql ms",
            "floor ms",
            "weft ms",
            "ratio",
            "plan ms",
            "1st flo",
            "1st weft",
            "requests",
            "floor KiB",
            "weft KiB"
        )?;
        for one in &self.questions {
            let floor = one.floor.as_ref();
            let kib = |traffic: crate::stage::Traffic| format!("{}", traffic.all_bytes().div_ceil(1024));
            let requests = match floor {
                Some(floor) => format!("{}/{}", one.weft.traffic.requests, floor.traffic.requests),
                None => one.weft.traffic.requests.to_string(),
            };
            writeln!(
                text,
                "{:<18}{:>8}{:>10}{:>10}{:>10.2}{:>7}{:>8.2}{:>9}{:>9.2}{:>9}{:>10}{:>10}  {}",
                one.name,
                one.rows,
                shown(one.sql.map(|sql| sql.median)),
                shown(floor.map(|floor| floor.times.median)),
                one.weft.times.median,
                shown(one.baseline().map(|base| one.weft.times.median / base.median)),
                one.planning,
                shown(floor.map(|floor| floor.first_row)),
                one.weft.first_row,
                requests,
                floor.map_or_else(|| "-".to_owned(), |floor| kib(floor.traffic)),
                kib(one.weft.traffic),
                verdict(&one.misses()),
            )?;
        }
        Ok(())
    }

    fn planning_lines(&self, text: &mut String) -> Result<()> {
        if self.planning.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n{:<18}{:>8}{:>10}{:>10}", "planning", "sources", "median ms", "target")?;
        for one in &self.planning {
            let missed = one.target.is_some_and(|target| one.times.median > target);
            let verdict = match (&one.refused, one.target) {
                (Some(reason), _) => format!("refused: {reason}"),
                (None, Some(_)) => verdict(if missed { &["time"] } else { &[] }),
                (None, None) => String::new(),
            };
            let (median, target) = (one.times.median, shown(one.target));
            writeln!(text, "{:<18}{:>8}{median:>10.2}{target:>10}  {verdict}", one.name, one.sources)?;
        }
        Ok(())
    }

    fn endpoint_lines(&self, text: &mut String) -> Result<()> {
        if self.endpoint.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\n{:<18}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "over HTTP", "rows", "KiB", "median ms", "first ms", "idle MiB", "+peak MiB"
        )?;
        for one in &self.endpoint {
            let misses: &[&str] = if one.added_memory() > MEMORY_TARGET { &["memory"] } else { &[] };
            writeln!(
                text,
                "{:<18}{:>8}{:>10}{:>10.2}{:>10.2}{:>10}{:>10}  {}",
                one.name,
                one.rows,
                one.bytes.div_ceil(1024),
                one.times.median,
                one.first,
                one.idle_memory >> 20,
                one.added_memory() >> 20,
                verdict(misses)
            )?;
        }
        Ok(())
    }

    /// Writes the results to `DATE.json` in the folder, and where else is asked for.
    pub(crate) fn write(&self, folder: &Path, also: Option<&PathBuf>) -> Result<PathBuf> {
        let text = serde_json::to_vec_pretty(self)?;
        let path = folder.join(format!("{}.json", self.begun));
        for path in [Some(&path), also].into_iter().flatten() {
            fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(path)
    }
}

fn verdict(misses: &[&str]) -> String {
    if misses.is_empty() { "ok".to_owned() } else { format!("MISS {}", misses.join(", ")) }
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

/// `2026-11-23T10-30-00`, in UTC.
pub(crate) fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(i64::try_from(days).unwrap_or_default());
    format!("{year:04}-{month:02}-{day:02}T{:02}-{:02}-{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}
