//! Documents that are broken, or larger than they should be: errors with a place, never a panic.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tables/description.rs"]
mod description;

use description::description;
use oxrdf::NamedNode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};
use weft_mapping::{Mapping, MappingError, MappingLimits, VirtualGraph};
use weft_model::contract::Description;

const BASE: &str = "http://base.example/";

#[test]
fn mutated_documents_never_panic() {
    let rounds: usize = env::var("WEFT_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    let cases = cases();
    let documents: Vec<String> = cases.iter().map(|(document, _)| document.clone()).collect();
    let mut random = StdRng::seed_from_u64(7);
    let (mut fit, mut unfit, mut refused) = (0, 0, 0);
    for (document, description) in (0..rounds).flat_map(|_| &cases) {
        let mutated = mutate(document, &documents, &mut random);
        let graph = NamedNode::new(BASE).unwrap();
        let parsed = parse(&mutated);
        let outcome = match &parsed {
            Ok(mapping) => VirtualGraph::new("s", graph, mapping, description.clone(), BASE).map(|_| ()),
            Err(errors) => Err(errors.clone()),
        };
        match (&parsed, &outcome) {
            (_, Ok(())) => fit += 1,
            (Ok(_), Err(_)) => unfit += 1,
            (Err(_), _) => refused += 1,
        }
        let errors = outcome.err();
        assert_ne!(errors, Some(Vec::new()));
        let lines = mutated.split('\n').count() as u64;
        for error in errors.into_iter().flatten() {
            assert!((1..=lines).contains(&error.location.line), "{error} in\n{mutated}");
        }
    }
    println!("{fit} mutated mappings fit the tables, {unfit} do not, {refused} are no mappings");
    assert!(fit > 0 && unfit > 0 && refused > 0, "the mutations do not reach every outcome");
}

/// A mapping beside which there is every file it may name.
fn parse(text: &str) -> Result<Mapping, Vec<MappingError>> {
    let beside = |name: &str| {
        let notation = "<urn:a> <http://www.w3.org/2004/02/skos/core#notation> \"A\" .";
        Ok(if name.ends_with(".csv") { "code,iri\n1,urn:a\n" } else { notation }.to_owned())
    };
    Mapping::parse_beside("m.ttl", text, BASE, &MappingLimits::default(), &beside)
}

/// The cases that are right, with their tables.
fn cases() -> Vec<(String, Arc<Description>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |name: &str, case: &Path| fs::read_to_string(case.join(name)).unwrap();
    let right = paths.iter().filter(|case| parse(&read("mapping.ttl", case)).is_ok());
    right.map(|case| (read("mapping.ttl", case), Arc::new(description(&read("tables.txt", case))))).collect()
}

fn mutate(document: &str, all: &[String], random: &mut StdRng) -> String {
    const PIECES: [&str; 24] = [
        "\"",
        "'''",
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        ".",
        ";",
        ",",
        "{",
        "}",
        "\\",
        "#",
        "@en",
        "^^",
        "_:x",
        " a ",
        "é",
        "\u{0}",
        "rr:",
        "rr:column",
        "rr:constant rr:column \"\" ;",
    ];
    if random.random_bool(0.5) {
        return with_swapped_words(document, random);
    }
    let mut chars: Vec<char> = document.chars().collect();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=chars.len());
        let end = (at + random.random_range(0..12)).min(chars.len());
        match random.random_range(0..4) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, PIECES[random.random_range(0..PIECES.len())].chars())),
            2 => {
                let other: Vec<char> = all[random.random_range(0..all.len())].chars().collect();
                let from = random.random_range(0..other.len());
                let to = (from + random.random_range(0..80)).min(other.len());
                chars.splice(at..end, other[from..to].iter().copied());
            }
            _ => chars.truncate(at.max(chars.len() / 2)),
        }
    }
    chars.into_iter().collect()
}

/// Mostly still Turtle: a word takes the place of another.
fn with_swapped_words(document: &str, random: &mut StdRng) -> String {
    let mut words: Vec<&str> = document.split(' ').collect();
    let (from, to) = (random.random_range(0..words.len()), random.random_range(0..words.len()));
    words[to] = words[from];
    words.join(" ")
}

fn error_of(document: &str, limits: &MappingLimits) -> Vec<String> {
    let errors = Mapping::parse_within("m.ttl", document, BASE, limits).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn limits_are_enforced_and_named() {
    let small = MappingLimits { document_bytes: 10, ..MappingLimits::default() };
    assert_eq!(error_of(&" ".repeat(11), &small), ["m.ttl:1: the document has 11 bytes, the limit is 10"]);

    let mut many = String::from("@prefix rr: <http://www.w3.org/ns/r2rml#> .\n");
    for i in 0..200 {
        writeln!(many, "<#{i}> a rr:TriplesMap .").unwrap();
    }
    let errors = error_of(&many, &MappingLimits { errors: 10, ..MappingLimits::default() });
    assert_eq!(errors.len(), 11);
    assert_eq!(errors[10], "m.ttl:6: and 390 more errors");

    let mut product =
        String::from("@prefix rr: <http://www.w3.org/ns/r2rml#> .\n<#a> rr:logicalTable [ rr:tableName \"t\" ] ;\n");
    product.push_str("  rr:subject <#s> ; rr:predicateObjectMap [ rr:predicate <#p0>");
    (1..2000).for_each(|i| write!(product, ", <#p{i}>").unwrap());
    product.push_str(" ; rr:object 0");
    (1..2000).for_each(|i| write!(product, ", {i}").unwrap());
    product.push_str(" ] .\n");
    let errors = error_of(&product, &MappingLimits::default());
    assert_eq!(errors, ["m.ttl:2: the mapping makes more than 100000 triple maps, which is the limit"]);
}

/// Nothing recurses as deep as these nest, and whatever is quadratic in their size does not end.
#[test]
fn large_and_deep_documents_end() {
    const N: usize = 20_000;
    let head = "@prefix rr: <http://www.w3.org/ns/r2rml#> .\n";
    let maps: String = (0..N)
        .map(|i| format!("[] rr:logicalTable [ rr:tableName \"t{i}\" ] ; rr:subject <#s> ; rr:predicateObjectMap [ rr:predicate <#p> ; rr:object {i} ] .\n"))
        .collect();
    let documents = [
        format!("{head}{maps}"),
        format!("{head}<#a> rr:subject {} .", "[ <#p> ".repeat(N)),
        format!("{head}<#a> rr:subject {}{} .", "[ <#p> ".repeat(N), "]".repeat(N)),
        format!("{head}<#a> rr:subject {} .", "(".repeat(N)),
        format!("{head}<#a> rr:object {} .", "\"x\" , ".repeat(N)),
        format!("{head}<#a> rr:subject \"{}", "x y\n".repeat(N)),
        format!("{head}<#a> rr:subjectMap [ rr:template \"{}\" ] .", "{a}".repeat(N)),
        "\"".repeat(N),
        ". ".repeat(N),
    ];
    for (i, document) in documents.iter().enumerate() {
        let outcome = Mapping::parse("m.ttl", document, BASE).map(|mapping| mapping.triples_maps.len());
        assert_eq!(outcome.ok(), (i == 0).then_some(N), "document {i}");
    }
}
