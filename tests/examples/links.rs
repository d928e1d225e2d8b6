//! Many links: `cargo run --release -p weft-tests --example links -- [LINKS] [FOLDER]`. Ten million by default.
//!
//! Loads them into a new link store, builds the index, and looks some up: how long each takes, and how much memory.

use anyhow::{Context, ensure};
use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use futures::StreamExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_index::{AsOf, Index, IndexInputs, IndexLimits, Link, LinkFilter, LinkState, LinkStore};
use weft_model::contract::{DataType, Field, KeyBlock, Read, Relation, ScanRequest};

/// Links of one transaction.
const TRANSACTION: usize = 100_000;

const PREDICATE: &str = "https://weft.dev/ns#sameThingAs";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(10_000_000), |text| text.parse()).context("the number of links")?;
    let folder = tempfile::tempdir_in(arguments.next().unwrap_or_else(|| std::env::temp_dir().display().to_string()))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let path = folder.path().join("links.sqlite");
    let mut store = LinkStore::open(&path)?;
    load(&mut store, count, &path)?;
    look_up_in_store(&store, count)?;
    let index = build(&store)?;
    for keys in [1, 100, 2_000, 10_000] {
        runtime.block_on(look_up(&index, count, keys))?;
    }
    Ok(())
}

fn subject(number: usize) -> String {
    format!("https://crada.example/item/Box-Hurco02-{number:08}of20")
}

fn link(number: usize) -> anyhow::Result<Link> {
    Ok(Link {
        subject: oxrdf::NamedNode::new(subject(number))?,
        predicate: oxrdf::NamedNode::new(PREDICATE)?,
        // In another order than the subjects.
        object: oxrdf::NamedNode::new(format!(
            "https://erp.example/lot/BOX-{:08}",
            number.wrapping_mul(7_919) % 100_000_007
        ))?,
        rule: Some("lot-of-item".to_owned()),
        author: None,
        evidence: Some(format!("family \"BOX\", number \"{number}\"")),
        confidence: Some(1.0),
        state: LinkState::Confirmed,
        valid_from: None,
        valid_to: None,
    })
}

fn load(store: &mut LinkStore, count: usize, path: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut number = 0;
    while number < count {
        let end = (number + TRANSACTION).min(count);
        let links = (number..end).map(link).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(store.record(&links)? == (end - number) as u64, "some links were there already");
        number = end;
    }
    let took = begun.elapsed();
    let bytes = std::fs::metadata(path)?.len();
    println!(
        "load: {count} links in {took:.1?}, {:.0} a second; the file has {:.2} GB, {} bytes a link",
        count as f64 / took.as_secs_f64(),
        bytes as f64 / 1e9,
        bytes / count as u64
    );
    Ok(())
}

fn look_up_in_store(store: &LinkStore, count: usize) -> anyhow::Result<()> {
    const LOOKUPS: usize = 1_000;
    let begun = Instant::now();
    for i in 0..LOOKUPS {
        let entity = oxrdf::NamedNode::new(subject(i * 7_907 % count))?;
        ensure!(store.confirmed_about(&[entity], None, &AsOf::default(), 10)?.len() == 1, "a link was not found");
    }
    println!("store: {:.1?} for the links of an entity", begun.elapsed() / LOOKUPS as u32);
    let begun = Instant::now();
    let page = store.list(&LinkFilter { state: Some(LinkState::Confirmed), ..LinkFilter::current() }, 0, 100)?;
    println!("store: {:.1?} for a page of {}", begun.elapsed(), page.len());
    let begun = Instant::now();
    store.last()?;
    println!("store: {:.1?} to see whether anything changed", begun.elapsed());
    Ok(())
}

fn build(store: &LinkStore) -> anyhow::Result<Index> {
    let before = resident()?;
    let begun = Instant::now();
    let inputs = IndexInputs {
        ontology: &[],
        base: "https://crada.example/",
        rules: None,
        publication: None,
        links: Some(store),
        sources: &[],
    };
    let index = Index::build(&inputs, &IndexLimits::default())?;
    println!(
        "index: {} statements in {:.1?}; {:.2} GB of memory, {:.2} GB at the highest",
        index.len(),
        begun.elapsed(),
        resident()? - before,
        highest()? - before
    );
    Ok(index)
}

async fn look_up(index: &Index, count: usize, keys: usize) -> anyhow::Result<()> {
    const SCANS: usize = 50;
    let begun = Instant::now();
    let mut found = 0;
    for scan in 0..SCANS {
        let subjects = (0..keys).map(|i| format!("I{}", subject((scan * 104_729 + i * 7_907) % count)));
        found += rows(index, subjects).await?;
    }
    let took = begun.elapsed();
    ensure!(found == SCANS * keys, "{found} of {} links were found", SCANS * keys);
    let each = took / (SCANS * keys) as u32;
    println!("index: {:.2?} for a scan with {keys} keys, {each:.2?} a key", took / SCANS as u32);
    Ok(())
}

async fn rows(index: &Index, subjects: impl Iterator<Item = String>) -> anyhow::Result<usize> {
    let subjects: Vec<String> = subjects.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let values = Arc::new(StringViewArray::from_iter_values(&subjects)) as ArrayRef;
    let field = |name: &str| Field {
        name: name.to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
    };
    let read = Read {
        table: format!("links <{PREDICATE}>"),
        alias: String::new(),
        columns: vec!["subject".to_owned(), "object".to_owned()],
        schema: vec![field("subject"), field("object")],
        filter: None,
        keys: Some(KeyBlock {
            columns: vec!["subject".to_owned()],
            keys: RecordBatch::try_from_iter([("subject", values)])?,
        }),
        limit: None,
    };
    let request = ScanRequest {
        id: "measure".to_owned(),
        relation: Relation::Read(read),
        batch_rows: 8_192,
        batch_bytes: 1 << 20,
        explain: false,
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let mut stream = index.scan(&CallContext { deadline, traceparent: None }, request).await?;
    let mut rows = 0;
    while let Some(event) = stream.next().await {
        if let ScanEvent::Batch(batch) = event? {
            rows += batch.num_rows();
        }
    }
    Ok(rows)
}

/// GB this process has in memory.
fn resident() -> anyhow::Result<f64> {
    status("VmRSS:")
}

fn highest() -> anyhow::Result<f64> {
    status("VmHWM:")
}

fn status(name: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("the memory of this process")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e9)
}
