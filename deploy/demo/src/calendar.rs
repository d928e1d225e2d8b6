//! Days and instants of the story, counted from its first Monday.

use oxsdatatypes::{Date, DateTime, DayTimeDuration};
use std::str::FromStr;

/// A date `days` after 2025-01-06, as `YYYY-MM-DD`.
pub(crate) fn day(days: i64) -> String {
    let start = Date::from_str("2025-01-06").ok();
    let offset = DayTimeDuration::from_str(&format!("{}P{}D", sign(days), days.abs())).ok();
    shift(start, offset, Date::checked_add_day_time_duration)
}

/// An instant `seconds` after 2025-01-06T06:00:00Z, in UTC.
pub(crate) fn instant(seconds: i64) -> String {
    let start = DateTime::from_str("2025-01-06T06:00:00Z").ok();
    let offset = DayTimeDuration::from_str(&format!("{}PT{}S", sign(seconds), seconds.abs())).ok();
    shift(start, offset, DateTime::checked_add_day_time_duration)
}

fn sign(value: i64) -> &'static str {
    if value < 0 { "-" } else { "" }
}

fn shift<T: ToString>(
    start: Option<T>,
    offset: Option<DayTimeDuration>,
    add: impl Fn(T, DayTimeDuration) -> Option<T>,
) -> String {
    start
        .zip(offset)
        .and_then(|(start, offset)| add(start, offset))
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_cross_months_and_years() {
        assert_eq!(day(0), "2025-01-06");
        assert_eq!(day(28), "2025-02-03");
        assert_eq!(day(-6), "2024-12-31");
        assert_eq!(instant(0), "2025-01-06T06:00:00Z");
        assert_eq!(instant(86_400 * 26 + 3_661), "2025-02-01T07:01:01Z");
    }
}
