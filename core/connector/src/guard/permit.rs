//! Permits to call a source, with a queue of limited length.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone, Debug)]
pub(super) struct Permits {
    semaphore: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    concurrency: usize,
    queue: usize,
}

/// One place in the queue, given back however the wait ends.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Permits {
    pub(super) fn new(concurrency: usize, queue: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            semaphore: Arc::new(Semaphore::new(concurrency)),
            waiting: Arc::new(AtomicUsize::new(0)),
            concurrency,
            queue,
        }
    }

    pub(super) async fn acquire(&self, deadline: Instant) -> Result<Permit, ContractError> {
        if let Ok(permit) = self.semaphore.clone().try_acquire_owned() {
            return Ok(Permit { _permit: permit });
        }
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= self.queue {
            drop(place);
            return Err(self.overloaded());
        }
        match timeout_at(deadline, self.semaphore.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Permit { _permit: permit }),
            Ok(Err(_)) => Err(self.overloaded()),
            Err(_) => {
                let message = format!("no permit came free in time: {} calls run already", self.concurrency);
                Err(ContractError::new(Code::DeadlineExceeded, Fault::Broker, message))
            }
        }
    }

    fn overloaded(&self) -> ContractError {
        let message = format!("{} calls run and {} wait already", self.concurrency, self.queue);
        ContractError::new(Code::Overloaded, Fault::Broker, message).with_retry(Retry::AfterMillis(1000))
    }
}
