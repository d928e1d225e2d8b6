//! What the broker asks of a source, and the guard around every call.
//!
//! [`Connector`] is the one trait behind every transport. [`Guarded`] wraps it with what no caller may forget: deadline,
//! permit, breaker, retry before the first batch, validation of what comes back. This crate knows no transport and no
//! RDF.

mod guard;
mod spi;

pub use guard::{GuardLimits, Guarded, GuardedScan, ReportHandle, ScanReport, batch_bytes};
pub use spi::{CallContext, Connector, ScanEvent, ScanStream, SourceError};
