//! Terms in one form for comparison: the typed values as oxsdatatypes writes them.

use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use oxsdatatypes::{Boolean, Date, DateTime, Decimal, Double, Integer};
use std::str::FromStr;

/// The term as N-Triples, its literal in canonical form.
pub fn canonical(term: &Term) -> String {
    let Term::Literal(literal) = term else { return term.to_string() };
    match canonical_lexical(literal) {
        Some(text) => Literal::new_typed_literal(text, literal.datatype()).to_string(),
        None => literal.to_string(),
    }
}

/// The same for a cell that may be unbound.
pub fn canonical_cell(cell: &Option<Term>) -> String {
    cell.as_ref().map_or_else(|| "UNDEF".to_owned(), canonical)
}

fn canonical_lexical(literal: &Literal) -> Option<String> {
    fn again<T: FromStr + ToString>(text: &str) -> Option<String> {
        T::from_str(text).ok().map(|value| value.to_string())
    }
    let text = literal.value();
    match literal.datatype() {
        xsd::INTEGER => again::<Integer>(text),
        xsd::DECIMAL => again::<Decimal>(text),
        xsd::DOUBLE => again::<Double>(text),
        xsd::BOOLEAN => again::<Boolean>(text),
        xsd::DATE => again::<Date>(text),
        xsd::DATE_TIME => again::<DateTime>(text),
        _ => None,
    }
}

pub(super) fn double(term: &Term) -> Option<f64> {
    match term {
        Term::Literal(literal) if literal.datatype() == xsd::DOUBLE => {
            literal.value().parse::<Double>().ok().map(f64::from)
        }
        _ => None,
    }
}

/// One text for all numbers of one value.
pub(super) fn by_value(term: &Term) -> String {
    match number(term) {
        Some(x) => format!("the number {}", x + 0.0),
        None => canonical(term),
    }
}

pub(super) fn number(term: &Term) -> Option<f64> {
    let Term::Literal(literal) = term else { return None };
    match literal.datatype() {
        xsd::INTEGER | xsd::DECIMAL => literal.value().parse().ok(),
        xsd::DOUBLE => double(term),
        _ => None,
    }
}
