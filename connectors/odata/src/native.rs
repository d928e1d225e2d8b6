//! What a column's native type says. It comes back with every read, so that a scan needs no `$metadata`:
//!
//! `Edm.DateTimeOffset(7)`, `Edm.String; in; navigation=part/1>Parts.number`

use std::fmt;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NativeType {
    /// The qualified name of the Edm type.
    pub name: String,
    /// Digits of a second's fraction.
    pub precision: Option<u8>,
    /// The service understands `in (...)`.
    pub in_operator: bool,
    /// Navigation properties whose referential constraint names this column.
    pub navigations: Vec<Navigation>,
}

/// One column of a referential constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Navigation {
    pub property: String,
    /// How many columns the whole constraint has.
    pub columns: usize,
    pub table: String,
    pub column: String,
}

impl fmt::Display for NativeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(precision) = self.precision {
            write!(f, "({precision})")?;
        }
        if self.in_operator {
            f.write_str("; in")?;
        }
        for n in &self.navigations {
            write!(f, "; navigation={}/{}>{}.{}", n.property, n.columns, n.table, n.column)?;
        }
        Ok(())
    }
}

impl NativeType {
    /// Reads what [`fmt::Display`] wrote. OData identifiers hold none of the separators.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split("; ");
        let first = parts.next().unwrap_or_default();
        let (name, precision) = match first.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, digits)) => (name, digits.parse().ok()),
            None => (first, None),
        };
        let mut native = Self { name: name.to_owned(), precision, ..Self::default() };
        for part in parts {
            if part == "in" {
                native.in_operator = true;
            }
            native.navigations.extend(part.strip_prefix("navigation=").and_then(Navigation::parse));
        }
        native
    }
}

impl Navigation {
    fn parse(text: &str) -> Option<Self> {
        let (from, target) = text.split_once('>')?;
        let (property, columns) = from.split_once('/')?;
        let (table, column) = target.rsplit_once('.')?;
        Some(Self {
            property: property.to_owned(),
            columns: columns.parse().ok()?,
            table: table.to_owned(),
            column: column.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_type_survives_the_way_through_the_broker() {
        let navigation = |property: &str| Navigation {
            property: property.to_owned(),
            columns: 2,
            table: "PartRevisions".to_owned(),
            column: "id".to_owned(),
        };
        let types = [
            NativeType { name: "Edm.String".to_owned(), ..NativeType::default() },
            NativeType { name: "Edm.DateTimeOffset".to_owned(), precision: Some(7), ..NativeType::default() },
            NativeType {
                name: "Edm.Int32".to_owned(),
                precision: None,
                in_operator: true,
                navigations: vec![navigation("parent"), navigation("child")],
            },
        ];
        for native in types {
            assert_eq!(NativeType::parse(&native.to_string()), native, "{native}");
        }
    }
}
