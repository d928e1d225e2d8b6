//! That column functions are used where they should be: no plan of these expressions looks at the term of each row.

use super::fixture::*;
use crate::expression::{filter, value};

fn plan(expression: &str) -> String {
    let table = sample();
    let (_, columns) = value(&parse(expression), &table.layout, &context()).unwrap();
    let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
    columns.join("; ")
}

fn is_native(plan: &str) -> bool {
    !plan.contains("term_") && !plan.contains("value_")
}

#[test]
fn known_types_are_evaluated_natively() {
    let comparisons = [
        "?i < ?j",
        "?i = 7",
        "?i >= ?d",
        "?d != 2.5",
        "?f < ?i",
        "?f = ?d",
        "?f <= ?f",
        "?s < ?t",
        "?s = \"a\"",
        "?b = true",
        "?b < ?b",
        "?day < \"2020-01-01\"^^<http://www.w3.org/2001/XMLSchema#date>",
        "?z < ?z",
        "?w = ?w",
        "?z = ?w",
        "?en = \"abc\"@en",
        "?en < ?en",
        "?en = \"abc\"@fr",
        "?part = <http://ex/part/B>",
        "?part = ?part",
        "?part = <http://elsewhere/>",
        "?lot = ?lots",
        "?rev = ?part",
        "?rev = ?rev",
        "?s = 1",
        "?i = ?s",
        "?i < ?s",
        "?part = ?s",
        "?g = <http://ex/part/B>",
        "?g = ?part",
        "?g = \"abc\"@en",
        "sameTerm(?g, ?h)",
        "sameTerm(?g, 1)",
        "sameTerm(?f, ?f)",
        "sameTerm(?i, ?d)",
        "?c = ?i",
    ];
    let memberships = [
        "?i IN (1, 2, 3)",
        "?s IN (\"a\", \"b\")",
        "?part IN (<http://ex/part/B>, <http://elsewhere/>)",
        "?i IN (?j, 2.5)",
        "?d NOT IN (1.5, 2.5)",
        "?day IN (\"2020-02-29\"^^<http://www.w3.org/2001/XMLSchema#date>)",
    ];
    let arithmetic = [
        "?i + ?j",
        "?i / 2",
        "?d * ?i",
        "?f - ?d",
        "-?d",
        "+?f",
        "ABS(?i)",
        "CEIL(?d)",
        "FLOOR(?f)",
        "ROUND(?d)",
        "<http://www.w3.org/2001/XMLSchema#integer>(?s)",
        "<http://www.w3.org/2001/XMLSchema#decimal>(?i)",
        "<http://www.w3.org/2001/XMLSchema#double>(?d)",
        "<http://www.w3.org/2001/XMLSchema#string>(?z)",
    ];
    let texts = [
        "CONTAINS(?s, \"a\")",
        "STRSTARTS(?en, \"a\")",
        "STRENDS(?s, ?t)",
        "STRLEN(?en)",
        "UCASE(?s)",
        "LCASE(?en)",
        "REGEX(?s, \"^a\", \"i\")",
        "REGEX(STR(?part), \"ex\")",
        "REPLACE(?s, \"a\", \"b\")",
        "SUBSTR(?s, 1, ?i)",
        "CONCAT(?s, \"-\", STR(?i))",
        "ENCODE_FOR_URI(?s)",
        "STRBEFORE(?s, \"/\")",
        "STRAFTER(?s, \"/\")",
        "LANGMATCHES(LANG(?en), \"en\")",
        "CONTAINS(STR(?g), \"a\")",
        "REGEX(STR(?g), \"a\")",
    ];
    let terms = [
        "STR(?part)",
        "STR(?d)",
        "LANG(?en)",
        "LANG(?i)",
        "DATATYPE(?i)",
        "isIRI(?part)",
        "isLITERAL(?s)",
        "isNUMERIC(?f)",
        "isBLANK(?g)",
        "DATATYPE(?g) = <http://www.w3.org/2001/XMLSchema#integer>",
        "YEAR(?day)",
        "MONTH(?z)",
        "DAY(?w)",
        "HOURS(?z)",
        "MINUTES(?w)",
        "SECONDS(?z)",
        "TZ(?z)",
        "BOUND(?rev)",
        "NOW() > ?z",
    ];
    let choices = [
        "?i = 1 || ?s = \"a\" && !(?b)",
        "IF(?i > 1, ?s, \"none\")",
        "COALESCE(?i, ?j, 0)",
        "IF(?b, ?i, ?s)",
        "COALESCE(?part, ?s)",
        "IF(?i, 1, 2)",
        "!?s",
    ];
    let all = [&comparisons[..], &memberships, &arithmetic, &texts, &terms, &choices].concat();
    for expression in all {
        let plan = plan(expression);
        assert!(is_native(&plan), "{expression}: {plan}");
        let filter = filter(&parse(expression), &sample().layout, &context()).unwrap().to_string();
        // What has no effective boolean value by its type is left to the interpreter.
        let has_truth = comparisons.contains(&expression) || memberships.contains(&expression);
        assert!(!has_truth || is_native(&filter), "{expression}: {filter}");
    }
}

#[test]
fn kernels_are_those_of_the_types() {
    for (expression, kernel) in [
        ("?i < ?j", "i@0 < j@1"),
        ("?i < ?d", "integer_to_decimal"),
        ("?i < ?f", "double_Less"),
        ("?b < ?b", "b@"),
        ("?s < ?t", "s@5 < t@6"),
        ("?rev = ?rev", "AND"),
        ("?lot = ?lots", "key_text"),
        ("?s = 1", "false_where_bound"),
        ("?i IN (1, 2)", "IN"),
        ("?i + ?j", "add<xsd:integer, xsd:integer>"),
        ("REGEX(?s, \"^a\", \"i\")", "regex"),
        ("CONTAINS(?s, ?t)", "CONTAINS"),
        ("BOUND(?i)", "IS NOT NULL"),
        ("COALESCE(?i, 0)", "coalesce<xsd:integer>"),
        ("IF(?b, ?s, \"x\")", "if<xsd:string>"),
        ("IF(?b, ?i, \"x\")", "if<any term>"),
    ] {
        let plan = plan(expression);
        assert!(plan.contains(kernel) && is_native(&plan), "{expression}: {plan}");
    }
}

#[test]
fn only_the_smallest_part_looks_at_terms() {
    let plan = plan("?i = 1 || MD5(?s) = \"x\"");
    assert!(plan.contains("i@0 = 1 OR term_MD5"), "{plan}");
}

#[test]
fn equal_expressions_are_equal_and_others_are_not() {
    let table = sample();
    let column = |e: &str| filter(&parse(e), &table.layout, &context()).unwrap();
    assert_eq!(&column("REGEX(?s, \"a\")"), &column("REGEX(?s, \"a\")"));
    assert_ne!(&column("REGEX(?s, \"a\")"), &column("REGEX(?s, \"b\")"));
    assert_ne!(&column("REGEX(?s, \"a\")"), &column("REGEX(?t, \"a\")"));
    assert_eq!(&column("MD5(?s) = \"x\""), &column("MD5(?s) = \"x\""));
    assert_ne!(&column("MD5(?s) = \"x\""), &column("MD5(?s) = \"y\""));
}
