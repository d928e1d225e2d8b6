//! Times of links, in one spelling, so that they are ordered as their texts are.

use oxsdatatypes::{Date, DateTime, DayTimeDuration, TimezoneOffset};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `2017-08-01T00:00:00.000000Z`: UTC, with microseconds, of the years 0001 to 9999. The order of the texts is that of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LinkTime(String);

/// A text that is no time a link can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an ISO 8601 time of the years 0001 to 9999, such as 2017-08-01 or 2017-08-01T12:00:00Z")]
pub struct InvalidTime(String);

const FRACTION: usize = 6;

impl LinkTime {
    /// The present.
    pub fn now() -> Self {
        Self::of(SystemTime::now())
    }

    /// A point of time from 1970 on.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::of_micros(since)
    }

    /// Civil time from days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
    fn of_micros(since: Duration) -> Self {
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        let (days, second_of_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The present, or the next microsecond where that is not after `self`: a clock may be set back.
    #[must_use]
    pub fn next(&self) -> Self {
        let now = Self::now();
        if now > *self { now } else { self.one_later() }
    }

    fn one_later(&self) -> Self {
        let (whole, fraction) = self.0.trim_end_matches('Z').split_once('.').unwrap_or((&self.0, ""));
        let micros = fraction.parse::<u32>().unwrap_or_default();
        if micros < 999_999 {
            return Self(format!("{whole}.{:06}Z", micros + 1));
        }
        let whole = format!("{whole}Z");
        let second: Option<DayTimeDuration> = "PT1S".parse().ok();
        let later = DateTime::from_str(&whole).ok().and_then(|whole| whole.checked_add_day_time_duration(second?));
        later.and_then(Self::written).unwrap_or_else(|| self.clone())
    }

    fn written(time: DateTime) -> Option<Self> {
        let utc = time.adjust(Some(TimezoneOffset::UTC))?;
        if !(1..=9999).contains(&utc.year()) {
            return None;
        }
        let text = utc.to_string();
        let text = text.strip_suffix('Z')?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = &fraction[..fraction.len().min(FRACTION)];
        Some(Self(format!("{whole}.{fraction:0<FRACTION$}Z")))
    }
}

impl FromStr for LinkTime {
    type Err = InvalidTime;

    /// Reads an XML Schema `date` or `dateTime`, also one whose seconds are left out. Without a time zone it is UTC; what
    /// is finer than microseconds is cut off.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let wrong = || InvalidTime(text.chars().take(80).collect());
        let with_seconds = |text: &str| match text.len() {
            16 => format!("{text}:00"),
            17 if text.ends_with('Z') => format!("{}:00Z", &text[..16]),
            _ => text.replacen(' ', "T", 1),
        };
        if !text.is_ascii() {
            return Err(wrong());
        }
        let time = match Date::from_str(text) {
            Ok(date) => DateTime::try_from(date).map_err(|_| wrong())?,
            Err(_) => DateTime::from_str(&with_seconds(text)).map_err(|_| wrong())?,
        };
        let zoned = match time.timezone_offset() {
            Some(_) => time,
            None => time.adjust(Some(TimezoneOffset::UTC)).ok_or_else(wrong)?,
        };
        Self::written(zoned).ok_or_else(wrong)
    }
}

impl fmt::Display for LinkTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_time_has_one_spelling() {
        for (text, expected) in [
            ("2017-08-01", "2017-08-01T00:00:00.000000Z"),
            ("2017-08-01T12:30:00Z", "2017-08-01T12:30:00.000000Z"),
            ("2017-08-01T12:30", "2017-08-01T12:30:00.000000Z"),
            ("2017-08-01 12:30:05", "2017-08-01T12:30:05.000000Z"),
            ("2017-08-01T12:30:00.5+02:00", "2017-08-01T10:30:00.500000Z"),
            ("2016-12-31T23:30:00.1234567-01:00", "2017-01-01T00:30:00.123456Z"),
        ] {
            assert_eq!(text.parse::<LinkTime>().unwrap().as_str(), expected, "{text}");
        }
        for text in ["soon", "", "2017-13-01", "2017-02-30", "12017-01-01", "-0044-03-15", "2017-08-01T25:00:00Z", "é"]
        {
            assert!(text.parse::<LinkTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_present_is_written_as_it_is_read() {
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 4_102_444_799, 1_500_000_000] {
            let time = LinkTime::of_micros(Duration::new(seconds, 42_000));
            assert_eq!(time.as_str().parse::<LinkTime>().unwrap(), time);
        }
        assert_eq!(LinkTime::of_micros(Duration::from_secs(1_709_164_800)).as_str(), "2024-02-29T00:00:00.000000Z");
        assert!(LinkTime::now().as_str() > "2024");
    }

    #[test]
    fn a_later_time_is_always_later() {
        let far: LinkTime = "2999-12-31T23:59:59.999999Z".parse().unwrap();
        assert_eq!(far.next().as_str(), "3000-01-01T00:00:00.000000Z");
        assert_eq!(far.next().next().as_str(), "3000-01-01T00:00:00.000001Z");
        let now = LinkTime::now();
        assert!(now.next() > now);
    }
}
