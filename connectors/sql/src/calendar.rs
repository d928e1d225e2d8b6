//! Dates and times as ISO 8601 text, the way SQLite keeps them. Proleptic Gregorian calendar, years 0000 to 9999.

use weft_model::contract::TimePart;

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Days since 1970-01-01 of `YYYY-MM-DD`, and of nothing else.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// The text of a day, when its year has four digits.
pub(crate) fn format_date(days: i32) -> Option<String> {
    let (year, month, day) = civil_from_days(i64::from(days));
    (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// A part of the time so many microseconds after 1970-01-01T00:00:00.
pub(crate) fn part_of_micros(part: TimePart, micros: i64) -> i64 {
    match part {
        TimePart::Hours => micros.rem_euclid(MICROS_PER_DAY) / 3_600_000_000,
        TimePart::Minutes => micros.rem_euclid(3_600_000_000) / 60_000_000,
        TimePart::Year | TimePart::Month | TimePart::Day => part_of_days(part, micros.div_euclid(MICROS_PER_DAY)),
    }
}

/// A part of the midnight so many days after 1970-01-01.
pub(crate) fn part_of_days(part: TimePart, days: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    match part {
        TimePart::Year => year,
        TimePart::Month => month,
        TimePart::Day => day,
        TimePart::Hours | TimePart::Minutes => 0,
    }
}

/// Microseconds since 1970-01-01T00:00:00 of `YYYY-MM-DD(T| )HH:MM[:SS[.fraction]]`, followed by `Z` or `±HH:MM` exactly
/// when `zoned`; then the result is in UTC. `None` for anything else, and for fractions finer than a microsecond.
pub(crate) fn parse_timestamp(text: &str, zoned: bool) -> Option<i64> {
    let date = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let (time, offset_minutes) = if zoned { split_offset(rest)? } else { (rest, 0) };
    Some(i64::from(date) * MICROS_PER_DAY + parse_time(time)? - offset_minutes * 60_000_000)
}

fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let at = text.len().checked_sub(6)?;
    let (time, offset) = (text.get(..at)?, text.get(at..)?.as_bytes());
    let sign = match offset[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(&offset[1..3])?, digits(&offset[4..])?);
    (offset[3] == b':' && hours <= 14 && minutes < 60).then_some((time, sign * (hours * 60 + minutes)))
}

fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hours, minutes) = (digits(&bytes[..2])?, digits(&bytes[3..5])?);
    let (seconds, micros) = match bytes.len() {
        5 => (0, 0),
        8 if bytes[5] == b':' => (digits(&bytes[6..8])?, 0),
        10.. if bytes[5] == b':' && bytes[8] == b'.' => (digits(&bytes[6..8])?, fraction(&bytes[9..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60 && seconds < 60).then(|| ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros)
}

/// The microseconds of the digits after the point. Digits beyond the sixth must be zero.
fn fraction(bytes: &[u8]) -> Option<i64> {
    let (kept, rest) = bytes.split_at(bytes.len().min(6));
    if rest.iter().any(|b| *b != b'0') {
        return None;
    }
    let scale = 10_i64.pow(u32::try_from(6 - kept.len()).ok()?);
    Some(digits(kept)? * scale)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_millennia_survives_the_round_trip() {
        let first = parse_date("0000-01-01").unwrap_or_default();
        let last = parse_date("9999-12-31").unwrap_or_default();
        assert_eq!((first, last), (-719_528, 2_932_896));
        for days in first..=last {
            assert_eq!(format_date(days).as_deref().and_then(parse_date), Some(days));
        }
        assert_eq!(format_date(first - 1), None);
        assert_eq!(format_date(last + 1), None);
    }

    #[test]
    fn only_iso_dates_are_dates() {
        assert_eq!(parse_date("2017-03-02"), Some(17_227));
        for text in ["2017-3-2", "2017-02-29", "2017-13-01", "2017-00-10", "20170302", "2017-03-02 ", "2017-03-0x", ""]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn parts_are_those_of_the_text() {
        let number = |text: &str| text.parse::<i64>().unwrap_or(-1);
        let last = parse_date("9999-12-31").map_or(0, i64::from);
        for days in (-719_528..=last).step_by(37) {
            let text = i32::try_from(days).ok().and_then(format_date).unwrap_or_default();
            let (hours, minutes) = (days.rem_euclid(24), days.rem_euclid(60));
            for rest in [0, 1, 59_999_999] {
                let micros = days * MICROS_PER_DAY + hours * 3_600_000_000 + minutes * 60_000_000 + rest;
                let parts = TimePart::ALL.map(|part| part_of_micros(part, micros));
                let expected = [number(&text[..4]), number(&text[5..7]), number(&text[8..]), hours, minutes];
                assert_eq!(parts, expected, "{text} {micros}");
            }
        }
        assert_eq!(TimePart::ALL.map(|part| part_of_micros(part, -1)), [1969, 12, 31, 23, 59]);
        // 584,554 years: the parts of the first and the last instant there is.
        assert_eq!(TimePart::ALL.map(|part| part_of_micros(part, i64::MIN)), [-290_308, 12, 21, 19, 59]);
        assert_eq!(TimePart::ALL.map(|part| part_of_micros(part, i64::MAX)), [294_247, 1, 10, 4, 0]);
    }

    #[test]
    fn timestamps_have_an_offset_exactly_when_they_are_zoned() {
        let noon = 17_227 * MICROS_PER_DAY + 12 * 3_600_000_000;
        for text in
            ["2017-03-02T12:00", "2017-03-02 12:00:00", "2017-03-02T12:00:00.000000", "2017-03-02 12:00:00.0000000"]
        {
            assert_eq!(parse_timestamp(text, false), Some(noon), "{text}");
            assert_eq!(parse_timestamp(text, true), None, "{text}");
            assert_eq!(parse_timestamp(&format!("{text}Z"), true), Some(noon), "{text}");
            assert_eq!(parse_timestamp(&format!("{text}+02:30"), true), Some(noon - 9_000_000_000), "{text}");
            assert_eq!(parse_timestamp(&format!("{text}-00:30"), true), Some(noon + 1_800_000_000), "{text}");
            assert_eq!(parse_timestamp(&format!("{text}Z"), false), None, "{text}");
        }
        assert_eq!(parse_timestamp("1969-12-31T23:59:59.5", false), Some(-500_000));
        for text in [
            "2017-03-02",
            "2017-03-02T24:00",
            "2017-03-02T12:00:00.0000001",
            "2017-03-02T12",
            "2017-03-02x12:00",
            "2017-03-0é12:00",
        ] {
            assert_eq!(parse_timestamp(text, false), None, "{text}");
        }
    }
}
