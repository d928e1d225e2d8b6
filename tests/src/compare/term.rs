//! Terms as texts for comparison. A term keeps its words: `1.50` and `1.5` are two.

use oxrdf::Term;
use oxrdf::vocab::xsd;
use oxsdatatypes::Double;

/// The term as N-Triples: one text for each term.
pub fn canonical(term: &Term) -> String {
    term.to_string()
}

/// The same for a cell that may be unbound.
pub fn canonical_cell(cell: &Option<Term>) -> String {
    cell.as_ref().map_or_else(|| "UNDEF".to_owned(), canonical)
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
