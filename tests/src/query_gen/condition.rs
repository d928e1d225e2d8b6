//! Expressions: conditions and values over variables in scope, type errors included.

use super::Bound;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const COMPARISONS: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
const PATTERNS: &[&str] = &["b", "^b", "o.t", "[0-9]+", "t$", "a\\\\.b", ".", "^$", "é", "BOLT"];
const PIECES: &[&str] = &["b", "bolt", "BO", "", "1", "a", "é", "http://example.com/", "part/", "\\\"", "-", "%2F"];
const DATATYPES: &[&str] =
    &["xsd:string", "xsd:integer", "xsd:decimal", "xsd:double", "xsd:boolean", "xsd:date", "xsd:dateTime", "ex:code"];

pub(super) fn condition(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    if depth > 0 && rng.random_bool(0.3) {
        let a = condition(rng, bound, depth - 1);
        let b = condition(rng, bound, depth - 1);
        return match rng.random_range(0..3) {
            0 => format!("({a} && {b})"),
            1 => format!("({a} || {b})"),
            _ => format!("(! ({a}))"),
        };
    }
    let x = variable(rng, bound);
    let name = format!("?{}", x.name);
    match rng.random_range(0..20) {
        0..6 => format!("{name} {} {}", one(rng, COMPARISONS), near(rng, &x)),
        6 => format!("{name} {} ?{}", one(rng, COMPARISONS), variable(rng, bound).name),
        7 => format!("BOUND({name})"),
        8 => format!("! BOUND({name})"),
        9 => text_test(rng, &name, &x),
        10 => format!("REGEX(STR({name}), \"{}\"{})", one(rng, PATTERNS), one(rng, &["", "", ", \"i\"", ", \"s\""])),
        11 => language_test(rng, &name),
        12 => format!("DATATYPE({name}) {} {}", one(rng, &["=", "!="]), one(rng, DATATYPES)),
        13 => format!("{}({name})", one(rng, &["isIRI", "isLiteral", "isNumeric", "isBlank"])),
        14 => {
            let list: Vec<String> = (0..rng.random_range(1..5)).map(|_| near(rng, &x)).collect();
            format!("{name} {} ({})", one(rng, &["IN", "IN", "NOT IN"]), list.join(", "))
        }
        15 => format!("sameTerm({name}, {})", near(rng, &x)),
        16 => format!("{} {} {}", arithmetic(rng, bound, 1), one(rng, COMPARISONS), arithmetic(rng, bound, 0)),
        17 => name,
        18 => format!("{} {} {}", value(rng, bound, 1), one(rng, COMPARISONS), near(rng, &x)),
        _ => format!("COALESCE({}, {})", condition_or(rng, bound, depth), one(rng, &["true", "false", "1/0"])),
    }
}

fn condition_or(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    if depth == 0 { format!("?{}", variable(rng, bound).name) } else { condition(rng, bound, depth - 1) }
}

fn text_test(rng: &mut StdRng, name: &str, x: &Bound) -> String {
    let subject = if rng.random_bool(0.6) { name.to_owned() } else { format!("STR({name})") };
    let function = one(rng, &["CONTAINS", "STRSTARTS", "STRENDS"]);
    let own = match &x.sample {
        Some(Term::Literal(literal)) => literal.value().chars().take(rng.random_range(0..4)).collect(),
        Some(Term::NamedNode(node)) => node.as_str().chars().take(rng.random_range(15..25)).collect(),
        _ => String::new(),
    };
    let piece = if rng.random_bool(0.6) {
        Literal::new_simple_literal(own).to_string()
    } else {
        format!("\"{}\"", one(rng, PIECES))
    };
    format!("{function}({subject}, {piece})")
}

fn language_test(rng: &mut StdRng, name: &str) -> String {
    match rng.random_range(0..3) {
        0 => format!("LANG({name}) = \"{}\"", one(rng, &["en", "", "en-gb"])),
        1 => format!("LANGMATCHES(LANG({name}), \"{}\")", one(rng, &["*", "en", "EN-gb"])),
        _ => format!("LANG({name}) != \"en\""),
    }
}

/// A value of any type.
pub(super) fn value(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    let x = variable(rng, bound);
    let name = format!("?{}", x.name);
    match rng.random_range(0..22) {
        0..3 => name,
        3 => near(rng, &x),
        4..6 => format!("STR({name})"),
        6..8 => arithmetic(rng, bound, depth),
        8 => format!("LANG({name})"),
        9 => format!("DATATYPE({name})"),
        10 => format!("STRLEN(STR({name}))"),
        11 => format!("{}({name})", one(rng, &["UCASE", "LCASE", "ENCODE_FOR_URI", "STRLEN"])),
        12 => format!("SUBSTR(STR({name}), {}, {})", rng.random_range(1..4), rng.random_range(0..5)),
        13 => format!("{}(STR({name}), \"{}\")", one(rng, &["STRBEFORE", "STRAFTER"]), one(rng, PIECES)),
        14 => format!("CONCAT(STR({name}), \"-\", STR(?{}))", variable(rng, bound).name),
        15 => format!("REPLACE(STR({name}), \"{}\", \"z\")", one(rng, &["o", "[0-9]", "^a"])),
        16 => format!("{}({name})", one(rng, &["YEAR", "MONTH", "DAY", "HOURS", "MINUTES", "SECONDS", "TZ"])),
        17 => format!("{}({name})", one(rng, &["ABS", "ROUND", "CEIL", "FLOOR"])),
        18 => format!("{}({name})", one(rng, &["STR", "ROUND", "LCASE", "LANG"])),
        19 if depth > 0 => format!(
            "IF({}, {}, {})",
            condition(rng, bound, depth - 1),
            value(rng, bound, depth - 1),
            value(rng, bound, depth - 1)
        ),
        20 if depth > 0 => {
            format!("COALESCE({}, {})", value(rng, bound, depth - 1), value(rng, bound, depth - 1))
        }
        _ => format!("IRI(CONCAT(\"http://example.com/part/\", ENCODE_FOR_URI(STR({name}))))"),
    }
}

fn arithmetic(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    let name = format!("?{}", numeric(rng, bound).name);
    let operand = if depth > 0 && rng.random_bool(0.4) {
        format!("({})", arithmetic(rng, bound, depth - 1))
    } else if rng.random_bool(0.3) {
        format!("?{}", numeric(rng, bound).name)
    } else {
        one(rng, &["1", "2", "0", "0.5", "1.0e0", "-3", "9223372036854775807", "\"x\""]).to_owned()
    };
    match rng.random_range(0..6) {
        0 | 1 => format!("{name} + {operand}"),
        2 => format!("{name} - {operand}"),
        3 => format!("{name} * {operand}"),
        4 => format!("{name} / {operand}"),
        _ => format!("- {name}"),
    }
}

/// A term that the variable's sample is equal to, or close to.
fn near(rng: &mut StdRng, bound: &Bound) -> String {
    let Some(term) = bound.sample.as_ref().filter(|term| !term.is_blank_node()) else {
        return one(rng, &["1", "\"bolt\"", "true", "<http://example.com/part/1>", "0.5"]).to_owned();
    };
    if rng.random_bool(0.6) {
        return term.to_string();
    }
    match term {
        Term::Literal(literal) if is_number(literal) => {
            one(rng, &["0", "1", "2", "3", "1.5", "2.5e0", "-1", "1.0", "\"1\"", "4.25"]).to_owned()
        }
        Term::Literal(literal) if literal.datatype() == xsd::DATE => {
            one(rng, &["\"2024-01-01\"^^xsd:date", "\"2023-12-31\"^^xsd:date", "\"2024-01-01Z\"^^xsd:date"]).to_owned()
        }
        Term::Literal(literal) if literal.datatype() == xsd::DATE_TIME => {
            let times = [
                "\"2024-01-01T00:00:00Z\"^^xsd:dateTime",
                "\"2024-01-01T00:00:00\"^^xsd:dateTime",
                "\"2024-01-01T01:00:00+01:00\"^^xsd:dateTime",
                "\"2024-01-02T00:00:00.000001Z\"^^xsd:dateTime",
            ];
            one(rng, &times).to_owned()
        }
        Term::Literal(_) => one(rng, &["\"bolt\"", "\"Bolt\"", "\"b\"", "\"\"", "1", "true", "\"bolt\"@en"]).to_owned(),
        _ => one(rng, &["<http://example.com/part/1>", "<http://example.com/order/2>", "\"x\""]).to_owned(),
    }
}

/// Whether the variable was drawn for a number.
pub(super) fn is_numeric(bound: &Bound) -> bool {
    matches!(&bound.sample, Some(Term::Literal(literal)) if is_number(literal))
}

fn is_number(literal: &Literal) -> bool {
    [xsd::INTEGER, xsd::DECIMAL, xsd::DOUBLE].contains(&literal.datatype())
}

/// One of the variables, or rarely one that nothing binds.
fn variable(rng: &mut StdRng, bound: &[Bound]) -> Bound {
    match bound.choose(rng) {
        Some(bound) if rng.random_bool(0.98) => bound.clone(),
        _ => Bound { name: "nowhere".to_owned(), sample: None },
    }
}

/// A variable that was drawn for a number, if there is one.
fn numeric(rng: &mut StdRng, bound: &[Bound]) -> Bound {
    let numbers: Vec<Bound> = bound.iter().filter(|b| is_numeric(b)).cloned().collect();
    if rng.random_bool(0.9) && !numbers.is_empty() { variable(rng, &numbers) } else { variable(rng, bound) }
}

pub(super) fn one<'t>(rng: &mut StdRng, texts: &[&'t str]) -> &'t str {
    texts.choose(rng).copied().unwrap_or("1")
}
