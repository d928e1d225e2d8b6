//! Terms as bytes whose order is the order of the terms.

use crate::columns::unscaled;
use oxrdf::Term;
use oxsdatatypes::{Decimal, Double};
use spareval::ExpressionTerm;

/// The classes of terms, in order. Terms of one class are compared by value.
#[derive(Clone, Copy)]
enum Class {
    BlankNode = 0x10,
    Iri = 0x20,
    Number = 0x30,
    DateTime = 0x40,
    Date,
    Time,
    YearMonth,
    Year,
    MonthDay,
    Month,
    Day,
    Duration = 0x50,
    /// Strings, booleans, and literals whose value is not known: in the order of their lexical forms.
    Lexical = 0x60,
}

/// Two keys are equal only when neither term comes before the other.
pub(crate) fn sort_key(term: &ExpressionTerm) -> Vec<u8> {
    use ExpressionTerm as T;
    match term {
        T::BlankNode(node) => text(Class::BlankNode, node.as_str()),
        T::NamedNode(node) => text(Class::Iri, node.as_str()),
        T::IntegerLiteral(n) => number((*n).into(), unscaled((*n).into())),
        T::DecimalLiteral(n) => number((*n).into(), unscaled(*n)),
        T::DoubleLiteral(n) => number(*n, decimal_of(&n.to_string())),
        T::FloatLiteral(n) => number((*n).into(), decimal_of(&n.to_string())),
        T::DateTimeLiteral(t) => timestamp(Class::DateTime, t.to_be_bytes()),
        T::DateLiteral(t) => timestamp(Class::Date, t.to_be_bytes()),
        T::TimeLiteral(t) => timestamp(Class::Time, t.to_be_bytes()),
        T::GYearMonthLiteral(t) => timestamp(Class::YearMonth, t.to_be_bytes()),
        T::GYearLiteral(t) => timestamp(Class::Year, t.to_be_bytes()),
        T::GMonthDayLiteral(t) => timestamp(Class::MonthDay, t.to_be_bytes()),
        T::GMonthLiteral(t) => timestamp(Class::Month, t.to_be_bytes()),
        T::GDayLiteral(t) => timestamp(Class::Day, t.to_be_bytes()),
        T::DurationLiteral(d) => duration(d.to_be_bytes()),
        T::YearMonthDurationLiteral(d) => duration(oxsdatatypes::Duration::from(*d).to_be_bytes()),
        T::DayTimeDurationLiteral(d) => duration(oxsdatatypes::Duration::from(*d).to_be_bytes()),
        T::StringLiteral(_) | T::LangStringLiteral { .. } | T::BooleanLiteral(_) | T::OtherTypedLiteral { .. } => {
            lexical(term)
        }
    }
}

fn text(class: Class, text: &str) -> Vec<u8> {
    let mut key = vec![class as u8];
    key.extend_from_slice(text.as_bytes());
    key
}

/// The value as a double, then exactly, for numbers that doubles do not tell apart.
fn number(double: Double, exact: i128) -> Vec<u8> {
    let mut key = vec![Class::Number as u8];
    let value = f64::from(double);
    // NaN is compared by lexical form, which stands after those of all numbers.
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits();
    let ordered = if value.is_sign_negative() { !bits } else { bits | 1 << 63 };
    key.extend_from_slice(&ordered.to_be_bytes());
    key.extend_from_slice(&ordered_i128(exact));
    key
}

/// The decimal a float is written as, so that `0.1` is in one place for all types.
fn decimal_of(lexical: &str) -> i128 {
    lexical.parse::<Decimal>().map_or(0, unscaled)
}

fn ordered_i128(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ 1 << 127).to_be_bytes()
}

/// The instant, with what has no timezone taken as UTC.
fn timestamp(class: Class, bytes: [u8; 18]) -> Vec<u8> {
    let mut seconds = [0; 16];
    seconds.copy_from_slice(&bytes[..16]);
    let mut key = vec![class as u8];
    key.extend_from_slice(&ordered_i128(i128::from_be_bytes(seconds)));
    key
}

/// Seconds, with a month as a twelfth of a mean year.
fn duration(bytes: [u8; 24]) -> Vec<u8> {
    const MONTH: i128 = 2_629_746 * 1_000_000_000_000_000_000;
    let (mut months, mut seconds) = ([0; 8], [0; 16]);
    months.copy_from_slice(&bytes[..8]);
    seconds.copy_from_slice(&bytes[8..]);
    let months = i128::from(i64::from_be_bytes(months)).saturating_mul(MONTH);
    let mut key = vec![Class::Duration as u8];
    key.extend_from_slice(&ordered_i128(months.saturating_add(i128::from_be_bytes(seconds))));
    key
}

/// Lexical form, datatype, language.
fn lexical(term: &ExpressionTerm) -> Vec<u8> {
    let mut key = vec![Class::Lexical as u8];
    if let Term::Literal(literal) = Term::from(term.clone()) {
        terminated(literal.value(), &mut key);
        terminated(literal.datatype().as_str(), &mut key);
        key.extend_from_slice(literal.language().unwrap_or_default().as_bytes());
    }
    key
}

/// So that a text comes before all that it starts.
fn terminated(text: &str, key: &mut Vec<u8>) {
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(u8::MAX);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn decimals_that_doubles_do_not_tell_apart_are_in_their_order() {
        let key = |text: &str| sort_key(&ExpressionTerm::DecimalLiteral(text.parse().unwrap()));
        let mut rising: Vec<String> = (0..64).map(|n| (9_007_199_254_740_960_i64 + n).to_string()).collect();
        rising.extend((0..50).map(|n| format!("9007199254741{:03}.{:02}", 100 + n, n)));
        rising.extend((0..50).map(|n| format!("100000000000000000.0000000000000000{n:02}")));
        for pair in rising.windows(2) {
            assert!(key(&pair[0]) < key(&pair[1]), "{pair:?}");
        }
    }
}
