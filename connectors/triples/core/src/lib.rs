//! RDF documents as two tables of encoded terms, with an index on every column.
//!
//! What the gRPC connector and the WebAssembly component have in common: reading documents, keeping each statement once,
//! finding rows. This crate knows no connector contract, no file and no network.

mod condition;
mod dataset;
mod format;
mod load;
mod lookup;
mod term;

pub use condition::Condition;
pub use dataset::{Dataset, Table};
pub use format::{Format, UnknownFormat};
pub use load::{Document, LoadError, LoadLimits, Loader};
pub use lookup::{Keys, Lookup, Rows};
pub use term::encode;

/// An R2RML document for the two tables.
pub const DEFAULT_MAPPING: &str = include_str!("mapping.ttl");
