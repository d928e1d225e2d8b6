//! A folder of `tests/review` is a case: what is to be said of `mapping.ttl` for the tables of `tables.txt` and `ontology.ttl`
//! is `expected.txt`. With `UPDATE=1` in the environment the expectations are rewritten.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tables/description.rs"]
mod description;

use description::description;
use std::path::{Path, PathBuf};
use std::{env, fs};
use weft_mapping::{Mapping, OntologyTerms, review};

const BASE: &str = "http://base.example/";

#[test]
fn every_case_is_reviewed_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 3, "cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let found = reviewed(&case);
        let expected = case.join("expected.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} now is\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn reviewed(case: &Path) -> String {
    let read = |name: &str| fs::read_to_string(case.join(name)).unwrap();
    let statements: Vec<_> = oxttl::TurtleParser::new().for_slice(&read("ontology.ttl")).map(Result::unwrap).collect();
    let mapping = Mapping::parse("mapping.ttl", &read("mapping.ttl"), BASE).unwrap();
    let found = review(&mapping, &description(&read("tables.txt")), &OntologyTerms::new(&statements));
    let remarks: String = found.remarks.iter().map(|remark| format!("{remark}\n")).collect();
    format!("{remarks}{}\n", found.coverage)
}
