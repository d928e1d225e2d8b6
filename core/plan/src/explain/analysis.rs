//! What running a plan showed, for EXPLAIN ANALYZE.

use std::collections::BTreeMap;
use std::time::Duration;

/// A run of a plan, to its end or to where it failed. Times of operators count from the moment the plan was ready.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    pub planning: Duration,
    /// Everything, planning included.
    pub elapsed: Duration,
    /// Rows of the answer, or triples.
    pub rows: u64,
    /// The most bytes that joins, sorts and groups held at once.
    pub peak_memory: usize,
    /// Why there is no whole answer.
    pub failure: Option<String>,
    /// What each operator did, by [`crate::Node::id`]. One that never ran is not there.
    pub operators: BTreeMap<usize, OperatorRun>,
}

/// What one operator did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorRun {
    /// How often it was started: the right side of a bind join once for each block of keys.
    pub runs: u64,
    pub rows: u64,
    /// Time it computed itself, without what is below it.
    pub busy: Duration,
    pub first_row: Option<Duration>,
    pub last_row: Option<Duration>,
    /// Whether all of its rows were read, each time.
    pub complete: bool,
    /// What it did otherwise than planned.
    pub notes: Vec<String>,
    pub requests: Option<RequestRun>,
}

/// What the calls of a scan or a service showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestRun {
    /// Calls to the connector, and how many of them brought keys.
    pub calls: u64,
    pub blocks: u64,
    pub keys: u64,
    /// Calls that did not come to their end.
    pub unfinished: u64,
    /// Requests of the connector to its system, of the calls that came to their end.
    pub requests: u64,
    pub rows: u64,
    pub bytes: u64,
    /// The shortest time from a call to its first rows.
    pub first_rows: Option<Duration>,
    /// All calls together.
    pub elapsed: Duration,
    /// What was sent, the first of them.
    pub statements: Vec<String>,
}

/// How far the rows of an operator are from what was expected of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Miss {
    More(f64),
    Fewer(f64),
}

/// Less is no mistake worth telling.
const TOLD: f64 = 10.0;

impl OperatorRun {
    /// The factor between rows and estimate, where it is more than ten. An operator whose rows were not all wanted may
    /// have fewer.
    #[allow(clippy::cast_precision_loss, reason = "a rough factor")]
    pub(super) fn miss(&self, estimate: f64) -> Option<Miss> {
        let (rows, expected) = ((self.rows as f64).max(1.0), estimate.max(1.0));
        if rows / expected > TOLD {
            return Some(Miss::More(rows / expected));
        }
        (self.complete && expected / rows > TOLD).then_some(Miss::Fewer(expected / rows))
    }
}

pub(super) fn millis(duration: Duration) -> f64 {
    // Microseconds are as exact as anybody reads.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// As people read it.
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
