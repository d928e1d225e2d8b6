//! The limits of a source.

use std::time::Duration;

/// What a source may take, and how patient the broker is with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// The longest a call may last, from waiting for its permit to the last row.
    pub timeout: Duration,
    /// Calls running at once.
    pub concurrency: usize,
    /// Calls waiting for a permit; one more is refused with `overloaded`.
    pub queue: usize,
    /// Rows of one scan.
    pub max_rows: u64,
    /// Bytes of one scan, as Arrow columns.
    pub max_bytes: u64,
    /// Attempts after the first, before any row has come. Over all calls, at most one in five is repeated.
    pub retries: u32,
    /// The wait before the first retry; doubled each time, with jitter.
    pub retry_backoff: Duration,
    /// Failures in a row (unreachable, or silent for all of `timeout`) after which the source is left alone. 0: never.
    pub breaker_failures: u32,
    /// For how long it is left alone, before one call tries again.
    pub breaker_cooldown: Duration,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            concurrency: 16,
            queue: 256,
            max_rows: 10_000_000,
            max_bytes: 4 << 30,
            retries: 2,
            retry_backoff: Duration::from_millis(50),
            breaker_failures: 5,
            breaker_cooldown: Duration::from_secs(5),
        }
    }
}
