//! The order of two terms, as spareval's MIN and MAX see it.

use oxrdf::Term;
use oxsdatatypes::{Decimal, Double, Float};
use spareval::ExpressionTerm;
use std::cmp::Ordering;

/// Blank nodes, IRIs, literals. Literals that can be compared are compared by value, others by lexical form, datatype
/// and language; over literals of several kinds this is no consistent order.
pub(crate) fn cmp_terms(a: &ExpressionTerm, b: &ExpressionTerm) -> Ordering {
    use ExpressionTerm as T;
    match (a, b) {
        (T::BlankNode(a), T::BlankNode(b)) => a.as_str().cmp(b.as_str()),
        (T::BlankNode(_), _) => Ordering::Less,
        (_, T::BlankNode(_)) => Ordering::Greater,
        (T::NamedNode(a), T::NamedNode(b)) => a.as_str().cmp(b.as_str()),
        (T::NamedNode(_), _) => Ordering::Less,
        (_, T::NamedNode(_)) => Ordering::Greater,
        (a, b) => partial_cmp_literals(a, b).unwrap_or_else(|| cmp_lexical(a, b)),
    }
}

fn cmp_lexical(a: &ExpressionTerm, b: &ExpressionTerm) -> Ordering {
    match (a.clone().into(), b.clone().into()) {
        (Term::Literal(a), Term::Literal(b)) => {
            (a.value(), a.datatype(), a.language()).cmp(&(b.value(), b.datatype(), b.language()))
        }
        _ => Ordering::Equal,
    }
}

fn partial_cmp_literals(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<Ordering> {
    use ExpressionTerm as T;
    match (a, b) {
        (T::StringLiteral(a), T::StringLiteral(b)) => Some(a.cmp(b)),
        (T::LangStringLiteral { value: a, language: la }, T::LangStringLiteral { value: b, language: lb }) => {
            (la == lb).then(|| a.cmp(b))
        }
        (T::DateTimeLiteral(a), T::DateTimeLiteral(b)) => a.partial_cmp(b),
        (T::DateLiteral(a), T::DateLiteral(b)) => a.partial_cmp(b),
        (T::TimeLiteral(a), T::TimeLiteral(b)) => a.partial_cmp(b),
        (T::GYearMonthLiteral(a), T::GYearMonthLiteral(b)) => a.partial_cmp(b),
        (T::GYearLiteral(a), T::GYearLiteral(b)) => a.partial_cmp(b),
        (T::GMonthDayLiteral(a), T::GMonthDayLiteral(b)) => a.partial_cmp(b),
        (T::GMonthLiteral(a), T::GMonthLiteral(b)) => a.partial_cmp(b),
        (T::GDayLiteral(a), T::GDayLiteral(b)) => a.partial_cmp(b),
        _ => cmp_numbers(a, b).or_else(|| cmp_durations(a, b)),
    }
}

/// Integers exactly, decimals exactly, floats by rounding the other, doubles before floats.
fn cmp_numbers(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<Ordering> {
    use ExpressionTerm as T;
    match (a, b) {
        (T::IntegerLiteral(a), T::IntegerLiteral(b)) => a.partial_cmp(b),
        (T::DoubleLiteral(_), _) | (_, T::DoubleLiteral(_)) => to_double(a)?.partial_cmp(&to_double(b)?),
        (T::FloatLiteral(_), _) | (_, T::FloatLiteral(_)) => to_float(a)?.partial_cmp(&to_float(b)?),
        _ => to_decimal(a)?.partial_cmp(&to_decimal(b)?),
    }
}

pub(crate) fn to_double(term: &ExpressionTerm) -> Option<Double> {
    match term {
        ExpressionTerm::DoubleLiteral(n) => Some(*n),
        ExpressionTerm::FloatLiteral(n) => Some((*n).into()),
        ExpressionTerm::IntegerLiteral(n) => Some((*n).into()),
        ExpressionTerm::DecimalLiteral(n) => Some((*n).into()),
        _ => None,
    }
}

pub(crate) fn to_float(term: &ExpressionTerm) -> Option<Float> {
    match term {
        ExpressionTerm::FloatLiteral(n) => Some(*n),
        ExpressionTerm::IntegerLiteral(n) => Some((*n).into()),
        ExpressionTerm::DecimalLiteral(n) => Some((*n).into()),
        _ => None,
    }
}

pub(crate) fn to_decimal(term: &ExpressionTerm) -> Option<Decimal> {
    match term {
        ExpressionTerm::IntegerLiteral(n) => Some((*n).into()),
        ExpressionTerm::DecimalLiteral(n) => Some(*n),
        _ => None,
    }
}

fn cmp_durations(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<Ordering> {
    use ExpressionTerm as T;
    match (a, b) {
        (T::DurationLiteral(a), T::DurationLiteral(b)) => a.partial_cmp(b),
        (T::DurationLiteral(a), T::YearMonthDurationLiteral(b)) => a.partial_cmp(b),
        (T::DurationLiteral(a), T::DayTimeDurationLiteral(b)) => a.partial_cmp(b),
        (T::YearMonthDurationLiteral(a), T::DurationLiteral(b)) => a.partial_cmp(b),
        (T::YearMonthDurationLiteral(a), T::YearMonthDurationLiteral(b)) => a.partial_cmp(b),
        (T::YearMonthDurationLiteral(a), T::DayTimeDurationLiteral(b)) => a.partial_cmp(b),
        (T::DayTimeDurationLiteral(a), T::DurationLiteral(b)) => a.partial_cmp(b),
        (T::DayTimeDurationLiteral(a), T::YearMonthDurationLiteral(b)) => a.partial_cmp(b),
        (T::DayTimeDurationLiteral(a), T::DayTimeDurationLiteral(b)) => a.partial_cmp(b),
        _ => None,
    }
}
