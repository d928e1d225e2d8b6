//! Turns the core module of a guest into a component. The module carries its WIT world in a custom section.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use wit_component::ComponentEncoder;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, component] = arguments.as_slice() else {
        bail!("usage: weft-componentize MODULE.wasm COMPONENT.wasm");
    };
    let bytes = std::fs::read(module).with_context(|| format!("{} cannot be read", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} is not the core module of a component", module.display()))?;
    write(component, &encoded).with_context(|| format!("{} cannot be written", component.display()))
}

/// Replaces the file at once: a reader never sees half of it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(unfinished, path)
}
