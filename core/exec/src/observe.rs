//! What finished scans showed, kept for the plans of later queries.
//!
//! Only scans that came to their end count. The newest of what is known is kept, for a time and up to a number of shapes;
//! a snapshot is made for each query, so that its plan depends on nothing that happens meanwhile.

use crate::report::JoinKeys;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use weft_plan::{Latency, Observed, Seen, Shape, SourceObserved, request_cost};

#[cfg(test)]
mod tests;

/// A scan that came to its end.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) source: Arc<str>,
    /// Nothing where the rows of the scan say nothing of its tables.
    pub(crate) shape: Option<Shape>,
    /// Keys it was asked for.
    pub(crate) keys: Option<u64>,
    pub(crate) rows: u64,
    /// From the call to its first rows, and to its end.
    pub(crate) first_rows: Duration,
    pub(crate) elapsed: Duration,
}

/// What scans showed. Shared by the queries of an engine.
#[derive(Debug)]
pub(crate) struct Observations {
    /// Shapes that are kept.
    most: usize,
    /// For how long, in microseconds.
    age: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Arc<Observed>,
    shapes: usize,
    /// No shape was seen before this.
    oldest: i64,
    /// Everything that is known of the speed of a source; of that, `current` has what makes a difference.
    latencies: HashMap<Arc<str>, Latency>,
}

/// Rows, and the keys they were asked for by.
#[derive(Clone, Copy)]
struct Counted {
    rows: u64,
    keys: Option<u64>,
}

/// A number that is known is changed where the new one differs by more: plans stay the same while data hardly changes, and
/// snapshots need not be made anew.
const CHANGE: f64 = 0.1;

/// Rows from which the time for each of them is worth knowing.
const MANY_ROWS: u64 = 1_000;

impl Observations {
    pub(crate) fn new(most: usize, age: Duration) -> Self {
        Self { most, age: micros(age), state: Mutex::default() }
    }

    /// Whether anything is kept.
    pub(crate) fn are_kept(&self) -> bool {
        self.most > 0 && self.age > 0
    }

    /// What is known now.
    pub(crate) fn snapshot(&self) -> Arc<Observed> {
        self.snapshot_at(now())
    }

    fn snapshot_at(&self, now: i64) -> Arc<Observed> {
        let mut state = self.lock();
        if state.shapes > 0 && state.oldest < now - self.age {
            state.forget(now - self.age);
        }
        state.current.clone()
    }

    pub(crate) fn record(&self, scans: impl IntoIterator<Item = Observation>, joins: &[JoinKeys]) {
        if self.are_kept() {
            self.record_at(now(), scans, joins);
        }
    }

    fn record_at(&self, now: i64, scans: impl IntoIterator<Item = Observation>, joins: &[JoinKeys]) {
        let mut state = self.lock();
        for Observation { source, shape, keys, rows, first_rows, elapsed } in scans {
            state.speed(&source, rows, [first_rows, elapsed], now);
            if let Some(shape) = shape {
                self.count(&mut state, source, &shape, Counted { rows, keys }, now);
            }
        }
        for JoinKeys { source, shape, keys } in joins {
            self.count(&mut state, source.clone(), shape, Counted { rows: *keys, keys: None }, now);
        }
    }

    fn count(&self, state: &mut State, source: Arc<str>, shape: &Shape, counted: Counted, now: i64) {
        if let Some(seen) = state.changed(&source, shape, counted, self.age / 4, now) {
            self.put(state, source, &shape.text, seen);
        }
    }

    fn put(&self, state: &mut State, source: Arc<str>, shape: &str, seen: Seen) {
        let is_new = !state.current.sources.get(&source).is_some_and(|known| known.shapes.contains_key(shape));
        if is_new && state.shapes >= self.most {
            state.make_room(self.most);
        }
        if state.shapes == 0 {
            state.oldest = seen.seen_at;
        }
        state.source(source).shapes.insert(shape.to_owned(), seen);
        state.shapes += usize::from(is_new);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn source(&mut self, source: Arc<str>) -> &mut SourceObserved {
        Arc::make_mut(Arc::make_mut(&mut self.current).sources.entry(source).or_default())
    }

    /// What is known of the shape after these rows, where that makes a difference.
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    fn changed(&self, source: &str, shape: &Shape, counted: Counted, fresh: i64, now: i64) -> Option<Seen> {
        let (rows, weight) = match counted.keys {
            Some(0) => return None,
            Some(keys) => (counted.rows as f64 / keys as f64, keys as f64),
            None => (counted.rows as f64, 1.0),
        };
        let Some(known) = self.current.sources.get(source).and_then(|known| known.shapes.get(&shape.text)) else {
            return Some(Seen { rows, weight, seen_at: now });
        };
        // Scans of one shape differ where it has constants or keys: what was known goes down by half, or by its part of the keys.
        let before = match counted.keys {
            Some(_) => known.weight.min(4.0 * weight),
            None if shape.has_constants => weight,
            None => 0.0,
        };
        let rows = known.rows.mul_add(before, rows * weight) / (before + weight);
        let differs = (rows - known.rows).abs() > CHANGE * known.rows.max(1.0);
        let weight = (before + weight).min(1e9);
        (differs || known.seen_at + fresh < now).then_some(Seen { rows, weight, seen_at: now })
    }

    /// Keeps how long a scan took to its first rows, and to its end.
    fn speed(&mut self, source: &Arc<str>, rows: u64, took: [Duration; 2], now: i64) {
        let known = self.latencies.get(source).copied();
        let latency = faster_or_slower(known, rows, took, now);
        self.latencies.insert(source.clone(), latency);
        let published = self.current.sources.get(source).and_then(|source| source.latency);
        // Where it makes no difference to a plan, snapshots need not be made anew.
        let is_news = published.is_none_or(|before| request_cost(&before) != request_cost(&latency));
        if is_news {
            self.source(source.clone()).latency = Some(latency);
        }
    }

    /// Forgets what was seen before this.
    fn forget(&mut self, before: i64) {
        let mut oldest = i64::MAX;
        let mut shapes = 0;
        for source in Arc::make_mut(&mut self.current).sources.values_mut() {
            if source.shapes.values().any(|seen| seen.seen_at < before) {
                Arc::make_mut(source).shapes.retain(|_, seen| seen.seen_at >= before);
            }
            shapes += source.shapes.len();
            oldest = source.shapes.values().map(|seen| seen.seen_at).fold(oldest, i64::min);
        }
        (self.shapes, self.oldest) = (shapes, oldest);
    }

    /// Forgets the oldest eighth, so that this is not done for each new shape.
    fn make_room(&mut self, most: usize) {
        let mut times: Vec<i64> =
            self.current.sources.values().flat_map(|source| source.shapes.values()).map(|seen| seen.seen_at).collect();
        times.sort_unstable();
        let last = times.get(most / 8).copied().unwrap_or_default();
        self.forget(last.saturating_add(1));
    }
}

#[allow(clippy::cast_precision_loss, reason = "a time need not be exact")]
fn faster_or_slower(known: Option<Latency>, rows: u64, [first_rows, elapsed]: [Duration; 2], now: i64) -> Latency {
    // A part of the new one, so that one slow answer does not make a slow source.
    const PART: f64 = 0.2;
    let moved = |before: Duration, after: Duration| before.mul_f64(1.0 - PART) + after.mul_f64(PART);
    let is_large = rows >= MANY_ROWS;
    let row = elapsed.saturating_sub(first_rows).as_secs_f64() / rows.max(1) as f64;
    let row = Duration::from_secs_f64(row.clamp(0.0, 1e3));
    let counted = if is_large { rows } else { 0 };
    match known {
        None => Latency {
            first_rows,
            row: if is_large { row } else { Duration::ZERO },
            scans: 1,
            rows: counted,
            seen_at: now,
        },
        Some(known) => Latency {
            first_rows: moved(known.first_rows, first_rows),
            row: match (is_large, known.rows) {
                (false, _) => known.row,
                (true, 0) => row,
                (true, _) => moved(known.row, row),
            },
            scans: known.scans.saturating_add(1),
            rows: known.rows.saturating_add(counted),
            seen_at: now,
        },
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
