//! Random expressions over random rows.

use super::assert_agrees;
use super::fixture::*;
use oxrdf::{NamedNode, Term};
use proptest::prelude::*;
use proptest::sample::select;
use weft_model::term::{KeyKind, LiteralType, TermType};

/// The variables of the tables, and their types.
pub(crate) fn types() -> Vec<(&'static str, TermType)> {
    vec![
        ("i", native(LiteralType::Integer)),
        ("j", native(LiteralType::Integer)),
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
                all(&["0", "1", "-0", "2.5", "NaN", "INF", "-INF", "0.1", "1e300", "9007199254740992"], "double")
            }
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
            terms.extend(all(&["1.5", "0.1", "INF"], "float"));
            terms.push(typed("2020", "gYear"));
            terms.extend([
                typed("2020-02-29T14:00:00+02:00", "dateTime"),
                typed("five", "integer"),
                typed("7", "byte"),
            ]);
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
        // A blank node that BNODE makes has a name of its own in each query.
        let unary = UNARY.iter().copied().filter(|f| *f != "BNODE").collect::<Vec<_>>();
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (select(unary), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn random_expressions_agree_with_the_oracle(
        table in table(),
        expressions in proptest::collection::vec(expression(), 12),
    ) {
        assert_agrees(&table, &expressions);
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.terms).finish()
    }
}
