//! The words of values: canonical lexical forms of XML Schema 1.1 part 2, which R2RML section 10.2 names.
//!
//! A native column holds values; the terms it stands for are written as here. Every other term is kept as it was
//! written, so that `"01"^^xsd:integer` and `1` are two terms of one value.

use super::LiteralType;
use oxrdf::NamedNodeRef;
use oxsdatatypes::{Boolean, Date, DateTime, Decimal, Integer};
use std::ops::RangeInclusive;
use std::str::FromStr;

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// `xsd:integer` and the types derived from it, with the part of their value space that fits an Int64.
const INTEGERS: [(&str, RangeInclusive<i64>); 13] = [
    ("integer", i64::MIN..=i64::MAX),
    ("long", i64::MIN..=i64::MAX),
    ("int", -2_147_483_648..=2_147_483_647),
    ("short", -32_768..=32_767),
    ("byte", -128..=127),
    ("nonPositiveInteger", i64::MIN..=0),
    ("negativeInteger", i64::MIN..=-1),
    ("nonNegativeInteger", 0..=i64::MAX),
    ("positiveInteger", 1..=i64::MAX),
    ("unsignedLong", 0..=i64::MAX),
    ("unsignedInt", 0..=4_294_967_295),
    ("unsignedShort", 0..=65_535),
    ("unsignedByte", 0..=255),
];

/// The values of `xsd:integer` or a type derived from it, as far as the engine computes with them; `None` for any other
/// datatype.
pub fn integer_range(datatype: NamedNodeRef<'_>) -> Option<RangeInclusive<i64>> {
    let name = datatype.as_str().strip_prefix(XSD)?;
    INTEGERS.iter().find(|(known, _)| *known == name).map(|(_, range)| range.clone())
}

/// An `xsd:double`: one digit before the point, at least one behind it, and an exponent.
pub fn double_text(value: f64) -> String {
    let mut text = String::new();
    push_double(value, &mut text);
    text
}

/// Appends [`double_text`].
pub fn push_double(value: f64, text: &mut String) {
    if !value.is_finite() {
        return text.push_str(special(value));
    }
    if !push_nearest(value, text) {
        text.push_str(&with_point(format!("{value:E}")));
    }
}

/// An `xsd:float`, in the fewest digits that tell it from other floats.
pub fn float_text(value: f32) -> String {
    if value.is_finite() { with_point(format!("{value:E}")) } else { special(value.into()).to_owned() }
}

fn with_point(text: String) -> String {
    if text.contains('.') { text } else { text.replacen('E', ".0E", 1) }
}

/// Appends the shortest decimal that is nearest to the value, unless two may be as short and as near: of these, the
/// standard library chooses.
fn push_nearest(value: f64, text: &mut String) -> bool {
    // Such as `-0.025`, `1500.0` or `1.5e+20`.
    let mut buffer = zmij::Buffer::new();
    let number = buffer.format_finite(value);
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let (significant, more) = if whole == "0" { (fraction.trim_start_matches('0'), "") } else { (whole, fraction) };
    let significant = if more.is_empty() { significant.trim_end_matches('0') } else { significant };
    let Ok(places) = i32::try_from(fraction.len()) else { return false };
    if significant.len() + more.len() > UNIQUE_DIGITS && may_be_halfway(value, places - exponent) {
        return false;
    }
    let before = if whole == "0" { significant.len().wrapping_sub(fraction.len() + 1) } else { whole.len() - 1 };
    let sign = if digits.len() < mantissa.len() { "-" } else { "" };
    let (exponent, first, rest) = match significant.split_at_checked(1) {
        Some((first, rest)) => (exponent as isize + before.cast_signed(), first, rest),
        None => (0, "0", ""),
    };
    let nothing = if rest.is_empty() && more.is_empty() { "0" } else { "" };
    for part in [sign, first, ".", rest, more, nothing, "E", itoa::Buffer::new().format(exponent)] {
        text.push_str(part);
    }
    true
}

/// Of so many digits no two decimals are the nearest ones to one double.
const UNIQUE_DIGITS: usize = 15;

/// Whether a value may be in the middle between two decimals with so many digits after the point: it has one binary place
/// more than these have decimal ones, as `0.25` has between `0.2` and `0.3`.
fn may_be_halfway(value: f64, places: i32) -> bool {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = value.to_bits();
    let biased = i32::try_from(bits >> FRACTION & 0x7ff).unwrap_or_default();
    let fraction = bits & ((1 << FRACTION) - 1);
    let mantissa = if biased == 0 { fraction } else { fraction | 1 << FRACTION };
    let zeros = i32::try_from(mantissa.trailing_zeros()).unwrap_or_default();
    let binary_places = 1075 - biased.max(1) - zeros;
    binary_places <= 0 || binary_places == places + 1
}

fn special(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "INF"
    } else {
        "-INF"
    }
}

/// The value of a lexical form of `xsd:double`: Rust reads more words than XML Schema has.
pub fn parse_double(text: &str) -> Option<f64> {
    floating(text).then(|| text.parse().ok())?
}

/// The value of a lexical form of `xsd:float`.
pub fn parse_float(text: &str) -> Option<f32> {
    floating(text).then(|| text.parse().ok())?
}

fn floating(text: &str) -> bool {
    matches!(text, "NaN" | "INF" | "+INF" | "-INF")
        || text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
}

impl LiteralType {
    /// The lexical form in which this type writes the value of another one; `None` when that is none of the datatype.
    pub fn canonical_lexical(&self, lexical: &str) -> Option<String> {
        fn again<T: FromStr + ToString>(text: &str) -> Option<String> {
            T::from_str(text).ok().map(|value| value.to_string())
        }
        match self {
            Self::Boolean => again::<Boolean>(lexical),
            Self::Integer => again::<Integer>(lexical),
            Self::DerivedInteger(datatype) => {
                let value = lexical.parse::<i64>().ok()?;
                integer_range(datatype.as_ref())?.contains(&value).then(|| value.to_string())
            }
            Self::Decimal => again::<Decimal>(lexical),
            Self::Double => parse_double(lexical).map(double_text),
            Self::Date => again::<Date>(lexical),
            Self::DateTime { .. } => again::<DateTime>(lexical),
            Self::String | Self::Other(_) => Some(lexical.to_owned()),
        }
    }

    /// Whether a value of the column is written like this.
    pub fn is_canonical(&self, lexical: &str) -> bool {
        self.canonical_lexical(lexical).is_some_and(|canonical| canonical == lexical)
            && match self {
                Self::DateTime { zoned: true } => lexical.ends_with('Z'),
                Self::DateTime { zoned: false } => {
                    DateTime::from_str(lexical).is_ok_and(|time| time.timezone_offset().is_none())
                }
                _ => true,
            }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use oxrdf::vocab::xsd;

    #[test]
    fn floating_numbers_are_written_as_xml_schema_does() {
        for (value, text) in [
            (30.0, "3.0E1"),
            (80.25, "8.025E1"),
            (0.0, "0.0E0"),
            (-0.0, "-0.0E0"),
            (1e300, "1.0E300"),
            (1.5e-7, "1.5E-7"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "INF"),
            (f64::NEG_INFINITY, "-INF"),
        ] {
            assert_eq!(double_text(value), text);
            let again = parse_double(text).unwrap();
            assert!(again.to_bits() == value.to_bits() || value.is_nan() && again.is_nan(), "{text}");
        }
        assert_eq!(float_text(0.1), "1.0E-1");
        let limits = [0.0, 1.0, 10.0, 99.0, 1e15, 1e16, 1e17, 1e-4, 1e-5, 1e-6, f64::MIN_POSITIVE, 5e-324, f64::MAX];
        let powers = (-308..308).map(|power| 10_f64.powi(power));
        // The multipliers of Knuth's generator give every pattern of bits.
        let bits = (1_u64..20_000).map(|n| f64::from_bits(n.wrapping_mul(6_364_136_223_846_793_005)));
        for value in limits.into_iter().chain(powers).chain(bits).filter(|value| value.is_finite()) {
            let halves = (1..40).map(|power| (value % 1e12).trunc() + 2_f64.powi(-power) * (value % 64.0).trunc());
            for value in [value, -value, value / 3.0, value.trunc()].into_iter().chain(halves) {
                let with_point = |text: String| if text.contains('.') { text } else { text.replacen('E', ".0E", 1) };
                assert_eq!(double_text(value), with_point(format!("{value:E}")));
                #[allow(clippy::cast_possible_truncation, reason = "a float that is about as much")]
                let float = value as f32;
                if float.is_finite() {
                    assert_eq!(float_text(float), with_point(format!("{float:E}")));
                }
            }
        }
        assert_eq!(parse_float("1.0E-1"), Some(0.1));
        for word in ["inf", "Infinity", "nan", "", "e", "1e", "0x1", "1_0"] {
            assert_eq!(parse_double(word), None, "{word}");
        }
    }

    #[test]
    fn only_the_words_of_a_value_are_canonical() {
        let derived = |name: &str| LiteralType::DerivedInteger(oxrdf::NamedNode::new_unchecked(format!("{XSD}{name}")));
        for (literal, text, canonical) in [
            (LiteralType::Integer, "01", Some("1")),
            (LiteralType::Integer, "-0", Some("0")),
            (LiteralType::Integer, "five", None),
            (derived("byte"), "007", Some("7")),
            (derived("byte"), "300", None),
            (LiteralType::Decimal, "10.50", Some("10.5")),
            (LiteralType::Decimal, "10.0", Some("10")),
            (LiteralType::Double, "1", Some("1.0E0")),
            (LiteralType::Double, "inf", None),
            (LiteralType::Boolean, "1", Some("true")),
            (LiteralType::DateTime { zoned: true }, "2020-01-01T00:00:00+00:00", Some("2020-01-01T00:00:00Z")),
            (LiteralType::String, "01", Some("01")),
        ] {
            assert_eq!(literal.canonical_lexical(text).as_deref(), canonical, "{literal:?} {text}");
            assert_eq!(literal.is_canonical(text), canonical == Some(text));
            assert!(canonical.is_none_or(|canonical| literal.is_canonical(canonical)));
        }
        assert!(!LiteralType::DateTime { zoned: true }.is_canonical("2020-01-01T00:00:00"));
        assert!(!LiteralType::DateTime { zoned: true }.is_canonical("2020-01-01T00:00:00+01:00"));
        assert!(!LiteralType::DateTime { zoned: false }.is_canonical("2020-01-01T00:00:00+01:00"));
    }

    #[test]
    fn derived_types_have_their_ranges() {
        assert_eq!(integer_range(xsd::BYTE), Some(-128..=127));
        assert_eq!(integer_range(xsd::INTEGER), Some(i64::MIN..=i64::MAX));
        assert_eq!(integer_range(xsd::DECIMAL), None);
    }
}
