//! What the operators of a run that is analysed do.

mod memory;

use datafusion_execution::memory_pool::MemoryPool;
use memory::PeakPool;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use weft_plan::OperatorRun;

/// Notes of one operator that are kept.
const MOST_NOTES: usize = 16;

/// The counts of one run, by operator.
#[derive(Debug)]
pub(crate) struct Profile {
    /// When the plan was ready.
    begun: OnceLock<Instant>,
    operators: Mutex<BTreeMap<usize, Operator>>,
    pool: Arc<PeakPool>,
}

#[derive(Debug, Default)]
struct Operator {
    run: OperatorRun,
    ended: u64,
}

impl Profile {
    /// Of a query that may use so many bytes.
    pub(crate) fn new(memory: usize) -> Self {
        Self { begun: OnceLock::new(), operators: Mutex::default(), pool: Arc::new(PeakPool::new(memory)) }
    }

    pub(crate) fn pool(&self) -> Arc<dyn MemoryPool> {
        self.pool.clone()
    }

    pub(crate) fn peak_memory(&self) -> usize {
        self.pool.peak()
    }

    /// The time of all operators counts from here, or else from when the first of them starts.
    pub(crate) fn begin(&self) {
        self.begun.get_or_init(Instant::now);
    }

    pub(crate) fn started(&self, node: usize) {
        self.begin();
        self.lock().entry(node).or_default().run.runs += 1;
    }

    /// Counts the rows that came, and the time they took.
    pub(crate) fn computed(&self, node: usize, busy: Duration, rows: Option<usize>) {
        let since = self.begun.get().map_or(Duration::ZERO, Instant::elapsed);
        let mut operators = self.lock();
        let run = &mut operators.entry(node).or_default().run;
        run.busy += busy;
        if let Some(rows) = rows.filter(|rows| *rows > 0) {
            run.rows += rows as u64;
            run.first_row.get_or_insert(since);
            run.last_row = Some(since);
        }
    }

    pub(crate) fn ended(&self, node: usize) {
        self.lock().entry(node).or_default().ended += 1;
    }

    /// Tells what an operator did otherwise than planned.
    pub(crate) fn note(&self, node: usize, note: String) {
        let mut operators = self.lock();
        let notes = &mut operators.entry(node).or_default().run.notes;
        if notes.len() < MOST_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub(crate) fn operators(&self) -> BTreeMap<usize, OperatorRun> {
        let complete =
            |operator: &Operator| OperatorRun { complete: operator.ended == operator.run.runs, ..operator.run.clone() };
        self.lock().iter().map(|(node, operator)| (*node, complete(operator))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Operator>> {
        self.operators.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// What operators below the one that is running took of its time.
    static BELOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Measures the time of one operator without that of the operators it calls meanwhile.
pub(crate) fn own_time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let outer = BELOW.replace(Duration::ZERO);
    let begun = Instant::now();
    let done = work();
    let elapsed = begun.elapsed();
    let below = BELOW.replace(outer + elapsed);
    (done, elapsed.saturating_sub(below))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spend(time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn the_time_of_what_is_below_is_not_own() {
        let (inner, outer) = (Duration::from_millis(30), Duration::from_millis(3));
        let ((first, second), own) = own_time(|| {
            spend(outer);
            let first = own_time(|| own_time(|| spend(inner)).1);
            (first, own_time(|| spend(inner)).1)
        });
        assert!(own >= outer && own < inner, "{own:?}");
        assert!(first.0 >= inner && first.1 < inner && second >= inner, "{first:?} {second:?}");
    }

    #[test]
    fn an_operator_is_complete_when_each_of_its_runs_is() {
        let profile = Profile::new(1 << 20);
        for _ in 0..2 {
            profile.started(3);
            profile.computed(3, Duration::from_millis(1), Some(7));
        }
        profile.ended(3);
        let run = profile.operators().remove(&3).unwrap();
        assert_eq!((run.runs, run.rows, run.complete), (2, 14, false));
        assert!(run.first_row.unwrap() <= run.last_row.unwrap());
        profile.ended(3);
        assert!(profile.operators()[&3].complete);
    }
}
