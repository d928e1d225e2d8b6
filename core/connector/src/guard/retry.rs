//! When to try again, and how often over all calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use weft_model::contract::ContractError;
use weft_model::{Code, Retry};

const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// One retry costs as much as five calls bring in: when a source is down, retries add at most a fifth to its load.
const RETRY_COST: u32 = 5;
const MAX_BALANCE: u32 = 10 * RETRY_COST;

/// Starts full, so that a broker with little traffic can retry too.
#[derive(Debug)]
pub(super) struct RetryBudget(Mutex<u32>);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Mutex::new(MAX_BALANCE))
    }
}

impl RetryBudget {
    pub(super) fn deposit(&self) {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *balance = (*balance + 1).min(MAX_BALANCE);
    }

    pub(super) fn withdraw(&self) -> bool {
        let mut balance = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = balance.checked_sub(RETRY_COST);
        *balance = rest.unwrap_or(*balance);
        rest.is_some()
    }
}

/// How long to wait before another attempt, or nothing where it cannot help.
pub(super) fn wait_before(error: &ContractError, attempt: u32, base: Duration) -> Option<Duration> {
    let asked_for = match error.retry {
        Retry::AfterMillis(millis) => Duration::from_millis(millis),
        Retry::Never if error.code == Code::SourceUnavailable => Duration::ZERO,
        Retry::Never | Retry::Replan => return None,
    };
    let backoff = base.saturating_mul(1 << attempt.min(10)).min(MAX_BACKOFF);
    // Between half and all of it, so that callers that failed together do not come back together.
    let jittered = backoff.mul_f64(0.5 + rand::random::<f64>() / 2.0);
    Some(asked_for + jittered)
}
