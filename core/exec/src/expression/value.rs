//! The operators of SPARQL 17.3 over values; `None` is an error.
//!
//! They are those of spareval, extensions to dates and durations included, except where it departs from the standard:
//! booleans have an order, NaN has none (which makes a comparison false, not an error), and the effective boolean value
//! is that of section 17.2.2.

use super::number::{Number, Operation, compute};
use oxrdf::NamedNodeRef;
use oxrdf::vocab::xsd;
use oxsdatatypes::Boolean;
use spareval::ExpressionTerm;
use std::cmp::Ordering;
use weft_model::term::integer_range;

/// `=`. Literals of which one has an unknown value are equal when they are one term; else it cannot be known.
pub(super) fn equals(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<bool> {
    use ExpressionTerm as T;
    match (a, b) {
        (T::OtherTypedLiteral { .. }, T::OtherTypedLiteral { .. }) => (a == b).then_some(true),
        (T::OtherTypedLiteral { .. }, other) | (other, T::OtherTypedLiteral { .. }) => match other {
            T::NamedNode(_) | T::BlankNode(_) | T::LangStringLiteral { .. } => Some(false),
            _ => None,
        },
        // Not in the table of operators: a day with a timezone and one without cannot always be told apart.
        (T::DateLiteral(a), T::DateLiteral(b)) => a.partial_cmp(b).map(Ordering::is_eq),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(x), Some(y)) => Some(x.partial_cmp(y) == Some(Ordering::Equal)),
            _ if is_duration(a) && is_duration(b) => Some(partial_cmp_durations(a, b) == Some(Ordering::Equal)),
            _ => Some(a == b),
        },
    }
}

/// Whether an ordering operator holds that holds for these orderings.
pub(super) fn compares(a: &ExpressionTerm, b: &ExpressionTerm, holds: impl Fn(Ordering) -> bool) -> Option<bool> {
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return Some(x.partial_cmp(y).is_some_and(holds));
    }
    // Whatever it is, a term is not less and not greater than itself.
    if a == b {
        return Some(holds(Ordering::Equal));
    }
    partial_cmp_literals(a, b).map(holds)
}

fn partial_cmp_literals(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<Ordering> {
    use ExpressionTerm as T;
    match (a, b) {
        (T::StringLiteral(a), T::StringLiteral(b)) => Some(a.cmp(b)),
        (T::LangStringLiteral { value: a, language: la }, T::LangStringLiteral { value: b, language: lb }) => {
            (la == lb).then(|| a.cmp(b))
        }
        (T::BooleanLiteral(a), T::BooleanLiteral(b)) => Some(bool::from(*a).cmp(&bool::from(*b))),
        (T::DateTimeLiteral(a), T::DateTimeLiteral(b)) => a.partial_cmp(b),
        (T::DateLiteral(a), T::DateLiteral(b)) => a.partial_cmp(b),
        (T::TimeLiteral(a), T::TimeLiteral(b)) => a.partial_cmp(b),
        (T::GYearMonthLiteral(a), T::GYearMonthLiteral(b)) => a.partial_cmp(b),
        (T::GYearLiteral(a), T::GYearLiteral(b)) => a.partial_cmp(b),
        (T::GMonthDayLiteral(a), T::GMonthDayLiteral(b)) => a.partial_cmp(b),
        (T::GMonthLiteral(a), T::GMonthLiteral(b)) => a.partial_cmp(b),
        (T::GDayLiteral(a), T::GDayLiteral(b)) => a.partial_cmp(b),
        _ => partial_cmp_durations(a, b),
    }
}

fn is_duration(value: &ExpressionTerm) -> bool {
    use ExpressionTerm as T;
    matches!(value, T::DurationLiteral(_) | T::YearMonthDurationLiteral(_) | T::DayTimeDurationLiteral(_))
}

fn partial_cmp_durations(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<Ordering> {
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

/// The effective boolean value (SPARQL 17.2.2): an ill-typed boolean or number is false, and a plain literal is true
/// unless it is empty, whether it has a language or not.
pub(super) fn truth(value: &ExpressionTerm) -> Option<bool> {
    use ExpressionTerm as T;
    match value {
        T::BooleanLiteral(b) => Some((*b).into()),
        T::StringLiteral(text) | T::LangStringLiteral { value: text, .. } => Some(!text.is_empty()),
        T::IntegerLiteral(n) => Some(Boolean::from(*n).into()),
        T::DecimalLiteral(n) => Some(Boolean::from(*n).into()),
        T::FloatLiteral(n) => Some(Boolean::from(*n).into()),
        T::DoubleLiteral(n) => Some(Boolean::from(*n).into()),
        T::OtherTypedLiteral { datatype, .. } if is_boolean_or_numeric(datatype.as_ref()) => Some(false),
        _ => None,
    }
}

fn is_boolean_or_numeric(datatype: NamedNodeRef<'_>) -> bool {
    [xsd::BOOLEAN, xsd::DECIMAL, xsd::FLOAT, xsd::DOUBLE].contains(&datatype) || integer_range(datatype).is_some()
}

/// The sum of two numbers with the promotions of XPath; `None` on overflow and for what is not a number.
pub(crate) fn sum(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<ExpressionTerm> {
    compute(Operation::Add, Number::of(a)?, Number::of(b)?).map(Into::into)
}

/// A sum divided by how many there were.
pub(crate) fn quotient(sum: &ExpressionTerm, count: i64) -> Option<ExpressionTerm> {
    compute(Operation::Divide, Number::of(sum)?, Number::Integer(count.into())).map(Into::into)
}
