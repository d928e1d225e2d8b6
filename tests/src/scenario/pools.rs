//! Small pools of values, so that values meet, with the odd ones among them.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use weft_model::contract::{DataType, Value};

/// Text keys: separators, percent signs, quotes, other scripts, the empty string, numbers as text.
const TEXT_KEYS: &[&str] = &[
    "1", "2", "3", "4", "5", "1", "2", "3", "01", "-1", "x1", "x2", "X1", "x", "A/B", "50%", "a b", "it's", "q\"q",
    "é", "日本", "", "a-b", "a", "b", "-", "A", "a%2Fb", "~._-", "a#b", "a?b", "\u{E000}", "a\\b", "{a}", "a;b,c",
];

const TEXTS: &[&str] = &[
    "bolt",
    "Bolt",
    "BOLT",
    "bolt ",
    "nut",
    "nut m8",
    "washer",
    "a",
    "b",
    "A",
    "",
    " ",
    "1",
    "2",
    "10",
    "été",
    "ETE",
    "it's",
    "say \"x\"",
    "a.b*",
    "a\\b",
    "line\nbreak",
    "tab\there",
    "x\u{1}y",
    "日本",
    "%",
    "_",
    "50%",
    "😀",
    "true",
    "2024-01-01",
    "http://example.com/part/1",
];

const FLOATS: &[f64] = &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 10.0, -1.5, 0.1, 1e21, 1e-7, 123_456_789.125];
const ODD_FLOATS: &[f64] = &[-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

const DAY: i64 = 86_400_000_000;
/// 2024-01-01 in days since 1970-01-01.
const NEW_YEAR: i32 = 19_723;

pub(super) fn key(rng: &mut StdRng, data_type: DataType) -> Value {
    match data_type {
        DataType::Int64 => Value::Int64(rng.random_range(1..8)),
        DataType::Text if rng.random_bool(0.01) => Value::Text("long/".repeat(60)),
        DataType::Text => Value::Text(pick(rng, TEXT_KEYS).to_owned()),
        other => value(rng, other, false),
    }
}

/// `odd`: with not-a-number, the infinities and negative zero, which not every system can store.
pub(super) fn value(rng: &mut StdRng, data_type: DataType, odd: bool) -> Value {
    match data_type {
        DataType::Boolean => Value::Boolean(rng.random()),
        DataType::Int64 if rng.random_bool(0.03) => Value::Int64(9_007_199_254_740_993),
        DataType::Int64 => Value::Int64(rng.random_range(-2..9)),
        DataType::Decimal { scale, .. } => {
            let quarters: i128 = rng.random_range(-4..20);
            Value::Decimal { unscaled: quarters * 10_i128.pow(u32::from(scale)) / 4, scale }
        }
        DataType::Float64 if odd && rng.random_bool(0.1) => Value::Float64(pick(rng, ODD_FLOATS)),
        DataType::Float64 => Value::Float64(pick(rng, FLOATS)),
        DataType::Text if rng.random_bool(0.01) => Value::Text("long text ".repeat(200)),
        DataType::Text => Value::Text(pick(rng, TEXTS).to_owned()),
        DataType::Date => Value::Date(day(rng)),
        DataType::Timestamp { .. } => Value::Timestamp(instant(rng)),
        DataType::Binary => Value::Binary(pick(rng, &[&[][..], &[0], &[0, 255], &[1, 2, 3]]).to_vec()),
    }
}

fn day(rng: &mut StdRng) -> i32 {
    if rng.random_bool(0.05) {
        return pick(rng, &[-719_162, -1, 0, 59, 2_932_896]);
    }
    NEW_YEAR + rng.random_range(-3..4)
}

fn instant(rng: &mut StdRng) -> i64 {
    let midnight = i64::from(day(rng)) * DAY;
    midnight + pick(rng, &[0, 0, 1, 1_000_000, 500_000, 3_600_000_000, DAY - 1])
}

pub(super) fn pick<T: Copy>(rng: &mut StdRng, items: &[T]) -> T {
    match items.choose(rng) {
        Some(item) => *item,
        None => unreachable!("pools are not empty"),
    }
}
