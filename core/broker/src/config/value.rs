//! Durations and sizes as people write them.

use serde::de::{Deserialize, Deserializer, Error};
use std::time::Duration;
use weft_server::parse_duration;

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(Error::custom)
}

/// A size in bytes.
pub(super) fn size<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let size = parse_size(&text).ok_or_else(|| {
        Error::custom(format!("{text:?} is not a size: write a number and a unit, such as \"64MiB\""))
    })?;
    T::try_from(size).map_err(|_| Error::custom(format!("{text} is more than this machine can address")))
}

/// Reads `512`, `512B`, `64KiB`, `64MiB`, `2GiB`, `1TiB` and the decimal `kB`, `MB`, `GB`. Zero is refused.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|size| *size > 0)
}
