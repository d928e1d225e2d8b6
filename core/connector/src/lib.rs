//! What the broker asks of a source, and the guard around every call.
//!
//! [`Connector`] is the one trait behind every transport. [`Guarded`] wraps it with what no caller may forget: deadline,
//! permit, breaker, retry before the first batch, validation of what comes back. [`Endpoint`] and [`GuardedEndpoint`] are
//! the same for the SPARQL endpoints that SERVICE may ask. This crate knows no transport and no RDF.

mod endpoint;
mod guard;
mod spi;

pub use endpoint::{Endpoint, SelectLimits, SelectRequest};
pub use guard::{GuardLimits, Guarded, GuardedEndpoint, GuardedScan, ReportHandle, ScanReport, batch_bytes};
pub use spi::{CallContext, Connector, ScanEvent, ScanStream, SourceError};
