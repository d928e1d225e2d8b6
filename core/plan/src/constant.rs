//! Constants of a query as native values of columns.

use oxrdf::vocab::xsd;
use oxrdf::{Literal, Term};
use oxsdatatypes::{Boolean, Date, DateTime, Decimal, Double, Integer};
use spareval::ExpressionTerm;
use std::str::FromStr;
use weft_model::contract::{Column, DataType, Value};
use weft_model::term::{KeyValue, LiteralType, TermType, encode};

/// The form in which an RDF store built on oxsdatatypes gives a term back: values of the datatypes it knows in one
/// lexical form each, the types derived from `xsd:integer` as `xsd:integer`. Every term in Weft is kept in this form, so
/// that equal columns are equal terms and `STR` says what a result shows. Doubles are written without exponent (`1`, `0.5`,
/// `INF`), as oxsdatatypes does, not in the canonical form of XML Schema.
pub fn canonical(term: Term) -> Term {
    match term {
        Term::Literal(_) => ExpressionTerm::from(term).into(),
        other => other,
    }
}

/// The column values that stand for exactly this term, or `None` when the columns cannot hold it exactly.
pub(crate) fn key_values(term: &Term, term_type: &TermType) -> Option<Vec<Value>> {
    match (term, term_type) {
        (Term::NamedNode(node), TermType::Iri { shape, keys }) => {
            Some(shape.invert(node.as_str(), keys)?.into_iter().map(key_value).collect())
        }
        (Term::Literal(literal), TermType::Literal(LiteralType::Other(datatype))) => {
            (literal.datatype() == datatype.as_ref()).then(|| vec![Value::Text(literal.value().to_owned())])
        }
        (Term::Literal(literal), TermType::Literal(literal_type)) => {
            if literal.datatype() != literal_type.datatype() || literal.language().is_some() {
                return None;
            }
            if !is_identity(literal, literal_type) {
                return None;
            }
            Some(vec![comparable(literal, literal_type)?])
        }
        (Term::Literal(literal), TermType::LangString(tag)) => {
            (literal.language() == Some(tag)).then(|| vec![Value::Text(literal.value().to_owned())])
        }
        (term, TermType::General) => Some(vec![Value::Text(encode(term))]),
        _ => None,
    }
}

fn key_value(key: KeyValue) -> Value {
    match key {
        KeyValue::Int64(n) => Value::Int64(n),
        KeyValue::Text(text) => Value::Text(text),
    }
}

/// Whether equality of the native value means the same term. Not so for times with another offset than `Z`, which are
/// equal instants but other terms, and for doubles, where zero has two signs and NaN equals nothing.
fn is_identity(literal: &Literal, literal_type: &LiteralType) -> bool {
    match literal_type {
        LiteralType::DateTime { .. } => DateTime::from_str(literal.value())
            .is_ok_and(|t| t.timezone_offset().is_none_or(|offset| offset == oxsdatatypes::TimezoneOffset::UTC)),
        LiteralType::Double => Double::from_str(literal.value()).is_ok_and(|d| {
            let d = f64::from(d);
            d != 0.0 && !d.is_nan()
        }),
        _ => true,
    }
}

/// The native value that compares with a column of this type as SPARQL's operators would: numbers are promoted where
/// that is exact.
pub(crate) fn comparable(literal: &Literal, literal_type: &LiteralType) -> Option<Value> {
    let (text, datatype) = (literal.value(), literal.datatype());
    match literal_type {
        LiteralType::Boolean if datatype == xsd::BOOLEAN => {
            Boolean::from_str(text).ok().map(|b| Value::Boolean(b.into()))
        }
        LiteralType::Integer if datatype == xsd::INTEGER => integer(text).map(Value::Int64),
        LiteralType::Decimal if datatype == xsd::DECIMAL || datatype == xsd::INTEGER => {
            Decimal::from_str(text).ok().map(decimal)
        }
        LiteralType::Double if datatype == xsd::DOUBLE => {
            Double::from_str(text).ok().map(|d| Value::Float64(f64::from(d))).filter(|v| *v != Value::Float64(f64::NAN))
        }
        LiteralType::Double if datatype == xsd::INTEGER =>
        {
            #[allow(clippy::cast_precision_loss, reason = "only numbers that a double holds exactly are taken")]
            integer(text).filter(|n| n.unsigned_abs() <= 1 << 53).map(|n| Value::Float64(n as f64))
        }
        LiteralType::String if datatype == xsd::STRING => Some(Value::Text(text.to_owned())),
        LiteralType::Date if datatype == xsd::DATE => days(text).map(Value::Date),
        LiteralType::DateTime { zoned } if datatype == xsd::DATE_TIME => micros(text, *zoned).map(Value::Timestamp),
        _ => None,
    }
}

fn integer(text: &str) -> Option<i64> {
    Integer::from_str(text).ok().map(i64::from)
}

/// oxsdatatypes keeps decimals as a 128-bit number of 10^-18.
fn decimal(value: Decimal) -> Value {
    let (mut unscaled, mut scale) = (i128::from_be_bytes(value.to_be_bytes()), 18_u8);
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    Value::Decimal { unscaled, scale }
}

fn days(text: &str) -> Option<i32> {
    const EPOCH: &str = "1970-01-01";
    let date = Date::from_str(text).ok().filter(|d| d.timezone_offset().is_none())?;
    let seconds = date.checked_sub(Date::from_str(EPOCH).ok()?)?.as_seconds();
    let unscaled = i128::from_be_bytes(seconds.to_be_bytes());
    i32::try_from(unscaled / 1_000_000_000_000_000_000 / 86_400).ok()
}

fn micros(text: &str, zoned: bool) -> Option<i64> {
    let epoch = if zoned { "1970-01-01T00:00:00Z" } else { "1970-01-01T00:00:00" };
    let time = DateTime::from_str(text).ok().filter(|t| t.timezone_offset().is_some() == zoned)?;
    let seconds = time.checked_sub(DateTime::from_str(epoch).ok()?)?.as_seconds();
    let unscaled = i128::from_be_bytes(seconds.to_be_bytes());
    if unscaled % 1_000_000_000_000 != 0 {
        return None;
    }
    i64::try_from(unscaled / 1_000_000_000_000).ok()
}

/// Whether a column holds a layout column of this Arrow type as it is, so that values can be compared by the source.
pub(crate) fn is_native(column: &Column, arrow: &arrow_schema::DataType) -> bool {
    match (column.data_type, arrow) {
        (DataType::Decimal { .. }, arrow_schema::DataType::Decimal128(..)) => true,
        (data_type, arrow) => data_type.to_arrow() == *arrow,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn typed(text: &str, datatype: oxrdf::NamedNodeRef<'_>) -> Literal {
        Literal::new_typed_literal(text, datatype)
    }

    #[test]
    fn constants_become_native_values_only_where_that_is_exact() {
        let value = |text, datatype, literal_type| comparable(&typed(text, datatype), &literal_type);
        assert_eq!(value("042", xsd::INTEGER, LiteralType::Integer), Some(Value::Int64(42)));
        assert_eq!(value("4.20", xsd::DECIMAL, LiteralType::Decimal), Some(Value::Decimal { unscaled: 42, scale: 1 }));
        assert_eq!(value("-7", xsd::INTEGER, LiteralType::Decimal), Some(Value::Decimal { unscaled: -7, scale: 0 }));
        assert_eq!(value("9007199254740993", xsd::INTEGER, LiteralType::Double), None);
        assert_eq!(value("1969-12-31", xsd::DATE, LiteralType::Date), Some(Value::Date(-1)));
        assert_eq!(value("1969-12-31Z", xsd::DATE, LiteralType::Date), None);
        let zoned = LiteralType::DateTime { zoned: true };
        assert_eq!(
            value("1970-01-01T02:00:01+02:00", xsd::DATE_TIME, zoned.clone()),
            Some(Value::Timestamp(1_000_000))
        );
        assert_eq!(value("1970-01-01T00:00:00", xsd::DATE_TIME, zoned.clone()), None);
        assert_eq!(value("1970-01-01T00:00:00.0000001Z", xsd::DATE_TIME, zoned.clone()), None);
        let offset: Term = typed("1970-01-01T02:00:01+02:00", xsd::DATE_TIME).into();
        assert_eq!(key_values(&offset, &TermType::Literal(zoned)), None);
    }
}
