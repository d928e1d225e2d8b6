//! Constants of a query as native values of columns.

mod value;

pub use value::{term_of, value_of};

use oxrdf::{Literal, Term};
use oxsdatatypes::{Date, DateTime, Decimal};
use spareval::ExpressionTerm;
use std::str::FromStr;
use weft_model::contract::{Column, DataType, Value};
use weft_model::term::{KeyValue, LiteralType, TermType, encode};

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
            if literal.datatype() != literal_type.datatype() || !literal_type.is_canonical(literal.value()) {
                return None;
            }
            comparable(literal, literal_type).filter(is_identity).map(|value| vec![value])
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

/// Why no row of a mapping has this constant as a term of the type; for people.
pub(crate) fn mismatch(constant: &Term, term_type: &TermType) -> String {
    if let (Term::Literal(literal), TermType::Literal(literal_type)) = (constant, term_type)
        && literal.datatype() == literal_type.datatype()
    {
        return match literal_type.canonical_lexical(literal.value()) {
            Some(form) if form != literal.value() => format!(
                "{constant} is not the canonical form the values of the source have: write {}, or compare with FILTER",
                Literal::new_typed_literal(form, literal.datatype())
            ),
            Some(_) => format!("{constant} has no place in a column of {term_type}"),
            None => format!("{constant} is no value of {term_type}"),
        };
    }
    format!("{constant} is not {term_type}")
}

/// Whether equality of the native value means the same term, for a literal that the column can hold. Not so for doubles,
/// where zero has two signs and NaN equals nothing.
fn is_identity(value: &Value) -> bool {
    !matches!(value, Value::Float64(d) if *d == 0.0 || d.is_nan())
}

/// The native value that compares with a column of this type as SPARQL's operators would: numbers are promoted where
/// that is exact.
pub(crate) fn comparable(literal: &Literal, literal_type: &LiteralType) -> Option<Value> {
    use ExpressionTerm as T;
    use LiteralType as L;
    Some(match (literal_type, value_of(&literal.clone().into())) {
        (L::Boolean, T::BooleanLiteral(b)) => Value::Boolean(b.into()),
        (L::Integer | L::DerivedInteger(_), T::IntegerLiteral(n)) => Value::Int64(n.into()),
        (L::Decimal, T::DecimalLiteral(n)) => decimal(n),
        (L::Decimal, T::IntegerLiteral(n)) => decimal(n.into()),
        (L::Double, T::DoubleLiteral(d)) => Some(f64::from(d)).filter(|d| !d.is_nan()).map(Value::Float64)?,
        (L::Double, T::IntegerLiteral(n)) => Value::Float64(exact_double(n.into())?),
        (L::String, T::StringLiteral(text)) => Value::Text(text),
        (L::Date, T::DateLiteral(date)) => Value::Date(days(date)?),
        (L::DateTime { zoned }, T::DateTimeLiteral(time)) => Value::Timestamp(micros(time, *zoned)?),
        _ => return None,
    })
}

fn exact_double(n: i64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "only numbers that a double holds exactly are taken")]
    (n.unsigned_abs() <= 1 << 53).then_some(n as f64)
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

fn days(date: Date) -> Option<i32> {
    const EPOCH: &str = "1970-01-01";
    let date = Some(date).filter(|d| d.timezone_offset().is_none())?;
    let seconds = date.checked_sub(Date::from_str(EPOCH).ok()?)?.as_seconds();
    let unscaled = i128::from_be_bytes(seconds.to_be_bytes());
    i32::try_from(unscaled / 1_000_000_000_000_000_000 / 86_400).ok()
}

fn micros(time: DateTime, zoned: bool) -> Option<i64> {
    let epoch = if zoned { "1970-01-01T00:00:00Z" } else { "1970-01-01T00:00:00" };
    let time = Some(time).filter(|t| t.timezone_offset().is_some() == zoned)?;
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
    use super::*;
    use oxrdf::vocab::xsd;

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
        let byte = LiteralType::DerivedInteger(xsd::BYTE.into_owned());
        assert_eq!(value("7", xsd::INTEGER, byte.clone()), Some(Value::Int64(7)));
        assert_eq!(value("07", xsd::INT, LiteralType::Integer), Some(Value::Int64(7)));
        assert_eq!(value("300", xsd::BYTE, byte), None);
        assert_eq!(value("inf", xsd::DOUBLE, LiteralType::Double), None);
    }

    #[test]
    fn keys_are_of_the_very_term() {
        let zoned = LiteralType::DateTime { zoned: true };
        for (text, datatype, literal_type, key) in [
            ("1970-01-01T02:00:01+02:00", xsd::DATE_TIME, zoned.clone(), None),
            ("1970-01-01T00:00:01Z", xsd::DATE_TIME, zoned, Some(Value::Timestamp(1_000_000))),
            ("10.50", xsd::DECIMAL, LiteralType::Decimal, None),
            ("10.5", xsd::DECIMAL, LiteralType::Decimal, Some(Value::Decimal { unscaled: 105, scale: 1 })),
            ("10", xsd::INTEGER, LiteralType::Decimal, None),
            ("1", xsd::DOUBLE, LiteralType::Double, None),
            ("1.0E0", xsd::DOUBLE, LiteralType::Double, Some(Value::Float64(1.0))),
            ("0.0E0", xsd::DOUBLE, LiteralType::Double, None),
            ("NaN", xsd::DOUBLE, LiteralType::Double, None),
            ("7", xsd::INT, LiteralType::DerivedInteger(xsd::INT.into_owned()), Some(Value::Int64(7))),
            ("7", xsd::INT, LiteralType::Integer, None),
            ("07", xsd::INT, LiteralType::Other(xsd::INT.into_owned()), Some(Value::Text("07".into()))),
        ] {
            let found = key_values(&typed(text, datatype).into(), &TermType::Literal(literal_type));
            assert_eq!(found, key.map(|key| vec![key]), "{text}");
        }
    }

    #[test]
    fn a_constant_in_other_words_is_told_how_to_be_written() {
        let why = |text, datatype, literal| mismatch(&typed(text, datatype).into(), &TermType::Literal(literal));
        let said = why("10.50", xsd::DECIMAL, LiteralType::Decimal);
        assert!(said.contains("canonical") && said.contains("\"10.5\"^^") && said.contains("FILTER"), "{said}");
        assert!(why("ten", xsd::DECIMAL, LiteralType::Decimal).contains("no value"));
        assert!(why("10", xsd::INTEGER, LiteralType::Decimal).contains("is not xsd:decimal"));
    }
}
