#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn days_are_dates_of_the_gregorian_calendar() {
    let days =
        [(0, "1970-01-01"), (59, "1970-03-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (-719_162, "0001-01-01")];
    for (day, text) in days {
        assert_eq!(date_text(day), text, "{day}");
    }
    assert_eq!(date_text(2_932_896), "9999-12-31");
}

#[test]
fn values_are_in_their_canonical_form() {
    let decimal = |unscaled, scale| Value::Decimal { unscaled, scale };
    let zoned = DataType::Timestamp { zoned: true };
    let cases = [
        (decimal(-150, 2), DataType::Decimal { precision: 9, scale: 2 }, "-1.5"),
        (decimal(500, 2), DataType::Decimal { precision: 9, scale: 2 }, "5"),
        (Value::Float64(1e21), DataType::Float64, "1.0E21"),
        (Value::Float64(-80.25), DataType::Float64, "-8.025E1"),
        (Value::Float64(-0.0), DataType::Float64, "-0.0E0"),
        (Value::Float64(0.001), DataType::Float64, "1.0E-3"),
        (Value::Timestamp(1_500_000), zoned, "1970-01-01T00:00:01.5Z"),
        (Value::Timestamp(-1), DataType::Timestamp { zoned: false }, "1969-12-31T23:59:59.999999"),
        (Value::Binary(vec![0, 255]), DataType::Binary, "00FF"),
    ];
    for (value, data_type, text) in cases {
        assert_eq!(natural_text(&value, data_type).unwrap(), text);
    }
}

#[test]
fn reserved_characters_are_encoded() {
    assert_eq!(iri_safe("A/B %é\u{E000}\u{E0001}~"), "A%2FB%20%25é%EE%80%80%F3%A0%80%81~");
}
