#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::query_gen::Element;
use oxigraph::io::RdfFormat;

fn store() -> Store {
    let store = Store::new().unwrap();
    let data = "<urn:a> <urn:p> 1 . <urn:b> <urn:p> 1.0 . <urn:c> <urn:p> 2 . <urn:d> <urn:q> \"x\" .
        <urn:d> <urn:q> \"y\" . <urn:e> <urn:q> 0.1e0 . <urn:e> <urn:r> 0.2e0 .";
    store.load_from_slice(RdfFormat::Turtle, data).unwrap();
    store
}

fn query(pattern: [&str; 3]) -> Query {
    Query::new(vec![Element::Triples(vec![pattern.map(str::to_owned)])])
}

fn answer(query: &Query) -> (Vec<String>, Vec<Cells>) {
    match evaluate(&store(), &query.text()).unwrap().unwrap() {
        Found::Rows { variables, rows } => (variables, rows),
        Found::Boolean(_) => panic!("rows are expected"),
    }
}

fn agrees(query: &Query, variables: &[String], rows: Vec<Cells>) -> bool {
    let found = Found::Rows { variables: variables.to_vec(), rows };
    matches!(judge(&store(), query, &found).unwrap(), Verdict::Agrees { .. })
}

#[test]
fn the_order_of_rows_is_free_until_it_is_asked_for() {
    let mut query = query(["?s", "<urn:p>", "?o"]);
    query.order_by = vec![("o".into(), true)];
    let (variables, mut rows) = answer(&query);
    assert!(agrees(&query, &variables, rows.clone()));
    // One and 1.0 are equal in order.
    rows.swap(1, 2);
    assert!(agrees(&query, &variables, rows.clone()));
    rows.swap(0, 1);
    assert!(!agrees(&query, &variables, rows.clone()));
    query.order_by.clear();
    assert!(agrees(&query, &variables, rows));
}

#[test]
fn a_limit_takes_any_rows_but_as_many_as_there_are() {
    let mut query = query(["?s", "<urn:p>", "?o"]);
    let (variables, rows) = answer(&query);
    query.limit = Some(2);
    for chosen in [[0, 1], [1, 2], [2, 0]] {
        assert!(agrees(&query, &variables, chosen.iter().map(|i| rows[*i].clone()).collect()));
    }
    assert!(!agrees(&query, &variables, vec![rows[0].clone()]));
    assert!(!agrees(&query, &variables, vec![rows[0].clone(), rows[0].clone()]));
    assert!(!agrees(&query, &variables, rows));
}

#[test]
fn a_sample_is_a_member_and_a_concatenation_has_all_pieces() {
    let aggregate = |function: &str, separator: Option<&str>| {
        let mut query = query(["?s", "<urn:q>", "?o"]);
        let item = Item::Aggregate(Aggregate {
            function: function.into(),
            distinct: false,
            argument: Some("STR(?o)".into()),
            separator: separator.map(str::to_owned),
            name: "a".into(),
        });
        query.group_by = vec![Item::Variable("s".into())];
        query.form = Form::Select { dedup: Dedup::All, items: vec![Item::Variable("s".into()), item] };
        query
    };
    let text = |text: &str| Some(Term::from(oxrdf::Literal::new_simple_literal(text)));
    let node = |iri: &str| Some(Term::from(oxrdf::NamedNode::new(iri).unwrap()));
    let names = ["s".to_owned(), "a".to_owned()];
    let rows = |d: &str, e: &str| vec![vec![node("urn:d"), text(d)], vec![node("urn:e"), text(e)]];
    let sample = aggregate("SAMPLE", None);
    assert!(agrees(&sample, &names, rows("x", "0.1")) && agrees(&sample, &names, rows("y", "0.1")));
    assert!(!agrees(&sample, &names, rows("z", "0.1")) && !agrees(&sample, &names, rows("0.1", "x")));
    let concatenation = aggregate("GROUP_CONCAT", Some("|"));
    assert!(agrees(&concatenation, &names, rows("x|y", "0.1")) && agrees(&concatenation, &names, rows("y|x", "0.1")));
    assert!(!agrees(&concatenation, &names, rows("x", "0.1")) && !agrees(&concatenation, &names, rows("x|x", "0.1")));
}

#[test]
fn the_lexical_form_does_not_count_but_the_datatype_does() {
    let typed = |text: &str, datatype: &str| {
        let iri = oxrdf::NamedNode::new(format!("http://www.w3.org/2001/XMLSchema#{datatype}")).unwrap();
        Term::from(oxrdf::Literal::new_typed_literal(text, iri))
    };
    assert_eq!(canonical(&typed("1.50", "decimal")), canonical(&typed("1.5", "decimal")));
    assert_eq!(
        canonical(&typed("2024-01-01T00:00:00.000Z", "dateTime")),
        canonical(&typed("2024-01-01T00:00:00Z", "dateTime"))
    );
    assert_ne!(canonical(&typed("1", "decimal")), canonical(&typed("1", "integer")));
    assert_ne!(canonical(&typed("01", "string")), canonical(&typed("1", "string")));
}

#[test]
fn blank_nodes_are_compared_by_what_is_said_of_them() {
    let node = |label: &str| Some(Term::from(oxrdf::BlankNode::new(label).unwrap()));
    let text = |text: &str| Some(Term::from(oxrdf::Literal::new_simple_literal(text)));
    let rows = |pairs: &[(&str, &str)]| -> Vec<Cells> { pairs.iter().map(|(n, t)| vec![node(n), text(t)]).collect() };
    let sorted = |rows: &[Cells]| {
        let mut lines: Vec<String> = blank::rename(rows, true).iter().map(|row| format!("{row:?}")).collect();
        lines.sort();
        lines
    };
    let expected = sorted(&rows(&[("a", "x"), ("a", "y"), ("b", "x")]));
    assert_eq!(expected, sorted(&rows(&[("n2", "x"), ("n1", "x"), ("n1", "y")])));
    assert_ne!(expected, sorted(&rows(&[("n1", "x"), ("n2", "y"), ("n3", "x")])));
    assert_ne!(expected, sorted(&rows(&[("n1", "x"), ("n1", "y"), ("n1", "x")])));
}
