//! Values as OData literals (OData ABNF, `primitiveLiteral`), by the Edm type of the property they stand beside.

use weft_guest::time::{format_date, format_timestamp};
use weft_guest::{CompareOperator, Value};

/// What a comparison of a property with a value comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    /// Below everything the property can hold.
    TooLow,
    /// Above everything the property can hold.
    TooHigh,
    /// Equal to nothing the property can hold, and in no order with it.
    Nothing,
    /// The service might compare differently from the contract.
    Unsure,
}

/// Integers a double holds exactly.
const EXACT_IN_DOUBLE: i64 = 1 << 53;

pub fn literal(value: &Value, edm_type: &str) -> Literal {
    match (edm_type, value) {
        ("Edm.String", Value::Text(text)) => Literal::Text(quoted(text)),
        ("Edm.Guid", Value::Text(text)) if is_guid(text) => Literal::Text(text.clone()),
        ("Edm.Guid", Value::Text(_)) => Literal::Nothing,
        ("Edm.Boolean", Value::Boolean(v)) => Literal::Text(v.to_string()),
        ("Edm.Date", Value::Date(days)) => Literal::Text(format_date(*days)),
        ("Edm.DateTimeOffset", Value::Timestamp(micros)) => Literal::Text(format_timestamp(*micros, true)),
        ("Edm.Decimal", Value::Int64(v)) => Literal::Text(v.to_string()),
        ("Edm.Decimal", Value::Decimal { unscaled, scale }) => Literal::Text(decimal(*unscaled, *scale)),
        ("Edm.Double", Value::Float64(v)) if v.is_nan() => Literal::Nothing,
        ("Edm.Double", Value::Float64(v)) if v.is_infinite() => {
            Literal::Text(if *v > 0.0 { "INF" } else { "-INF" }.to_owned())
        }
        ("Edm.Double", Value::Float64(v)) => Literal::Text(format!("{v:?}")),
        ("Edm.Double", Value::Int64(v)) if v.abs() <= EXACT_IN_DOUBLE => Literal::Text(v.to_string()),
        (edm_type, value) => match (integer_range(edm_type), value) {
            (Some(range), Value::Int64(v)) => integer(*v, range),
            (Some(range), Value::Decimal { unscaled, scale }) => match whole(*unscaled, *scale) {
                Some(v) => integer(v, range),
                None => Literal::Unsure,
            },
            _ => Literal::Unsure,
        },
    }
}

pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn integer(value: i64, (low, high): (i64, i64)) -> Literal {
    match value {
        v if v < low => Literal::TooLow,
        v if v > high => Literal::TooHigh,
        v => Literal::Text(v.to_string()),
    }
}

fn integer_range(edm_type: &str) -> Option<(i64, i64)> {
    Some(match edm_type {
        "Edm.Byte" => (0, 255),
        "Edm.SByte" => (-128, 127),
        "Edm.Int16" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "Edm.Int32" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        "Edm.Int64" => (i64::MIN, i64::MAX),
        _ => return None,
    })
}

/// The decimal as an integer, when it is one.
fn whole(unscaled: i128, scale: u8) -> Option<i64> {
    let factor = 10_i128.checked_pow(u32::from(scale))?;
    (unscaled % factor == 0).then(|| i64::try_from(unscaled / factor).ok()).flatten()
}

pub fn decimal(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

pub fn operator(operator: CompareOperator) -> &'static str {
    match operator {
        CompareOperator::Equal => "eq",
        CompareOperator::NotEqual => "ne",
        CompareOperator::Less => "lt",
        CompareOperator::LessOrEqual => "le",
        CompareOperator::Greater => "gt",
        CompareOperator::GreaterOrEqual => "ge",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_those_of_the_property() {
        let text = |v: &str| Value::Text(v.to_owned());
        let guid = "01234567-89ab-cdef-0123-456789ABCDEF";
        let dec = |unscaled, scale| Value::Decimal { unscaled, scale };
        let cases = [
            (text("it's"), "Edm.String", Literal::Text("'it''s'".into())),
            (text(guid), "Edm.Guid", Literal::Text(guid.into())),
            (text("x' or true"), "Edm.Guid", Literal::Nothing),
            (Value::Int64(300), "Edm.Byte", Literal::TooHigh),
            (Value::Int64(-1), "Edm.Byte", Literal::TooLow),
            (Value::Int64(-32_768), "Edm.Int16", Literal::Text("-32768".into())),
            (dec(70, 1), "Edm.Int32", Literal::Text("7".into())),
            (dec(75, 1), "Edm.Int32", Literal::Unsure),
            (dec(-5, 3), "Edm.Decimal", Literal::Text("-0.005".into())),
            (Value::Float64(1e20), "Edm.Double", Literal::Text("1e20".into())),
            (Value::Float64(f64::NAN), "Edm.Double", Literal::Nothing),
            (Value::Int64(i64::MAX), "Edm.Double", Literal::Unsure),
            (Value::Date(0), "Edm.Date", Literal::Text("1970-01-01".into())),
            (Value::Timestamp(1), "Edm.DateTimeOffset", Literal::Text("1970-01-01T00:00:00.000001Z".into())),
            (Value::Int64(1), "Edm.String", Literal::Unsure),
            (text("x"), "Some.Enum", Literal::Unsure),
        ];
        for (value, edm_type, expected) in cases {
            assert_eq!(literal(&value, edm_type), expected, "{value:?} {edm_type}");
        }
    }
}
