//! Native columns and the values of oxsdatatypes they stand for.

use datafusion_common::ScalarValue;
use oxrdf::Literal;
use oxrdf::vocab::xsd;
use oxsdatatypes::{Date, DateTime, Decimal, TimezoneOffset};
use spareval::ExpressionTerm;
use weft_model::term::{LiteralType, integer_range};
use weft_plan::value_of;

/// Seconds from 0001-01-01, where oxsdatatypes starts to count, to 1970-01-01.
const EPOCH_SECONDS: i128 = 62_135_596_800;
const DECIMAL_ONE: i128 = 1_000_000_000_000_000_000;
const MICRO: i128 = DECIMAL_ONE / 1_000_000;
const SECONDS_PER_DAY: i128 = 86_400;
const UTC: [u8; 2] = [0; 2];
const UNZONED: [u8; 2] = [u8::MAX; 2];

/// The decimal of an unscaled value of scale 18.
pub(crate) fn decimal(unscaled: i128) -> Decimal {
    Decimal::from_be_bytes(unscaled.to_be_bytes())
}

pub(crate) fn unscaled(decimal: Decimal) -> i128 {
    i128::from_be_bytes(decimal.to_be_bytes())
}

/// The date of a Date32 value, days since 1970-01-01, without timezone.
pub(crate) fn date(days: i32) -> Date {
    let seconds = EPOCH_SECONDS + i128::from(days) * SECONDS_PER_DAY;
    Date::from_be_bytes(timestamp_bytes(seconds * DECIMAL_ONE, UNZONED))
}

/// The time of a Timestamp(us) value: an instant in UTC, or wall-clock time.
pub(crate) fn date_time(micros: i64, zoned: bool) -> DateTime {
    let value = EPOCH_SECONDS * DECIMAL_ONE + i128::from(micros) * MICRO;
    DateTime::from_be_bytes(timestamp_bytes(value, if zoned { UTC } else { UNZONED }))
}

/// The Date32 value of a date, if it has no timezone and the column can hold it.
pub(crate) fn days(date: Date) -> Option<i32> {
    let (value, zone) = parts(date.to_be_bytes());
    let days = (value - EPOCH_SECONDS * DECIMAL_ONE).div_euclid(DECIMAL_ONE * SECONDS_PER_DAY);
    (zone == UNZONED).then(|| i32::try_from(days).ok())?
}

/// The Timestamp(us) value of a time and whether it is an instant, if no precision is lost.
pub(crate) fn micros(date_time: DateTime) -> Option<(i64, bool)> {
    let (value, zone) = parts(date_time.to_be_bytes());
    let since_epoch = value - EPOCH_SECONDS * DECIMAL_ONE;
    if since_epoch % MICRO != 0 {
        return None;
    }
    Some((i64::try_from(since_epoch / MICRO).ok()?, zone != UNZONED))
}

fn timestamp_bytes(value: i128, zone: [u8; 2]) -> [u8; 18] {
    let mut bytes = [0; 18];
    bytes[..16].copy_from_slice(&value.to_be_bytes());
    bytes[16..].copy_from_slice(&zone);
    bytes
}

/// The seconds since 0001-01-01 (scale 18) and the encoded timezone.
fn parts(bytes: [u8; 18]) -> (i128, [u8; 2]) {
    let mut value = [0; 16];
    value.copy_from_slice(&bytes[..16]);
    (i128::from_be_bytes(value), [bytes[16], bytes[17]])
}

/// The native type whose column gives back exactly this literal, if there is one.
pub(crate) fn native_type(literal: &Literal) -> Option<LiteralType> {
    let value = value_of(&literal.clone().into());
    let candidate = match literal.datatype() {
        derived if derived != xsd::INTEGER && integer_range(derived).is_some() => {
            LiteralType::DerivedInteger(derived.into_owned())
        }
        _ => value_type(&value)?,
    };
    native_scalar(&candidate, literal).map(|_| candidate)
}

/// The native type whose columns have this value, and nothing less: a time keeps its timezone.
pub(crate) fn value_type(value: &ExpressionTerm) -> Option<LiteralType> {
    let candidate = match value {
        ExpressionTerm::BooleanLiteral(_) => LiteralType::Boolean,
        ExpressionTerm::IntegerLiteral(_) => LiteralType::Integer,
        ExpressionTerm::DecimalLiteral(_) => LiteralType::Decimal,
        ExpressionTerm::DoubleLiteral(_) => LiteralType::Double,
        ExpressionTerm::StringLiteral(_) => LiteralType::String,
        ExpressionTerm::DateLiteral(_) => LiteralType::Date,
        ExpressionTerm::DateTimeLiteral(t) => match t.timezone_offset() {
            None => LiteralType::DateTime { zoned: false },
            Some(TimezoneOffset::UTC) => LiteralType::DateTime { zoned: true },
            Some(_) => return None,
        },
        _ => return None,
    };
    value_scalar(&candidate, value).map(|_| candidate)
}

/// The value of a column of the type that stands for this very literal, `None` where the type has none.
pub(crate) fn native_scalar(literal_type: &LiteralType, literal: &Literal) -> Option<ScalarValue> {
    if literal.datatype() != literal_type.datatype() || !literal_type.is_canonical(literal.value()) {
        return None;
    }
    if let LiteralType::Other(_) = literal_type {
        return Some(ScalarValue::Utf8View(Some(literal.value().to_owned())));
    }
    value_scalar(literal_type, &value_of(&literal.clone().into()))
}

/// The value of a column of the type that equals this one, in whatever words it was written. An instant equals itself in
/// any timezone.
pub(crate) fn value_scalar(literal_type: &LiteralType, value: &ExpressionTerm) -> Option<ScalarValue> {
    use ExpressionTerm as T;
    use LiteralType as L;
    Some(match (literal_type, value) {
        (L::String, T::StringLiteral(text)) => ScalarValue::Utf8View(Some(text.clone())),
        (L::Boolean, T::BooleanLiteral(b)) => ScalarValue::Boolean(Some((*b).into())),
        (L::Integer | L::DerivedInteger(_), T::IntegerLiteral(n)) => ScalarValue::Int64(Some((*n).into())),
        (L::Decimal, T::DecimalLiteral(n)) => {
            ScalarValue::Decimal128(Some(storable(unscaled(*n))?), DECIMAL_PRECISION, DECIMAL_SCALE)
        }
        (L::Double, T::DoubleLiteral(n)) => ScalarValue::Float64(Some(one_nan((*n).into()))),
        (L::Date, T::DateLiteral(d)) => ScalarValue::Date32(Some(days(*d)?)),
        (L::DateTime { zoned }, T::DateTimeLiteral(t)) => {
            let (value, is_zoned) = micros(*t)?;
            if is_zoned != *zoned {
                return None;
            }
            ScalarValue::TimestampMicrosecond(Some(value), zoned.then(|| "UTC".into()))
        }
        _ => return None,
    })
}

pub(crate) const DECIMAL_PRECISION: u8 = 38;
pub(crate) const DECIMAL_SCALE: i8 = 18;

/// An unscaled value of no more than 38 digits.
pub(super) fn storable(unscaled: i128) -> Option<i128> {
    const BOUND: i128 = 10_i128.pow(38);
    (-BOUND < unscaled && unscaled < BOUND).then_some(unscaled)
}

/// There is one NaN among terms, and many among floats.
pub(crate) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}
