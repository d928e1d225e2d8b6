//! Latency, throughput, refusals and memory against the clients that ask at once; and a client beside one that floods.

use super::load::{Crowd, From, Summary};
use super::{Extent, Grown};
use crate::stage::{Broker, Mesh, forget_peak, memory};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Three sources, one row.
const SMALL: &str = "SELECT ?torque ?order ?part ?name ?material {
    <http://b/unit/{n}> v:torque ?torque ; v:order ?order . ?order v:part ?part . ?part v:name ?name ; v:material ?material }";

/// Three sources, 100,000 rows.
const HEAVY: &str = "SELECT ?unit ?torque ?material {
    ?part v:material ?material . ?order v:part ?part . ?unit v:order ?order ; v:torque ?torque }";

/// What a refusal says.
const COME_BACK: Duration = Duration::from_secs(1);

/// Queries the flood has in the air. More than may run and wait.
const FLOOD: usize = 100;

#[derive(Debug, Serialize)]
struct Line {
    clients: usize,
    summary: Summary,
    idle_memory: u64,
    peak_memory: u64,
}

pub(super) async fn grow(mesh: &Mesh, extent: Extent) -> Result<Grown> {
    let mut lines = Vec::new();
    for clients in [1, 3, 10, 30, 100, 300, 1_000].into_iter().filter(|clients| *clients <= extent.clients) {
        eprintln!("asking as {clients} clients");
        let broker = mesh.broker().await?;
        let crowd = crowd(&broker, SMALL, clients, From::Many)?;
        warm_up(&crowd).await?;
        let idle_memory = memory(broker.process(), "VmRSS")?;
        forget_peak(broker.process())?;
        let noticed = crowd.ask_for(Duration::from_secs(extent.seconds)).await;
        ensure!(noticed.failed.is_empty(), "{clients} clients: {} ({} times)", noticed.failed[0], noticed.failed.len());
        let peak_memory = memory(broker.process(), "VmHWM")?;
        lines.push(Line { clients, summary: noticed.summary(), idle_memory, peak_memory });
    }
    Grown::new("clients", table(&lines)?, &lines)
}

fn table(lines: &[Line]) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<18}{:>10}{:>10}{:>12}{:>10}{:>10}{:>10}{:>12}",
        "growth: clients", "answered", "refused", "a second", "p50 ms", "p99 ms", "most ms", "+peak MiB"
    )?;
    for line in lines {
        let added = line.peak_memory.saturating_sub(line.idle_memory) >> 20;
        writeln!(text, "{:<18}{}{added:>12}", line.clients, shown(&line.summary))?;
    }
    Ok(text)
}

fn shown(summary: &Summary) -> String {
    let Summary { answered, refused, throughput, p50, p99, most, .. } = summary;
    format!("{answered:>10}{refused:>10}{throughput:>12.1}{p50:>10.2}{p99:>10.2}{most:>10.2}")
}

fn crowd(broker: &Broker, query: &str, clients: usize, from: From) -> Result<Crowd> {
    let address = broker.url().strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let endpoint: SocketAddr = address.context("the broker's address")?.parse()?;
    let query = format!("PREFIX v: <http://b/v#> {query}");
    Ok(Crowd { endpoint, query, clients, from, patience: COME_BACK })
}

/// Connections to sources, and code that has run once, are part of being idle.
async fn warm_up(crowd: &Crowd) -> Result<()> {
    let few = Crowd { clients: 2, ..crowd.clone() };
    let noticed = few.ask_for(Duration::from_millis(500)).await;
    ensure!(noticed.failed.is_empty(), "while warming up: {}", noticed.failed[0]);
    Ok(())
}

#[derive(Debug, Serialize)]
struct Beside {
    flood: &'static str,
    small: Summary,
    heavy: Summary,
}

/// One client that asks small questions one after the other, alone, and beside one that floods.
pub(super) async fn fairness(mesh: &Mesh, extent: Extent) -> Result<Grown> {
    let (me, other) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let broker = mesh.broker().await?;
    let small = crowd(&broker, SMALL, 1, From::One(me))?;
    warm_up(&small).await?;
    let time = Duration::from_secs(extent.seconds);
    let alone = small.clone().ask_for(time).await;
    ensure!(alone.failed.is_empty(), "alone: {}", alone.failed[0]);
    let mut lines = vec![Beside { flood: "none", small: alone.summary(), heavy: Summary::default() }];
    for (name, from) in [("another address", other), ("the same address", me)] {
        eprintln!("asking beside a flood from {name}");
        let heavy = crowd(&broker, HEAVY, FLOOD, From::One(from))?;
        // It is there before the small one asks, and still when it is done.
        let flood = tokio::spawn(heavy.ask_for(time + 2 * COME_BACK));
        tokio::time::sleep(COME_BACK).await;
        let beside = small.clone().ask_for(time).await;
        let flooded = flood.await?;
        ensure!(beside.failed.is_empty(), "beside a flood from {name}: {}", beside.failed[0]);
        ensure!(flooded.failed.is_empty(), "the flood from {name}: {}", flooded.failed[0]);
        lines.push(Beside { flood: name, small: beside.summary(), heavy: flooded.summary() });
    }
    Grown::new("fairness", beside_table(&lines)?, &lines)
}

fn beside_table(lines: &[Beside]) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<18}{:>10}{:>10}{:>12}{:>10}{:>10}{:>10}{:>14}{:>14}",
        "beside a flood",
        "answered",
        "refused",
        "a second",
        "p50 ms",
        "p99 ms",
        "most ms",
        "flood answ.",
        "flood refused"
    )?;
    for Beside { flood, small, heavy } in lines {
        writeln!(text, "{flood:<18}{}{:>14}{:>14}", shown(small), heavy.answered, heavy.refused)?;
    }
    Ok(text)
}
