//! Random expressions over random rows.

use super::assert_agrees;
use super::fixture::*;
use super::reference::canonical;
use oxrdf::{NamedNode, Term};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::sync::atomic::{AtomicUsize, Ordering};
use weft_model::term::{KeyKind, LiteralType, TermType};

/// The variables of the tables, and their types.
pub(crate) fn types() -> Vec<(&'static str, TermType)> {
    vec![
        ("i", native(LiteralType::Integer)),
        ("j", native(LiteralType::Integer)),
        ("byte", native(LiteralType::DerivedInteger(oxrdf::vocab::xsd::BYTE.into_owned()))),
        ("d", native(LiteralType::Decimal)),
        ("f", native(LiteralType::Double)),
        ("s", native(LiteralType::String)),
        ("t", native(LiteralType::String)),
        ("b", native(LiteralType::Boolean)),
        ("day", native(LiteralType::Date)),
        ("z", native(LiteralType::DateTime { zoned: true })),
        ("w", native(LiteralType::DateTime { zoned: false })),
        ("time", native(LiteralType::Other(NamedNode::new_unchecked("http://www.w3.org/2001/XMLSchema#time")))),
        ("other", native(LiteralType::Other(NamedNode::new_unchecked("http://ex/datatype")))),
        ("en", TermType::LangString("en".into())),
        ("part", part()),
        ("lot", lot(KeyKind::Int64)),
        ("lots", lot(KeyKind::Text)),
        ("rev", revision()),
        ("g", TermType::General),
        ("h", TermType::General),
        ("c", TermType::Constant(typed("3", "integer"))),
    ]
}

/// Terms of a type, edge cases among them.
pub(crate) fn pool(term_type: &TermType) -> Vec<Term> {
    let all = |texts: &[&str], datatype: &str| texts.iter().map(|text| typed(text, datatype)).collect::<Vec<_>>();
    match term_type {
        TermType::Constant(term) => vec![term.clone()],
        TermType::Literal(literal) => match literal {
            LiteralType::Boolean => all(&["true", "false"], "boolean"),
            LiteralType::Integer => all(
                &["0", "1", "-1", "2", "7", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
                "integer",
            ),
            LiteralType::Decimal => all(
                &["0", "1", "2.5", "-0.1", "0.000000000000000001", "99999999999999999999", "-7.25", "9007199254740993"],
                "decimal",
            ),
            LiteralType::Double => {
                let numbers = [
                    "0",
                    "1",
                    "-0",
                    "2.5",
                    "NaN",
                    "INF",
                    "-INF",
                    "0.1",
                    "1e300",
                    "9007199254740992",
                    "1000000",
                    "1e-7",
                ];
                all(&numbers, "double").into_iter().map(canonical).collect()
            }
            LiteralType::DerivedInteger(datatype) => all(&["0", "1", "-7", "127", "-128"], datatype.as_str()),
            LiteralType::String => {
                ["", "a", "abc", "ABC é", "a/b c%", "\u{1F600}x", "true", "12", "-1.50", "a\u{1}b"].map(string).into()
            }
            LiteralType::Date => all(&["2020-02-29", "1969-12-31", "0001-01-01", "-0044-03-15"], "date"),
            LiteralType::DateTime { zoned: true } => {
                all(&["2020-02-29T12:00:00Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"], "dateTime")
            }
            LiteralType::DateTime { zoned: false } => {
                all(&["2020-02-29T12:00:00", "1969-12-31T23:59:59.000001", "2020-03-01T00:00:00"], "dateTime")
            }
            LiteralType::Other(datatype) if datatype.as_str().ends_with("time") => {
                all(&["12:00:00", "23:59:59.5Z", "12:00:00+01:00", "none"], "time")
            }
            LiteralType::Other(_) => all(&["x", "", "y z"], "http://ex/datatype"),
        },
        TermType::LangString(tag) => ["abc", "", "a", "É b"].iter().map(|text| lang(text, tag)).collect(),
        TermType::Iri { shape, keys } => iris(&shape.to_string(), keys),
        TermType::General => {
            let mut terms: Vec<Term> =
                types().iter().filter(|(_, t)| *t != TermType::General).flat_map(|(_, t)| pool(t)).collect();
            terms.extend([blank("b1"), blank("b2"), lang("abc", "fr"), lang("abc", "en-us"), iri("urn:x")]);
            terms.extend(all(&["1.5", "0.1", "INF", "1.50", "NaN"], "float"));
            terms.push(typed("2020", "gYear"));
            terms.extend(all(&["01", "-0", "+7", "five", ""], "integer"));
            terms.extend(all(&["7", "007", "300"], "byte"));
            terms.extend(all(&["2.50", "1.0", "x"], "decimal"));
            terms.extend(all(&["1", "1.0", "0.10e0", "inf", "abc"], "double"));
            terms.extend(all(&["1", "0", "maybe"], "boolean"));
            terms.extend(all(&["2020-02-29Z", "2020-02-30", "2020-03-01+01:00"], "date"));
            terms.extend(all(&["2020-02-29T14:00:00+02:00", "2020-02-29T12:00:00.000Z"], "dateTime"));
            terms.extend([lang("", "en"), string(" 7 "), string("\t1.5e1\n"), string("inf")]);
            terms
        }
    }
}

fn iris(shape: &str, keys: &[KeyKind]) -> Vec<Term> {
    match (shape, keys) {
        ("http://ex/part/{}", _) => ["A%2F1", "B", "é"].map(|k| iri(&format!("http://ex/part/{k}"))).into(),
        ("http://ex/lot/{}", _) => ["7", "-3", "10"].map(|k| iri(&format!("http://ex/lot/{k}"))).into(),
        _ => ["A%2F1/rev/1", "A%2F1/rev/2", "B/rev/1"].map(|k| iri(&format!("http://ex/part/{k}"))).into(),
    }
}

fn table() -> impl Strategy<Value = Table> {
    let columns: Vec<_> = types()
        .into_iter()
        .map(|(name, term_type)| {
            let terms = select(pool(&term_type));
            let cell = match term_type {
                TermType::Constant(_) => terms.prop_map(Some).boxed(),
                _ => proptest::option::weighted(0.8, terms).boxed(),
            };
            proptest::collection::vec(cell, 6).prop_map(move |terms| (name, term_type.clone(), terms))
        })
        .collect();
    columns.prop_map(Table::new)
}

fn expression() -> impl Strategy<Value = String> {
    let variables: Vec<String> = types().iter().map(|(name, _)| format!("?{name}")).collect();
    let constants: Vec<String> = CONSTANTS.iter().map(|c| (*c).to_owned()).collect();
    let leaf = prop_oneof![4 => select(variables), 1 => select(constants)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let operator = select(vec!["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "&&", "||", "="]);
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (select(UNARY.to_vec()), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (select(BINARY.to_vec()), pair.clone()).prop_map(|(f, (a, b))| format!("{f}({a}, {b})")),
            inner.clone().prop_map(|a| format!("(!{a})")),
            inner.clone().prop_map(|a| format!("REGEX({a}, \"a.?\", \"i\")")),
            pair.clone().prop_map(|(a, b)| format!("REPLACE({a}, {b}, \"<$0>\")")),
            pair.clone().prop_map(|(a, b)| format!("SUBSTR({a}, {b})")),
            pair.clone().prop_map(|(a, b)| format!("COALESCE({a}, {b})")),
            (inner.clone(), pair.clone()).prop_map(|(a, (b, c))| format!("IF({a}, {b}, {c})")),
            (inner.clone(), pair).prop_map(|(a, (b, c))| format!("({a} IN ({b}, {c}))")),
        ]
    })
}

/// Random expressions over random rows, always the same ones, and enough of them.
#[test]
fn random_expressions_agree_with_the_reference() {
    let config = ProptestConfig { cases: 100, max_shrink_iters: 200, failure_persistence: None, ..Default::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let evaluations = AtomicUsize::new(0);
    let cases = (table(), proptest::collection::vec(expression(), 12));
    let outcome = runner.run(&cases, |(table, expressions)| {
        evaluations.fetch_add(assert_agrees(&table, &expressions), Ordering::Relaxed);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(evaluations.into_inner() >= 7_000);
}

/// Every function and operator on every pair of terms of all kinds, where nothing is known of the type.
#[test]
fn every_operator_agrees_with_the_reference_on_every_pair_of_terms() {
    let pool = pool(&TermType::General);
    let pairs: Vec<(Term, Term)> = (0..pool.len() * 7)
        .map(|i| (pool[i % pool.len()].clone(), pool[(i * 31 + i / pool.len() * 17) % pool.len()].clone()))
        .collect();
    let column = |terms: Vec<Term>| terms.into_iter().map(Some).collect::<Vec<_>>();
    let (left, right): (Vec<Term>, Vec<Term>) = pairs.into_iter().unzip();
    let table = Table::new(vec![("g", TermType::General, column(left)), ("h", TermType::General, column(right))]);
    let mut expressions: Vec<String> = UNARY.iter().map(|f| format!("{f}(?g)")).collect();
    expressions.extend(BINARY.iter().map(|f| format!("{f}(?g, ?h)")));
    let operators = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "&&", "||"];
    expressions.extend(operators.map(|operator| format!("?g {operator} ?h")));
    let others = [
        "-?g",
        "+?g",
        "!?g",
        "IF(?g, ?h, ?g)",
        "COALESCE(?g + 1, ?h)",
        "?g IN (?h, 1, \"abc\")",
        "SUBSTR(?g, ?h)",
        "REGEX(?g, ?h)",
        "REPLACE(?g, \"a\", ?h)",
    ];
    expressions.extend(others.map(str::to_owned));
    assert!(assert_agrees(&table, &expressions) >= 20_000);
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.terms).finish()
    }
}
