//! The oracle is itself put to the test: it must see every kind of wrong answer, and what stands for a source in
//! memory must agree with a database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use weft_connector::{Connector, ScanEvent};
use weft_model::contract::{ContractError, Relation, ScanRequest};
use weft_tests::compare::{Cells, Found, Verdict, evaluate, evaluate_as_written, is_unsteady, judge, whole};
use weft_tests::memory::{MemoryConnector, Row, decode_batch};
use weft_tests::mesh::{call, sqlite_connector};
use weft_tests::oracle::draw;
use weft_tests::query_gen::{Dedup, Element, Form, Query, QueryGenerator};
use weft_tests::relation_gen::RelationGenerator;
use weft_tests::scenario::{Transport, generate, offer_everything};
use weft_tests::union::union;

#[path = "oracle_self_check/mistakes.rs"]
mod mistakes;

/// What can go wrong with an answer.
const MUTATIONS: &[&str] = &[
    "drop a row",
    "repeat a row",
    "unbind a cell",
    "change a cell",
    "drop a triple",
    "change a triple",
    "the other truth value",
    "reverse",
];

/// How often each is made, for which this many worlds suffice. How many it takes depends on the machine, too: answers
/// that take long are not judged.
const ENOUGH: u32 = 20;
const MOST_WORLDS: u64 = 250;

#[test]
fn wrong_answers_are_seen() {
    let mut caught: BTreeMap<&str, (u32, u32)> = MUTATIONS.iter().map(|name| (*name, (0, 0))).collect();
    for seed in 0..MOST_WORLDS {
        if caught.values().all(|(made, _)| *made >= ENOUGH) {
            break;
        }
        let scenario = generate(seed, &[Transport::Memory]);
        let store = union(&scenario).unwrap();
        let quads = store.named();
        let generator = QueryGenerator::new(&quads);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..10 {
            let (query, _) = draw(&generator, &mut rng, &store).unwrap();
            let Some(found) = evaluate(&store, &query.text()).unwrap() else { continue };
            if !agrees(&store, &query, &found) {
                continue;
            }
            for mutation in MUTATIONS {
                let Some(wrong) = mutate(&mut rng, &query, &found, mutation) else { continue };
                let is_seen = matches!(judge(&store, &query, &wrong).unwrap(), Verdict::Differs { .. });
                let unsteady = |expected| is_unsteady(&store, &query, &expected).unwrap();
                if !is_seen && evaluate(&store, &whole(&query).text()).unwrap().is_some_and(unsteady) {
                    continue;
                }
                let counts = caught.entry(mutation).or_default();
                counts.0 += 1;
                counts.1 += u32::from(is_seen);
            }
        }
    }
    println!("mutations, and how many were seen: {caught:?}");
    for mutation in &MUTATIONS[..MUTATIONS.len() - 1] {
        let (made, seen) = caught[mutation];
        assert!(made >= ENOUGH, "{mutation} was made {made} times only");
        assert_eq!(made, seen, "{mutation}");
    }
    let (made, seen) = caught["reverse"];
    // Terms of different kinds have no order that an answer could violate.
    assert!(made >= ENOUGH && seen * 3 >= made, "{seen} of {made} answers in the wrong order are seen");
}

/// Whether the oracle's own answer can be judged; then it must be right.
fn agrees(store: &weft_tests::union::Union, query: &Query, found: &Found) -> bool {
    match judge(store, query, found).unwrap() {
        Verdict::Agrees { .. } => true,
        Verdict::Undecided(_) => false,
        // For some NOT EXISTS whose filter is an error.
        Verdict::Differs { expected, .. } if is_unsteady(store, query, &expected).unwrap() => false,
        verdict @ Verdict::Differs { .. } => panic!("{verdict:?}\n{}", query.text()),
    }
}

/// A wrong answer, where the kind of mistake is one for this query.
fn mutate(rng: &mut StdRng, query: &Query, found: &Found, mutation: &str) -> Option<Found> {
    let (variables, rows) = match found {
        Found::Rows { variables, rows } => (variables, rows),
        Found::Boolean(value) => return (mutation == "the other truth value").then_some(Found::Boolean(!value)),
        Found::Graph(triples) => return mutate_graph(rng, triples, mutation),
    };
    let Form::Select { dedup, .. } = &query.form else { return None };
    if rows.is_empty() || *dedup == Dedup::Reduced || variables.is_empty() {
        return None;
    }
    // SAMPLE and its like allow other values.
    let is_free = query.text().contains("SAMPLE") || query.text().contains("MIN(") || query.text().contains("MAX(");
    let mut rows: Vec<Cells> = rows.clone();
    let (row, column) = (rng.random_range(0..rows.len()), rng.random_range(0..variables.len()));
    match mutation {
        "drop a row" => drop(rows.remove(row)),
        "repeat a row" => rows.push(rows[row].clone()),
        "unbind a cell" if is_free || query.limit.is_some() || rows[row][column].is_none() => return None,
        "unbind a cell" => rows[row][column] = None,
        "change a cell" if is_free => return None,
        "change a cell" => rows[row][column] = Some(oxrdf::NamedNode::new_unchecked("urn:not:there").into()),
        "reverse" if query.order_by.is_empty() || query.limit.is_some() => return None,
        "drop a triple" | "change a triple" | "the other truth value" => return None,
        _ => {
            let first = variables.iter().position(|name| *name == query.order_by[0].0)?;
            if rows.first().map(|row| &row[first]) == rows.last().map(|row| &row[first]) {
                return None;
            }
            rows.reverse();
        }
    }
    Some(Found::Rows { variables: variables.clone(), rows })
}

fn mutate_graph(rng: &mut StdRng, triples: &[oxrdf::Triple], mutation: &str) -> Option<Found> {
    let mut triples = triples.to_vec();
    triples.sort_by_cached_key(|triple| triple.to_string());
    triples.dedup();
    if triples.is_empty() {
        return None;
    }
    let chosen = rng.random_range(0..triples.len());
    match mutation {
        "drop a triple" => drop(triples.remove(chosen)),
        "change a triple" => triples[chosen].predicate = oxrdf::NamedNode::new_unchecked("urn:not:there"),
        _ => return None,
    }
    Some(Found::Graph(triples))
}

/// The oracle's optimiser may not change an answer, or it would be the measure of nothing.
#[test]
fn the_oracle_agrees_with_itself() {
    let mut compared = 0;
    for seed in 0..100 {
        let scenario = generate(seed, &[Transport::Memory]);
        let store = union(&scenario).unwrap();
        let quads = store.named();
        let generator = QueryGenerator::new(&quads);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..10 {
            let query = generator.query(&mut rng).unordered();
            let written = if cost(&query.pattern, quads.len()) > 300_000.0 {
                continue;
            } else {
                evaluate_as_written(&store, &query.text()).unwrap()
            };
            if let Some(found) = written {
                compared += u32::from(agrees(&store, &query, &found));
            }
        }
    }
    assert!(compared > 300, "{compared} queries were small enough");
}

/// Combinations of triples that have to be looked at when nothing is done about it.
fn cost(elements: &[Element], triples: usize) -> f64 {
    let cost = |element: &Element| match element {
        Element::Triples(patterns) => patterns
            .iter()
            .map(|p| if p[1].starts_with('?') { 1.0 } else { 0.15 })
            .map(|f| f * triples as f64)
            .product(),
        Element::Optional(group) | Element::Group(group) | Element::Graph(_, group) => cost(group, triples).max(1.0),
        Element::Union(branches) => branches.iter().map(|branch| cost(branch, triples)).sum(),
        // Repeats what it is made of at most so often.
        Element::Minus(group) => cost(group, triples).max(1.0),
        Element::Query(query) => cost(&query.pattern, triples).max(1.0),
        Element::Filter(_) | Element::Bind(..) | Element::Values(..) => 1.0,
    };
    elements.iter().map(cost).product()
}

#[tokio::test]
async fn tables_in_memory_answer_as_a_database_does() {
    let (mut compared, mut rows_seen) = (0, 0);
    let mut failures = Vec::new();
    for seed in 0..120 {
        let mut scenario = generate(seed, &[Transport::Sqlite]);
        let source = &mut scenario.sources[0];
        let folder = tempfile::tempdir().unwrap();
        let database = sqlite_connector(source, folder.path()).unwrap();
        // The names of types are the database's own.
        let described = database.describe(&call()).await.unwrap();
        for table in &mut source.description.tables {
            let same = described.tables.iter().find(|other| other.name == table.name).unwrap();
            for column in &mut table.columns {
                let other = same.column(&column.name).unwrap();
                assert_eq!((other.data_type, other.nullable), (column.data_type, column.nullable), "{}", column.name);
                column.native_type.clone_from(&other.native_type);
            }
            assert_eq!(same.keys, table.keys, "keys of {}", table.name);
        }
        offer_everything(&mut source.description, 1_000);
        let memory = MemoryConnector::new(source.description.clone(), source.rows.clone(), seed);
        let generator = RelationGenerator::new(&source.description.tables, &source.rows);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..10 {
            let relation = generator.relation(&mut rng);
            let expected = match memory.evaluate(&relation) {
                Ok(rows) => rows,
                Err(error) => panic!("seed {seed}: {error}\n{relation:?}"),
            };
            match scan(database.as_ref(), &relation).await {
                Ok(found) => {
                    compared += 1;
                    rows_seen += expected.len();
                    let (expected, found) = (in_order(&relation, expected), in_order(&relation, found));
                    if expected != found {
                        failures.push(format!(
                            "seed {seed}: {relation:?}\nin memory   {expected:?}\nin a database {found:?}"
                        ));
                    }
                }
                Err(error) => {
                    failures.push(format!("seed {seed}: {} {error} {:?}\n{relation:?}", error.code, error.detail));
                }
            }
        }
    }
    println!("{compared} relations compared, {rows_seen} rows, {} differ", failures.len());
    failures.truncate(5);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(compared > 1_000 && rows_seen > 2_000, "{compared} relations, {rows_seen} rows");
}

async fn scan(connector: &dyn Connector, relation: &Relation) -> Result<Vec<Row>, ContractError> {
    let request = ScanRequest {
        id: "self-check".into(),
        relation: relation.clone(),
        batch_rows: 7,
        batch_bytes: 1 << 20,
        explain: false,
    };
    let mut stream = connector.scan(&call(), request).await?;
    let (mut rows, mut ended) = (Vec::new(), false);
    while let Some(event) = stream.next().await {
        match event? {
            ScanEvent::Batch(batch) => rows.extend(decode_batch(&batch)?),
            ScanEvent::End(end) => {
                assert_eq!(end.rows, rows.len() as u64);
                ended = true;
            }
        }
    }
    assert!(ended, "a stream without its end");
    Ok(rows)
}

/// Rows as text; sorted unless the relation sorts them.
fn in_order(relation: &Relation, rows: Vec<Row>) -> Vec<String> {
    let mut lines: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    if !is_sorted(relation) {
        lines.sort();
    }
    lines
}

fn is_sorted(relation: &Relation) -> bool {
    match relation {
        Relation::Sort { .. } => true,
        Relation::Limit { input, .. } => is_sorted(input),
        _ => false,
    }
}
