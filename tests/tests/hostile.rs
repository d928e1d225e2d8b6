//! Hostile queries against a real broker with small limits. Each ends by its deadline with the code its file names, a normal
//! query beside it stays usable, memory stays bounded, and the broker still answers at the end.
//!
//! `cases/hostile` has one query a file: comment lines say why and what is expected, `@{N text}@` stands for N times the text,
//! with `@i` and `@j` in it for the number of the time and the next. `HOSTILE_ONLY` chooses files by a part of their name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "hostile/broker.rs"]
mod broker;
#[path = "hostile/corpus.rs"]
mod corpus;

use broker::{Broker, QUERY_TIMEOUT};
use corpus::{Case, Ending, corpus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Beyond the deadline: for the machine, which may be busy, and for what looks at the time rarely.
const SLACK: Duration = Duration::from_secs(6);

/// The longest a normal query may take beside a hostile one.
const USABLE: Duration = Duration::from_secs(5);

/// Resident memory over what the idle broker has: one query may have 64 MiB, and its batches are on their way three times.
const MOST_MEMORY: u64 = 700 << 20;

/// The queries there must be at least, or the corpus was lost.
const FEWEST: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_queries_end_with_their_codes_and_the_broker_stays_usable() {
    let broker = Arc::new(Broker::start().await);
    let idle = broker.peak_memory();
    let only = std::env::var("HOSTILE_ONLY").unwrap_or_default();
    let cases: Vec<Case> = corpus().into_iter().filter(|case| case.name.contains(&only)).collect();
    let mut failures = Vec::new();
    for case in &cases {
        failures.extend(examine(&broker, case).await);
        if !broker.is_alive() {
            failures.push(format!("{}: the broker ended: {}", case.name, broker.last_lines()));
            break;
        }
    }
    let peak = broker.peak_memory().saturating_sub(idle);
    println!("hostile: {} queries, {} MiB at the most above an idle broker", cases.len(), peak >> 20);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(peak < MOST_MEMORY, "{} MiB above an idle broker", peak >> 20);
    assert!(!only.is_empty() || cases.len() >= FEWEST, "{} queries only", cases.len());
    broker.answers().await.expect("the broker answers at the end");
}

/// What is wrong with how a query ended, and with the normal queries beside it.
async fn examine(broker: &Arc<Broker>, case: &Case) -> Vec<String> {
    let mut failures = Vec::new();
    let done = Arc::new(AtomicBool::new(false));
    let normal = tokio::spawn(normal_queries(broker.clone(), done.clone()));
    let begun = Instant::now();
    let ending = broker.end_of(&case.text, QUERY_TIMEOUT + SLACK).await;
    let took = begun.elapsed();
    done.store(true, Ordering::Relaxed);
    let slowest = normal.await.unwrap();
    let peak = broker.peak_memory() >> 20;
    println!("{:<34} {ending} in {took:.1?}, a normal query in {slowest:.1?}, peak {peak} MiB", case.name);
    if !case.expects(&ending) {
        failures.push(format!("{}: {ending}, expected {} ({})", case.name, case.expected, case.why));
    }
    if took > QUERY_TIMEOUT + SLACK || ending == Ending::Silent {
        failures.push(format!("{}: {ending} after {took:.1?}", case.name));
    }
    match slowest {
        Ok(slowest) if slowest <= USABLE => {}
        slowest => failures.push(format!("{}: a normal query beside it: {slowest:.1?}", case.name)),
    }
    failures
}

/// Asks again and again until the hostile query has ended, at least once; how long the slowest took.
async fn normal_queries(broker: Arc<Broker>, done: Arc<AtomicBool>) -> Result<Duration, String> {
    let mut slowest = Duration::ZERO;
    loop {
        let begun = Instant::now();
        broker.answers().await?;
        slowest = slowest.max(begun.elapsed());
        if done.load(Ordering::Relaxed) {
            return Ok(slowest);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
