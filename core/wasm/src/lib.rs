//! The sandbox: connectors as WebAssembly components, without WASI.
//!
//! A guest can do what the configuration grants by name and nothing else: HTTP to allowed URLs, log lines, the time. Every
//! call has a fresh store with its own limits, runs on the sandbox's own threads, and is gone when its caller is. All that
//! comes back is checked before it becomes Arrow. This is the only crate that imports wasmtime; it knows no RDF and no
//! configuration file.

mod call;
mod connector;
pub mod convert;
mod error;
mod http;
mod limits;
mod sandbox;
mod scan;
mod state;
pub mod wit;

pub use connector::{Grants, WasmConnector};
pub use error::SandboxError;
pub use http::{Credential, HttpGrant, InvalidGrant, Secret};
pub use limits::{GuestLimits, SandboxLimits};
pub use sandbox::{InstalledComponent, Sandbox};
