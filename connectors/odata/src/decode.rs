//! JSON values to values, strictly by the property's type (OData JSON Format 4.01, section 7.1).

use serde_json::Value as Json;
use weft_guest::contract::DataType;
use weft_guest::time::{Fraction, parse_date, parse_timestamp};
use weft_guest::{Code, Error, Field, Result, Value};

/// Reads one property. Errors name the entity set and the property.
pub fn decode(json: Option<&Json>, set: &str, field: &Field) -> Result<Option<Value>> {
    let wrong = |found: &str| {
        let message = format!("entity set {set}: property {}: {found} is not of type {}", field.name, shown(field));
        Error::new(Code::InvalidData, message)
    };
    match json {
        None => {
            let message = format!("entity set {set}: the service leaves out property {}", field.name);
            Err(Error::new(Code::InvalidData, message))
        }
        Some(Json::Null) if field.nullable => Ok(None),
        Some(Json::Null) => Err(wrong("null")),
        Some(json) => value(json, field.data_type).map(Some).ok_or_else(|| wrong(&excerpt(json))),
    }
}

fn shown(field: &Field) -> &str {
    field.native_type.split(';').next().unwrap_or_default()
}

/// Enough of a value to find it again.
fn excerpt(json: &Json) -> String {
    let text = json.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn value(json: &Json, data_type: DataType) -> Option<Value> {
    Some(match (data_type, json) {
        (DataType::Boolean, Json::Bool(v)) => Value::Boolean(*v),
        (DataType::Int64, _) => Value::Int64(number(json)?.parse().ok()?),
        (DataType::Decimal(d), _) => {
            Value::Decimal { unscaled: decimal(&number(json)?, d.precision, d.scale)?, scale: d.scale }
        }
        (DataType::Float64, _) => Value::Float64(match number(json)?.as_str() {
            "INF" => f64::INFINITY,
            "-INF" => f64::NEG_INFINITY,
            "NaN" => f64::NAN,
            // Not what Rust also reads: inf, nan, infinity.
            text if text.ends_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok()?,
            _ => return None,
        }),
        (DataType::Text, Json::String(text)) => Value::Text(text.clone()),
        (DataType::Date, Json::String(text)) => Value::Date(parse_date(text)?),
        (DataType::TimestampZoned, Json::String(text)) => Value::Timestamp(parse_timestamp(text, true, Fraction::Cut)?),
        (DataType::Binary, Json::String(text)) => Value::Binary(base64url(text)?),
        _ => return None,
    })
}

/// The digits of a number, which with `IEEE754Compatible=true` stand in a string.
fn number(json: &Json) -> Option<String> {
    match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Reads digits with point and exponent without going through a double.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    let dropped = all.len() - all.trim_end_matches('0').len();
    if significant.is_empty() {
        return Some(0);
    }
    let shift = exponent.checked_add(i32::from(scale))?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let shift = shift.checked_add(i32::try_from(dropped).ok()?)?;
    // Digits beyond the scale would be lost.
    let factor = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
    let value = significant.parse::<i128>().ok()?.checked_mul(factor)?;
    (value < 10_i128.checked_pow(u32::from(precision))?).then_some(sign * value)
}

/// RFC 4648 section 5; padding may be left out.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0);
    for digit in digits {
        let sextet = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        buffer = (buffer << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    (bits < 6 && buffer == 0).then_some(bytes)
}

#[cfg(test)]
mod tests;
