//! Every mapping of the R2RML test cases: it parses, or the errors name what is wrong.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};
use weft_mapping::Mapping;

/// Cases whose mapping is wrong by itself, and what must be said about it.
const WRONG: [(&str, &str); 5] = [
    ("R2RMLTC0004b/r2rmlb.ttl", "a subject is no literal"),
    ("R2RMLTC0007h/r2rmlh.ttl", "rr:graphMap gives IRIs only"),
    ("R2RMLTC0012c/r2rmlc.ttl", "has no subject map"),
    ("R2RMLTC0012d/r2rmld.ttl", "has two subject maps"),
    ("R2RMLTC0015b/r2rmlb.ttl", "\"english\" is not a language tag"),
];

#[test]
fn every_mapping_parses_or_names_what_is_wrong() {
    let shared = env::var_os("WEFT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let suite = shared.join("suites/r2rml");
    if !suite.is_dir() {
        println!("skipped: {} is not there", suite.display());
        return;
    }
    let (mut parsed, mut failures) = (0, Vec::new());
    for (name, turtle) in mappings(&suite) {
        let errors = match Mapping::parse(&name, &turtle, "http://example.com/base/") {
            Ok(mapping) => {
                assert!(!mapping.triples_maps.is_empty());
                parsed += 1;
                Vec::new()
            }
            Err(errors) => errors,
        };
        let wrong = WRONG.iter().find(|(case, _)| *case == name).map(|(_, message)| *message);
        let as_expected = match wrong {
            Some(message) => errors.iter().any(|error| error.message.contains(message)),
            None => errors.is_empty(),
        };
        if !as_expected {
            failures.push(format!("{name}: {errors:?}"));
        }
    }
    println!("{parsed} parsed, {} wrong", WRONG.len());
    assert!(parsed > 0, "no mapping of {} parses", suite.display());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn mappings(suite: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for case in fs::read_dir(suite).unwrap().map(|entry| entry.unwrap().path()) {
        let files = fs::read_dir(&case).into_iter().flatten().map(|entry| entry.unwrap().path());
        let is_case = case.file_name().is_some_and(|name| name.to_string_lossy().starts_with("R2RMLTC"));
        for file in files.filter(|file| is_case && file.extension().is_some_and(|extension| extension == "ttl")) {
            let name = file.strip_prefix(suite).unwrap().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&file).unwrap());
        }
    }
    found
}
