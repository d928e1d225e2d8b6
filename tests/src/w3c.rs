//! The W3C SPARQL suites: their manifests, their data behind connectors, and what their answers must be.

mod compare;
mod csv;
mod expected;
mod files;
mod http;
mod judge;
mod manifest;
mod run;
mod split;
mod stage;

pub use files::Suites;
pub use manifest::{Kind, Test};
pub use run::{Outcome, run};
pub use stage::{Stage, Transport};
