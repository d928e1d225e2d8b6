//! Limits, and how a store keeps to them.

use std::time::Duration;
use wasmtime::{ResourceLimiter, Result};

/// Limits of the sandbox as a whole.
#[derive(Clone, Debug)]
pub struct SandboxLimits {
    /// Threads that run guests, apart from the broker's.
    pub threads: usize,
    /// Guests alive at once, those waiting for their reader included.
    pub guests: u32,
    /// The most memory any guest can be given, in bytes.
    pub guest_memory: usize,
    /// The largest component, in bytes.
    pub component_bytes: usize,
    /// How long a component may take to compile.
    pub compile_time: Duration,
    /// How often a running guest makes way for the others, and looks at its deadline.
    pub tick: Duration,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            threads: 2,
            guests: 64,
            guest_memory: 256 << 20,
            component_bytes: 16 << 20,
            compile_time: Duration::from_secs(60),
            tick: Duration::from_millis(2),
        }
    }
}

/// Limits of each call of one source (`sources.NAME.wasm`).
#[derive(Clone, Debug)]
pub struct GuestLimits {
    /// Linear memory, in bytes.
    pub memory: usize,
    /// The longest a call may take, whatever its deadline is.
    pub time: Duration,
    /// The most rows of one batch, whatever the request says.
    pub batch_rows: u32,
    /// The most bytes a guest hands over at once: a batch, a description, the text of an error.
    pub output_bytes: usize,
    /// The most batches without a row that may follow each other.
    pub empty_batches: u32,
    /// Log lines of one call; further ones are dropped.
    pub log_lines: u32,
    /// Bytes of one log line; the rest is cut off.
    pub log_line_bytes: usize,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            time: Duration::from_secs(60),
            batch_rows: 65_536,
            output_bytes: 16 << 20,
            empty_batches: 1_000,
            log_lines: 100,
            log_line_bytes: 1_024,
        }
    }
}

/// Function pointers of a guest and of the adapters around it.
const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Says inside a trap that a limit stopped the guest, and not the guest itself.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("the guest asked for {asked} bytes of memory, {allowed} are allowed")]
    Memory { asked: usize, allowed: usize },
    #[error("the guest asked for a table of {asked} elements, {MAX_TABLE_ELEMENTS} are allowed")]
    Table { asked: usize },
    #[error("the time for the call is over")]
    Deadline,
}

/// Memory and tables of one store. Growth beyond the limit ends the guest: one that goes on without the memory it asked
/// for does unforeseen things.
#[derive(Debug)]
pub(crate) struct StoreResources {
    pub(crate) memory: usize,
}

impl ResourceLimiter for StoreResources {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.memory {
            return Err(Stopped::Memory { asked: desired, allowed: self.memory }.into());
        }
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(error)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            return Err(Stopped::Table { asked: desired }.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        8
    }

    fn tables(&self) -> usize {
        8
    }

    fn memories(&self) -> usize {
        1
    }
}
