//! The deadline a call brings: `grpc-timeout` of the gRPC over HTTP/2 protocol.

use std::time::Duration;
use tonic::metadata::MetadataMap;

const HEADER: &str = "grpc-timeout";
const MAX_DIGITS: usize = 8;

/// Nothing when there is none; an error when it is not one.
pub(super) fn timeout(metadata: &MetadataMap) -> Result<Option<Duration>, InvalidTimeout> {
    let Some(value) = metadata.get(HEADER) else { return Ok(None) };
    let text = value.to_str().map_err(|_| InvalidTimeout)?;
    parse(text).map(Some)
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the grpc-timeout header is not a number of at most {MAX_DIGITS} digits and a unit")]
pub(super) struct InvalidTimeout;

fn parse(text: &str) -> Result<Duration, InvalidTimeout> {
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(InvalidTimeout)?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidTimeout);
    }
    let number: u64 = digits.parse().map_err(|_| InvalidTimeout)?;
    Ok(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return Err(InvalidTimeout),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(parse("2H"), Ok(Duration::from_secs(7200)));
        assert_eq!(parse("99999999m"), Ok(Duration::from_millis(99_999_999)));
        assert_eq!(parse("0n"), Ok(Duration::ZERO));
        for bad in ["", "S", "1", "1x", "-1S", "+1S", "123456789S", "1.5S", "é", "1é"] {
            assert_eq!(parse(bad), Err(InvalidTimeout), "{bad}");
        }
    }
}
