//! `weft mapping`: writing mappings, and seeing what they do.

mod diff;
mod first_rows;
mod memory;
mod preview;
mod suggest;
mod turtle;

pub(crate) use suggest::ontology_terms;

use super::ask::quiet_logs;
use crate::cli::Mapping;
use crate::config::Config;
use crate::failure::Failure;
use crate::mesh::{MeshSource, Transports, describe, open_with, read_mapping_file};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::time::Instant;
use weft_model::Code;
use weft_model::contract::Description;

pub(crate) async fn run(mapping: Mapping) -> Result<ExitCode, Failure> {
    let _telemetry = quiet_logs()?;
    match mapping {
        Mapping::Suggest(suggest) => suggest::run(&suggest).await,
        Mapping::Preview(preview) => preview::run(&preview).await,
        Mapping::Diff(diff) => diff::run(&diff).await,
    }
}

/// A source with the mapping of this file, or else its own, and what it says of itself now.
async fn described(
    config: &Config,
    transports: &Transports,
    name: &str,
    mapping: Option<&Path>,
) -> Result<(MeshSource, Arc<Description>), Failure> {
    let path = mapping_file(config, name, mapping);
    let read = path.map(|path| read_mapping_file(&path, &config.broker.base)).transpose()?;
    let source = open_with(config, transports, name, read.map(Arc::new)).await?;
    let description = describe(&source, Instant::now() + source.timeout).await?;
    Ok((source, description))
}

/// The file of a mapping: this one, or else the source's own, if it has one.
fn mapping_file(config: &Config, name: &str, mapping: Option<&Path>) -> Option<PathBuf> {
    let own = || config.sources.get(name)?.mapping.as_ref().map(|path| config.path(path));
    mapping.map(Path::to_owned).or_else(own)
}

/// Writes data to stdout.
fn write(text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::new(Code::Cancelled, format!("the output cannot be written: {error}"));
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(failed)
}
