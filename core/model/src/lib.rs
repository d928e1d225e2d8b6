//! The words every other crate speaks: the connector contract, term columns, and error codes.
//!
//! This crate does no I/O and knows neither SPARQL nor any transport. Two groups of types live here:
//!
//! - [`contract`]: what a connector says of itself and what it is asked (tables, columns, relations; never RDF);
//! - [`term`]: how a SPARQL variable is laid out in Arrow columns.
//!
//! [`Aliases`] is what is known of the names of things. [`Code`] is the one list of error codes, shared by HTTP, gRPC and the command line.

mod alias;
mod code;
pub mod contract;
pub mod term;

pub use alias::Aliases;
pub use code::{Code, Fault, Retry};
