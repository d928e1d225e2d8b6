//! Exact decimals over SQLite's storage, which has 64-bit integers and binary floating point and nothing between.
//!
//! The decimal value of a stored REAL is its shortest decimal form where it has a fraction, and its exact value from
//! 2^53 on, where SQLite compares it with integers exactly. Both are monotone, so comparisons can be pushed down.

use std::cmp::Ordering;

/// Every float from here on is a whole number.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// `unscaled / 10^scale` as text.
pub(crate) fn format(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The unscaled value of `value` at this scale; `None` when it has more digits than fit.
pub(crate) fn from_i64(value: i64, precision: u8, scale: u8) -> Option<i128> {
    fit(i128::from(value), 0, precision, scale)
}

/// The unscaled value of a stored REAL at this scale; `None` when it is not finite or has more digits than fit.
pub(crate) fn from_f64(value: f64, precision: u8, scale: u8) -> Option<i128> {
    let (unscaled, given) = match few_digits(value, u32::from(scale).min(6)) {
        Some(unscaled) => (i128::from(unscaled), u32::from(scale).min(6)),
        None => exact(value)?,
    };
    fit(unscaled, given, precision, scale)
}

/// The value at this scale, at most 6, where it has so few digits that it needs no formatting to see it.
///
/// A decimal of up to 15 digits is the only one of so many that the float next to it stands for (IEEE 754 double), so it has
/// the digits of the shortest form; and a quotient of two whole numbers below 2^53 is that float.
fn few_digits(value: f64, scale: u32) -> Option<i64> {
    let power = 10_f64.powi(i32::try_from(scale).ok()?);
    let unscaled = (value * power).round();
    (unscaled.abs() < 1e15 && unscaled / power == value).then_some(unscaled as i64)
}

/// The decimal value of a stored REAL: unscaled value and scale.
pub(crate) fn exact(value: f64) -> Option<(i128, u32)> {
    if !value.is_finite() || value.abs() >= 1e38 {
        return None;
    }
    if value.abs() >= WHOLE {
        // Below 10^38, so the cast is exact.
        return Some((value as i128, 0));
    }
    if let Some(mut unscaled) = few_digits(value, 6) {
        let mut scale = 6;
        while scale > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        return Some((i128::from(unscaled), scale));
    }
    parse(&format!("{value}"))
}

/// `[-]digits[.digits]`, at most 38 digits in all.
pub(crate) fn parse(text: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some((unscaled, u32::try_from(fraction.len()).ok()?))
}

/// Brings a decimal to another scale without losing digits.
pub(crate) fn fit(unscaled: i128, given: u32, precision: u8, scale: u8) -> Option<i128> {
    let scale = u32::from(scale);
    let value = if given <= scale {
        unscaled.checked_mul(10_i128.checked_pow(scale - given)?)?
    } else {
        let divisor = 10_i128.checked_pow(given - scale)?;
        (unscaled % divisor == 0).then_some(unscaled / divisor)?
    };
    (value.unsigned_abs() < 10_u128.checked_pow(u32::from(precision))?).then_some(value)
}

/// How a decimal literal is compared with what SQLite stores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum StoredDecimal {
    Integer(i64),
    Real(f64),
}

/// The stored number next to a literal, and on which side of it the literal lies.
///
/// For every stored value `v` with `v != number`: `v < literal` exactly when `v < number`. The ordering is that of the
/// number's decimal value to the literal.
pub(crate) fn nearest(unscaled: i128, scale: u8) -> (StoredDecimal, Ordering) {
    let (unscaled, scale) = trim(unscaled, scale);
    if scale == 0 {
        return nearest_integer(unscaled);
    }
    let floor = unscaled.div_euclid(10_i128.pow(u32::from(scale)));
    if floor.unsigned_abs() >= WHOLE as u128 {
        // Everything stored of this size is whole, so the literal lies between two stored values.
        let (number, order) = nearest_integer(floor);
        return (number, order.then(Ordering::Less));
    }
    let text = format(unscaled, scale);
    let nearest: f64 = text.parse().unwrap_or(f64::NAN);
    (StoredDecimal::Real(nearest), compare_text(&format!("{nearest}"), &text))
}

fn nearest_integer(value: i128) -> (StoredDecimal, Ordering) {
    match i64::try_from(value) {
        Ok(integer) => (StoredDecimal::Integer(integer), Ordering::Equal),
        Err(_) => {
            let real = value as f64;
            (StoredDecimal::Real(real), (real as i128).cmp(&value))
        }
    }
}

fn trim(mut unscaled: i128, mut scale: u8) -> (i128, u8) {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    (unscaled, scale)
}

/// Compares `[-]digits[.digits]` as numbers, whatever their length.
pub(crate) fn compare_text(left: &str, right: &str) -> Ordering {
    let parts = |text: &str| {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        (negative && !zero, whole.len(), whole.to_owned(), fraction.to_owned())
    };
    let (left, right) = (parts(left), parts(right));
    let magnitude = (left.1, &left.2, &left.3).cmp(&(right.1, &right.2, &right.3));
    match (left.0, right.0) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// An exact running sum.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DecimalSum {
    unscaled: i128,
    scale: u32,
}

impl DecimalSum {
    /// `None` on overflow of 38 digits.
    pub(crate) fn add(self, unscaled: i128, scale: u32) -> Option<Self> {
        let wide = self.scale.max(scale);
        let raise = |value: i128, from: u32| value.checked_mul(10_i128.checked_pow(wide - from)?);
        let sum = raise(self.unscaled, self.scale)?.checked_add(raise(unscaled, scale)?)?;
        Some(Self { unscaled: sum, scale: wide })
    }

    /// The number SQLite can store whose decimal value is exactly this sum, if there is one.
    pub(crate) fn stored(self) -> Option<StoredDecimal> {
        let (number, order) = nearest(self.unscaled, u8::try_from(self.scale).ok()?);
        (order == Ordering::Equal).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(number: StoredDecimal) -> Option<(i128, u32)> {
        match number {
            StoredDecimal::Integer(i) => Some((i128::from(i), 0)),
            StoredDecimal::Real(r) => exact(r),
        }
    }

    #[test]
    fn reading_a_real_never_rounds() {
        assert_eq!(from_f64(12.5, 10, 2), Some(1250));
        assert_eq!(from_f64(0.1, 38, 18), Some(100_000_000_000_000_000));
        assert_eq!(from_f64(0.125, 10, 2), None);
        assert_eq!(from_f64(-1e15, 18, 2), Some(-100_000_000_000_000_000));
        assert_eq!(from_f64(1e17, 17, 0), None);
        assert_eq!(from_f64(f64::INFINITY, 38, 0), None);
        assert_eq!(from_i64(-7, 9, 3), Some(-7000));
        assert_eq!(from_i64(i64::MAX, 18, 0), None);
    }

    #[test]
    fn what_has_few_digits_is_read_as_if_it_were_written_out() {
        let mut state = 7_u64;
        for number in 0..200_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = (state >> 20) % 10_u64.pow(number % 18 + 1);
            let value = digits as f64 / 10_f64.powi((number / 18 % 12) as i32);
            for value in [value, -value, f64::from_bits(value.to_bits() + 1)] {
                if value.abs() >= WHOLE {
                    continue;
                }
                let written = parse(&format!("{value}"));
                assert_eq!(exact(value), written, "{value}");
                for scale in [0, 2, 3, 6, 9, 18] {
                    let expected = written.and_then(|(unscaled, given)| fit(unscaled, given, 38, scale));
                    assert_eq!(from_f64(value, 38, scale), expected, "{value} at {scale}");
                }
            }
        }
        assert_eq!(from_f64(-0.0, 9, 2), Some(0));
        assert_eq!(from_f64(f64::NAN, 9, 2), None);
    }

    #[test]
    fn a_literal_falls_on_or_between_stored_values() {
        assert_eq!(nearest(1250, 2), (StoredDecimal::Real(12.5), Ordering::Equal));
        assert_eq!(nearest(1200, 2), (StoredDecimal::Integer(12), Ordering::Equal));
        assert_eq!(nearest(100_000_000_000_000_001, 18), (StoredDecimal::Real(0.1), Ordering::Less));
        assert_eq!(nearest(99_999_999_999_999_999, 18), (StoredDecimal::Real(0.1), Ordering::Greater));
        assert_eq!(nearest(-99_999_999_999_999_999, 18), (StoredDecimal::Real(-0.1), Ordering::Less));
        let huge = 18_014_398_509_481_985;
        assert_eq!(nearest(huge * 10 + 5, 1), (StoredDecimal::Integer(18_014_398_509_481_985), Ordering::Less));
        assert_eq!(nearest(i128::from(i64::MAX) + 1, 0).1, Ordering::Equal);
        assert_eq!(nearest(i128::from(i64::MAX) + 2, 0).1, Ordering::Less);
    }

    #[test]
    fn decimals_print_and_parse() {
        for (unscaled, scale, text) in [(-5, 2, "-0.05"), (1250, 2, "12.50"), (7, 0, "7"), (0, 3, "0.000")] {
            assert_eq!(format(unscaled, scale), text);
        }
        assert_eq!(parse("-0.050"), Some((-5, 2)));
        assert_eq!(parse("1e5"), None);
        assert_eq!(compare_text("-0.00", "0"), Ordering::Equal);
        assert_eq!(compare_text("10", "9.5"), Ordering::Greater);
        assert_eq!(compare_text("-10", "-9.5"), Ordering::Less);
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let tenth = exact(0.1).unwrap_or_default();
        let sum = (0..10).try_fold(DecimalSum::default(), |sum, _| sum.add(tenth.0, tenth.1));
        assert_eq!(sum.and_then(DecimalSum::stored), Some(StoredDecimal::Integer(1)));
        let third = DecimalSum::default().add(12_345_678_901_234_567, 1).and_then(|s| s.add(1, 10));
        assert_eq!(third.and_then(DecimalSum::stored).and_then(value), None);
        assert!(DecimalSum::default().add(i128::MAX, 0).and_then(|s| s.add(1, 0)).is_none());
    }
}
