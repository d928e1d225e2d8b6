//! How many statements run at once, and how many wait.

use crate::error::{Result, deadline_exceeded, internal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

#[derive(Debug)]
pub(crate) struct Permits {
    running: Arc<Semaphore>,
    waiting: AtomicU32,
    queue: u32,
}

/// Counts one waiter for as long as it lives, however the wait ends.
struct Waiter<'a>(&'a AtomicU32);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Permits {
    pub(crate) fn new(running: u32, queue: u32) -> Self {
        Self { running: Arc::new(Semaphore::new(running as usize)), waiting: AtomicU32::new(0), queue }
    }

    pub(crate) async fn acquire(&self, deadline: Instant) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiter = Waiter(&self.waiting);
        if ahead >= self.queue {
            let message = format!("{ahead} statements are waiting for a connection already (limits.queue)");
            return Err(
                ContractError::new(Code::Overloaded, Fault::Connector, message).with_retry(Retry::AfterMillis(500))
            );
        }
        match timeout_at(deadline, Arc::clone(&self.running).acquire_owned()).await {
            Ok(permit) => permit.map_err(internal),
            Err(_) => Err(deadline_exceeded()),
        }
    }
}
