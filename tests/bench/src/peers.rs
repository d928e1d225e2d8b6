//! The same questions over the same data, asked of other systems.
//!
//! Federations get each source as a plain SPARQL endpoint with the triples its graph has; the others get everything in one
//! place. Each says by itself how long an answer took, from the text of the question to its last row. An answer counts when it
//! has as many rows as Weft's. What cannot be installed here is named as skipped, with the reason.

mod driver;
mod install;
mod proxy;
mod rdf;
mod sql;
mod system;
mod table;
mod union;

use crate::cli::PeerOptions;
use crate::data::{Data, Scale, Site};
use crate::measure::{Effort, measure, middle, millis};
use crate::question::{Check, Question, questions};
use crate::stage::{Mesh, Store};
use anyhow::Result;
use async_trait::async_trait;
use install::Kit;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use system::{Counted, Ground, Language, Ready, System};
use table::{Row, Skipped, Table, Used};

const WEFT: &str = "Weft";

/// Sensor rows: three triples each, in all stores of triples.
const READINGS: u64 = 100_000;

const VENDORS: u32 = 20;

/// A slow answer is not repeated for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who answers queries.
#[async_trait]
trait Peer: Send {
    fn version(&self) -> &str;

    async fn ask(&mut self, text: &str, limit: Duration) -> Outcome;

    /// The most it had in bytes, where it has a process of its own.
    fn peak_memory(&self) -> Option<u64>;
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Answered { elapsed: Duration, rows: u64 },
    Failed(String),
    TimedOut,
}

pub(crate) async fn compare(options: &PeerOptions) -> Result<()> {
    let place = &options.place;
    let scale = Scale::thousands(place.scale, place.readings.unwrap_or(READINGS));
    let data = Data::new(&place.folder, scale);
    let kit = Kit::new(&place.folder)?;
    let table = Table { scale: Some(scale), optimised: !cfg!(debug_assertions), ..Table::default() };
    let mut comparison = Comparison { options, kit, expected: BTreeMap::new(), table };
    for (site, name) in [(Site::Plant, "plant"), (Site::Shop(VENDORS), "shop")] {
        let asked: Vec<Question> = questions(scale)
            .into_iter()
            .filter(|question| question.site == site && options.asks_question(question.name))
            // Weft is compared with the floor elsewhere.
            .map(|question| Question { floor: None, sql: None, check: Check::Same, ..question })
            .collect();
        if !asked.is_empty() {
            let mesh = Mesh::start(&data, site, Store::Sqlite).await?;
            comparison.ask_site(&mesh, name, &asked).await?;
        }
    }
    print!("{}", comparison.table.text()?);
    eprintln!("results: {}", comparison.path().display());
    Ok(())
}

struct Comparison<'a> {
    options: &'a PeerOptions,
    kit: Kit,
    /// Rows of Weft's answers.
    expected: BTreeMap<&'static str, u64>,
    table: Table,
}

impl Comparison<'_> {
    async fn ask_site(&mut self, mesh: &Mesh, site: &'static str, questions: &[Question]) -> Result<()> {
        eprintln!("asking {WEFT} over {site}");
        for question in questions {
            let row = ask_weft(mesh, question, self.options.rounds).await;
            self.expected.extend(row.rows.map(|rows| (question.name, rows)));
            self.table.rows.push(row);
        }
        let kit = self.kit.clone();
        let mut ground = Ground::new(mesh, &kit, site);
        for system in System::ALL.into_iter().filter(|system| self.options.asks(system.name())) {
            eprintln!("asking {} over {site}", system.name());
            match system.start(&mut ground).await {
                Ok(ready) => self.ask_all(system, ready, site, questions).await,
                Err(error) => {
                    let reason = format!("{error:#}");
                    self.table.skipped.push(Skipped { site, system: system.name(), reason });
                }
            }
            // So that a run that is broken off has something to show.
            self.write()?;
        }
        self.write()
    }

    async fn ask_all(&mut self, system: System, mut ready: Ready, site: &'static str, questions: &[Question]) {
        for question in questions {
            let text = match system.language() {
                Language::Sparql => Some(format!("{PREFIXES}{}", question.sparql)),
                Language::Sql => sql::sql(question.name, VENDORS),
            };
            let row = match text {
                Some(text) => {
                    let row = ask_one(&mut ready, &text, self.expected.get(question.name).copied(), self.options).await;
                    Row { question: question.name, system: system.name(), ..row }
                }
                None => Row { note: Some("not asked".to_owned()), ..empty(question.name, system.name()) },
            };
            self.table.rows.push(row);
        }
        self.table.systems.push(Used {
            site,
            system: system.name(),
            version: ready.peer.version().to_owned(),
            peak_memory: ready.peer.peak_memory(),
        });
    }

    fn path(&self) -> PathBuf {
        self.options.json.clone().unwrap_or_else(|| self.options.place.folder.join("peers.json"))
    }

    /// Weft and the others on one question are below each other.
    fn write(&mut self) -> Result<()> {
        let order: Vec<&str> = self.table.rows.iter().map(|row| row.question).collect();
        self.table.rows.sort_by_key(|row| order.iter().position(|name| *name == row.question));
        self.table.write(&self.path())
    }
}

async fn ask_weft(mesh: &Mesh, question: &Question, rounds: usize) -> Row {
    let row = empty(question.name, WEFT);
    match measure(mesh, question, Effort { rounds, time: PATIENCE }).await {
        Ok(measured) => Row {
            millis: Some(measured.weft.times.median),
            requests: Some(measured.weft.traffic.requests),
            bytes: Some(measured.weft.traffic.all_bytes()),
            rows: Some(measured.rows),
            ..row
        },
        Err(error) => Row { note: Some(format!("failed: {error:#}")), ..row },
    }
}

/// What every question may use.
const PREFIXES: &str = "PREFIX v: <http://b/v#> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> ";

fn empty(question: &'static str, system: &'static str) -> Row {
    Row { question, system, millis: None, requests: None, bytes: None, rows: None, note: None }
}

/// Once to warm up, then in rounds, then once more to count.
async fn ask_one(ready: &mut Ready, text: &str, expected: Option<u64>, options: &PeerOptions) -> Row {
    let limit = Duration::from_secs(options.timeout);
    let mut row = empty("", "");
    let mut times = Vec::new();
    let begun = Instant::now();
    // The first time counts only where there is none to follow.
    for round in 0..=options.rounds {
        match ready.peer.ask(text, limit).await {
            Outcome::Answered { elapsed, rows } => {
                if round == 1 {
                    times.clear();
                }
                times.push(millis(elapsed));
                row.rows = Some(rows);
            }
            Outcome::Failed(why) => {
                row.note = Some(format!("failed: {why}"));
                return row;
            }
            Outcome::TimedOut => {
                row.note = Some(format!("no answer within {} s", limit.as_secs()));
                return row;
            }
        }
        if begun.elapsed() > PATIENCE && round > 0 || begun.elapsed() > 3 * PATIENCE {
            break;
        }
    }
    row.millis = Some(middle(times));
    match expected {
        Some(expected) if row.rows != Some(expected) => row.note = Some(format!("WRONG: Weft has {expected} rows")),
        Some(_) => {}
        None => row.note = Some("not compared: Weft has no answer".to_owned()),
    }
    if let Some(counted) = &mut ready.counted {
        count(counted, text, limit, &mut row).await;
    }
    row
}

/// The requests of an answer by one that was asked the same before.
async fn count(counted: &mut Counted, text: &str, limit: Duration, row: &mut Row) {
    let mut passed = Vec::new();
    for _ in 0..2 {
        let before = counted.total();
        if !matches!(counted.peer.ask(text, limit).await, Outcome::Answered { .. }) {
            return;
        }
        let after = counted.total();
        passed.push((after.requests - before.requests, after.bytes - before.bytes));
    }
    if let Some((requests, bytes)) = passed.pop() {
        (row.requests, row.bytes) = (Some(requests), Some(bytes));
    }
}
