//! A connector for RDF documents: two tables of encoded terms, kept in memory and read again when a file changes.
//!
//! [`TriplesConnector`] implements the connector contract; the binary of this crate serves it over gRPC. It reads the
//! files its configuration names and nothing else.

mod config;
mod connector;
mod describe;
mod error;
mod files;
mod request;
mod scan;

pub use config::{ConfigError, FileConfig, Identity, Limits, Service, Telemetry, TriplesConfig};
pub use connector::TriplesConnector;
pub use error::OpenError;
