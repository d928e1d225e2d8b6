//! How much of a source is mapped.

use crate::r2rml::{Mapping, ObjectMap, SqlName, TermMap, TriplesMap};
use crate::virtual_graph::column;
use std::collections::BTreeSet;
use std::fmt;
use weft_model::contract::{Description, Table};

/// Names that are told of each kind.
const SHOWN: usize = 5;

/// Tables and columns, and those that no triples map reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub tables: usize,
    /// In the order of their names.
    pub unmapped_tables: Vec<String>,
    /// Of the tables that are mapped.
    pub columns: usize,
    /// As `table.column`, in the order of their names.
    pub unmapped_columns: Vec<String>,
}

impl Coverage {
    /// `tables` are those of the triples maps.
    pub(super) fn new(mapping: &Mapping, tables: &[Option<&Table>], description: &Description) -> Self {
        let mut read: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (map, table) in mapping.triples_maps.iter().zip(tables) {
            let Some(table) = *table else { continue };
            // The table itself is read, even where only constants come of it.
            read.insert((&table.name, ""));
            read.extend(names(map).into_iter().filter_map(|name| place(table, name)));
            for found in &map.predicate_objects {
                let ObjectMap::Reference { parent, conditions, .. } = &found.object else { continue };
                let parent = tables.get(*parent).copied().flatten();
                for (own, other) in conditions {
                    read.extend(place(table, own));
                    read.extend(parent.and_then(|parent| place(parent, other)));
                }
            }
        }
        let (mapped, unmapped): (Vec<_>, Vec<_>) =
            description.tables.iter().partition(|table| read.contains(&(table.name.as_str(), "")));
        let columns = mapped.iter().flat_map(|table| table.columns.iter().map(|column| (&table.name, &column.name)));
        let unread = columns.clone().filter(|(table, column)| !read.contains(&(table.as_str(), column.as_str())));
        let mut found = Self {
            tables: description.tables.len(),
            unmapped_tables: unmapped.iter().map(|table| table.name.clone()).collect(),
            columns: columns.clone().count(),
            unmapped_columns: unread.map(|(table, column)| format!("{table}.{column}")).collect(),
        };
        found.unmapped_tables.sort();
        found.unmapped_columns.sort();
        found
    }

    pub fn is_whole(&self) -> bool {
        self.unmapped_tables.is_empty() && self.unmapped_columns.is_empty()
    }
}

/// The columns that the terms of a triples map name.
fn names(map: &TriplesMap) -> Vec<&SqlName> {
    let mut terms = vec![&map.subject];
    terms.extend(&map.graphs);
    for found in &map.predicate_objects {
        terms.push(&found.predicate);
        terms.extend(&found.graphs);
        if let ObjectMap::Term(object) = &found.object {
            terms.push(object);
        }
    }
    terms.into_iter().flat_map(columns).collect()
}

fn columns(term: &TermMap) -> &[SqlName] {
    match term {
        TermMap::Constant { .. } => &[],
        TermMap::Column { column, .. } => std::slice::from_ref(column),
        TermMap::Template { columns, .. } => columns,
    }
}

fn place<'a>(table: &'a Table, name: &SqlName) -> Option<(&'a str, &'a str)> {
    Some((table.name.as_str(), column(table, name)?.name.as_str()))
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tables, columns) = (&self.unmapped_tables, &self.unmapped_columns);
        let mut parts = Vec::new();
        if !tables.is_empty() {
            parts.push(format!("{} of {} tables ({})", tables.len(), self.tables, some(tables)));
        }
        if !columns.is_empty() {
            parts.push(format!("{} of {} columns of mapped tables ({})", columns.len(), self.columns, some(columns)));
        }
        match parts.is_empty() {
            true => f.write_str("all tables and columns are mapped"),
            false => write!(f, "not mapped: {}", parts.join(", ")),
        }
    }
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}
