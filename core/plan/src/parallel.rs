//! Work on many like things, done by several threads.

use crate::PlanLimits;
use std::thread;

/// For fewer things another thread costs more than it saves.
const FEW: usize = 64;

/// What `work` makes of each thing, in their order. A thread that cannot be had does not matter: there are others.
pub(crate) fn each<T: Send, R: Send>(items: Vec<T>, limits: &PlanLimits, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = limits.threads.min(items.len() / FEW);
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let size = items.len().div_ceil(threads);
    let mut parts: Vec<Part<T, R>> = Vec::with_capacity(threads);
    let mut items = items.into_iter();
    parts.resize_with(threads, || Part { items: items.by_ref().take(size).collect(), done: Vec::new() });
    thread::scope(|scope| {
        let (own, others) = parts.split_at_mut(1);
        for part in others {
            let builder = thread::Builder::new().name("weft-plan".to_owned()).stack_size(limits.stack);
            let spawned = builder.spawn_scoped(scope, || part.work(&work));
            drop(spawned);
        }
        own.iter_mut().for_each(|part| part.work(&work));
    });
    parts.iter_mut().for_each(|part| part.work(&work));
    parts.into_iter().flat_map(|part| part.done).collect()
}

struct Part<T, R> {
    items: Vec<T>,
    done: Vec<R>,
}

impl<T, R> Part<T, R> {
    /// Does what is not done yet.
    fn work(&mut self, work: &impl Fn(T) -> R) {
        self.done.reserve(self.items.len());
        self.done.extend(std::mem::take(&mut self.items).into_iter().map(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Mutex;

    #[test]
    fn everything_is_done_once_and_stays_in_its_order() {
        for (threads, count) in [(1, 1_000), (2, 0), (2, 1), (2, 127), (2, 128), (3, 1_000), (8, 1_001), (1_000, 1_000)]
        {
            let used = Mutex::new(HashSet::new());
            let limits = PlanLimits { threads, ..PlanLimits::default() };
            let done = each((0..count).collect(), &limits, |n: usize| {
                used.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(thread::current().id());
                n * 2
            });
            assert_eq!(done, (0..count).map(|n| n * 2).collect::<Vec<_>>());
            let used = used.into_inner().map_or(0, |used| used.len());
            let expected = threads.min(count / FEW).max(1).min(count);
            assert_eq!(used, expected, "{threads} threads for {count}");
        }
    }

    #[test]
    fn a_panic_is_that_of_the_caller() {
        let limits = PlanLimits { threads: 2, ..PlanLimits::default() };
        let work = || each((0..1_000).collect(), &limits, |n: usize| assert!(n < 900));
        assert!(std::panic::catch_unwind(work).is_err());
    }
}
