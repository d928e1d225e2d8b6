//! A federated answer equals the answer of one engine over the union of all the data.
//!
//! `ORACLE_CASES` and `ORACLE_SEED` choose how many cases and which, `ORACLE_FAILURES` how many may fail before the
//! rest is left alone, and `ORACLE_VERBOSE` prints each query before it is asked. A case that fails is made smaller, printed, and
//! kept under `cases/oracle`, from where it is asked again for ever.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use weft_model::contract::Relation;
use weft_tests::case::{Case, Outcome, ask};
use weft_tests::compare::evaluate;
use weft_tests::mesh::{Guests, Mesh};
use weft_tests::query_gen::{Query, QueryGenerator};
use weft_tests::scenario::{Scenario, Transport, generate};
use weft_tests::shrink::shrink;
use weft_tests::union::union_store;

const QUERIES_PER_SCENARIO: u64 = 10;
const WORKERS: usize = 2;
/// More than ask, so that one that never lets go does not stop the others.
const RUNTIME_WORKERS: usize = 4;
/// After so many failures the rest is not looked at.
const MOST_FAILURES: u64 = 5;
/// Reasons the engine may give for not answering, each a documented limit of this version.
const ALLOWED_REFUSALS: &[&str] = &[
    "a required binding is missing",
    "too many alternatives",
    "GRAPH with a variable around a group without a triple pattern is not supported yet",
];

/// What must be asked of some source in a long enough run, or the oracle shows nothing about it.
const KINDS: &[&str] = &["scan", "filter", "keys", "join", "project", "aggregate", "distinct", "limit"];

#[derive(Default)]
struct Counts {
    cases: u64,
    empty: u64,
    refused: BTreeMap<String, u64>,
    undecided: u64,
    by_transport: BTreeMap<String, u64>,
    asked: BTreeMap<&'static str, u64>,
    failures: Vec<String>,
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")),
        Err(_) => default,
    }
}

fn cases_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/oracle")
}

#[test]
fn federated_answers_equal_the_answers_over_the_union() {
    let (cases, seed) = (number("ORACLE_CASES", 2_000), number("ORACLE_SEED", 1));
    let most = number("ORACLE_FAILURES", MOST_FAILURES);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_WORKERS).enable_all().build().unwrap();
    let guests = runtime.block_on(Guests::install()).unwrap();
    let counts = Mutex::new(Counts::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let _inside = runtime.enter();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = {
                        let counts = counts.lock().unwrap();
                        counts.cases >= cases || counts.failures.len() as u64 >= most
                    };
                    if enough {
                        return;
                    }
                    scenario_cases(runtime.handle(), seed + number, &guests, &counts);
                }
            });
        }
    });
    runtime.shutdown_background();
    let counts = counts.into_inner().unwrap();
    println!(
        "oracle: seed {seed}, {} cases ({} without rows, {:.0} %), refused {:?}, undecided {}, sources {:?}, failures {}",
        counts.cases,
        counts.empty,
        100.0 * counts.empty as f64 / counts.cases.max(1) as f64,
        counts.refused,
        counts.undecided,
        counts.by_transport,
        counts.failures.len()
    );
    println!("asked of sources in memory: {:?}", counts.asked);
    assert!(counts.failures.is_empty(), "{}", counts.failures.join("\n\n"));
    let unexpected: Vec<_> =
        counts.refused.keys().filter(|reason| !ALLOWED_REFUSALS.contains(&reason.as_str())).collect();
    assert!(unexpected.is_empty(), "refused: {unexpected:?}");
    assert!(counts.empty * 2 < counts.cases, "most answers are empty, which shows little");
    let refused: u64 = counts.refused.values().sum();
    assert!(refused * 10 < counts.cases.max(1), "{refused} refusals are too many");
    assert_eq!(counts.by_transport.len(), 3, "every transport takes part");
    let unasked: Vec<_> = KINDS.iter().filter(|kind| !counts.asked.contains_key(*kind)).collect();
    assert!(unasked.is_empty() || cases < 1_000, "never asked of any source: {unasked:?}");
}

fn transports() -> Vec<Transport> {
    vec![Transport::Memory, Transport::Memory, Transport::Sqlite, Transport::Wasm]
}

/// One scenario with some queries.
fn scenario_cases(handle: &Handle, seed: u64, guests: &Guests, counts: &Mutex<Counts>) {
    let scenario = generate(seed, &transports());
    let store = union_store(&scenario).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
    let quads: Vec<_> = store.iter().map(Result::unwrap).filter(|quad| !quad.graph_name.is_default_graph()).collect();
    let folder = tempfile::tempdir().unwrap();
    let mesh = match handle.block_on(Mesh::open(&scenario, folder.path(), Some(guests))) {
        Ok(mesh) => Arc::new(mesh),
        Err(error) => {
            counts.lock().unwrap().failures.push(format!("seed {seed}: {error}"));
            return;
        }
    };
    {
        let mut counts = counts.lock().unwrap();
        for source in &scenario.sources {
            *counts.by_transport.entry(format!("{:?}", source.transport)).or_default() += 1;
        }
    }
    let generator = QueryGenerator::new(&quads);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut seen = 0;
    for number in 0..QUERIES_PER_SCENARIO {
        let query = satisfiable(&generator, &mut rng, &store);
        if std::env::var_os("ORACLE_VERBOSE").is_some() {
            println!("seed {seed}, query {number}:\n{}", query.text());
        }
        let outcome = handle.block_on(ask(mesh.clone(), &store, &query)).unwrap();
        {
            let mut counts = counts.lock().unwrap();
            counts.cases += 1;
            match &outcome {
                Outcome::Right { rows } => counts.empty += u64::from(*rows == 0),
                Outcome::Refused(reason) => *counts.refused.entry(reason.clone()).or_default() += 1,
                Outcome::Undecided(_) => counts.undecided += 1,
                Outcome::Wrong { .. } | Outcome::Failed(_) | Outcome::Silent => {}
            }
        }
        for scan in &mesh.scans()[seen..] {
            let mut counts = counts.lock().unwrap();
            seen += 1;
            kinds(scan).into_iter().for_each(|kind| *counts.asked.entry(kind).or_default() += 1);
        }
        if outcome.failure().is_some() {
            let report = examine(handle, &scenario, query, &outcome, guests, &format!("seed-{seed}-{number}"));
            counts.lock().unwrap().failures.push(format!("seed {seed}, query {number}:\n{report}"));
            return;
        }
    }
}

/// What a relation is made of.
fn kinds(relation: &Relation) -> Vec<&'static str> {
    let mut kinds = vec!["scan"];
    for read in relation.reads() {
        kinds.extend(read.filter.is_some().then_some("filter"));
        kinds.extend(read.keys.is_some().then_some("keys"));
    }
    let mut rest = Some(relation);
    while let Some(relation) = rest {
        let (kind, input) = match relation {
            Relation::Read(read) => (if read.limit.is_some() { "limit" } else { "scan" }, None),
            Relation::Filter { input, .. } => ("filter", Some(input)),
            Relation::Project { input, .. } => ("project", Some(input)),
            Relation::Join { left, .. } => ("join", Some(left)),
            Relation::Aggregate { input, .. } => ("aggregate", Some(input)),
            Relation::Distinct { input } => ("distinct", Some(input)),
            Relation::Sort { input, .. } => ("sort", Some(input)),
            Relation::Limit { input, .. } => ("limit", Some(input)),
        };
        kinds.push(kind);
        rest = input.map(|input| input.as_ref());
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A query that has an answer, mostly.
fn satisfiable(generator: &QueryGenerator<'_>, rng: &mut StdRng, store: &oxigraph::store::Store) -> Query {
    let mut query = generator.query(rng);
    for _ in 0..4 {
        let found = evaluate(store, &query.unordered().text());
        let unfit = match found {
            Ok(None) => true,
            Ok(Some(found)) => found.is_empty() && rng.random_bool(0.8),
            Err(error) => panic!("{error:#}\n{}", query.text()),
        };
        if !unfit {
            break;
        }
        query = generator.query(rng);
    }
    query
}

/// Makes a failing case small, keeps it and tells about it.
fn examine(
    handle: &Handle,
    scenario: &Scenario,
    query: Query,
    outcome: &Outcome,
    guests: &Guests,
    name: &str,
) -> String {
    let kind = outcome.failure();
    let run = |case: &Case| handle.block_on(case.run(Some(guests))).ok();
    let case = Case { scenario: scenario.clone(), query };
    let folder = cases_folder().join(name);
    // What never ends is better not tried again and again; some failures need the very batches of the first run.
    if kind == Some("silent") {
        return format!("no end; {:?} as {}\n{}", case.save(&folder), folder.display(), case.query.text());
    }
    if run(&case).is_none_or(|again| again.failure() != kind) {
        let report = handle.block_on(case.report(outcome, Some(guests)));
        return format!("(does not fail every time)\n{report}");
    }
    let small = shrink(case, 600, |case| run(case).is_some_and(|outcome| outcome.failure() == kind));
    let kept = match small.save(&folder) {
        Ok(()) => format!("kept as {}", folder.display()),
        Err(error) => format!("not kept: {error:#}"),
    };
    let outcome = run(&small).unwrap_or(Outcome::Undecided("gone"));
    format!("{kept}\n{}", handle.block_on(small.report(&outcome, Some(guests))))
}

#[test]
fn cases_that_once_failed_do_not_fail_again() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_WORKERS).enable_all().build().unwrap();
    let guests = runtime.block_on(Guests::install()).unwrap();
    let mut folders: Vec<PathBuf> = match std::fs::read_dir(cases_folder()) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect(),
        Err(_) => Vec::new(),
    };
    folders.sort();
    let failures: Vec<String> = folders.iter().filter_map(|folder| replay(&runtime, folder, &guests)).collect();
    println!("oracle: {} kept cases, {} fail", folders.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn replay(runtime: &tokio::runtime::Runtime, folder: &Path, guests: &Guests) -> Option<String> {
    let case = Case::load(folder).unwrap_or_else(|error| panic!("{error:#}"));
    let outcome = runtime.block_on(case.run(Some(guests))).unwrap_or_else(|error| panic!("{error:#}"));
    match outcome {
        Outcome::Right { .. } => None,
        outcome => {
            let report = runtime.block_on(case.report(&outcome, Some(guests)));
            Some(format!("{}:\n{report}", folder.display()))
        }
    }
}
