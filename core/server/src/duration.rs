//! Durations as people write them.

use std::time::Duration;

/// A text that is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a duration: write a number and a unit, such as \"500ms\", \"5s\", \"2m\" or \"1h\"")]
pub struct InvalidDuration(String);

/// Reads `500ms`, `5s`, `1.5s`, `2m`, `1h`, `7d`. Zero, negative and more than 3,650 days are refused.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.chars().take(40).collect());
    let trimmed = text.trim();
    let unit_at = trimmed.find(|c: char| c.is_alphabetic()).ok_or_else(invalid)?;
    let (number, unit) = trimmed.split_at(unit_at);
    let unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(invalid()),
    };
    let number = number.trim_end();
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(invalid());
    }
    let seconds = number.parse::<f64>().map_err(|_| invalid())? * unit;
    if !(seconds > 0.0 && seconds <= 3_650.0 * 86_400.0) {
        return Err(invalid());
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| invalid())?;
    // A positive number of seconds can still round to nothing.
    if duration.is_zero() { Err(invalid()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        for (text, millis) in
            [("500ms", 500), ("5s", 5_000), ("1.5 s", 1_500), ("2m", 120_000), ("1h", 3_600_000), ("7d", 604_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "0s", "-5s", "1e9s", "5 parsecs", "5000d", "1..2s", "0.0000000001ms", "inf s", "∞s"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
