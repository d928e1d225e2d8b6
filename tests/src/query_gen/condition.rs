//! Expressions: conditions and values over variables in scope, type errors included.
//!
//! They are drawn from forms with places to fill: `{x}` any variable, `{y}` another, `{n}` `{t}` `{d}` one drawn for a
//! number, a text, a time, `{v}` a term close to the one `{x}` was drawn for, `{e}` a value, `{c}` a condition, `{p}` a
//! piece of text, `{r}` a regular expression, `{i}` a small number, `{k}` a number of any kind, `{o}` a comparison.

use super::Bound;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const COMPARISONS: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
const PATTERNS: &[&str] = &["b", "^b", "o.t", "[0-9]+", "t$", "a\\\\.b", ".", "^$", "é", "BOLT", "(b|n)", "B o"];
const FLAGS: &[&str] = &["", "", ", \"i\"", ", \"s\"", ", \"im\"", ", \"x\""];
const PIECES: &[&str] = &["b", "bolt", "BO", "", "1", "a", "é", "http://example.com/", "part/", "\\\"", "-", "%2F"];
const NUMBERS: &[&str] =
    &["1", "2", "0", "0.5", "1.0E0", "-3", "9223372036854775807", "\"x\"", "\"1\"^^xsd:float", "\"3\"^^xsd:byte"];
const DATATYPES: &[&str] = &[
    "xsd:string",
    "xsd:integer",
    "xsd:decimal",
    "xsd:double",
    "xsd:boolean",
    "xsd:date",
    "xsd:dateTime",
    "ex:code",
    "xsd:float",
];

const CONDITIONS: &[&str] = &[
    "{x} {o} {v}",
    "{x} {o} {v}",
    "{x} {o} {v}",
    "{x} {o} {v}",
    "{x} {o} {y}",
    "BOUND({x})",
    "! BOUND({x})",
    "{T}",
    "REGEX(STR({x}), \"{r}\"{f})",
    "LANG({x}) {=} \"{l}\"",
    "LANGMATCHES(LANG({x}), \"{L}\")",
    "DATATYPE({x}) {=} {D}",
    "isIRI({x})",
    "isURI({x})",
    "isLiteral({x})",
    "isNumeric({x})",
    "isBlank({x})",
    "{x} IN ({v}, {v})",
    "{x} IN ({v}, {e})",
    "{x} NOT IN ({v}, {v}, 1/0)",
    "{i} IN ()",
    "sameTerm({x}, {v})",
    "sameTerm({x}, {y})",
    "{A} {o} {A}",
    "{x}",
    "{e} {o} {v}",
    "COALESCE({c}, {b})",
    "xsd:boolean({e})",
    "IF({c}, {b}, {c})",
];

/// What is not the same twice is used in a way that is.
const VALUES: &[&str] = &[
    "{x}",
    "{x}",
    "{v}",
    "STR({x})",
    "STR({x})",
    "{A}",
    "{A}",
    "LANG({x})",
    "DATATYPE({x})",
    "STRLEN(STR({x}))",
    "UCASE({t})",
    "LCASE({x})",
    "ENCODE_FOR_URI({t})",
    "STRLEN({t})",
    "SUBSTR(STR({x}), {i}, {i})",
    "SUBSTR({t}, {i})",
    "STRBEFORE({t}, {p})",
    "STRAFTER(STR({x}), {p})",
    "CONCAT(STR({x}), \"-\", STR({y}))",
    "CONCAT({t}, {t})",
    "CONCAT()",
    "REPLACE(STR({x}), \"{r}\", \"z\"{f})",
    "REPLACE({t}, \"(o)(.)\", \"$2$1\")",
    "YEAR({d})",
    "MONTH({d})",
    "DAY({d})",
    "HOURS({d})",
    "MINUTES({d})",
    "SECONDS({d})",
    "TZ({d})",
    "TIMEZONE({d})",
    "ABS({n})",
    "ROUND({n})",
    "CEIL({n})",
    "FLOOR({n})",
    "FLOOR({x})",
    "IF({c}, {e}, {e})",
    "COALESCE({e}, {e})",
    "COALESCE(1/0, {x}, {e})",
    "IRI(CONCAT(\"http://example.com/part/\", ENCODE_FOR_URI(STR({x}))))",
    "URI(STR({x}))",
    "IRI({x})",
    "STRDT(STR({x}), ex:code)",
    "STRDT({t}, xsd:string)",
    "STRLANG(STR({x}), \"en\")",
    "STRLANG({t}, \"EN-gb\")",
    "xsd:string({x})",
    "xsd:integer({x})",
    "xsd:integer({n})",
    "xsd:decimal({n})",
    "xsd:double({x})",
    "xsd:float({n})",
    "xsd:boolean({x})",
    "xsd:dateTime({d})",
    "xsd:dateTime(STR({d}))",
    "MD5({t})",
    "SHA1({t})",
    "SHA256(STR({x}))",
    "SHA384({t})",
    "SHA512({t})",
    "isBlank(BNODE())",
    "isBlank(BNODE(\"a\"))",
    "sameTerm(BNODE(\"a\"), BNODE(\"a\"))",
    "isNumeric(RAND())",
    "(RAND() < 1 && RAND() >= 0)",
    "(NOW() = NOW())",
    "DATATYPE(NOW())",
    "STRLEN(STRUUID())",
    "STRSTARTS(STR(UUID()), \"urn:uuid:\")",
    "({x} {o} {v})",
    "({c} && {c})",
    "({c} || {c})",
    "! {c}",
    "BOUND({x})",
    "{x} = {y}",
];

pub(super) fn condition(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    if depth > 0 && rng.random_bool(0.3) {
        let form = one(rng, &["({c} && {c})", "({c} || {c})", "(! {c})"]);
        return Places::new(bound, depth).fill(rng, form);
    }
    let form = one(rng, CONDITIONS);
    Places::new(bound, depth).fill(rng, form)
}

/// A value of any type.
pub(super) fn value(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    let form = one(rng, VALUES);
    Places::new(bound, depth).fill(rng, form)
}

/// What the places of one form are filled with.
struct Places<'a> {
    bound: &'a [Bound],
    depth: usize,
    /// The variable of `{x}`, once it is drawn.
    x: Option<Bound>,
}

impl<'a> Places<'a> {
    fn new(bound: &'a [Bound], depth: usize) -> Self {
        Self { bound, depth, x: None }
    }

    fn fill(mut self, rng: &mut StdRng, form: &str) -> String {
        let mut text = String::new();
        let mut rest = form;
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map_or(rest.len(), |end| start + end);
            text.push_str(&rest[..start]);
            let place = rest.get(start + 1..end).unwrap_or_default();
            text.push_str(&self.place(rng, place));
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        text + rest
    }

    fn x(&mut self, rng: &mut StdRng) -> Bound {
        let bound = self.bound;
        self.x.get_or_insert_with(|| variable(rng, bound)).clone()
    }

    fn place(&mut self, rng: &mut StdRng, place: &str) -> String {
        let deeper = self.depth.saturating_sub(1);
        match place {
            "x" => format!("?{}", self.x(rng).name),
            "y" => format!("?{}", variable(rng, self.bound).name),
            "n" => format!("?{}", numeric(rng, self.bound).name),
            "t" => self.text(rng),
            "d" => format!("?{}", drawn_for(rng, self.bound, is_time).name),
            "v" => {
                let x = self.x(rng);
                near(rng, &x)
            }
            "e" if self.depth > 0 => value(rng, self.bound, deeper),
            "e" => format!("?{}", variable(rng, self.bound).name),
            "c" if self.depth > 0 => format!("({})", condition(rng, self.bound, deeper)),
            "c" => format!("?{}", variable(rng, self.bound).name),
            "A" => arithmetic(rng, self.bound, self.depth.min(1)),
            "T" => {
                let x = self.x(rng);
                text_test(rng, &x)
            }
            "p" => format!("\"{}\"", one(rng, PIECES)),
            "r" => one(rng, PATTERNS).to_owned(),
            "f" => one(rng, FLAGS).to_owned(),
            "i" => rng.random_range(0..5).to_string(),
            "k" => one(rng, NUMBERS).to_owned(),
            "o" => one(rng, COMPARISONS).to_owned(),
            "=" => one(rng, &["=", "!="]).to_owned(),
            "l" => one(rng, &["en", "", "en-gb"]).to_owned(),
            "L" => one(rng, &["*", "en", "EN-gb"]).to_owned(),
            "D" => one(rng, DATATYPES).to_owned(),
            _ => one(rng, &["true", "false", "1/0"]).to_owned(),
        }
    }

    fn text(&mut self, rng: &mut StdRng) -> String {
        let x = drawn_for(rng, self.bound, is_text);
        if rng.random_bool(0.8) {
            format!("?{}", x.name)
        } else {
            one(rng, &["\"bolt\"@en", "\"été\"", "\"nut m8\""]).to_owned()
        }
    }
}

fn text_test(rng: &mut StdRng, x: &Bound) -> String {
    let subject = if rng.random_bool(0.6) { format!("?{}", x.name) } else { format!("STR(?{})", x.name) };
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

fn arithmetic(rng: &mut StdRng, bound: &[Bound], depth: usize) -> String {
    let name = format!("?{}", numeric(rng, bound).name);
    let operand = if depth > 0 && rng.random_bool(0.4) {
        format!("({})", arithmetic(rng, bound, depth - 1))
    } else if rng.random_bool(0.3) {
        format!("?{}", numeric(rng, bound).name)
    } else {
        one(rng, NUMBERS).to_owned()
    };
    match rng.random_range(0..7) {
        0 | 1 => format!("{name} + {operand}"),
        2 => format!("{name} - {operand}"),
        3 => format!("{name} * {operand}"),
        4 => format!("{name} / {operand}"),
        5 => format!("+ {name}"),
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
            let numbers = [
                "0",
                "1",
                "2",
                "3",
                "1.5",
                "2.5E0",
                "-1",
                "1.0",
                "\"1\"",
                "4.25",
                "\"2\"^^xsd:float",
                "\"01\"^^xsd:integer",
            ];
            one(rng, &numbers).to_owned()
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

fn is_text(bound: &Bound) -> bool {
    matches!(&bound.sample, Some(Term::Literal(literal)) if literal.datatype() == xsd::STRING || literal.language().is_some())
}

pub(super) fn is_time(bound: &Bound) -> bool {
    matches!(&bound.sample, Some(Term::Literal(literal)) if [xsd::DATE_TIME, xsd::DATE].contains(&literal.datatype()))
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

fn numeric(rng: &mut StdRng, bound: &[Bound]) -> Bound {
    drawn_for(rng, bound, is_numeric)
}

/// A variable that was drawn for such a term, if there is one.
fn drawn_for(rng: &mut StdRng, bound: &[Bound], fits: fn(&Bound) -> bool) -> Bound {
    let fitting: Vec<Bound> = bound.iter().filter(|b| fits(b)).cloned().collect();
    if rng.random_bool(0.9) && !fitting.is_empty() { variable(rng, &fitting) } else { variable(rng, bound) }
}

pub(super) fn one<'t>(rng: &mut StdRng, texts: &[&'t str]) -> &'t str {
    texts.choose(rng).copied().unwrap_or("1")
}
