//! Components built by `plugins-sdk/build-guest.sh`, and the sandbox they run in.

use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::CallContext;
use weft_wasm::{InstalledComponent, Sandbox};

/// The bytes of a built guest. `WEFT_GUESTS` says where they are; `target/guests/components` otherwise.
///
/// # Errors
/// Says how to build the guest when it is not there: a test without its guest has failed.
pub fn guest_bytes(name: &str) -> anyhow::Result<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("WEFT_GUESTS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| root.join("target/guests/components"));
    let path = folder.join(format!("{name}.wasm"));
    let source = match name {
        "odata" => "connectors/odata".to_owned(),
        "triples" => "connectors/triples/guest".to_owned(),
        _ => format!("tests/guests/{name}"),
    };
    std::fs::read(&path).with_context(|| {
        format!(
            "no guest {}: run plugins-sdk/build-guest.sh {source} target/guests/components/{name}.wasm",
            path.display()
        )
    })
}

/// Installs a built guest.
///
/// # Errors
/// Those of [`guest_bytes`] and of the installation.
pub async fn install_guest(sandbox: &Sandbox, name: &str) -> anyhow::Result<InstalledComponent> {
    Ok(sandbox.install(name, guest_bytes(name)?).await?)
}

/// The context of a call that may take this long.
pub fn call_within(time: Duration) -> CallContext {
    CallContext { deadline: Instant::now() + time, traceparent: None }
}
