//! Compiles the contract with protox, so that building needs no protoc.

use std::error::Error;

const CONNECTOR: &str = "weft/connector/v1/connector.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONNECTOR}");
    let descriptors = protox::compile([CONNECTOR], ["."])?;
    // Bytes fields as `bytes::Bytes`: batches are cut out of the received frames without copying.
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
