//! ORDER BY, as far as SPARQL section 15.1 determines it.

use super::Cells;
use super::term::{double, number};
use crate::query_gen::Query;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use oxsdatatypes::{Date, DateTime, Decimal};
use std::cmp::Ordering;

/// Terms within one family have an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Iri,
    Number,
    Text,
    Boolean,
    Date,
    ZonedDateTime,
    LocalDateTime,
    /// No two of these have a defined order.
    Unordered,
}

pub(super) fn family(term: &Term) -> Family {
    match term {
        Term::NamedNode(_) => Family::Iri,
        Term::Literal(literal) => literal_family(term, literal),
        _ => Family::Unordered,
    }
}

fn literal_family(term: &Term, literal: &Literal) -> Family {
    if literal.language().is_some() {
        return Family::Unordered;
    }
    match literal.datatype() {
        xsd::INTEGER | xsd::DECIMAL | xsd::DOUBLE if number(term).is_some_and(|x| !x.is_nan()) => Family::Number,
        xsd::STRING => Family::Text,
        xsd::BOOLEAN => Family::Boolean,
        xsd::DATE if !has_zone(literal.value()) => Family::Date,
        xsd::DATE_TIME if has_zone(literal.value()) => Family::ZonedDateTime,
        xsd::DATE_TIME => Family::LocalDateTime,
        _ => Family::Unordered,
    }
}

fn has_zone(text: &str) -> bool {
    text.ends_with('Z') || text.len() > 6 && matches!(text.as_bytes()[text.len() - 6], b'+') || zone_minus(text)
}

/// A minus sign six characters from the end of a date is a zone only after the time or a whole date.
fn zone_minus(text: &str) -> bool {
    text.len() >= 16 && text.as_bytes()[text.len() - 6] == b'-' && text.as_bytes()[text.len() - 3] == b':'
}

/// What contradicts the order the query asks for.
pub(super) fn violation(query: &Query, variables: &[String], all: &[Cells], found: &[Cells]) -> Option<String> {
    let mut keys: Vec<(usize, bool)> = Vec::new();
    for (name, descending) in &query.order_by {
        // A key that is not in the answer cannot be checked, nor can anything after it.
        let Some(column) = variables.iter().position(|variable| variable == name) else { break };
        if !is_determined(all, column) {
            break;
        }
        keys.push((column, *descending));
    }
    if keys.is_empty() {
        return None;
    }
    let mut sorted: Vec<&Cells> = all.iter().collect();
    sorted.sort_by(|a, b| compare(a, b, &keys));
    let sorted = sorted.into_iter().skip(query.offset.unwrap_or(0));
    let wrong = sorted.zip(found).position(|(expected, got)| compare(expected, got, &keys).is_ne());
    // With a key left out of the check, what LIMIT keeps among equals is still determined by this prefix.
    wrong.map(|row| format!("row {row} is not in its place"))
}

/// Whether LIMIT and OFFSET take the same rows of `all` under any order that the query's ORDER BY allows.
pub fn is_determined_cut(query: &Query, variables: &[String], all: &[Cells]) -> bool {
    let mut keys: Vec<(usize, bool)> = Vec::new();
    for (name, descending) in &query.order_by {
        match variables.iter().position(|variable| variable == name) {
            Some(column) if is_determined(all, column) => keys.push((column, *descending)),
            _ => return false,
        }
    }
    let mut sorted: Vec<&Cells> = all.iter().collect();
    sorted.sort_by(|a, b| compare(a, b, &keys));
    let start = query.offset.unwrap_or(0);
    let end = query.limit.map_or(sorted.len(), |limit| start + limit);
    [start, end]
        .into_iter()
        .all(|cut| cut == 0 || cut >= sorted.len() || compare(sorted[cut - 1], sorted[cut], &keys).is_ne())
}

fn is_determined(rows: &[Cells], column: usize) -> bool {
    let literals = || rows.iter().filter_map(|row| row[column].as_ref()).filter(|term| !term.is_named_node());
    let first = literals().next().map(family);
    first != Some(Family::Unordered)
        && literals().all(|term| Some(family(term)) == first)
        // Decimals that one double is equal to have an order among themselves.
        && !(literals().any(is_double) && literals().any(|term| !is_double(term) && is_beyond_doubles(term)))
}

fn is_double(term: &Term) -> bool {
    double(term).is_some()
}

/// Whether a double need not tell the number from the next integer.
fn is_beyond_doubles(term: &Term) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number(term).is_some_and(|number| number.abs() >= EXACT)
}

fn compare(a: &Cells, b: &Cells, keys: &[(usize, bool)]) -> Ordering {
    for (column, descending) in keys {
        let order = compare_terms(a[*column].as_ref(), b[*column].as_ref());
        if order.is_ne() {
            return if *descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

/// Unbound before blank nodes before IRIs before literals.
fn compare_terms(a: Option<&Term>, b: Option<&Term>) -> Ordering {
    let rank = |term: Option<&Term>| match term {
        None => 0,
        Some(Term::BlankNode(_)) => 1,
        Some(Term::NamedNode(_)) => 2,
        Some(_) => 3,
    };
    let (Some(x), Some(y)) = (a, b) else { return rank(a).cmp(&rank(b)) };
    if rank(a) != rank(b) {
        return rank(a).cmp(&rank(b));
    }
    if let (Term::NamedNode(left), Term::NamedNode(right)) = (x, y) {
        return left.as_str().cmp(right.as_str());
    }
    let (Term::Literal(left), Term::Literal(right)) = (x, y) else { return Ordering::Equal };
    match family(x) {
        // Floating sums depend on the order of addition.
        Family::Number if are_close_doubles(x, y) => Ordering::Equal,
        Family::Number if is_double(x) || is_double(y) => number(x).partial_cmp(&number(y)).unwrap_or(Ordering::Equal),
        Family::Number => match (left.value().parse::<Decimal>(), right.value().parse::<Decimal>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => number(x).partial_cmp(&number(y)).unwrap_or(Ordering::Equal),
        },
        Family::Date => instant::<Date>(left).partial_cmp(&instant(right)).unwrap_or(Ordering::Equal),
        Family::ZonedDateTime | Family::LocalDateTime => {
            instant::<DateTime>(left).partial_cmp(&instant(right)).unwrap_or(Ordering::Equal)
        }
        _ => left.value().cmp(right.value()),
    }
}

fn are_close_doubles(x: &Term, y: &Term) -> bool {
    matches!((double(x), double(y)), (Some(a), Some(b)) if super::is_close(&[a], &[b]))
}

fn instant<T: std::str::FromStr>(literal: &Literal) -> Option<T> {
    literal.value().parse().ok()
}
