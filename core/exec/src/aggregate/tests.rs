#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::columns::TermReader;
use crate::expression::tests::fixture::{Table, blank, context, lang, native, part, select, string, typed};
use crate::expression::tests::property::{pool, types};
use crate::expression::tests::reference::canonical;
use arrow_array::ArrayRef;
use datafusion_common::DataFusionError;
use oxrdf::Term;
use proptest::prelude::*;
use spargebra::algebra::GraphPattern;
use spargebra::{Query, SparqlParser};
use weft_model::Code;

fn parse(aggregate: &str) -> AggregateExpression {
    let query = format!("SELECT ({aggregate} AS ?result) WHERE {{ ?s ?p ?o }}");
    let Query::Select { pattern, .. } = SparqlParser::new().parse_query(&query).unwrap() else { panic!() };
    let mut pattern = pattern;
    loop {
        pattern = match pattern {
            GraphPattern::Project { inner, .. } | GraphPattern::Extend { inner, .. } => *inner,
            GraphPattern::Group { aggregates, .. } => return aggregates.into_iter().next().unwrap().1,
            other => panic!("{other:?}"),
        };
    }
}

/// The result over all rows: straight, and through partial accumulators whose states are merged.
fn results(aggregate_text: &str, table: &Table) -> [Option<Term>; 2] {
    let (term_type, expr) = aggregate("result", &parse(aggregate_text), &table.layout, &context()).unwrap();
    let arguments: Vec<ArrayRef> = expr
        .expressions()
        .iter()
        .map(|e| e.evaluate(&table.batch).unwrap().into_array(table.batch.num_rows()).unwrap())
        .collect();
    let slices = |from: usize, to: usize| arguments.iter().map(|a| a.slice(from, to - from)).collect::<Vec<_>>();
    let (rows, half) = (table.batch.num_rows(), table.batch.num_rows() / 2);
    let mut whole = expr.create_accumulator().unwrap();
    let mut merged = expr.create_accumulator().unwrap();
    for (from, to) in [(0, half), (half, rows)] {
        whole.update_batch(&slices(from, to)).unwrap();
        let mut part = expr.create_accumulator().unwrap();
        part.update_batch(&slices(from, to)).unwrap();
        let states: Vec<ArrayRef> = part.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
        merged.merge_batch(&states).unwrap();
    }
    [whole, merged].map(|mut accumulator| {
        let array = accumulator.evaluate().unwrap().to_array().unwrap();
        TermReader::new(&term_type, &[array]).unwrap().term(0).unwrap()
    })
}

fn oracle(aggregate_text: &str, table: &Table) -> Option<Term> {
    let variables: Vec<_> = table.layout.variables().iter().map(ToString::to_string).collect();
    let names = variables.join(" ");
    // What helps to lay out the rows must not tell them apart.
    let query = format!("SELECT ({aggregate_text} AS ?v) WHERE {{ SELECT {names} WHERE {{ {} }} }}", table.pattern());
    select(&table.dataset(), &query)[0].get("v").cloned().map(canonical)
}

fn assert_agrees(aggregate_text: &str, table: &Table) {
    let expected = oracle(aggregate_text, table);
    for found in results(aggregate_text, table) {
        assert_eq!(found, expected, "{aggregate_text} over {:?}", table.terms);
    }
}

const OVER: &[&str] = &["COUNT", "SUM", "AVG", "MIN", "MAX"];

fn column(term_type: TermType, terms: Vec<Option<Term>>) -> Table {
    Table::new(vec![("x", term_type, terms)])
}

fn assert_all(table: &Table) {
    for function in OVER {
        assert_agrees(&format!("{function}(?x)"), table);
        assert_agrees(&format!("{function}(DISTINCT ?x)"), table);
    }
    assert_agrees("COUNT(*)", table);
    assert_agrees("COUNT(DISTINCT *)", table);
    assert_agrees("SUM(STRLEN(LANG(?x)))", table);
    // COUNT passes over errors (section 18.5.1.2), which spareval does for variables only.
    let counted = oracle("SUM(IF(COALESCE(STRLEN(LANG(?x)) >= 0, false), 1, 0))", table);
    assert_eq!(results("COUNT(LANG(?x))", table), [counted.clone(), counted]);
    assert_agrees("COUNT(1)", table);
    assert_agrees("SUM(2)", table);
}

#[test]
fn every_type_is_aggregated_as_by_the_oracle() {
    for (name, term_type) in types() {
        // spareval has another term for the least byte: its value.
        if term_type == TermType::General || name == "byte" {
            continue;
        }
        // Two terms each, of which one comes twice, so that no order of rows can matter.
        let pool = pool(&term_type);
        let (first, second) = (pool[0].clone(), pool[pool.len().min(2) - 1].clone());
        let terms = vec![Some(first.clone()), Some(second), Some(first)];
        assert_all(&column(term_type.clone(), terms.clone()));
        if name == "c" {
            continue; // A constant is never unbound.
        }
        assert_all(&column(term_type.clone(), [terms, vec![None]].concat()));
        assert_all(&column(term_type, vec![None]));
    }
}

#[test]
fn nothing_is_aggregated_as_by_the_oracle() {
    for term_type in [native(LiteralType::Integer), native(LiteralType::Decimal), part(), TermType::General] {
        let full = column(term_type, vec![None]);
        let empty = Table { batch: full.batch.slice(0, 0), terms: Vec::new(), layout: full.layout };
        for function in OVER {
            assert_agrees(&format!("{function}(?x)"), &empty);
        }
        assert_agrees("SAMPLE(?x)", &empty);
        assert_agrees("GROUP_CONCAT(?x)", &empty);
        assert_agrees("COUNT(*)", &empty);
        assert_agrees("COUNT(DISTINCT *)", &empty);
    }
}

#[test]
fn overflow_is_an_error() {
    let terms = || vec![Some(typed("9223372036854775807", "integer")), Some(typed("1", "integer"))];
    for term_type in [native(LiteralType::Integer), TermType::General] {
        let table = column(term_type, terms());
        assert_agrees("SUM(?x)", &table);
        assert_eq!(results("SUM(?x)", &table), [None, None]);
        assert_agrees("AVG(?x)", &table);
    }
}

#[test]
fn samples_are_terms_of_the_group() {
    let terms = vec![None, Some(typed("1", "integer")), Some(typed("2", "integer"))];
    for term_type in [native(LiteralType::Integer), TermType::General] {
        for found in results("SAMPLE(?x)", &column(term_type, terms.clone())) {
            assert!(found.is_some() && terms.contains(&found));
        }
    }
}

#[test]
fn strings_are_joined_with_the_separator_to_a_plain_string() {
    let texts = |terms: &[Term]| column(TermType::General, terms.iter().cloned().map(Some).collect());
    for (table, expected) in [
        (texts(&[string("a"), string("a")]), Some(string("a, a"))),
        (texts(&[lang("a", "en"), string("a")]), Some(string("a, a"))),
        (texts(&[lang("a", "en"), lang("a", "fr")]), Some(string("a, a"))),
        (texts(&[string("a"), typed("1", "integer")]), None),
        (column(native(LiteralType::String), vec![Some(string("a")), None]), None),
    ] {
        assert_agrees("GROUP_CONCAT(?x; SEPARATOR=\", \")", &table);
        assert_eq!(results("GROUP_CONCAT(?x; SEPARATOR=\", \")", &table), [expected.clone(), expected]);
    }
    // Section 18.5.1.7: a simple literal, whatever the pieces are.
    let english = texts(&[lang("a", "en"), lang("a", "en")]);
    assert_eq!(results("GROUP_CONCAT(?x)", &english), [Some(string("a a")), Some(string("a a"))]);
    assert_agrees("GROUP_CONCAT(DISTINCT ?x)", &texts(&[string("a"), string("a"), string("a")]));
}

#[test]
fn joined_strings_are_bounded() {
    let table = column(native(LiteralType::String), vec![Some(string(&"a".repeat(600_000))); 2]);
    let (_, expr) = aggregate("r", &parse("GROUP_CONCAT(?x)"), &table.layout, &context()).unwrap();
    let error = expr.create_accumulator().unwrap().update_batch(table.batch.columns()).unwrap_err();
    let DataFusionError::External(error) = error else { panic!("{error}") };
    assert_eq!(error.downcast_ref::<ContractError>().unwrap().code, Code::LimitExceeded);
}

#[test]
fn rows_that_agree_in_all_variables_count_once() {
    let one = || Some(typed("1", "integer"));
    let table = Table::new(vec![
        ("x", native(LiteralType::Integer), vec![one(), one(), None, None, one()]),
        ("y", TermType::General, vec![Some(string("a")), Some(string("a")), one(), one(), None]),
    ]);
    assert_agrees("COUNT(DISTINCT *)", &table);
    assert_eq!(results("COUNT(DISTINCT *)", &table)[0], Some(typed("3", "integer")));
}

/// Sections 18.5.1.2, 18.5.1.5 and 18.5.1.6: terms of the group, in their words; COUNT passes over errors.
#[test]
fn terms_keep_their_words() {
    let words = |texts: &[(&str, &str)]| {
        column(TermType::General, texts.iter().map(|(text, datatype)| Some(typed(text, datatype))).collect())
    };
    let numbers = words(&[("01", "integer"), ("1.50", "decimal"), ("01", "integer"), ("007", "int")]);
    for (aggregate, expected) in [
        ("MIN(?x)", typed("01", "integer")),
        ("MAX(?x)", typed("007", "int")),
        ("SUM(?x)", typed("10.5", "decimal")),
        ("COUNT(DISTINCT ?x)", typed("3", "integer")),
        ("COUNT(DISTINCT *)", typed("3", "integer")),
        ("SUM(DISTINCT ?x)", typed("9.5", "decimal")),
        ("COUNT(?x + 1)", typed("4", "integer")),
    ] {
        assert_eq!(results(aggregate, &numbers), [Some(expected.clone()), Some(expected)], "{aggregate}");
    }
    let mixed = column(TermType::General, vec![Some(typed("1", "integer")), Some(string("a")), None]);
    for (aggregate, expected) in [
        ("COUNT(?x + 1)", Some(typed("1", "integer"))),
        ("COUNT(DISTINCT ?x + 1)", Some(typed("1", "integer"))),
        ("SUM(?x + 1)", None),
        ("MIN(?x + 1)", None),
    ] {
        assert_eq!(results(aggregate, &mixed), [expected.clone(), expected], "{aggregate}");
    }
    let same = words(&[("1.0", "decimal"), ("1", "integer"), ("1.0E0", "double")]);
    let other_order = words(&[("1.0E0", "double"), ("1", "integer"), ("1.0", "decimal")]);
    assert_eq!(results("MIN(?x)", &same), results("MIN(?x)", &other_order));
    let bytes = column(
        native(LiteralType::DerivedInteger(oxrdf::vocab::xsd::BYTE.into_owned())),
        vec![Some(typed("100", "byte")), Some(typed("50", "byte"))],
    );
    for (aggregate, expected) in
        [("SUM(?x)", typed("150", "integer")), ("AVG(?x)", typed("75", "decimal")), ("MAX(?x)", typed("100", "byte"))]
    {
        assert_eq!(results(aggregate, &bytes), [Some(expected.clone()), Some(expected)], "{aggregate}");
    }
}

#[test]
fn custom_aggregates_are_refused_by_name() {
    let expression = AggregateExpression::FunctionCall {
        name: AggregateFunction::Custom(oxrdf::NamedNode::new_unchecked("http://ex/median")),
        expr: crate::expression::tests::fixture::parse("?x"),
        distinct: false,
    };
    let table = column(TermType::General, vec![None]);
    let error = aggregate("r", &expression, &table.layout, &context()).unwrap_err();
    assert_eq!(error.code, Code::UnsupportedQuery);
    assert!(error.message.contains("http://ex/median"));
}

/// Terms over which order, overflow and rounding do not depend on the order of the rows.
fn kinds() -> Vec<Vec<Term>> {
    let numbers = |texts: &[&str], datatype: &str| texts.iter().map(|t| typed(t, datatype)).collect::<Vec<_>>();
    vec![
        numbers(&["1", "-2", "3", "100"], "integer"),
        [numbers(&["1", "-2", "7"], "integer"), numbers(&["2.5", "-0.25", "100.5"], "decimal")].concat(),
        [numbers(&["1", "-2"], "integer"), numbers(&["2.5", "-0.25"], "decimal"), numbers(&["0.5", "8.5"], "double")]
            .concat(),
        [numbers(&["1"], "integer"), numbers(&["2.5", "0.25"], "float"), numbers(&["0.5"], "double")].concat(),
        vec![string("a"), string("b"), lang("a", "en"), lang("a", "fr"), blank("b1"), blank("b2"), string("")],
        vec![typed("2020-01-01T12:00:00Z", "dateTime"), typed("2020-01-01T13:00:00Z", "dateTime")],
        vec![typed("1", "integer"), string("a"), blank("b1")],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_groups_are_aggregated_as_by_the_oracle(
        kind in 0..kinds().len(),
        picks in proptest::collection::vec(proptest::option::weighted(0.95, any::<proptest::sample::Index>()), 1..12),
    ) {
        let pool = kinds().swap_remove(kind);
        let terms: Vec<_> = picks.iter().map(|pick| pick.map(|pick| canonical(pick.get(&pool).clone()))).collect();
        assert_all(&column(TermType::General, terms));
    }
}
