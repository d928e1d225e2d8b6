//! What can be wrong before any call is made.

use crate::http::InvalidGrant;

/// A sandbox, a component or a grant that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the webassembly engine cannot be started")]
    Engine(#[source] wasmtime::Error),
    #[error("the threads for guests cannot be started")]
    Threads(#[source] std::io::Error),
    #[error("component {name} has {found} bytes, {allowed} are allowed")]
    TooLarge { name: String, found: usize, allowed: usize },
    #[error("component {name} is not a webassembly component")]
    NotAComponent {
        name: String,
        #[source]
        cause: wasmtime::Error,
    },
    #[error("component {name} took longer than {seconds} s to compile")]
    CompileTime { name: String, seconds: u64 },
    #[error("component {name} imports {import}, which the sandbox does not offer")]
    UnknownImport { name: String, import: String },
    #[error("component {name} is not a connector of contract version 1")]
    NotAConnector {
        name: String,
        #[source]
        cause: wasmtime::Error,
    },
    #[error(
        "component {component} of source {source_name} imports {import}, which is not granted; {line} would grant it"
    )]
    NotGranted { component: String, source_name: String, import: String, line: String },
    #[error("sources.{source_name}.wasm.http.{cause}")]
    Grant {
        source_name: String,
        #[source]
        cause: InvalidGrant,
    },
    #[error("sources.{source_name}.wasm.{key}: {found} is not allowed: {rule}")]
    Limit { source_name: String, key: &'static str, found: u64, rule: String },
}
