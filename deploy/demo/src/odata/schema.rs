//! The entity model of a SQLite file.

use anyhow::{Result, bail};
use rusqlite::{Connection, Row};

#[derive(Debug)]
pub(super) struct Schema {
    pub(super) sets: Vec<EntitySet>,
}

/// A table: entity set and entity type.
#[derive(Debug)]
pub(super) struct EntitySet {
    pub(super) name: String,
    pub(super) properties: Vec<Property>,
    /// Positions of the key properties, in key order.
    pub(super) key: Vec<usize>,
    pub(super) navigation: Vec<Navigation>,
}

#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) edm: Edm,
    pub(super) nullable: bool,
}

/// To-one navigation along a foreign key.
#[derive(Debug)]
pub(super) struct Navigation {
    pub(super) name: String,
    /// Position of the entity set it leads to.
    pub(super) target: usize,
    /// (property here, property there)
    pub(super) columns: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edm {
    String,
    Int32,
    Int64,
    Double,
    Decimal { precision: u8, scale: u8 },
    Date,
    DateTimeOffset,
}

impl Edm {
    /// From the type a column was declared with.
    fn declared(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        if let Some(rest) = upper.strip_prefix("DECIMAL(") {
            let (precision, scale) = rest.strip_suffix(')')?.split_once(',')?;
            return Some(Self::Decimal {
                precision: precision.trim().parse().ok()?,
                scale: scale.trim().parse().ok()?,
            });
        }
        Some(match upper.as_str() {
            "TEXT" => Self::String,
            "INTEGER" => Self::Int32,
            "BIGINT" => Self::Int64,
            "REAL" => Self::Double,
            "DATE" => Self::Date,
            "TIMESTAMPTZ" => Self::DateTimeOffset,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "Edm.String",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::Double => "Edm.Double",
            Self::Decimal { .. } => "Edm.Decimal",
            Self::Date => "Edm.Date",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
        }
    }
}

impl EntitySet {
    pub(super) fn property(&self, name: &str) -> Option<usize> {
        self.properties.iter().position(|property| property.name == name)
    }

    pub(super) fn navigation(&self, name: &str) -> Option<usize> {
        self.navigation.iter().position(|navigation| navigation.name == name)
    }

    /// The name of the entity type: the set's name without the plural.
    pub(super) fn type_name(&self) -> &str {
        self.name.strip_suffix('s').unwrap_or(&self.name)
    }
}

impl Schema {
    /// Fails on a table without primary key or with a column of a type that OData has no name for.
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid";
        let names: Vec<String> = query(connection, names, "", |row| row.get(0))?;
        let mut sets = names.iter().map(|name| read_set(connection, name)).collect::<Result<Vec<_>>>()?;
        for index in 0..sets.len() {
            let navigation = read_navigation(connection, &sets, index)?;
            sets[index].navigation = navigation;
        }
        Ok(Self { sets })
    }

    pub(super) fn set(&self, name: &str) -> Option<usize> {
        self.sets.iter().position(|set| set.name == name)
    }
}

fn query<T>(
    connection: &Connection,
    sql: &str,
    parameter: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    let rows =
        if sql.contains('?') { statement.query_map([parameter], read)? } else { statement.query_map([], read)? };
    rows.collect()
}

fn read_set(connection: &Connection, name: &str) -> Result<EntitySet> {
    let sql = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid";
    type ColumnRow = (String, String, bool, i64);
    let columns: Vec<ColumnRow> =
        query(connection, sql, name, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut key: Vec<(i64, usize)> = Vec::new();
    let mut properties = Vec::new();
    for (index, (column, declared, not_null, position)) in columns.into_iter().enumerate() {
        let Some(edm) = Edm::declared(&declared) else {
            bail!("column {column} of table {name} is declared as {declared:?}, which has no OData type");
        };
        if position > 0 {
            key.push((position, index));
        }
        properties.push(Property { name: column, edm, nullable: !not_null });
    }
    if key.is_empty() {
        bail!("table {name} has no primary key");
    }
    key.sort_unstable();
    Ok(EntitySet {
        name: name.to_owned(),
        properties,
        key: key.into_iter().map(|(_, index)| index).collect(),
        navigation: Vec::new(),
    })
}

/// A foreign key is a navigation property when its columns are called `<name>_<referenced column>`.
fn read_navigation(connection: &Connection, sets: &[EntitySet], index: usize) -> Result<Vec<Navigation>> {
    let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq";
    type KeyRow = (i64, String, String, String);
    let rows: Vec<KeyRow> =
        query(connection, sql, &sets[index].name, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut navigation: Vec<Navigation> = Vec::new();
    for group in rows.chunk_by(|a, b| a.0 == b.0) {
        let Some(target) = sets.iter().position(|set| set.name == group[0].1) else { continue };
        let stems: Vec<Option<&str>> =
            group.iter().map(|(_, _, from, to)| from.strip_suffix(to.as_str())?.strip_suffix('_')).collect();
        let Some(name) = stems[0].filter(|name| stems.iter().all(|stem| *stem == Some(*name))) else { continue };
        let columns: Option<Vec<_>> = group
            .iter()
            .map(|(_, _, from, to)| Some((sets[index].property(from)?, sets[target].property(to)?)))
            .collect();
        if let Some(columns) = columns {
            navigation.push(Navigation { name: name.to_owned(), target, columns });
        }
    }
    navigation.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(navigation)
}
