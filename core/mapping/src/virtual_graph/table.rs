//! The tables and columns that a mapping names.

use crate::r2rml::{LogicalTable, SqlName, configuration, is_same};
use crate::suggestion::nearest_or_all;
use std::collections::HashMap;
use weft_model::contract::{Column, Table, UnquotedNames};

/// What a source describes, found by the names that mappings write.
pub(crate) struct Tables<'a> {
    all: &'a [Table],
    by_name: HashMap<&'a str, &'a Table>,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(all: &'a [Table]) -> Self {
        Self { all, by_name: all.iter().map(|table| (table.name.as_str(), table)).collect() }
    }

    /// The table, or why there is none. `triples_map` is what the rows are for.
    pub(crate) fn find(&self, table: &LogicalTable, source: &str, triples_map: &str) -> Result<&'a Table, String> {
        match table {
            LogicalTable::Named(name) => self.named(name, source),
            LogicalTable::Query(query) => self.queried(query, source, triples_map),
        }
    }

    fn named(&self, name: &SqlName, source: &str) -> Result<&'a Table, String> {
        for unquoted in [UnquotedNames::AsWritten, UnquotedNames::LowerCase] {
            let found = self.by_name.get(name.read(unquoted).as_str());
            if let Some(table) = found.filter(|table| unquoted_in(table) == unquoted || is_view(table)) {
                return Ok(table);
            }
        }
        let mut unqualified = self.all.iter().filter(|table| is_in_some_schema(table, name));
        match (unqualified.next(), unqualified.next()) {
            (Some(table), None) => Ok(table),
            (Some(one), Some(other)) => Err(format!(
                "source {source} has more than one table {:?}: write {:?} or {:?}",
                &**name, one.name, other.name
            )),
            (None, _) => {
                if let Some(table) = self.all.iter().find(|table| is_meant(table, name)) {
                    return Err(format!("source {source} has no table {}", read_otherwise(name, &table.name)));
                }
                let suggestion = nearest_or_all(name, self.by_name.keys().copied());
                Err(format!("source {source} has no table {:?}{suggestion}", &**name))
            }
        }
    }

    fn queried(&self, query: &str, source: &str, triples_map: &str) -> Result<&'a Table, String> {
        let is_made_of = |table: &&Table| {
            table.sql.as_ref().and_then(|sql| sql.query.as_ref()).is_some_and(|own| is_same(own, query))
        };
        self.all.iter().find(is_made_of).ok_or_else(|| {
            let lines = configuration(&self.free_name(triples_map), query);
            format!(
                "source {source} has no table that is made of the rr:sqlQuery of triples map {triples_map}: a query is \
                 declared where it runs, in the configuration of the connector:\n{lines}"
            )
        })
    }

    /// A name for a view that no table has.
    fn free_name(&self, triples_map: &str) -> String {
        let name = triples_map.trim_end_matches('>').rsplit(['/', '#', ':']).next().unwrap_or_default();
        let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let name = if name.is_empty() { "view".to_owned() } else { name.to_lowercase() };
        let mut free = name.clone();
        let mut number = 1;
        while self.by_name.contains_key(free.as_str()) {
            number += 1;
            free = format!("{name}_{number}");
        }
        free
    }
}

fn unquoted_in(table: &Table) -> UnquotedNames {
    table.sql.as_ref().map_or_else(UnquotedNames::default, |sql| sql.unquoted)
}

/// Whether the table is made of a query that a configuration names.
fn is_view(table: &Table) -> bool {
    table.sql.as_ref().is_some_and(|sql| sql.query.is_some())
}

/// Whether a name without schema is that of a table of an SQL database in some schema of its.
fn is_in_some_schema(table: &Table, name: &SqlName) -> bool {
    let read = name.read(unquoted_in(table));
    let schema = table.name.strip_suffix(read.as_str()).and_then(|rest| rest.strip_suffix('.'));
    table.sql.is_some() && !name.is_qualified() && schema.is_some_and(|schema| !schema.is_empty())
}

/// Whether the name would be that of the table, were it in quotes.
fn is_meant(table: &Table, name: &SqlName) -> bool {
    let rest = table.name.strip_suffix(&**name);
    unquoted_in(table) != UnquotedNames::AsWritten && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A column by the name that a mapping writes. The columns of a view are named by a query that its mapping may write, too, so a
/// name without quotes that is none to the database is taken as it is written there.
pub(crate) fn column<'a>(table: &'a Table, name: &SqlName) -> Option<&'a Column> {
    let as_written = || table.column(name).filter(|_| is_view(table));
    table.column(&name.read(unquoted_in(table))).or_else(as_written)
}

/// The name of a column that there is not, and which may be meant.
pub(super) fn missing_column(table: &Table, name: &SqlName) -> String {
    if unquoted_in(table) != UnquotedNames::AsWritten && table.column(name).is_some() {
        return read_otherwise(name, name);
    }
    let names = table.columns.iter().map(|column| column.name.as_str());
    format!("{:?}{}", &**name, nearest_or_all(name, names))
}

/// A name that is another one to the database.
fn read_otherwise(name: &SqlName, meant: &str) -> String {
    let read = name.read(UnquotedNames::LowerCase);
    format!("{read:?}, as the database reads {name} without quotes: write {meant:?} with its quotes")
}
