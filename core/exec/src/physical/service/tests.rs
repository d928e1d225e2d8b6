#![allow(clippy::unwrap_used, clippy::panic)]

use super::keys::{Shipment, shipments};
use super::text;
use crate::columns::Layout;
use crate::physical::keys::KeySource;
use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use oxrdf::{BlankNode, GraphName, Literal, NamedNode, Term, Variable};
use proptest::collection::vec;
use proptest::prelude::*;
use spargebra::algebra::{Expression, Function, GraphPattern};
use spargebra::term::GroundTerm;
use spargebra::{Query, SparqlParser};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weft_model::term::{TermType, encode};

fn variable(name: &str) -> Variable {
    Variable::new_unchecked(name)
}

fn parse(query: &str) -> Option<GraphPattern> {
    match SparqlParser::new().with_base_iri("http://example.com/").unwrap().parse_query(query).ok()? {
        Query::Select { pattern, .. }
        | Query::Ask { pattern, .. }
        | Query::Construct { pattern, .. }
        | Query::Describe { pattern, .. } => Some(pattern),
    }
}

type Answer = Vec<Vec<(String, String)>>;

/// The solutions of a query, each as text, in an order of their own; nothing where it cannot be evaluated.
fn evaluate(store: &Store, query: Query) -> Option<Answer> {
    let results = SparqlEvaluator::new().for_query(query).on_store(store).execute().ok()?;
    let QueryResults::Solutions(solutions) = results else { panic!("not a SELECT") };
    let cell = |(variable, term): (&Variable, &Term)| {
        let term = if let Term::BlankNode(_) = term { "_:".to_owned() } else { term.to_string() };
        (variable.as_str().to_owned(), term)
    };
    let mut rows = solutions
        .map(|solution| {
            let mut row: Vec<_> = solution.ok()?.iter().map(cell).collect();
            row.sort();
            Some(row)
        })
        .collect::<Option<Answer>>()?;
    rows.sort();
    Some(rows)
}

/// Whether the text of a pattern has the solutions of the pattern.
fn is_kept(store: &Store, pattern: GraphPattern) -> Result<(), String> {
    let mut variables = Vec::new();
    pattern.on_in_scope_variable(|v| variables.push(v.clone()));
    variables.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    variables.dedup();
    let text = text::select(&variables, &pattern);
    let read = parse(&text).ok_or_else(|| format!("this is not SPARQL: {text}"))?;
    let select = |pattern| Query::Select { dataset: None, pattern, base_iri: None };
    let (expected, mut found) = (evaluate(store, select(pattern)), evaluate(store, select(read)));
    if variables.is_empty() {
        found = found.map(|rows| rows.into_iter().map(|_| Vec::new()).collect());
    }
    let is_random = ["RAND(", "UUID(", "BNODE(", "NOW("].iter().any(|function| text.contains(function));
    if expected == found || (is_random && expected.map(|rows| rows.len()) == found.as_ref().map(Vec::len)) {
        return Ok(());
    }
    Err(text)
}

/// All small Turtle files of a folder.
fn data_in(folder: &Path) -> Store {
    let store = Store::new().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_small = path.metadata().unwrap().len() < 10_000;
        if is_small && path.extension().is_some_and(|extension| extension == "ttl") {
            let graph = NamedNode::new_unchecked(format!("http://example.com/{}", path.file_name().unwrap().display()));
            for graph in [GraphName::DefaultGraph, graph.into()] {
                let parser = RdfParser::from_format(RdfFormat::Turtle).with_base_iri("http://example.com/").unwrap();
                // A file that is not Turtle is as good as none.
                store.load_from_slice(parser.with_default_graph(graph), &std::fs::read(&path).unwrap()).ok();
            }
        }
    }
    store
}

/// Without the projection that the text added.
fn inner(pattern: GraphPattern) -> GraphPattern {
    match pattern {
        GraphPattern::Project { inner, .. } => *inner,
        other => other,
    }
}

fn queries(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            queries(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rq") {
            found.push(path);
        }
    }
}

#[test]
fn every_query_of_the_suites_means_the_same_as_text() {
    let shared = std::env::var("WEFT_SHARED")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("suites/sparql/sparql");
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let mut files = Vec::new();
    queries(&folder.join("sparql10"), &mut files);
    queries(&folder.join("sparql11"), &mut files);
    let (mut kept, mut wrong) = (0, Vec::new());
    let mut stores: HashMap<PathBuf, Store> = HashMap::new();
    for file in files {
        let Some(pattern) = std::fs::read_to_string(&file).ok().and_then(|text| parse(&text)) else { continue };
        let folder = file.parent().unwrap().to_owned();
        let store = stores.entry(folder).or_insert_with_key(|folder| data_in(folder));
        match is_kept(store, pattern) {
            Ok(()) => kept += 1,
            Err(text) => wrong.push(format!("{}: {text}", file.display())),
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), kept + wrong.len(), wrong.join("\n"));
    assert!(kept > 500, "only {kept} queries were found");
}

#[test]
fn what_is_written_is_what_is_meant() {
    let table = [
        (
            "{ ?s ?p ?o FILTER(?o > 1) }",
            "SELECT ?s WHERE { ?s ?p ?o . FILTER ( ( ?o > \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> ) ) }",
        ),
        (
            "{ { ?s ?p ?o FILTER(?o = ?x) } ?s ?q ?x }",
            "SELECT ?s WHERE { { ?s ?p ?o . FILTER ( ( ?o = ?x ) ) } ?s ?q ?x . }",
        ),
        (
            "{ ?s ?p ?a, ?b BIND((?a + ?b) * (?a - (?b - ?a)) AS ?c) }",
            "SELECT ?s WHERE { ?s ?p ?a . ?s ?p ?b . BIND ( ( ( ?a + ?b ) * ( ?a - ( ?b - ?a ) ) ) AS ?c ) }",
        ),
        (
            "{ ?s ?p ?o OPTIONAL { { ?s ?q ?r FILTER(?r = ?o) } } }",
            "SELECT ?s WHERE { ?s ?p ?o . OPTIONAL { { ?s ?q ?r . FILTER ( ( ?r = ?o ) ) } } }",
        ),
        (
            "{ ?s ?p ?o OPTIONAL { ?s ?q ?r FILTER(?r = ?o) } }",
            "SELECT ?s WHERE { ?s ?p ?o . OPTIONAL { ?s ?q ?r . FILTER ( ( ?r = ?o ) ) } }",
        ),
        (
            "{ { ?s ?p ?o OPTIONAL { ?s ?q ?r } } { ?s ?q ?r } }",
            "SELECT ?s WHERE { { ?s ?p ?o . OPTIONAL { ?s ?q ?r . } } ?s ?q ?r . }",
        ),
    ];
    for (group, expected) in table {
        let pattern = inner(parse(&format!("SELECT * {group}")).unwrap());
        assert_eq!(text::select(&[variable("s")], &pattern), expected);
    }
}

#[test]
fn names_that_a_plan_made_are_escaped_and_stay_different() {
    let names = ["a", "a.1", "a_0_1", "a_1_", "a_", "_a", "a.1.2", "a_x2e_", "\u{e9}", "\u{e9}.1", "0", "_:x"];
    let written: Vec<String> = names.iter().map(|name| text::name(&variable(name))).collect();
    for (i, name) in written.iter().enumerate() {
        Variable::new(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!written[..i].contains(name), "{name}");
    }
    assert_eq!((written[0].as_str(), written[1].as_str(), written[4].as_str()), ("a", "a_0_1", "a_"));
    let made = GraphPattern::Filter {
        expr: Expression::FunctionCall(Function::IsIri, vec![variable("s.1").into()]),
        inner: Box::new(inner(parse("SELECT * { ?s ?p ?o }").unwrap())),
    };
    assert_eq!(
        text::select(&[variable("s.1")], &made),
        "SELECT ?s_0_1 WHERE { ?s ?p ?o . FILTER ( isIRI( ?s_0_1 ) ) }"
    );
}

#[test]
fn a_query_for_no_variable_counts_its_solutions() {
    let pattern = inner(parse("SELECT * { <urn:weft> <urn:a> <urn:b> }").unwrap());
    assert_eq!(text::select(&[], &pattern), "SELECT ( 1 AS ?weft_ ) WHERE { <urn:weft> <urn:a> <urn:b> . }");
}

type Row = Vec<Option<Term>>;

fn key_source(names: &[&str], rows: &[Row]) -> KeySource {
    let layout = Layout::new(names.iter().map(|name| (variable(name), TermType::General)).collect());
    let columns = (0..names.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].as_ref().map(encode));
            Arc::new(cells.collect::<StringViewArray>()) as ArrayRef
        })
        .collect();
    KeySource { rows: RecordBatch::try_new(layout.schema().clone(), columns).unwrap(), layout }
}

fn compatible(a: &Row, b: &Row) -> bool {
    a.iter().zip(b).all(|(a, b)| a.is_none() || b.is_none() || a == b)
}

fn merged(a: &Row, b: &Row) -> Row {
    a.iter().zip(b).map(|(a, b)| a.clone().or_else(|| b.clone())).collect()
}

/// The rows a VALUES block of a shipment has, over `x`, `y` and `z`.
fn shipped(shipment: &Shipment) -> Vec<Row> {
    let empty = GraphPattern::Bgp { patterns: Vec::new() };
    match shipment.joined_with(empty) {
        GraphPattern::Join { left, .. } => match *left {
            GraphPattern::Values { variables, bindings } => {
                let cell = |row: &[Option<GroundTerm>], name: &str| {
                    let column = variables.iter().position(|v| v.as_str() == name)?;
                    row[column].clone().map(|term| match term {
                        GroundTerm::NamedNode(node) => Term::from(node),
                        GroundTerm::Literal(literal) => literal.into(),
                    })
                };
                bindings.iter().map(|row| ["x", "y", "z"].map(|name| cell(row, name)).to_vec()).collect()
            }
            other => panic!("{other}"),
        },
        _ => vec![vec![None; 3]],
    }
}

/// What joins are made of: rows of the left with rows of the service.
fn join(left: &[Row], right: &[Row]) -> Vec<Row> {
    let pairs = left.iter().flat_map(|l| right.iter().filter(|r| compatible(l, r)).map(|r| merged(l, r)));
    let mut rows: Vec<Row> = pairs.collect();
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

fn left_term() -> impl Strategy<Value = Option<Term>> {
    prop_oneof![
        2 => Just(None),
        5 => (0..3).prop_map(|i| Some(NamedNode::new_unchecked(format!("urn:{i}")).into())),
        1 => Just(Some(BlankNode::new_unchecked("b").into())),
        2 => (1..3).prop_map(|i: i32| Some(Literal::from(i).into())),
        1 => Just(Some(Literal::new_typed_literal("01", oxrdf::vocab::xsd::INTEGER).into())),
    ]
}

fn right_term() -> impl Strategy<Value = Option<Term>> {
    prop_oneof![
        1 => Just(None),
        5 => (0..4).prop_map(|i| Some(NamedNode::new_unchecked(format!("urn:{i}")).into())),
        2 => (1..3).prop_map(|i: i32| Some(Literal::from(i).into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// However the left is cut and whatever is shipped, the join is the one without.
    #[test]
    fn what_is_shipped_changes_no_join(
        left in vec(vec(left_term(), 3), 0..6),
        right in vec(vec(right_term(), 3), 0..6),
        most in 1_usize..4,
        bytes in 0_usize..60,
    ) {
        let names = ["x", "y", "z"].map(variable);
        let (name, shipment) = match shipments(&key_source(&["x", "y", "z"], &left), &names, None).unwrap().pop() {
            Some(found) => found,
            None => { prop_assert!(left.is_empty()); return Ok(()); }
        };
        prop_assert!(name.is_none());
        let mut found = Vec::new();
        for part in shipment.parts(most, bytes) {
            let values = shipped(&part);
            prop_assert!(values.len() <= most);
            for (i, row) in values.iter().enumerate() {
                prop_assert!(!values[..i].iter().any(|other| compatible(row, other)), "{values:?}");
            }
            found.extend(join(&values, &right));
        }
        prop_assert_eq!(join(&left, &found), join(&left, &right));
    }

    /// Of a failed request each left row gets one solution without bindings, and so none is lost or doubled.
    #[test]
    fn what_a_failure_leaves_is_each_left_row_once(left in vec(vec(left_term(), 3), 1..6), most in 1_usize..4) {
        let names = ["x", "y", "z"].map(variable);
        let (_, shipment) = shipments(&key_source(&["x", "y", "z"], &left), &names, None).unwrap().remove(0);
        let rows: Vec<Row> = shipment.parts(most, usize::MAX).iter().flat_map(|part| part.rows(&names).collect::<Vec<_>>()).collect();
        let mut expected = left.clone();
        expected.sort_by_key(|row| format!("{row:?}"));
        prop_assert_eq!(join(&left, &rows), expected);
    }
}
