//! Time against the sources there are: planning over catalogues alone, and running over real ones.

use super::{Extent, Grown};
use crate::data::{Data, Site};
use crate::measure::{Effort, Measured, measure};
use crate::planning::{self, measure_planning};
use crate::question::{Check, Question};
use crate::stage::{Mesh, Store};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const CATALOGUES: [u32; 6] = [3, 10, 30, 100, 300, 1_000];
const RUNNING: [u32; 3] = [3, 20, 200];

/// Planning asks nobody, so there is nobody behind the catalogues.
pub(super) async fn plan(data: &Data, extent: Extent) -> Result<Grown> {
    let lines = measure_planning(data, &CATALOGUES, 5 * extent.rounds).await?;
    let mut text = format!("{:<18}{:>10}{:>12}\n", "growth: planning", "sources", "median ms");
    for line in &lines {
        let refused = line.refused.as_deref().unwrap_or_default();
        writeln!(text, "{:<18}{:>10}{:>12.2}  {refused}", line.name, line.sources, line.times.median)?;
    }
    Grown::new("planning", text, &lines)
}

#[derive(Debug, Serialize)]
struct Line {
    sources: u32,
    /// Seconds until all connectors were there and described.
    start: f64,
    measured: Measured,
}

/// A process for each source.
pub(super) async fn run(data: &Data, extent: Extent) -> Result<Grown> {
    let mut lines = Vec::new();
    for sources in RUNNING.into_iter().filter(|sources| *sources <= extent.sources) {
        eprintln!("asking {sources} sources");
        let begun = Instant::now();
        let mesh = Mesh::start(data, Site::Shop(sources), Store::Sqlite).await?;
        let start = begun.elapsed().as_secs_f64();
        for (name, sparql) in planning::QUESTIONS {
            let question = Question {
                name,
                site: Site::Shop(sources),
                sparql: sparql.to_owned(),
                rows: None,
                check: Check::Same,
                floor: None,
                sql: None,
                is_pushed_whole: false,
            };
            let effort = Effort { rounds: 3 * extent.rounds, time: Duration::from_secs(5) };
            let measured = measure(&mesh, &question, effort).await;
            lines.push(Line { sources, start, measured: measured.with_context(|| format!("{name} of {sources}"))? });
        }
    }
    Grown::new("sources", table(&lines)?, &lines)
}

fn table(lines: &[Line]) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<18}{:>10}{:>10}{:>10}{:>12}{:>12}{:>10}{:>10}",
        "growth: sources", "sources", "start s", "rows", "median ms", "plan ms", "requests", "KiB"
    )?;
    for Line { sources, start, measured } in lines {
        let traffic = measured.weft.traffic;
        writeln!(
            text,
            "{:<18}{sources:>10}{start:>10.1}{:>10}{:>12.2}{:>12.2}{:>10}{:>10}",
            measured.name,
            measured.rows,
            measured.weft.times.median,
            measured.planning,
            traffic.requests,
            traffic.all_bytes().div_ceil(1024)
        )?;
    }
    Ok(text)
}
