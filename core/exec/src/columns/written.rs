//! Writes native values in the words of their terms, without a buffer of their own: the same words as
//! [`TermReader::term`](super::TermReader::term) gives.

use super::native::{date, date_time, one_nan};
use std::fmt::Write as _;
use weft_model::term::percent_encode;

const DECIMAL_ONE: u128 = 1_000_000_000_000_000_000;
const MICROS_PER_SECOND: u64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

pub(super) fn push_integer(value: i64, text: &mut String) {
    text.push_str(itoa::Buffer::new().format(value));
}

/// The decimal of an unscaled value of scale 18: no point where nothing follows it.
pub(super) fn push_decimal(unscaled: i128, text: &mut String) {
    if unscaled < 0 {
        text.push('-');
    }
    let digits = unscaled.unsigned_abs();
    text.push_str(itoa::Buffer::new().format(digits / DECIMAL_ONE));
    push_fraction(digits % DECIMAL_ONE + DECIMAL_ONE, text);
}

/// A point and the digits after the first one, but for the zeros at their end; nothing where all are zeros.
fn push_fraction(one_and_fraction: u128, text: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let fraction = buffer.format(one_and_fraction)[1..].trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
}

/// As [`double_text`](weft_model::term::double_text) has it.
pub(super) fn push_double(value: f64, text: &mut String) {
    weft_model::term::push_double(one_nan(value), text);
}

pub(super) fn push_date(days: i32, text: &mut String) {
    if push_day(i64::from(days), text) {
        return;
    }
    let _ = write!(text, "{}", date(days));
}

pub(super) fn push_date_time(micros: i64, zoned: bool, text: &mut String) {
    if !push_day(micros.div_euclid(MICROS_PER_DAY), text) {
        let _ = write!(text, "{}", date_time(micros, zoned));
        return;
    }
    let micros = micros.rem_euclid(MICROS_PER_DAY).unsigned_abs();
    let seconds = micros / MICROS_PER_SECOND;
    text.push('T');
    push_two(seconds / 3600, text);
    text.push(':');
    push_two(seconds / 60 % 60, text);
    text.push(':');
    push_two(seconds % 60, text);
    if !micros.is_multiple_of(MICROS_PER_SECOND) {
        push_fraction(u128::from(micros % MICROS_PER_SECOND + MICROS_PER_SECOND), text);
    }
    if zoned {
        text.push('Z');
    }
}

/// Writes a day, counted from 1970-01-01, of the years 1 to 9999; nothing for others, which are written in another way.
///
/// The arithmetic is that of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the
/// leap day is the last of a year, and 400 of them, which have 146,097 days, are one era.
fn push_day(days: i64, text: &mut String) -> bool {
    /// From 0000-03-01 to 1970-01-01.
    const EPOCH: i64 = 719_468;
    /// 0001-01-01 and 9999-12-31.
    const FOUR_DIGITS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;
    if !FOUR_DIGITS.contains(&days) {
        return false;
    }
    let days = (days + EPOCH).unsigned_abs();
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    push_two(year / 100, text);
    push_two(year % 100, text);
    text.push('-');
    push_two(month, text);
    text.push('-');
    push_two(day, text);
    true
}

/// Two digits of a number below 100.
fn push_two(number: u64, text: &mut String) {
    const DIGITS: &[u8; 10] = b"0123456789";
    text.push(char::from(DIGITS[(number / 10 % 10) as usize]));
    text.push(char::from(DIGITS[(number % 10) as usize]));
}

/// A key as it stands in an IRI. Most need no escape.
pub(super) fn push_key(key: &str, text: &mut String) {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if key.bytes().all(stays) {
        text.push_str(key);
    } else {
        percent_encode(key, text);
    }
}
