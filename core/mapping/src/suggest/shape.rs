//! What a table is in RDF: things with properties and references, or references only.

use super::words::{Words, compared, singular, split};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::contract::{Binding, Column, Description, ForeignKey, Table, TextComparison, TypeKind};

/// What each row of a table is.
#[derive(Debug)]
pub(super) enum Shape<'a> {
    Entity(Entity<'a>),
    Link(Link<'a>),
}

/// A thing, with an IRI where the table has a key.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    pub(super) table: &'a Table,
    pub(super) key: Option<&'a [String]>,
    pub(super) literals: Vec<&'a Column>,
    pub(super) references: Vec<&'a ForeignKey>,
}

/// A reference from one thing to another: a table of two foreign keys and nothing else.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) table: &'a Table,
    /// Gives the subject.
    pub(super) from: &'a ForeignKey,
    /// The columns of the table that take the places of the key of `from`'s table, in its order.
    pub(super) subject: Vec<&'a str>,
    pub(super) to: &'a ForeignKey,
}

impl<'a> Entity<'a> {
    /// Columns that may be null where a row needs them all to be something.
    pub(super) fn nullable_subject(&self) -> Vec<&'a str> {
        let in_subject = |column: &&Column| self.key.is_none_or(|key| key.contains(&column.name));
        let columns = self.table.columns.iter().filter(in_subject);
        columns.filter(|column| column.nullable).map(|column| column.name.as_str()).collect()
    }
}

/// The columns that every read must give values for.
pub(super) fn required(table: &Table) -> Vec<&str> {
    let columns = table.columns.iter().filter(|column| column.binding == Binding::Required);
    columns.map(|column| column.name.as_str()).collect()
}

/// The shapes of all tables that have columns, in the order of their names.
pub(super) fn shapes(description: &Description) -> Vec<Shape<'_>> {
    let tables: BTreeMap<&str, &Table> =
        description.tables.iter().filter(|t| !t.columns.is_empty()).map(|t| (t.name.as_str(), t)).collect();
    let keys: BTreeMap<&str, Vec<&ForeignKey>> =
        tables.iter().map(|(name, table)| (*name, foreign_keys(table, &tables))).collect();
    let referenced: BTreeSet<&str> = keys.values().flatten().map(|key| key.referenced_table.as_str()).collect();
    let mut found = Vec::with_capacity(tables.len());
    for (name, table) in &tables {
        let own = keys.get(name).cloned().unwrap_or_default();
        found.push(match link(table, &own, &tables, &referenced) {
            Some(link) => Shape::Link(link),
            None => Shape::Entity(entity(table, own)),
        });
    }
    found
}

/// Those that can be joined on, each once.
fn foreign_keys<'a>(table: &'a Table, tables: &BTreeMap<&str, &Table>) -> Vec<&'a ForeignKey> {
    let mut found: Vec<&ForeignKey> = Vec::new();
    for key in &table.foreign_keys {
        let Some(parent) = tables.get(key.referenced_table.as_str()) else { continue };
        let whole = !key.columns.is_empty()
            && key.columns.len() == key.referenced_columns.len()
            && key.columns.iter().all(|column| table.column(column).is_some())
            && key.referenced_columns.iter().all(|column| parent.column(column).is_some());
        let same = |known: &&ForeignKey| known.columns == key.columns && known.referenced_table == key.referenced_table;
        if whole && !found.iter().any(same) {
            found.push(key);
        }
    }
    found
}

/// A column that alone is a foreign key says no more than the reference. In a key of several, each column stays: where one of
/// them is null there is no reference.
fn entity<'a>(table: &'a Table, references: Vec<&'a ForeignKey>) -> Entity<'a> {
    let is_reference = |column: &&Column| references.iter().any(|key| key.columns == [column.name.as_str()]);
    let literals = table.columns.iter().filter(|column| !is_reference(column)).collect();
    Entity { table, key: key(table), literals, references }
}

/// The primary key, or the first other one.
fn key(table: &Table) -> Option<&[String]> {
    let usable = |key: &&Vec<String>| !key.is_empty() && key.iter().all(|column| table.column(column).is_some());
    table.keys.iter().find(usable).map(Vec::as_slice)
}

fn link<'a>(
    table: &'a Table,
    keys: &[&'a ForeignKey],
    tables: &BTreeMap<&str, &'a Table>,
    referenced: &BTreeSet<&str>,
) -> Option<Link<'a>> {
    let [first, second] = keys else { return None };
    let columns: BTreeSet<&String> = first.columns.iter().chain(&second.columns).collect();
    let nothing_else =
        columns.len() == table.columns.len() && first.columns.len() + second.columns.len() == table.columns.len();
    if !nothing_else || referenced.contains(table.name.as_str()) {
        return None;
    }
    let position = |key: &ForeignKey| table.columns.iter().position(|column| key.columns.contains(&column.name));
    let (from, to) = if position(first) <= position(second) { (*first, *second) } else { (*second, *first) };
    let subject = subject_columns(table, from, tables.get(from.referenced_table.as_str())?)?;
    Some(Link { table, from, subject, to })
}

/// The columns of the link from which the subject's IRI can be built: those that stand for the key of its table, and are
/// written alike.
fn subject_columns<'a>(table: &'a Table, from: &'a ForeignKey, parent: &Table) -> Option<Vec<&'a str>> {
    let key = key(parent)?;
    if key.len() != from.columns.len() {
        return None;
    }
    let column = |name: &String| {
        let at = from.referenced_columns.iter().position(|referenced| referenced == name)?;
        let (own, other) = (table.column(&from.columns[at])?, parent.column(name)?);
        let by_code_point = |column: &Column| column.text_comparison == TextComparison::CodePoint;
        let is_alike = own.data_type == other.data_type
            && (own.data_type.kind() != TypeKind::Text || by_code_point(own) && by_code_point(other));
        is_alike.then_some(own.name.as_str())
    };
    key.iter().map(column).collect()
}

/// Endings of columns that only say how they refer.
const REFERRING: [&str; 14] =
    ["id", "no", "nr", "num", "number", "code", "key", "fk", "ref", "uuid", "guid", "nbr", "pk", "identifier"];

/// The words of a table's name, in the singular: without its schema, and without the marks that some put before it.
pub(super) fn table_words(table: &str) -> Words {
    let name = table.rsplit('.').find(|part| !split(part).is_empty()).unwrap_or(table);
    let mut words = split(name);
    let is_mark = |word: &str| matches!(word, "t" | "tbl" | "tab" | "v" | "vw" | "view" | "dim" | "fact");
    if words.len() > 1 && is_mark(&words[0]) {
        words.remove(0);
    }
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    words
}

/// What a reference is called: by its column, without what only says that it refers; of several columns, by the one that is
/// its own. Where that is nothing, or the initials of the table it refers to, by that table.
pub(super) fn reference_words(table: &Table, key: &ForeignKey) -> Words {
    let others = |column: &&String| {
        let shared = table.foreign_keys.iter().filter(|other| other.columns.contains(column)).count() > 1;
        !shared && !key.referenced_columns.contains(column)
    };
    let column = match key.columns.as_slice() {
        [column] => Some(column),
        columns => columns.iter().rev().find(others),
    };
    let mut words = column.map(|column| split(column)).unwrap_or_default();
    while words.last().is_some_and(|word| REFERRING.contains(&word.as_str())) {
        words.pop();
    }
    let target = table_words(&key.referenced_table);
    let initials: String = target.iter().filter_map(|word| word.chars().next()).collect();
    let is_short = target.len() > 1 && words.concat() == initials;
    if words.is_empty() || is_short { target } else { words }
}

/// What a link is called: its table's name without the name of the subject's table, or as the reference to its object.
pub(super) fn link_words(link: &Link<'_>) -> Words {
    let own = table_words(&link.table.name);
    let subject: BTreeSet<String> = table_words(&link.from.referenced_table).into_iter().collect();
    let rest: Words = own.iter().filter(|word| !subject.contains(&singular(word))).cloned().collect();
    if rest.is_empty() { reference_words(link.table, link.to) } else { rest }
}

/// Ways to say a column: alone, without the name of its table, and with it.
pub(super) fn column_names(table: &str, column: &[String]) -> Vec<(Words, f64)> {
    let words = compared(&column.join("_"));
    let owner = compared(&table_words(table).join("_"));
    let mut names = vec![(words.clone(), 1.0)];
    if let Some(rest) = words.strip_prefix(owner.as_slice()).filter(|rest| !rest.is_empty()) {
        names.push((rest.to_vec(), 0.97));
    } else if !owner.is_empty() {
        names.push(([owner, words].concat(), 0.95));
    }
    names.retain(|(words, _)| !words.is_empty());
    names
}
