//! The real broker, `weft serve`: answers over HTTP, and the memory they take.

use crate::measure::{Times, middle, millis, times};
use crate::question::Question;
use crate::stage::{Mesh, forget_peak, memory};
use anyhow::{Context, Result, ensure};
use serde::Serialize;

/// Questions that are asked over HTTP.
const ASKED: [&str; 5] = ["entity", "rows-1000", "rows-100000", "bom-down", "aggregate"];

/// What the broker may have above idle while it delivers 100,000 rows.
pub(crate) const MEMORY_TARGET: u64 = 100 << 20;

#[derive(Debug, Serialize)]
pub(crate) struct Served {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) times: Times,
    /// Milliseconds to the first bytes.
    pub(crate) first: f64,
    /// Bytes of memory before the question, and the most there was while it was answered.
    pub(crate) idle_memory: u64,
    pub(crate) peak_memory: u64,
}

impl Served {
    pub(crate) fn added_memory(&self) -> u64 {
        self.peak_memory.saturating_sub(self.idle_memory)
    }
}

/// Each question has a broker of its own, so that none finds memory that another has left.
pub(crate) async fn measure_endpoint(mesh: &Mesh, questions: &[Question], rounds: usize) -> Result<Vec<Served>> {
    let mut all = Vec::new();
    for question in questions.iter().filter(|question| ASKED.contains(&question.name)) {
        all.push(measure_one(mesh, question, rounds).await.with_context(|| question.name)?);
    }
    Ok(all)
}

async fn measure_one(mesh: &Mesh, question: &Question, rounds: usize) -> Result<Served> {
    let broker = mesh.broker().await?;
    // Connections to all sources are part of being idle, as is code that has run once.
    broker.ask("SELECT * { ?part v:number \"P-0000001\" . ?order v:part ?part . ?unit v:order ?order }").await?;
    let idle_memory = memory(broker.process(), "VmRSS")?;
    forget_peak(broker.process())?;
    let (mut totals, mut firsts, mut last) = (Vec::new(), Vec::new(), None);
    for _ in 0..rounds {
        let reply = broker.ask(&question.sparql).await?;
        if let Some(rows) = question.rows {
            ensure!(reply.rows == rows, "{} rows came instead of {rows}", reply.rows);
        }
        totals.push(reply.total);
        firsts.push(millis(reply.first));
        last = Some(reply);
    }
    let last = last.context("no round")?;
    Ok(Served {
        name: question.name,
        rows: last.rows,
        bytes: last.bytes,
        times: times(&totals),
        first: middle(firsts),
        idle_memory,
        peak_memory: memory(broker.process(), "VmHWM")?,
    })
}
