//! A folder of `tests/suggest` is a case: the mapping that `ontology.ttl` suggests for the tables of `tables.txt` is
//! `expected.ttl`. With `UPDATE=1` in the environment the expectations are rewritten. Beside them, tables drawn by chance.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tables/description.rs"]
mod description;

use oxrdf::NamedNode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use weft_mapping::{Mapping, OntologyTerms, SuggestError, SuggestRequest, VirtualGraph, review, suggest};
use weft_model::contract::{
    Binding, Column, ContractRange, DataType, Description, ForeignKey, RelationalCapabilities, SqlTable, Table,
    TextComparison, UnquotedNames,
};

/// Names that are hard to write down.
const HARD: [&str; 20] = [
    "a\"b",
    "a{b}",
    "}",
    "\\",
    "a\\{",
    "a b",
    "a.b",
    "..",
    "é",
    "名前",
    "a\nb",
    "#",
    "<x>",
    "'",
    "1",
    "_",
    "%41",
    "a\u{2028}b",
    "\"",
    "ID",
];

fn name(rng: &mut StdRng) -> String {
    let part = |rng: &mut StdRng| match rng.random_bool(0.5) {
        true => HARD[rng.random_range(0..HARD.len())],
        false => ["order", "item", "Id", "name", "asset_no", "from"][rng.random_range(0..6)],
    };
    let first = part(rng);
    if rng.random_bool(0.5) { first.to_owned() } else { format!("{first}_{}", part(rng)) }
}

fn column(rng: &mut StdRng) -> Column {
    const TYPES: [DataType; 8] = [
        DataType::Boolean,
        DataType::Int64,
        DataType::Decimal { precision: 10, scale: 2 },
        DataType::Float64,
        DataType::Text,
        DataType::Date,
        DataType::Timestamp { zoned: true },
        DataType::Binary,
    ];
    Column {
        name: name(rng),
        data_type: TYPES[rng.random_range(0..TYPES.len())],
        nullable: rng.random_bool(0.5),
        native_type: "any".into(),
        unit: rng.random_bool(0.2).then(|| "°C\n.".to_owned()),
        text_comparison: if rng.random_bool(0.8) { TextComparison::CodePoint } else { TextComparison::Unknown },
        binding: if rng.random_bool(0.9) { Binding::Optional } else { Binding::Required },
        filterable: true,
        sortable: true,
        distinct: None,
    }
}

fn some_columns(rng: &mut StdRng, table: &Table, count: usize) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for _ in 0..count {
        let name = &table.columns[rng.random_range(0..table.columns.len())].name;
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns
}

fn drawn(rng: &mut StdRng) -> Description {
    let mut tables: Vec<Table> = Vec::new();
    for _ in 0..rng.random_range(1..6) {
        let name = name(rng);
        let mut columns: Vec<Column> = Vec::new();
        for _ in 0..rng.random_range(1..5) {
            let column = column(rng);
            if !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        let mut table = table(name, columns);
        if rng.random_bool(0.7) {
            let count = rng.random_range(1..3);
            table.keys = vec![some_columns(rng, &table, count)];
        }
        if !tables.iter().any(|known| known.name == table.name) {
            tables.push(table);
        }
    }
    for i in 0..tables.len() {
        for number in 0..rng.random_range(0..3) {
            let parent = tables[rng.random_range(0..tables.len())].clone();
            let columns = some_columns(rng, &tables[i], 2);
            let mut referenced_columns = parent.keys.first().cloned().unwrap_or_default();
            referenced_columns.truncate(columns.len());
            let key =
                ForeignKey { name: format!("k{number}"), columns, referenced_table: parent.name, referenced_columns };
            tables[i].foreign_keys.push(key);
        }
    }
    tables.extend(link(rng, &tables));
    Description {
        name: "a\nconnector".into(),
        version: "1".into(),
        contract: ContractRange { min: 1, max: 1 },
        config_schema: "{}".into(),
        tables,
        relational: RelationalCapabilities::read_only(),
        default_mapping: None,
        change_feed: None,
    }
}

/// A table of two references, where there are keys of one column.
fn link(rng: &mut StdRng, tables: &[Table]) -> Option<Table> {
    let keyed: Vec<&Table> =
        tables.iter().filter(|table| table.keys.first().is_some_and(|key| key.len() == 1)).collect();
    let ends = [(); 2].map(|()| keyed.get(rng.random_range(0..keyed.len().max(1))).copied());
    let [Some(from), Some(to)] = ends else { return None };
    let column = |name: &str, parent: &Table| {
        let key = parent.column(&parent.keys[0][0]).unwrap().clone();
        Column { name: name.into(), ..key }
    };
    let mut table = table("the link".into(), vec![column("from it", from), column("to_it", to)]);
    for (name, parent) in [("from it", from), ("to_it", to)] {
        table.foreign_keys.push(ForeignKey {
            name: name.into(),
            columns: vec![name.into()],
            referenced_table: parent.name.clone(),
            referenced_columns: parent.keys[0].clone(),
        });
    }
    Some(table)
}

fn table(name: String, columns: Vec<Column>) -> Table {
    Table {
        name,
        columns,
        keys: Vec::new(),
        foreign_keys: Vec::new(),
        rows: None,
        filters: Vec::new(),
        max_keys: 0,
        sql: Some(SqlTable { unquoted: UnquotedNames::LowerCase, query: None }),
    }
}

fn read_ontology(text: &str) -> OntologyTerms {
    let statements: Vec<_> = oxttl::TurtleParser::new().for_slice(text).map(Result::unwrap).collect();
    OntologyTerms::new(&statements)
}

fn ontology() -> OntologyTerms {
    let text = "@prefix : <https://o.example/#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
        :Order a owl:Class . :Item a owl:Class . :name a owl:DatatypeProperty . :item a owl:ObjectProperty .
        :assetNumber a owl:DatatypeProperty .";
    read_ontology(text)
}

const BASE: &str = "https://plant.example/";

#[test]
fn every_case_suggests_what_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suggest");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 3, "cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let found = suggested(&case);
        let expected = case.join("expected.ttl");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} now is\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The suggestion, which must fit the tables, map all of them, and give a reader nothing to ask about but rows without key.
fn suggested(case: &Path) -> String {
    let ontology = read_ontology(&fs::read_to_string(case.join("ontology.ttl")).unwrap());
    let description = description::description(&fs::read_to_string(case.join("tables.txt")).unwrap());
    let prefixes = [("ex".to_owned(), "https://plant.example/vocab#".to_owned())];
    let request = SuggestRequest {
        source: "plant",
        base: BASE,
        prefixes: &prefixes,
        description: &description,
        ontology: &ontology,
    };
    let text = suggest(&request).unwrap().text;
    let mapping = Mapping::parse("expected.ttl", &text, BASE).unwrap();
    let found = review(&mapping, &description, &ontology);
    assert!(found.coverage.is_whole(), "{}: {}", case.display(), found.coverage);
    let asked: Vec<_> =
        found.remarks.iter().filter(|remark| !remark.message.contains("is null give no triples")).collect();
    assert!(asked.is_empty(), "{}: {asked:?}\n{text}", case.display());
    VirtualGraph::new("plant", NamedNode::new("urn:g").unwrap(), &mapping, Arc::new(description), BASE).unwrap();
    text
}

/// Whatever tables and columns are called and however they refer to each other, the suggestion fits them.
#[test]
fn suggestions_fit_any_tables() {
    let ontology = ontology();
    let mut links = 0;
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let description = drawn(&mut rng);
        let base =
            ["https://e.example/", "https://e.example/a/b#c", "urn:e:", "http://e.example"][rng.random_range(0..4)];
        let request =
            SuggestRequest { source: "plant-1", base, prefixes: &[], description: &description, ontology: &ontology };
        let suggestion = suggest(&request).unwrap();
        let text = &suggestion.text;
        let mapping =
            Mapping::parse("suggested.ttl", text, base).unwrap_or_else(|errors| panic!("{seed}: {errors:?}\n{text}"));
        assert_eq!(mapping.triples_maps.len(), description.tables.len(), "{seed}\n{text}");
        links += text.matches("and nothing else").count();
        let graph = NamedNode::new("urn:g").unwrap();
        let fits = VirtualGraph::new("plant-1", graph, &mapping, Arc::new(description.clone()), base);
        let fits = fits.unwrap_or_else(|errors| panic!("{seed}: {errors:?}\n{text}"));
        assert_eq!(fits.triples.len(), suggestion.ontology_terms + suggestion.own_terms, "{seed}\n{text}");
        assert_eq!(suggest(&request).unwrap().text, *text, "{seed}");
    }
    assert!(links > 30, "only {links} tables of references");
}

fn refused(base: &str, tables: Vec<Table>) -> SuggestError {
    let mut description = drawn(&mut StdRng::seed_from_u64(1));
    description.tables = tables;
    let ontology = OntologyTerms::default();
    let request = SuggestRequest { source: "s", base, prefixes: &[], description: &description, ontology: &ontology };
    suggest(&request).unwrap_err()
}

#[test]
fn what_cannot_be_suggested_is_refused() {
    let mut rng = StdRng::seed_from_u64(1);
    let narrow = table("t".into(), vec![column(&mut rng)]);
    assert!(matches!(refused("not an IRI", vec![narrow]), SuggestError::Namespace { .. }));
    let wide = (0..100_000).map(|i| Column { name: format!("c{i}"), ..column(&mut rng) }).collect();
    assert!(matches!(refused(BASE, vec![table("t".into(), wide)]), SuggestError::TooLarge { .. }));
    assert!(matches!(refused(BASE, Vec::new()), SuggestError::NoTables(_)));
    assert!(matches!(refused(BASE, vec![table("t".into(), Vec::new())]), SuggestError::NoTables(_)));
}

/// A mapping of a wide schema against a large ontology takes no longer than a person waits.
#[test]
fn many_columns_and_terms_are_compared_in_little_time() {
    let mut text = String::from("@prefix : <https://o.example/#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .\n");
    for i in 0..2_000 {
        text.push_str(&format!(":measuredValue{i} a owl:DatatypeProperty . :Machine{i} a owl:Class .\n"));
    }
    let ontology = read_ontology(&text);
    assert_eq!(ontology.len(), 4_000);
    let mut rng = StdRng::seed_from_u64(2);
    let mut description = drawn(&mut rng);
    let columns = |i: usize| {
        (0..20)
            .map(|c| Column {
                name: format!("{}_{i}_{c}", ["amount", "depth"][c % 2]),
                ..column(&mut StdRng::seed_from_u64(3))
            })
            .collect()
    };
    description.tables = (0..200).map(|i| table(format!("t{i}"), columns(i))).collect();
    let request = SuggestRequest {
        source: "s",
        base: "https://e.example/",
        prefixes: &[],
        description: &description,
        ontology: &ontology,
    };
    let suggestion = suggest(&request).unwrap();
    assert_eq!((suggestion.tables, suggestion.own_terms), (200, 4_200));
}
