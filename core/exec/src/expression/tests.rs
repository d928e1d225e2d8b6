#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod fixture;
mod limits;
mod native;
mod order;
pub(crate) mod property;
pub(crate) mod reference;
mod standard;

use super::*;
use fixture::{Table, context, evaluate, iri, parse, sample};
use oxrdf::{Literal, Term};

/// Values and effective boolean values are what the reference gives for every expression on every row. Tells how many
/// values that were.
fn assert_agrees(table: &Table, expressions: &[String]) -> usize {
    for text in expressions {
        let expression = parse(text);
        let expected = table.expected(&expression);
        let found = evaluate(&expression, table);
        assert_eq!(found, expected.values, "{text}\non {:?}", table.terms);
        let found = fixture::evaluate_filter(&expression, table);
        assert_eq!(found, expected.truths, "truth of {text}\non {:?}", table.terms);
    }
    expressions.len() * table.terms.len()
}

#[test]
fn every_function_of_the_grammar_agrees_with_the_reference_on_every_type() {
    let table = sample();
    let variables = table.layout.variables().iter().map(|v| format!("?{}", v.as_str())).collect::<Vec<_>>();
    let mut expressions = Vec::new();
    for x in &variables {
        for function in fixture::UNARY {
            expressions.push(format!("{function}({x})"));
        }
        expressions.extend([
            format!("!{x}"),
            format!("-{x}"),
            format!("+{x}"),
            x.clone(),
            format!("BOUND({x})"),
            format!("IF({x}, 1, \"no\")"),
            format!("COALESCE({x}, 7)"),
            format!("COALESCE({x}, \"none\")"),
            format!("SUBSTR({x}, 2)"),
            format!("SUBSTR({x}, ?i, 2)"),
            format!("REGEX({x}, \"^A.*é\", \"i\")"),
            format!("REGEX({x}, ?s)"),
            format!("REPLACE({x}, \"(a)(.)\", \"$2$1\")"),
            format!("REPLACE({x}, ?s, \"-\", \"i\")"),
            format!("REPLACE({x}, \"a\", ?s)"),
            format!("{x} IN (1, 2.5, \"abc\", <http://ex/part/A%2F1>, \"abc\"@en)"),
            format!("{x} NOT IN (1, 2)"),
            format!("{x} IN (\"abc\", \"b\")"),
            format!("{x} IN ()"),
            format!("LANGMATCHES(LANG({x}), \"en\")"),
            format!("CONCAT({x})"),
            format!("CONCAT({x}, \"-\", {x})"),
            format!("STRDT(STR({x}), <http://www.w3.org/2001/XMLSchema#integer>)"),
            format!("STRLANG(STR({x}), \"fr\")"),
            format!("CONTAINS(STR({x}), \"a\")"),
        ]);
    }
    assert_agrees(&table, &expressions);
}

#[test]
fn every_pair_of_types_agrees_with_the_reference() {
    let table = sample();
    let mut operands = table.layout.variables().iter().map(|v| format!("?{}", v.as_str())).collect::<Vec<_>>();
    operands.extend(fixture::CONSTANTS.iter().map(|c| (*c).to_owned()));
    for (n, x) in operands.iter().enumerate() {
        let mut expressions = Vec::new();
        for (m, y) in operands.iter().enumerate() {
            if x.starts_with('?') || y.starts_with('?') {
                expressions.extend(comparisons(x, y));
                // Each function meets each operand many times, if not each pair.
                expressions.extend(operations(x, y).into_iter().skip((n + m) % 4).step_by(4));
            }
        }
        assert_agrees(&table, &expressions);
    }
}

fn comparisons(x: &str, y: &str) -> Vec<String> {
    let mut all = vec![format!("sameTerm({x}, {y})")];
    all.extend(["=", "<", "<=", ">"].map(|operator| format!("{x} {operator} {y}")));
    all
}

fn operations(x: &str, y: &str) -> Vec<String> {
    let mut all: Vec<_> = fixture::BINARY.iter().map(|function| format!("{function}({x}, {y})")).collect();
    all.extend(["!=", ">=", "+", "-", "*", "/", "&&", "||"].map(|operator| format!("{x} {operator} {y}")));
    all.extend([format!("IF({x} < {y}, {x}, {y})"), format!("COALESCE({x}, {y})"), format!("{x} IN ({y}, ?c, 1)")]);
    all
}

#[test]
fn durations_agree_with_the_reference() {
    let duration = |text: &str, kind: &str| Some(fixture::typed(text, kind));
    let durations = vec![
        duration("P1D", "dayTimeDuration"),
        duration("PT25H", "dayTimeDuration"),
        duration("P2Y", "yearMonthDuration"),
        duration("P1Y2D", "duration"),
    ];
    let days = ["2020-02-29", "2021-01-01", "1969-12-31", "2000-01-01"].map(|day| Some(fixture::typed(day, "date")));
    let table = Table::new(vec![
        ("a", TermType::General, durations.iter().cloned().rev().collect()),
        ("b", TermType::General, durations),
        ("day", fixture::native(weft_model::term::LiteralType::Date), days.into()),
    ]);
    let expressions = [
        "?a < ?b",
        "?a = ?b",
        "?a - ?b",
        "?a + ?b",
        "?day + ?a",
        "?day - ?a",
        "-?a",
        "STR(?a)",
        "?day - ?day",
        "DATATYPE(?b)",
    ];
    assert_agrees(&table, &expressions.map(str::to_owned));
}

#[test]
fn unknown_variables_are_unbound() {
    let table = sample();
    let expressions = ["?nowhere", "BOUND(?nowhere)", "COALESCE(?nowhere, 1)", "?nowhere = 1 || true", "?nowhere < ?i"];
    assert_agrees(&table, &expressions.map(str::to_owned));
}

#[test]
fn now_is_the_one_of_the_context_in_both_tiers() {
    let table = sample();
    let now: Term = Literal::from(context().now).into();
    for expression in ["NOW()", "COALESCE(?nowhere, IF(MD5(\"a\") = \"b\", 1, NOW()))"] {
        assert!(evaluate(&parse(expression), &table).iter().all(|term| *term == Some(now.clone())), "{expression}");
    }
}

#[test]
fn iris_are_resolved_against_the_base() {
    let table = sample();
    let mut context = context();
    context.base_iri = Some(Iri::parse("http://base/x/".to_owned()).unwrap());
    let found = fixture::evaluate_in(&parse("IRI(\"../y\")"), &table, &context);
    assert!(found.iter().all(|term| *term == Some(iri("http://base/y"))));
}

#[test]
fn volatile_functions_are_called_for_each_row() {
    let table = sample();
    for expression in ["RAND()", "UUID()", "STRUUID()", "BNODE()", "STRLEN(?s) + RAND()"] {
        let found = evaluate(&parse(expression), &table);
        let distinct: std::collections::HashSet<_> = found.iter().flatten().collect();
        assert!(distinct.len() > 1, "{expression} gave {found:?}");
        let (_, columns) = value(&parse(expression), &table.layout, &context()).unwrap();
        assert!(columns.iter().any(is_volatile), "{expression}");
    }
    let found = evaluate(&parse("BNODE(\"a\") = BNODE(\"a\")"), &table);
    assert!(found.iter().all(|term| *term == Some(Literal::from(true).into())));
}

fn is_volatile(column: &ColumnExpr) -> bool {
    column.is_volatile_node() || column.children().into_iter().any(is_volatile)
}

#[test]
fn what_is_not_evaluated_is_refused_by_name() {
    let table = sample();
    for (expression, name) in [
        ("<http://ex/f>(1)", "<http://ex/f>"),
        ("1 + <urn:weft:function:0>(1)", "<urn:weft:function:0>"),
        ("EXISTS { ?a ?b ?c }", "EXISTS"),
        ("true || (EXISTS { ?a ?b ?c })", "EXISTS"),
    ] {
        let error = filter(&parse(expression), &table.layout, &context()).unwrap_err();
        assert_eq!(error.code, Code::UnsupportedQuery, "{expression}");
        assert!(error.message.contains(name), "{expression}: {error}");
    }
}
