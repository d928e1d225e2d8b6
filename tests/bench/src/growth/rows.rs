//! Time and memory against the rows of an answer, over HTTP from the real broker.

use super::{Extent, Grown, powers};
use crate::measure::{Times, times};
use crate::stage::{Mesh, forget_peak, memory};
use anyhow::{Result, ensure};
use serde::Serialize;
use std::fmt::Write as _;

/// Rounds that take longer together are enough.
const ENOUGH: std::time::Duration = std::time::Duration::from_secs(20);

/// Characters of what the broker says.
const MOST_SAID: usize = 130;

struct Shape {
    name: &'static str,
    /// With `{n}` for the number of rows that go in.
    text: &'static str,
    /// Whether as many rows come out.
    keeps_rows: bool,
    joins: bool,
}

const SHAPES: [Shape; 5] = [
    Shape {
        name: "scan",
        text: "SELECT ?reading ?machine ?at ?value {
                 ?reading v:machine ?machine ; v:at ?at ; v:value ?value } LIMIT {n}",
        keeps_rows: true,
        joins: false,
    },
    Shape {
        name: "sort",
        text: "SELECT ?reading ?value { { SELECT ?reading ?value { ?reading v:value ?value } LIMIT {n} } }
               ORDER BY ?value ?reading",
        keeps_rows: true,
        joins: false,
    },
    Shape {
        name: "distinct",
        text: "SELECT DISTINCT ?machine ?value {
                 { SELECT ?machine ?value { ?reading v:machine ?machine ; v:value ?value } LIMIT {n} } }",
        keeps_rows: false,
        joins: false,
    },
    Shape {
        name: "join",
        text: "SELECT ?unit ?torque ?customer {
                 { SELECT ?unit ?torque ?order { ?unit v:order ?order ; v:torque ?torque } LIMIT {n} }
                 ?order v:customer ?customer }",
        keeps_rows: true,
        joins: true,
    },
    Shape {
        name: "join and group",
        text: "SELECT ?customer (AVG(?torque) AS ?mean) {
                 { SELECT ?unit ?torque ?order { ?unit v:order ?order ; v:torque ?torque } LIMIT {n} }
                 ?order v:customer ?customer } GROUP BY ?customer",
        keeps_rows: false,
        joins: true,
    },
];

#[derive(Debug, Serialize)]
struct Line {
    question: &'static str,
    /// Rows that go in, and that come out.
    from: u64,
    rows: u64,
    bytes: u64,
    times: Option<Times>,
    idle_memory: u64,
    peak_memory: u64,
    /// What the broker said instead of an answer.
    refused: Option<String>,
}

pub(super) async fn grow(mesh: &Mesh, extent: Extent) -> Result<Grown> {
    let mut lines = Vec::new();
    for shape in &SHAPES {
        let last = if shape.joins { extent.joined_rows } else { extent.rows };
        for from in powers(last) {
            eprintln!("asking {} of {from} rows", shape.name);
            lines.push(measure(mesh, shape, from, extent.rounds).await?);
        }
    }
    Grown::new("rows", table(&lines)?, &lines)
}

/// With a broker of its own, so that none finds memory that another has left.
async fn measure(mesh: &Mesh, shape: &Shape, from: u64, rounds: usize) -> Result<Line> {
    let broker = mesh.broker().await?;
    let text = |rows: u64| shape.text.replace("{n}", &rows.to_string());
    // Connections to sources, and code that has run once, are part of being idle.
    broker.ask(&text(100)).await?;
    let idle_memory = memory(broker.process(), "VmRSS")?;
    forget_peak(broker.process())?;
    let (mut totals, mut rows, mut bytes, mut refused) = (Vec::new(), 0, 0, None);
    let begun = std::time::Instant::now();
    while totals.len() < rounds && (totals.is_empty() || begun.elapsed() < ENOUGH) {
        match broker.ask(&text(from)).await {
            Ok(reply) => {
                (rows, bytes) = (reply.rows, reply.bytes);
                totals.push(reply.total);
            }
            Err(error) => {
                refused = Some(format!("{error:#}").chars().take(MOST_SAID).collect());
                break;
            }
        }
    }
    ensure!(!shape.keeps_rows || refused.is_some() || rows == from, "{} gave {rows} of {from} rows", shape.name);
    let peak_memory = memory(broker.process(), "VmHWM")?;
    let times = (!totals.is_empty()).then(|| times(&totals));
    Ok(Line { question: shape.name, from, rows, bytes, times, idle_memory, peak_memory, refused })
}

fn table(lines: &[Line]) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<16}{:>10}{:>10}{:>10}{:>12}{:>12}{:>12}",
        "growth: rows", "from", "rows", "MiB", "median ms", "us a row", "+peak MiB"
    )?;
    for line in lines {
        let median = line.times.map(|times| times.median);
        writeln!(
            text,
            "{:<16}{:>10}{:>10}{:>10.1}{:>12}{:>12}{:>12}  {}",
            line.question,
            line.from,
            line.rows,
            ratio(line.bytes, 1 << 20),
            median.map_or_else(|| "-".to_owned(), |median| format!("{median:.1}")),
            median.map_or_else(|| "-".to_owned(), |median| format!("{:.2}", median * 1e3 / ratio(line.from, 1))),
            line.peak_memory.saturating_sub(line.idle_memory) >> 20,
            line.refused.as_deref().unwrap_or_default()
        )?;
    }
    Ok(text)
}

#[allow(clippy::cast_precision_loss, reason = "shown with few digits")]
fn ratio(value: u64, of: u64) -> f64 {
    value as f64 / of as f64
}
