//! The demonstration: a small but believable digital thread, the processes around it, and the questions it answers.
//!
//! Everything is generated into local files: five systems of the invented pump maker Aldermoor Fluidics (a PLM behind
//! OData v4, ERP, MES, machine historian and quality in SQLite), the links between them, mappings and configurations.
//! The expected answer of every question is computed here from the generated rows in plain Rust, knowing nothing of
//! SPARQL or of the broker.
//!
//! This crate may not use any other crate of Weft: it speaks to the broker as any client does, by command line, files
//! and HTTP.

mod answers;
mod calendar;
mod files;
mod odata;
mod questions;
mod run;
mod store;
mod thread;

pub use files::{Ports, write_configuration};
pub use odata::{Database as ODataDatabase, serve as serve_odata};
pub use run::{RunOptions, ended, run};
pub use store::generate;
pub use thread::Thread;
