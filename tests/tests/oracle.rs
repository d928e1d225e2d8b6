//! A federated answer equals the answer of one engine over the union of all the data.
//!
//! `ORACLE_CASES` and `ORACLE_SEED` choose how many cases and which, `ORACLE_JOBS` how many at once, `ORACLE_FAILURES` how many
//! may fail before the rest is left alone, and `ORACLE_VERBOSE` prints each query before it is asked. A case that fails is made
//! smaller, printed, and kept under `cases/oracle`, from where it is asked again for ever. `./dev oracle` runs long.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;
use tokio::runtime::{Builder, Runtime};
use weft_tests::case::{Case, Outcome};
use weft_tests::mesh::Guests;
use weft_tests::oracle::{Options, Summary, cases_folder, kept_cases, run};

/// Reasons the engine may give for not answering, each a documented limit of this version.
const ALLOWED_REFUSALS: &[&str] = &["a required binding is missing", "too many alternatives", "rows name graphs"];

/// What must be asked of some source in a long enough run, or the oracle shows nothing about it.
const KINDS: &[&str] = &["scan", "filter", "keys", "join", "project", "aggregate", "distinct", "limit"];

/// What a run of some thousands must have looked at with an answer that is not empty.
const FEATURES: &[&str] = &[
    "SELECT",
    "thread view",
    "ASK",
    "CONSTRUCT",
    "DESCRIBE",
    "FROM",
    "FROM NAMED",
    "GRAPH <g>",
    "GRAPH ?g",
    "VALUES",
    "VALUES with UNDEF",
    "sub-query",
    "filter",
    "leftjoin",
    "union",
    "minus",
    "exists",
    "extend",
    "group",
    "order",
    "slice",
    "distinct",
    "reduced",
    "path*",
    "path+",
    "path?",
    "alt",
    "seq",
    "reverse",
    "notoneof",
    "path in GRAPH",
    "exists in EXISTS",
    "filter in EXISTS",
    "path in EXISTS",
    "count",
    "count distinct",
    "sum",
    "avg",
    "min",
    "max",
    "sample",
    "group_concat",
    "cast integer",
    "cast decimal",
    "cast double",
    "cast float",
    "cast boolean",
    "cast string",
    "cast dateTime",
];

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")),
        Err(_) => default,
    }
}

#[test]
fn federated_answers_equal_the_answers_over_the_union() {
    let (cases, seed) = (number("ORACLE_CASES", 3_000), number("ORACLE_SEED", 1));
    let options = Options {
        seed,
        cases: 0..cases,
        jobs: number("ORACLE_JOBS", 2) as usize,
        most_failures: number("ORACLE_FAILURES", 5) as usize,
        keep: cases_folder(),
        verbose: std::env::var_os("ORACLE_VERBOSE").is_some(),
    };
    let summary = run(&options).unwrap();
    println!("{}\n{}\n{}", summary.table(), summary.details(), summary.line(seed));
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n\n"));
    check(&summary);
}

/// Of so many cases of a feature some have an answer.
const OFTEN: u64 = 8;

/// A run that is long enough has looked at everything.
fn check(summary: &Summary) {
    let unexpected: Vec<_> =
        summary.refusals.keys().filter(|reason| !ALLOWED_REFUSALS.contains(&reason.as_str())).collect();
    assert!(unexpected.is_empty(), "refused: {unexpected:?}");
    let total = summary.total;
    if total.cases < 1_000 {
        return;
    }
    assert!(total.answered * 2 > total.cases, "most answers are empty, which shows little");
    assert!(total.refused * 10 < total.cases, "{} refusals are too many", total.refused);
    assert!(total.undecided * 20 < total.cases, "{} cases without a verdict are too many", total.undecided);
    assert_eq!(summary.transports.len(), 3, "every transport takes part");
    let unasked: Vec<_> = KINDS.iter().filter(|kind| !summary.asked.contains_key(*kind)).collect();
    assert!(unasked.is_empty(), "never asked of any source: {unasked:?}");
    let seen = |feature: &str| summary.features.get(feature).map_or((0, 0), |counts| (counts.cases, counts.answered));
    // Which cases are drawn depends on what takes too long: of what is drawn seldom, all answers can be empty.
    let (often, seldom): (Vec<&str>, Vec<&str>) = FEATURES.iter().partition(|feature| seen(feature).0 >= OFTEN);
    println!("fewer than {OFTEN} times, and not judged: {seldom:?}");
    let unseen: Vec<_> = often.into_iter().filter(|feature| seen(feature).1 == 0).collect();
    assert!(unseen.is_empty(), "never with an answer: {unseen:?}");
    assert!(seldom.len() * 20 < FEATURES.len(), "many features are drawn seldom");
}

#[test]
fn cases_that_once_failed_do_not_fail_again() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let guests = runtime.block_on(Guests::install()).unwrap();
    let folders = kept_cases().unwrap();
    let failures: Vec<String> = folders.iter().filter_map(|folder| replay(&runtime, folder, &guests)).collect();
    println!("oracle: {} kept cases, {} fail", folders.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn replay(runtime: &Runtime, folder: &Path, guests: &Guests) -> Option<String> {
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
