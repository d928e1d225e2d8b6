//! How many queries run and how many wait.

use crate::Problem;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use weft_model::{Code, Fault};

/// Lets a bounded number of queries run, and a bounded number wait for them.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// A place for each query that runs or waits.
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Held for as long as a query runs.
#[derive(Debug)]
pub(crate) struct Permit {
    _place: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(running: usize, waiting: usize) -> Self {
        let running = running.clamp(1, Semaphore::MAX_PERMITS / 2);
        let waiting = waiting.min(Semaphore::MAX_PERMITS / 2);
        Self { places: Arc::new(Semaphore::new(running + waiting)), running: Arc::new(Semaphore::new(running)) }
    }

    /// Waits for a permit, at most until the deadline.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Permit, Problem> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return Err(overloaded("too many queries run and wait already"));
        };
        match timeout_at(deadline, self.running.clone().acquire_owned()).await {
            Ok(Ok(running)) => Ok(Permit { _place: place, _running: running }),
            Ok(Err(_)) => Err(overloaded("the broker is stopping")),
            Err(_) => Err(overloaded("the query waited for others until its time was over")),
        }
    }
}

fn overloaded(message: &str) -> Problem {
    Problem::new(Code::Overloaded, Fault::Broker, message).with_retry_after(1000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_queue_is_bounded_and_so_is_waiting() {
        let admission = Admission::new(1, 1);
        let soon = || Instant::now() + Duration::from_millis(300);
        let first = admission.enter(soon()).await.unwrap();
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.enter(soon()).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(admission.enter(soon()).await.unwrap_err().message, "too many queries run and wait already");
        drop(first);
        let second = waiting.await.unwrap().unwrap();
        let late = admission.enter(soon()).await.unwrap_err();
        assert_eq!(late.message, "the query waited for others until its time was over");
        drop(second);
        admission.enter(soon()).await.unwrap();
    }
}
