//! A folder of `tests/cases` is a case: `mapping.ttl` against the tables of `tables.txt` gives `expected.txt`, a virtual
//! graph or errors. With `UPDATE=1` in the environment the expectations are rewritten.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tables/description.rs"]
mod description;

use description::description;
use oxrdf::NamedNode;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use weft_mapping::{
    Build, GraphMap, MappedTerm, Mapping, MappingError, MappingLimits, NormalisedValue, Required, TripleMap,
    VirtualGraph,
};
use weft_model::contract::Column;
use weft_model::term::{KeyKind, TermType};

const BASE: &str = "http://base.example/";

#[test]
fn every_case_gives_what_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let found = run(&case);
        let expected = case.join("expected.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} now gives\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(case: &Path) -> String {
    let turtle = fs::read_to_string(case.join("mapping.ttl")).unwrap();
    let tables = fs::read_to_string(case.join("tables.txt")).unwrap();
    let beside = |name: &str| fs::read_to_string(case.join(name)).map_err(|_| "there is no such file".to_owned());
    let limits = MappingLimits::default();
    let result = Mapping::parse_beside("mapping.ttl", &turtle, BASE, &limits, &beside).and_then(|mapping| {
        let graph = NamedNode::new("http://base.example/source/demo").unwrap();
        VirtualGraph::new("demo", graph, &mapping, Arc::new(description(&tables)), BASE)
    });
    match result {
        Ok(graph) => graph.triples.iter().map(show).chain(units(&graph)).collect(),
        Err(errors) => errors.iter().map(|error: &MappingError| format!("{error}\n")).collect(),
    }
}

/// The units that the mapping says of columns; the tables of cases have none of their own.
fn units(graph: &VirtualGraph) -> Vec<String> {
    let tables = graph.description.tables.iter();
    let columns = tables.flat_map(|table| table.columns.iter().map(|column| (&table.name, column)));
    let unit = |(table, column): (&String, &Column)| {
        Some(format!("unit of {table}.{} is {}\n", column.name, column.unit.as_ref()?))
    };
    columns.filter_map(unit).collect()
}

fn show(triple: &TripleMap) -> String {
    let mut out = format!("{}\n", triple.table);
    if let Some(join) = &triple.join {
        let on: Vec<_> = join.on.iter().map(|(child, parent)| format!("{child} = {parent}")).collect();
        writeln!(out, "  join {} on {}", join.table, on.join(", ")).unwrap();
    }
    for (role, term) in [("subject", &triple.subject), ("predicate", &triple.predicate), ("object", &triple.object)] {
        writeln!(out, "  {role} {}", show_term(term)).unwrap();
    }
    match &triple.graph {
        GraphMap::Constant(graph) if graph.as_str() == "http://base.example/source/demo" => {}
        GraphMap::Constant(graph) => writeln!(out, "  graph {graph}").unwrap(),
        GraphMap::Term(term) => writeln!(out, "  graph {}", show_term(term)).unwrap(),
    }
    for requirement in &triple.requires {
        let is = match &requirement.is {
            Required::Bound => "is there".to_owned(),
            Required::Iri(node) => format!("is {node}"),
            Required::OtherThan(node) => format!("is not {node}"),
            Required::Resource => "is no literal".to_owned(),
        };
        writeln!(out, "  if {is}: {}", show_term(&requirement.term)).unwrap();
    }
    if !triple.in_default_graph {
        writeln!(out, "  not in the default graph").unwrap();
    }
    out
}

fn show_term(term: &MappedTerm) -> String {
    assert_eq!(term.term_type.columns().is_empty(), term.columns.is_empty());
    let mut columns = term.columns.clone();
    if let TermType::Iri { keys, .. } = &term.term_type {
        assert_eq!(keys.len(), columns.len());
        for (column, key) in columns.iter_mut().zip(keys) {
            column.push_str(if *key == KeyKind::Int64 { " as int64" } else { " as text" });
        }
    }
    let build = match &term.build {
        Build::Columns if columns.is_empty() => String::new(),
        Build::Columns => format!(" of {}", columns.join(", ")),
        Build::Encoded => panic!("labels of a source never hold everywhere"),
        Build::EncodedIri => format!(": encoded IRI of {}", columns.join(", ")),
        Build::EncodedTerm { labels, literals } => {
            format!(": encoded term of {}, blank nodes {labels}, literals {literals}", columns.join(", "))
        }
        Build::IriColumn { base } => format!(": IRI of {} with base {base}", columns.join(", ")),
        Build::IriTemplate(shape) => format!(": IRI {shape} of {}", columns.join(", ")),
        Build::BlankNode(shape) => format!(": blank node {shape} of {}", columns.join(", ")),
        Build::LiteralTemplate { parts, datatype, language } => {
            let datatype = datatype.as_ref().map(|d| format!("^^{d}")).unwrap_or_default();
            let language = language.as_ref().map(|l| format!("@{l}")).unwrap_or_default();
            format!(": literal {:?}{datatype}{language} of {}", parts.join("{}"), columns.join(", "))
        }
        Build::Normalised { values, build } => {
            let steps = |value: &Option<NormalisedValue>| match value {
                Some(value) => {
                    format!("[{}{}]", value.normaliser(), value.name().map(|n| format!(": {n}")).unwrap_or_default())
                }
                None => "[]".to_owned(),
            };
            let inner = show_term(&MappedTerm { build: (**build).clone(), ..term.clone() });
            return format!("{inner} normalised by {}", values.iter().map(steps).collect::<Vec<_>>().join(" "));
        }
        Build::Coded(list) => {
            let codes: Vec<_> = list.entries().map(|(code, iri)| format!("{code:?} {iri}")).collect();
            let others = if list.is_complete() { list.iri("CODE").unwrap().into_owned() } else { "none".to_owned() };
            format!(": codes of {} ({}; others {others})", columns.join(", "), codes.join(", "))
        }
        Build::Converted(conversion) => {
            format!(": {} of {} in {}", conversion.from, columns.join(", "), conversion.to)
        }
    };
    format!("{}{build}", term.term_type)
}
