//! How time and memory grow: with the rows of an answer, with the sources, and with the clients that ask at once; and what a
//! client notices of another that floods the broker.

mod clients;
mod load;
mod rows;
mod sources;

use crate::cli::GrowthOptions;
use crate::data::{Data, Scale, Site};
use crate::stage::{Mesh, Store};
use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs;

/// What something grows with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Growth {
    /// Rows of an answer
    Rows,
    /// Sources there are
    Sources,
    /// Clients that ask at once
    Clients,
    /// One client that floods, beside one that does not
    Fairness,
}

/// How far it goes.
#[derive(Clone, Copy, Debug)]
struct Extent {
    /// The most rows of one answer, and those of a join.
    rows: u64,
    joined_rows: u64,
    /// The most sources that run.
    sources: u32,
    /// The most clients, and seconds for each number of them.
    clients: usize,
    seconds: u64,
    rounds: usize,
}

const WHOLE: Extent =
    Extent { rows: 10_000_000, joined_rows: 1_000_000, sources: 200, clients: 1_000, seconds: 8, rounds: 3 };
const QUICK: Extent =
    Extent { rows: 1_000_000, joined_rows: 100_000, sources: 20, clients: 1_000, seconds: 3, rounds: 2 };

/// A table with a heading, as text and as data.
struct Grown {
    name: &'static str,
    text: String,
    data: Value,
}

impl Grown {
    fn new(name: &'static str, text: String, lines: &impl Serialize) -> Result<Self> {
        Ok(Self { name, text, data: serde_json::to_value(lines)? })
    }
}

pub(crate) async fn grow(options: &GrowthOptions) -> Result<()> {
    let extent = if options.quick { QUICK } else { WHOLE };
    let is_wanted = |growth: Growth| options.only.is_empty() || options.only.contains(&growth);
    let mut all = Vec::new();
    if is_wanted(Growth::Rows) {
        all.push(rows::grow(&plant(options, extent).await?, extent).await?);
    }
    if is_wanted(Growth::Sources) {
        let data = data(options, Extent { rows: 1, joined_rows: 0, ..extent });
        all.push(sources::plan(&data, extent).await?);
        all.push(sources::run(&data, extent).await?);
    }
    if is_wanted(Growth::Clients) || is_wanted(Growth::Fairness) {
        let small = Extent { rows: 1, joined_rows: 0, ..extent };
        let mesh = plant(options, small).await?;
        if is_wanted(Growth::Clients) {
            all.push(clients::grow(&mesh, extent).await?);
        }
        if is_wanted(Growth::Fairness) {
            all.push(clients::fairness(&mesh, extent).await?);
        }
    }
    finish(options, all)
}

fn finish(options: &GrowthOptions, all: Vec<Grown>) -> Result<()> {
    let mut results = Map::new();
    results.insert("optimised".to_owned(), Value::Bool(!cfg!(debug_assertions)));
    for grown in all {
        println!("{}", grown.text);
        results.insert(grown.name.to_owned(), grown.data);
    }
    let path = options.json.clone().unwrap_or_else(|| options.place.folder.join("growth.json"));
    fs::write(&path, serde_json::to_vec_pretty(&results)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("results: {}", path.display());
    Ok(())
}

async fn plant(options: &GrowthOptions, extent: Extent) -> Result<Mesh> {
    Mesh::start(&data(options, extent), Site::Plant, Store::Sqlite).await
}

/// As much as is asked for.
fn data(options: &GrowthOptions, extent: Extent) -> Data {
    let one = Scale::thousands(1, 0);
    let thousands = extent.joined_rows.div_ceil(one.units()).max(options.place.scale);
    Data::new(&options.place.folder, Scale::thousands(thousands, options.place.readings.unwrap_or(extent.rows)))
}

/// 1,000, 10,000 ... up to and with the last.
fn powers(last: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(1_000_u64), |rows| rows.checked_mul(10)).take_while(move |rows| *rows <= last)
}
