//! What `query` and `explain` have in common: the text, and an engine in this process.

use crate::cli::Text;
use crate::config::{Config, Telemetry, load};
use crate::failure::Failure;
use crate::mesh::{Described, Transports, assemble, describe_all, open_one, open_services, open_with};
use crate::telemetry;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::time::Instant;
use weft_exec::Engine;
use weft_mapping::Mapping;
use weft_model::Code;

/// No limit of a broker allows more.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// The query from the command line, a file or stdin.
pub(super) fn read_text(text: &Text) -> Result<String, Failure> {
    if let Some(query) = &text.query {
        return Ok(query.clone());
    }
    let mut read = String::new();
    let (what, result) = match &text.file {
        Some(path) => {
            let opened = std::fs::File::open(path);
            (path.display().to_string(), opened.and_then(|file| file.take(MAX_TEXT_BYTES).read_to_string(&mut read)))
        }
        None => {
            if std::io::stdin().is_terminal() {
                eprintln!("reading the query from stdin");
            }
            ("stdin".to_owned(), std::io::stdin().lock().take(MAX_TEXT_BYTES).read_to_string(&mut read))
        }
    };
    result
        .map_err(|error| Failure::new(Code::InvalidRequest, format!("cannot read the query from {what}: {error}")))?;
    Ok(read)
}

/// A query in a file.
pub(super) fn read_file(path: &Path) -> Result<String, Failure> {
    read_text(&Text { query: None, file: Some(path.to_owned()) })
}

/// An engine in this process, connected to the sources of a configuration.
pub(super) async fn local_engine(config: Option<&PathBuf>) -> Result<(Engine, Arc<Config>), Failure> {
    let path = config.map_or_else(|| Path::new("weft.toml"), PathBuf::as_path);
    let config = Arc::new(load(path)?);
    Ok((engine_with(&config, None).await?, config))
}

/// The same, where one source may have another mapping than that of the configuration.
pub(super) async fn engine_with(
    config: &Arc<Config>,
    instead: Option<(&str, Arc<Mapping>)>,
) -> Result<Engine, Failure> {
    let transports = Transports::new(config)?;
    let mut sources = Vec::with_capacity(config.sources.len());
    for name in config.sources.keys() {
        sources.push(match &instead {
            Some((other, mapping)) if other == name => {
                open_with(config, &transports, name, Some(mapping.clone())).await?
            }
            _ => open_one(config, &transports, name).await?,
        });
    }
    let services = open_services(config)?;
    let until = Instant::now() + config.broker.start_timeout;
    let mut described = Vec::new();
    for (source, description) in describe_all(&sources, until).await {
        match description {
            Ok(description) => described.push(Described::now(source.clone(), description)),
            Err(failure) if source.optional => eprintln!("warning: the answer leaves out optional {failure}"),
            Err(failure) => return Err(failure),
        }
    }
    assemble(config.clone(), &services, described).await
}

/// Log lines of a command that answers and ends: warnings only, unless `RUST_LOG` asks for more. Nothing is exported.
pub(super) fn quiet_logs() -> Result<telemetry::TelemetryGuard, Failure> {
    let log = std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned());
    telemetry::start(&Telemetry { log, log_format: crate::config::LogFormat::Pretty, ..Telemetry::default() })
}
