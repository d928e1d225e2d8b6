//! `weft serve` as a process, over the connectors of a mesh.

use super::{Mesh, Process, TIMEOUT, identity, prefixes, program};
use crate::data::BASE;
use anyhow::{Context, Result, bail};
use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) struct Broker {
    url: String,
    client: Client,
    process: Process,
}

/// An answer that came over HTTP. Its text is not kept.
pub(crate) struct Reply {
    pub(crate) bytes: u64,
    /// Lines behind the header.
    pub(crate) rows: u64,
    /// From the question to the first bytes of the answer's body.
    pub(crate) first: Duration,
    pub(crate) total: Duration,
}

impl Broker {
    pub(super) async fn start(mesh: &Mesh, folder: &Path) -> Result<Self> {
        fs::write(folder.join("weft.toml"), config(mesh, folder)?)?;
        let mut process = Process::start("weft", &program("weft")?, &["serve", "--config", "weft.toml"], folder)?;
        let url = process.word_after("ready: ").await?;
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { url, client, process })
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Asks and reads the answer to its end, as CSV.
    pub(crate) async fn ask(&self, query: &str) -> Result<Reply> {
        let begun = Instant::now();
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/sparql-query")
            .header(ACCEPT, "text/csv")
            .body(query.to_owned());
        let mut response = request.send().await.with_context(|| format!("cannot reach {}", self.url))?;
        if !response.status().is_success() {
            bail!("{}: {}", response.status(), response.text().await.unwrap_or_default());
        }
        let (mut first, mut bytes, mut lines) = (None, 0, 0_u64);
        while let Some(piece) = response.chunk().await.context("the answer was cut")? {
            first.get_or_insert_with(|| begun.elapsed());
            bytes += piece.len() as u64;
            lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let total = begun.elapsed();
        Ok(Reply { bytes, rows: lines.saturating_sub(1), first: first.unwrap_or(total), total })
    }
}

fn config(mesh: &Mesh, folder: &Path) -> Result<String> {
    let mut text = format!(
        "[broker]\nlisten = \"127.0.0.1:0\"\nbase = \"{BASE}\"\nstate_dir = \"state\"\n\
         [telemetry]\nlog_format = \"pretty\"\n[limits]\nquery_timeout = \"{}s\"\n\
         [identity]\ncertificate = \"broker.pem\"\nkey = \"broker.key\"\ntrust = \"ca.pem\"\n[prefixes]\n",
        TIMEOUT.as_secs()
    );
    for (name, namespace) in prefixes() {
        writeln!(text, "{name} = \"{namespace}\"")?;
    }
    for member in &mesh.members {
        let (name, endpoint) = (&member.name, &member.endpoint);
        fs::write(folder.join(format!("{name}.ttl")), &member.source.mapping)?;
        write!(
            text,
            "[sources.{name}]\nmapping = \"{name}.ttl\"\n[sources.{name}.grpc]\nendpoint = \"{endpoint}\"\n\
             identity = \"{}\"\n[sources.{name}.limits]\ntimeout = \"{}s\"\n",
            identity(name),
            TIMEOUT.as_secs()
        )?;
    }
    Ok(text)
}
