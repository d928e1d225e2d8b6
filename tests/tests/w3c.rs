//! The W3C SPARQL suites, with their data behind connectors: split over three over gRPC, and once in the sandbox.
//!
//! `tests/cases/w3c/expected_failures.txt` lists what does not pass, and must be exact: one that passes is an error, too.
//! The suites are found by `WEFT_SHARED`; without them the test says that it is skipped.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use weft_tests::w3c::{Kind, Outcome, Stage, Suites, Test, Transport, run};

/// Tests of one suite and how they end.
struct Section {
    name: &'static str,
    results: Vec<(String, Outcome)>,
}

impl Section {
    fn passed(&self) -> usize {
        self.results.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count()
    }

    fn summary(&self) -> String {
        let refused = self.results.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_))).count();
        let failed = self.results.len() - self.passed() - refused;
        let rest = if failed + refused > 0 { format!(" ({failed} failed, {refused} refused)") } else { String::new() };
        format!("{}: passed {} of {}{rest}", self.name, self.passed(), self.results.len())
    }
}

async fn section(suites: &Suites, name: &'static str, tests: &[Test], transport: Transport) -> Section {
    let only = std::env::var("W3C_ONLY").ok();
    let stage = Stage::open(transport).await.unwrap();
    let mut results = Vec::new();
    for test in tests {
        if only.as_ref().is_some_and(|only| !test.iri.contains(only.as_str())) {
            continue;
        }
        let outcome = run(suites, test, &stage).await;
        if only.is_some() {
            println!("{name}: {}: {outcome:?}", test.iri);
        }
        results.push((test.iri.clone(), outcome));
    }
    stage.close().await.unwrap();
    Section { name, results }
}

fn is_evaluation(test: &Test) -> bool {
    matches!(test.kind, Kind::Evaluation | Kind::Csv)
}

/// Tests of manifests, without those that another suite has already.
fn tests(suites: &Suites, manifests: &[&str], wanted: fn(&Test) -> bool) -> Vec<Test> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for manifest in manifests {
        let all = suites.tests(manifest).unwrap();
        found.extend(all.into_iter().filter(|test| wanted(test) && seen.insert(test.iri.clone())));
    }
    found
}

const SPARQL10: [&str; 2] = ["sparql10/manifest-evaluation.ttl", "sparql10/manifest-syntax.ttl"];
const SPARQL11: [&str; 7] = [
    "sparql11/manifest-sparql11-query.ttl",
    "sparql11/csv-tsv-res/manifest.ttl",
    "sparql11/json-res/manifest.ttl",
    "sparql11/service/manifest.ttl",
    "sparql11/syntax-query/manifest.ttl",
    "sparql11/syntax-fed/manifest.ttl",
    "sparql11/negation/manifest.ttl",
];

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_working_groups() {
    let Some(suites) = Suites::find() else {
        println!("skipped: the W3C suites are not there (WEFT_SHARED)");
        return;
    };
    let started = std::time::Instant::now();
    let (ten, eleven) = (tests(&suites, &SPARQL10, is_evaluation), tests(&suites, &SPARQL11, is_evaluation));
    assert!(ten.len() >= 283 && eleven.len() >= 242, "tests are missing: {} and {}", ten.len(), eleven.len());
    let both: Vec<Test> = ten.iter().chain(&eleven).cloned().collect();
    let syntax: Vec<Test> = [&SPARQL10[..], &SPARQL11[..]]
        .concat()
        .chunks(1)
        .flat_map(|manifest| tests(&suites, manifest, |test| !is_evaluation(test)))
        .collect();
    let twelve = tests(&suites, &["sparql12/manifest.ttl"], |_| true);

    let grpc = async {
        let ten = section(&suites, "SPARQL 1.0, three connectors over gRPC", &ten, Transport::Grpc).await;
        let eleven = section(&suites, "SPARQL 1.1, three connectors over gRPC", &eleven, Transport::Grpc).await;
        (ten, eleven)
    };
    let wasm = async {
        let both = section(&suites, "SPARQL 1.0 and 1.1, in the sandbox", &both, Transport::Wasm).await;
        let syntax = section(&suites, "syntax of 1.0 and 1.1", &syntax, Transport::Wasm).await;
        let twelve = section(&suites, "SPARQL 1.2 (reported only)", &twelve, Transport::Wasm).await;
        (both, syntax, twelve)
    };
    let ((ten, eleven), (both, syntax, twelve)) = tokio::join!(grpc, wasm);

    let counted = [ten, eleven, both, syntax];
    for section in counted.iter().chain([&twelve]) {
        println!("{}", section.summary());
    }
    let problems = problems(&counted);
    if std::env::var_os("W3C_ONLY").is_none() {
        let passed: usize = counted.iter().map(Section::passed).sum();
        let all: usize = counted.iter().map(|section| section.results.len()).sum();
        println!("W3C suites: passed {passed} of {all} in {:.0?}; {}", started.elapsed(), twelve.summary());
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

/// What is otherwise than the list says.
fn problems(sections: &[Section]) -> Vec<String> {
    let mut expected = expected_failures();
    let mut unknown: BTreeSet<&str> = expected.keys().map(String::as_str).collect();
    let mut problems = Vec::new();
    for section in sections {
        for (iri, outcome) in &section.results {
            unknown.remove(iri.as_str());
            match outcome {
                Outcome::Passed if expected.contains_key(iri) => {
                    problems.push(format!("{}: {iri} passes and is in expected_failures.txt", section.name));
                }
                Outcome::Failed(reason) if !expected.contains_key(iri) => {
                    problems.push(format!("{}: {iri} fails: {reason}", section.name));
                }
                Outcome::Refused(reason) if !expected.contains_key(iri) => {
                    problems.push(format!("{}: {iri} is refused: {reason}", section.name));
                }
                _ => {}
            }
        }
    }
    problems.extend(unknown.into_iter().map(|iri| format!("expected_failures.txt: there is no test {iri}")));
    expected.retain(|_, reason| reason.is_empty());
    problems.extend(expected.into_keys().map(|iri| format!("expected_failures.txt: {iri} has no reason")));
    problems
}

/// IRI and reason of what is known not to pass.
fn expected_failures() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/w3c/expected_failures.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).map(|(a, b)| (a.into(), b.trim().into())).collect()
}
