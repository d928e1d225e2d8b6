//! Dates and timestamps as text (ISO 8601, RFC 3339), in the proleptic Gregorian calendar.

const MICROS_A_DAY: i64 = 86_400_000_000;

/// What becomes of digits below a microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    /// They are cut off.
    Cut,
    /// They are an error, unless they are zero.
    Refuse,
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = digits.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() < 4 || year.len() > 6 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let year = i64::from(number(year)?) * if negative { -1 } else { 1 };
    let (month, day) = (number(month)?, number(day)?);
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// Reads `YYYY-MM-DDTHH:MM[:SS[.fraction]]` as microseconds; with `zoned` an offset (`Z`, `+01:00`) must follow, without
/// none may.
pub fn parse_timestamp(text: &str, zoned: bool, fraction: Fraction) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let days = parse_date(date)?;
    let end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at_checked(end)?;
    let offset_minutes = match (zoned, offset) {
        (false, "") => 0,
        (true, "Z" | "z") => 0,
        (true, offset) => parse_offset(offset)?,
        (false, _) => return None,
    };
    let micros = parse_time(time, fraction)?;
    let local = i64::from(days).checked_mul(MICROS_A_DAY)?.checked_add(micros)?;
    local.checked_sub(offset_minutes * 60_000_000)
}

fn parse_time(text: &str, fraction: Fraction) -> Option<i64> {
    let (clock, digits) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) || parts.iter().any(|part| part.len() != 2) {
        return None;
    }
    if text.ends_with('.') || (!digits.is_empty() && parts.len() != 3) {
        return None;
    }
    let numbers = parts.iter().map(|part| number(part)).collect::<Option<Vec<_>>>()?;
    let (hour, minute, second) = (*numbers.first()?, *numbers.get(1)?, numbers.get(2).copied().unwrap_or_default());
    if hour > 23 || minute > 59 || second > 59 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (kept, cut) = digits.split_at(digits.len().min(6));
    if fraction == Fraction::Refuse && cut.bytes().any(|b| b != b'0') {
        return None;
    }
    let micros = if kept.is_empty() { 0 } else { number(kept)? * 10_u32.pow(6 - kept.len() as u32) };
    Some((i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000 + i64::from(micros))
}

fn parse_offset(text: &str) -> Option<i64> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes <= 59).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Writes days since 1970-01-01 as `YYYY-MM-DD`.
pub fn format_date(days: i32) -> String {
    let (year, month, day) = civil_from_days(i64::from(days));
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

/// Writes microseconds as `YYYY-MM-DDTHH:MM:SS[.ffffff]`, followed by `Z` when zoned.
pub fn format_timestamp(micros: i64, zoned: bool) -> String {
    let days = micros.div_euclid(MICROS_A_DAY);
    let rest = micros.rem_euclid(MICROS_A_DAY);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let date = format_date(i32::try_from(days).unwrap_or_default());
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    let zone = if zoned { "Z" } else { "" };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse, `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("1969-12-31", -1), ("0001-01-01", -719_162)] {
            assert_eq!(parse_date(text), Some(days), "{text}");
            assert_eq!(format_date(days), text);
        }
        for days in (-800_000..3_000_000).step_by(997) {
            assert_eq!(parse_date(&format_date(days)), Some(days));
        }
        for bad in ["2001-02-29", "2000-13-01", "2000-00-01", "2000-1-1", "20000101", "", "2000-01-01Z", "+000-01-01"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn timestamps_are_instants_or_wall_clock() {
        let parse = |text| parse_timestamp(text, true, Fraction::Cut);
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(parse("1970-01-01T01:00:00.5+01:00"), Some(500_000));
        assert_eq!(parse("1969-12-31T23:00:00-01:00"), Some(0));
        assert_eq!(parse("2017-01-01T00:00:00.1234567Z"), parse("2017-01-01T00:00:00.123456Z"));
        assert_eq!(parse_timestamp("2017-01-01T00:00:00.1234567Z", true, Fraction::Refuse), None);
        assert_eq!(parse_timestamp("2017-01-01T00:00:00.1234560Z", true, Fraction::Refuse).is_some(), true);
        assert_eq!(parse_timestamp("1970-01-01T00:01", false, Fraction::Refuse), Some(60_000_000));
        for bad in ["1970-01-01T00:00:00", "1970-01-01T24:00:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.Z", "x"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse_timestamp("1970-01-01T00:00:00Z", false, Fraction::Cut), None);
        for micros in [0, -1, 1_483_228_800_000_001, -62_135_596_800_000_000] {
            assert_eq!(parse_timestamp(&format_timestamp(micros, true), true, Fraction::Refuse), Some(micros));
        }
    }
}
