//! The data of sources as triples, and plain SPARQL endpoints over them.

use super::install::{Kit, run};
use crate::data::Source;
use crate::stage::{Broker, Process};
use anyhow::{Context, Result, bail};
use reqwest::Client;
use reqwest::header::ACCEPT;
use rusqlite::Connection;
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{BufWriter, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(60);

/// All triples of a source as N-Triples: what the broker says its graph is, checked against the rows. A file that is there
/// already is of the same rows and the same mapping.
pub(super) async fn triples(broker: &Broker, source: &Source, kit: &Kit) -> Result<PathBuf> {
    let file = kit.folder().join(format!("{}.nt", fingerprint(&source.name, &[source])));
    if file.exists() {
        return Ok(file);
    }
    let unfinished = file.with_extension(format!("{}.part", std::process::id()));
    let written = fetch(broker, &source.name, &unfinished).await?;
    let expected = expected_triples(source)?;
    if written != expected {
        fs::remove_file(&unfinished).ok();
        bail!("the graph of {} has {written} triples, and its rows make {expected}", source.name);
    }
    fs::rename(&unfinished, &file)?;
    Ok(file)
}

/// Gives the number of lines, which is that of triples.
async fn fetch(broker: &Broker, source: &str, file: &Path) -> Result<u64> {
    let url = broker.url().replace("/sparql", "/graphs");
    let client = Client::builder().no_proxy().build()?;
    let request = client.get(format!("{url}?graph=urn%3Aweft%3Asource%3A{source}"));
    let mut response = request.header(ACCEPT, "application/n-triples").send().await?;
    if !response.status().is_success() {
        bail!("the graph of {source}: {}: {}", response.status(), response.text().await.unwrap_or_default());
    }
    let mut out = BufWriter::new(File::create(file)?);
    let mut lines = 0;
    while let Some(piece) = response.chunk().await.context("the graph was cut")? {
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(lines)
}

/// A triple for each row and predicate: no column of the generated data has nulls, and each subject has a row of its own, or
/// each of its rows another object.
fn expected_triples(source: &Source) -> Result<u64> {
    let database = Connection::open(&source.file)?;
    let mut expected = 0;
    for map in source.mapping.split("rr:tableName \"").skip(1) {
        let (table, rest) = map.split_once('"').context("a mapping without the end of a table name")?;
        let count = format!("SELECT COUNT(*) FROM \"{table}\"");
        let rows: i64 = database.query_row(&count, [], |row| row.get(0))?;
        expected += u64::try_from(rows)? * rest.matches("rr:predicateObjectMap").count() as u64;
    }
    Ok(expected)
}

/// A name that other data or another mapping does not have.
pub(super) fn fingerprint(name: &str, sources: &[&Source]) -> String {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        // The name of a file tells its content.
        source.file.file_name().hash(&mut hasher);
        source.mapping.hash(&mut hasher);
    }
    format!("{name}-{:016x}", hasher.finish())
}

/// A store on disk with the triples of files. It is made once.
pub(super) fn store(server: &Path, name: &str, files: &[PathBuf], kit: &Kit) -> Result<PathBuf> {
    let store = kit.folder().join("stores").join(name);
    if store.exists() {
        return Ok(store);
    }
    let unfinished = store.with_extension(format!("{}.part", std::process::id()));
    fs::create_dir_all(&unfinished)?;
    let mut load = Command::new(server);
    load.arg("load").arg("--location").arg(&unfinished).arg("--file").args(files);
    run(load, &kit.log("load"))?;
    fs::rename(&unfinished, &store)?;
    Ok(store)
}

/// A SPARQL server over one store.
pub(super) struct Endpoint {
    pub(super) url: String,
    // Ends with this.
    _process: Process,
}

impl Endpoint {
    pub(super) async fn start(server: &Path, name: &str, store: &Path, logs: &Path) -> Result<Self> {
        // The server does not say which port it was given, so it is told one that was free just now.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let location = store.display().to_string();
        let address = format!("127.0.0.1:{port}");
        let arguments = ["serve-read-only", "--location", &location, "--bind", &address];
        let process = Process::start(name, server, &arguments, logs)?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > START {
                bail!("the endpoint of {name} does not listen; see {}/{name}.log", logs.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { url: format!("http://{address}/query"), _process: process })
    }
}
