//! ORDER BY against the oracle: the rows in our order are in one the oracle gives.

use super::fixture::*;
use super::property::{pool, types};
use crate::expression::{sort_key, sort_keys};
use arrow_array::ArrayRef;
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use oxrdf::Term;
use proptest::prelude::*;
use spareval::ExpressionTerm;
use spargebra::algebra::OrderExpression;
use weft_model::term::TermType;

/// The values of `expression` in the order of its sort keys.
fn sorted(table: &Table, expression: &str, descending: bool) -> Vec<Option<Term>> {
    let parsed = parse(expression);
    let order = if descending { OrderExpression::Desc(parsed.clone()) } else { OrderExpression::Asc(parsed.clone()) };
    let values = evaluate(&parsed, table);
    let keys = sort_keys(&order, &table.layout, &context()).unwrap();
    let columns: Vec<SortColumn> = keys
        .into_iter()
        .map(|(expr, options)| {
            let values: ArrayRef = expr.evaluate(&table.batch).unwrap().into_array(table.batch.num_rows()).unwrap();
            SortColumn { values, options: Some(options) }
        })
        .collect();
    if columns.is_empty() {
        return values;
    }
    let indices = lexsort_to_indices(&columns, None).unwrap();
    indices.values().iter().map(|row| values[usize::try_from(*row).unwrap()].clone()).collect()
}

fn oracle(table: &Table, expression: &str, descending: bool) -> Vec<Option<Term>> {
    let direction = if descending { "DESC" } else { "ASC" };
    let query =
        format!("SELECT (({expression}) AS ?v) WHERE {{ {} }} ORDER BY {direction}({expression})", table.pattern());
    select(&table.dataset(), &query).iter().map(|solution| solution.get("v").cloned()).collect()
}

/// Terms the oracle finds equal may stand in any order.
fn assert_same_order(found: &[Option<Term>], expected: &[Option<Term>], what: &str) {
    let is_equal = |(a, b): (&Option<Term>, &Option<Term>)| match (a, b) {
        (Some(a), Some(b)) => sort_key(&ExpressionTerm::from(a.clone())) == sort_key(&ExpressionTerm::from(b.clone())),
        (a, b) => a == b,
    };
    assert!(found.iter().zip(expected).all(is_equal), "{what}\nfound    {found:?}\nexpected {expected:?}");
}

/// Terms of kinds over which the oracle's order is consistent.
fn consistent() -> Vec<Vec<Term>> {
    let of = |names: &[&str]| {
        types().iter().filter(|(n, _)| names.contains(n)).flat_map(|(_, t)| pool(t)).collect::<Vec<_>>()
    };
    let nodes = || [of(&["part", "lot", "rev"]), vec![blank("b1"), blank("b2")]].concat();
    let duration = ["P1D", "PT25H", "-P2D"].map(|d| typed(d, "dayTimeDuration"));
    let months = ["P2Y", "P14M", "-P1M"].map(|d| typed(d, "yearMonthDuration"));
    vec![
        [nodes(), of(&["s", "t", "en", "other", "b"]), vec![lang("abc", "fr"), typed("five", "integer")]].concat(),
        [nodes(), of(&["i", "d"]), vec![typed("7", "byte")]].concat(),
        [nodes(), of(&["f"]), vec![typed("1", "integer"), typed("2.5", "decimal"), typed("0.1", "decimal")]].concat(),
        [nodes(), of(&["z"]), vec![typed("2020-02-29T14:00:00+02:00", "dateTime")]].concat(),
        [nodes(), of(&["w"])].concat(),
        [nodes(), of(&["day"])].concat(),
        [nodes(), ["12:00:00Z", "12:00:00+01:00", "00:00:00.5Z"].map(|t| typed(t, "time")).into()].concat(),
        [nodes(), ["2020", "-0001", "1999"].map(|t| typed(t, "gYear")).into()].concat(),
        [nodes(), duration.into()].concat(),
        [nodes(), months.into()].concat(),
        [nodes(), ["1.5", "NaN", "-0", "0", "INF"].map(|n| typed(n, "float")).into()].concat(),
    ]
}

#[test]
fn every_type_is_ordered_as_by_the_oracle() {
    for (name, term_type) in types() {
        if term_type == TermType::General {
            continue;
        }
        let mut terms: Vec<_> = pool(&term_type).into_iter().map(Some).collect();
        if !matches!(term_type, TermType::Constant(_)) {
            terms.insert(1, None);
        }
        if name == "time" {
            terms.truncate(3); // An ill-typed literal has no place among the others in the oracle.
        }
        let table = Table::new(vec![("x", term_type, terms)]);
        for descending in [false, true] {
            let (found, expected) = (sorted(&table, "?x", descending), oracle(&table, "?x", descending));
            assert_same_order(&found, &expected, name);
        }
    }
}

#[test]
fn errors_and_expressions_are_ordered_too() {
    let table = sample();
    for expression in ["STRLEN(?s)", "?i + ?d", "STR(?part)", "MD5(?s)", "?i = ?j", "IF(?b, ?i, ?d)", "3"] {
        assert_same_order(&sorted(&table, expression, false), &oracle(&table, expression, false), expression);
    }
}

/// A tie in the first key leaves the order to the second: keys are equal where the oracle finds the terms equal.
#[test]
fn keys_of_equal_terms_are_equal() {
    let terms = [typed("1", "integer"), typed("1", "decimal"), typed("1", "double"), typed("1", "float")];
    let count = terms.len();
    let tie = Table::new(vec![("x", TermType::General, terms.map(Some).into())]);
    let key = sort_keys(&OrderExpression::Asc(parse("?x")), &tie.layout, &context()).unwrap().remove(0).0;
    let keys = key.evaluate(&tie.batch).unwrap().into_array(count).unwrap();
    let first = keys.slice(0, 1);
    assert!((1..count).all(|row| keys.slice(row, 1).as_ref() == first.as_ref()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mixed_columns_are_ordered_as_by_the_oracle(
        kind in 0..consistent().len(),
        picks in proptest::collection::vec(proptest::option::weighted(0.9, any::<proptest::sample::Index>()), 2..20),
        descending in any::<bool>(),
    ) {
        let pool = consistent().swap_remove(kind);
        let terms = picks.iter().map(|pick| pick.map(|pick| pick.get(&pool).clone())).collect();
        let table = Table::new(vec![("x", TermType::General, terms)]);
        assert_same_order(&sorted(&table, "?x", descending), &oracle(&table, "?x", descending), "mixed");
    }
}
