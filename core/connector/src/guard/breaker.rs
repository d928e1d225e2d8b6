//! The breaker: a source that fails again and again is left alone for a while, then tried by one call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    cooldown: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Failures in a row.
    failures: u32,
    /// When a call may try the source again; only looked at once the threshold is reached.
    open_until: Instant,
    /// Whether that one call is under way.
    probing: bool,
}

/// The source is not to be asked now.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) remaining: Duration,
    pub(super) failures: u32,
}

/// Leave to call, to be settled with what the call showed. Dropped unsettled, it showed nothing.
#[derive(Debug)]
pub(super) struct Admission {
    breaker: Arc<Breaker>,
    is_probe: bool,
}

impl Breaker {
    pub(super) fn new(threshold: u32, cooldown: Duration) -> Self {
        let state = State { failures: 0, open_until: Instant::now(), probing: false };
        Self { threshold, cooldown, state: Mutex::new(state) }
    }

    pub(super) fn admit(this: &Arc<Self>) -> Result<Admission, Open> {
        let mut state = this.lock();
        let is_open = this.threshold > 0 && state.failures >= this.threshold;
        if !is_open {
            return Ok(Admission { breaker: this.clone(), is_probe: false });
        }
        let remaining = state.open_until.saturating_duration_since(Instant::now());
        if !remaining.is_zero() || state.probing {
            return Err(Open { remaining, failures: state.failures });
        }
        state.probing = true;
        Ok(Admission { breaker: this.clone(), is_probe: true })
    }

    /// A failure after the call was settled, such as a stream that broke.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.open_until = Instant::now() + self.cooldown;
    }

    fn succeeded(&self) {
        self.lock().failures = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    pub(super) fn settle(self, healthy: bool) {
        if healthy {
            self.breaker.succeeded();
        } else {
            self.breaker.failed();
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.lock().probing = false;
        }
    }
}
