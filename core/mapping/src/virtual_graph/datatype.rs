//! Which literals a column can give (R2RML sections 7.6 and 10.2).

use oxrdf::vocab::xsd;
use oxrdf::{NamedNode, NamedNodeRef};
use weft_model::contract::{Column, DataType};
use weft_model::term::{LiteralType, integer_range};

/// The natural mapping of SQL values.
pub(crate) fn natural(column: DataType) -> LiteralType {
    match column {
        DataType::Boolean => LiteralType::Boolean,
        DataType::Int64 => LiteralType::Integer,
        // The native column would round what is behind the eighteenth place.
        DataType::Decimal { scale, .. } if scale > MAX_SCALE => LiteralType::Other(xsd::DECIMAL.into_owned()),
        DataType::Decimal { .. } => LiteralType::Decimal,
        DataType::Float64 => LiteralType::Double,
        DataType::Text => LiteralType::String,
        DataType::Date => LiteralType::Date,
        DataType::Timestamp { zoned } => LiteralType::DateTime { zoned },
        DataType::Binary => LiteralType::Other(xsd::HEX_BINARY.into_owned()),
    }
}

/// The natural mapping of a column. SQL's TIME comes as text: the contract has no type for it.
pub(super) fn natural_of(column: &Column) -> LiteralType {
    let native = column.native_type.to_ascii_lowercase();
    let words = native.split(|c: char| c == '(' || c == ')' || c.is_ascii_digit()).flat_map(str::split_whitespace);
    let is_time = matches!(words.collect::<Vec<_>>().as_slice(), ["time"] | ["time", "without", "time", "zone"]);
    match column.data_type {
        DataType::Text if is_time => LiteralType::Other(xsd::TIME.into_owned()),
        data_type => natural(data_type),
    }
}

/// The places a decimal column of the engine keeps.
const MAX_SCALE: u8 = 18;

/// The layout of a column with a datatype of its own: a native column where it can hold all values, otherwise the
/// canonical text of the column's own type, or the words of a text column. The error says why it cannot be.
pub(super) fn declared(column: DataType, datatype: &NamedNode) -> Result<LiteralType, String> {
    let natural = natural(column);
    if natural.datatype() == datatype.as_ref() {
        return Ok(natural);
    }
    if *datatype == xsd::STRING {
        return Ok(LiteralType::String);
    }
    if !may_hold(column, datatype.as_ref()) {
        return Err("the text of such a value is none of that datatype".to_owned());
    }
    Ok(match (column, datatype.as_ref()) {
        (DataType::Int64, xsd::DECIMAL) => LiteralType::Decimal,
        (DataType::Decimal { precision, .. }, xsd::INTEGER) if precision <= INT64_DIGITS => LiteralType::Integer,
        (DataType::Decimal { precision, scale: 0 }, xsd::DOUBLE) if precision <= DOUBLE_DIGITS => LiteralType::Double,
        (DataType::Int64 | DataType::Decimal { .. }, xsd::DOUBLE) => {
            return Err("not every value is exactly a double; xsd:decimal is exact".to_owned());
        }
        (DataType::Int64, derived) if integer_range(derived).is_some() => LiteralType::DerivedInteger(datatype.clone()),
        _ => LiteralType::Other(datatype.clone()),
    })
}

/// Decimal digits that always fit.
const INT64_DIGITS: u8 = 18;
const DOUBLE_DIGITS: u8 = 15;

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// Whether the canonical text of some value of the column is in the lexical space of the datatype.
fn may_hold(column: DataType, datatype: NamedNodeRef<'_>) -> bool {
    const TEXTS: [&str; 4] = ["normalizedString", "token", "NMTOKEN", "anyURI"];
    let Some(name) = datatype.as_str().strip_prefix(XSD) else { return true };
    if TEXTS.contains(&name) {
        return true;
    }
    let is_integer = integer_range(datatype).is_some();
    match column {
        DataType::Text => true,
        DataType::Boolean => name == "boolean",
        DataType::Int64 => is_integer || matches!(name, "decimal" | "float" | "double" | "boolean" | "gYear"),
        DataType::Decimal { scale, .. } => is_integer && scale == 0 || matches!(name, "decimal" | "float" | "double"),
        DataType::Float64 => matches!(name, "float" | "double"),
        DataType::Date => name == "date",
        DataType::Timestamp { zoned } => name == "dateTime" || zoned && name == "dateTimeStamp",
        DataType::Binary => name == "hexBinary",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn xsd(name: &str) -> NamedNode {
        NamedNode::new(format!("http://www.w3.org/2001/XMLSchema#{name}")).unwrap()
    }

    fn decimal(precision: u8, scale: u8) -> DataType {
        DataType::Decimal { precision, scale }
    }

    #[test]
    fn exact_conversions_stay_native() {
        for (column, datatype, expected) in [
            (DataType::Int64, "integer", LiteralType::Integer),
            (DataType::Int64, "decimal", LiteralType::Decimal),
            (decimal(18, 0), "integer", LiteralType::Integer),
            (decimal(15, 0), "double", LiteralType::Double),
            (decimal(38, 18), "decimal", LiteralType::Decimal),
            (DataType::Timestamp { zoned: true }, "dateTime", LiteralType::DateTime { zoned: true }),
            (DataType::Timestamp { zoned: true }, "string", LiteralType::String),
            (DataType::Text, "string", LiteralType::String),
            (DataType::Int64, "int", LiteralType::DerivedInteger(xsd("int"))),
            (DataType::Int64, "nonNegativeInteger", LiteralType::DerivedInteger(xsd("nonNegativeInteger"))),
            (DataType::Binary, "hexBinary", LiteralType::Other(xsd("hexBinary"))),
        ] {
            assert_eq!(declared(column, &xsd(datatype)), Ok(expected), "{column} {datatype}");
        }
    }

    #[test]
    fn inexact_ones_are_kept_as_text() {
        for (column, datatype) in [
            (DataType::Text, "integer"),
            (DataType::Text, "date"),
            (DataType::Text, "float"),
            (DataType::Text, "dateTimeStamp"),
            (DataType::Int64, "boolean"),
            (decimal(19, 0), "integer"),
            (decimal(38, 19), "decimal"),
        ] {
            assert_eq!(declared(column, &xsd(datatype)), Ok(LiteralType::Other(xsd(datatype))), "{column} {datatype}");
        }
    }

    #[test]
    fn impossible_ones_are_refused() {
        for (column, datatype) in [
            (DataType::Boolean, "date"),
            (DataType::Int64, "double"),
            (DataType::Int64, "dateTime"),
            (decimal(10, 2), "double"),
            (decimal(10, 2), "integer"),
            (DataType::Float64, "decimal"),
            (DataType::Date, "dateTime"),
            (DataType::Timestamp { zoned: false }, "date"),
            (DataType::Timestamp { zoned: false }, "dateTimeStamp"),
            (DataType::Binary, "base64Binary"),
        ] {
            assert!(declared(column, &xsd(datatype)).is_err(), "{column} {datatype}");
        }
    }
}
