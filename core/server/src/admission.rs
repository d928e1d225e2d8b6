//! How many queries run and how many wait, and whose turn it is.
//!
//! No client can shut out the others by asking much: it may run no more than its share at once, and while others are there far
//! less, as sources have fewer places than the broker. A place that becomes free goes to whoever runs the fewest (and among
//! those, round by round), and where the queue is full a client that has little in it takes a place of the one that has the most.

mod caller;
mod turns;

use crate::{Problem, ServerOptions};
pub(crate) use caller::{Caller, ConnectedFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::{Instant, timeout_at};
use turns::{Arrival, Places, Turns};
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

/// Lets a bounded number of queries run, and a bounded number wait for them.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    turns: Arc<Mutex<Turns>>,
}

/// Held for as long as a query runs.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Admission,
    caller: Caller,
}

/// A query in the queue. It leaves the queue when this is dropped.
struct Waiting<'a> {
    admission: &'a Admission,
    caller: Caller,
    number: u64,
    admitted: oneshot::Receiver<()>,
}

impl Admission {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        let running = options.concurrent_queries.max(1);
        let share = options.concurrent_queries_per_client.clamp(1, running);
        let contested_share = options.contested_queries_per_client.clamp(1, share);
        let places = Places { running, waiting: options.queued_queries, share, contested_share };
        Self { turns: Arc::new(Mutex::new(Turns::new(places))) }
    }

    /// Waits for a permit, at most until the deadline.
    pub(crate) async fn enter(&self, caller: Caller, deadline: Instant) -> Result<Permit, Problem> {
        // The lock is not held while waiting.
        let arrival = self.turns().arrive(caller, Instant::now());
        match arrival {
            Arrival::Runs => Ok(Permit { admission: self.clone(), caller }),
            Arrival::Waits { number, admitted } => {
                Waiting { admission: self, caller, number, admitted }.turn(deadline).await
            }
            Arrival::Refused => Err(overloaded("too many queries run and wait already (limits.queued_queries)")),
        }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        // What panics while it holds the lock leaves numbers that are right.
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    async fn turn(mut self, deadline: Instant) -> Result<Permit, Problem> {
        match timeout_at(deadline, &mut self.admitted).await {
            Ok(Ok(())) => Ok(Permit { admission: self.admission.clone(), caller: self.caller }),
            Ok(Err(_)) => Err(overloaded(
                "the queue is full, and the latest query of the client with the most waiting gave up its place",
            )),
            Err(_) => Err(overloaded("the query waited for others until its time was over")),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut turns = self.admission.turns();
        // Turns are given under the lock, so what the channel says now is how it is.
        match self.admitted.try_recv() {
            Err(TryRecvError::Empty) => turns.give_up(self.caller, self.number),
            // Nobody took the permit that came just now.
            Ok(()) => turns.end(self.caller, Instant::now()),
            // The permit was taken, or the place in the queue was.
            Err(TryRecvError::Closed) => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.turns().end(self.caller, Instant::now());
    }
}

fn overloaded(message: &str) -> Problem {
    Problem::new(Code::Overloaded, Fault::Broker, message).with_retry_after(1000)
}
