//! Literals of OData URLs (OData ABNF, section 7), and what a property can be compared with.

use super::error::ODataError;
use super::schema::{Edm, Property};
use oxsdatatypes::{Date, DateTime};
use rusqlite::types::Value;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Text(String),
    Integer(i64),
    /// A number with a fraction or an exponent.
    Number(f64),
    Date(String),
    /// An instant, in UTC.
    DateTime(String),
}

impl Literal {
    /// An unquoted literal; `None` for a word that is not one.
    pub(super) fn unquoted(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "true" => Self::Boolean(true),
            "false" => Self::Boolean(false),
            _ if word.contains('T') => Self::DateTime(utc(word)?),
            _ if word.len() == 10 && word.as_bytes()[4] == b'-' => Self::Date(Date::from_str(word).ok()?.to_string()),
            _ => match word.parse() {
                Ok(integer) => Self::Integer(integer),
                Err(_) => Self::Number(number(word)?),
            },
        })
    }

    /// The value to bind where the literal is compared with a property of this type.
    pub(super) fn value_for(&self, property: &Property) -> Result<Value, ODataError> {
        Ok(match (self, property.edm) {
            (Self::Null, _) => Value::Null,
            (Self::Text(text), Edm::String) => Value::Text(text.clone()),
            (Self::Integer(value), Edm::Int32 | Edm::Int64 | Edm::Double | Edm::Decimal { .. }) => {
                Value::Integer(*value)
            }
            (Self::Number(value), Edm::Int32 | Edm::Int64 | Edm::Double | Edm::Decimal { .. }) => Value::Real(*value),
            (Self::Date(value), Edm::Date) => Value::Text(value.clone()),
            (Self::DateTime(value), Edm::DateTimeOffset) => Value::Text(value.trim_end_matches('Z').to_owned()),
            _ => {
                let message = format!("property {} is {}, which has no such value", property.name, property.edm.name());
                return Err(ODataError::bad_request(message));
            }
        })
    }
}

fn number(word: &str) -> Option<f64> {
    let plausible = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    word.parse().ok().filter(|value: &f64| plausible && value.is_finite())
}

/// The same instant with timezone Z, in canonical form: what is stored has that form too, so text order is time order
/// once the Z is cut off.
fn utc(word: &str) -> Option<String> {
    let instant = DateTime::from_str(word).ok()?;
    instant.timezone_offset()?;
    instant.adjust(Some(oxsdatatypes::TimezoneOffset::UTC)).map(|instant| instant.to_string())
}

/// Splits a quoted literal from the front of `text`: (its value, what follows).
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}
