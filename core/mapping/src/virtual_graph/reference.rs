//! Referencing object maps (R2RML section 8): the subject of another triples map.

use super::resolve::Resolver;
use super::{Join, MappedTerm};
use crate::r2rml::{Location, SqlName};
use std::collections::HashSet;
use weft_model::contract::{Column, DataType, ForeignKey, Table, TextComparison};

/// A pair of columns that a join compares.
struct Condition<'a> {
    child: &'a Column,
    parent: &'a Column,
}

impl<'a> Resolver<'a> {
    pub(super) fn reference(
        &mut self,
        child: &'a Table,
        parent: usize,
        conditions: &[(SqlName, SqlName)],
        location: &Location,
    ) -> Option<(MappedTerm, Option<Join>)> {
        let Some(map) = self.mapping.triples_maps.get(parent) else {
            self.error(location, "the parent is not a triples map of this document".to_owned());
            return None;
        };
        // What is wrong there is wrong with the parent, and said once.
        let of_child = self.current.replace(map.name.clone());
        let found = self.table(map).and_then(|table| Some((table, self.subject(&map.subject, table)?)));
        self.current = of_child;
        let (table, subject) = found?;
        let conditions = self.conditions(child, table, conditions, location)?;
        if !conditions.is_empty() {
            return Some(joined(child, table, subject, &conditions));
        }
        if child.name != table.name {
            let message =
                format!("the parent is on table {:?}, not {:?}: it needs a rr:joinCondition", table.name, child.name);
            self.error(location, message);
            return None;
        }
        Some((subject, None))
    }

    fn conditions(
        &mut self,
        child: &'a Table,
        parent: &'a Table,
        names: &[(SqlName, SqlName)],
        location: &Location,
    ) -> Option<Vec<Condition<'a>>> {
        let mut conditions = Vec::new();
        let mut complete = true;
        let mut seen = HashSet::new();
        for name in names.iter().filter(|name| seen.insert(*name)) {
            let pair = (self.column(child, &name.0, location), self.column(parent, &name.1, location));
            match pair {
                (Some(child), Some(parent)) => conditions.push(Condition { child, parent }),
                _ => complete = false,
            }
        }
        complete.then_some(conditions)
    }
}

/// The object as it is in the child's row alone where that is the same, otherwise from the parent's row.
fn joined(
    child: &Table,
    parent: &Table,
    subject: MappedTerm,
    conditions: &[Condition<'_>],
) -> (MappedTerm, Option<Join>) {
    let declared = child.foreign_keys.iter().any(|key| key.referenced_table == parent.name && is_on(key, conditions));
    let by_child = declared && conditions.iter().all(|c| same_text(c) && null_is_seen(c, &subject));
    if let Some(columns) = by_child.then(|| child_columns(&subject, conditions)).flatten() {
        return (MappedTerm { columns, ..subject }, None);
    }
    let on = conditions.iter().map(|c| (c.child.name.clone(), c.parent.name.clone())).collect();
    (subject, Some(Join { table: parent.name.clone(), on }))
}

/// Whether the foreign key compares exactly the columns of the conditions.
fn is_on(key: &ForeignKey, conditions: &[Condition<'_>]) -> bool {
    key.columns.len() == conditions.len()
        && key.referenced_columns.len() == conditions.len()
        && conditions.iter().all(|condition| {
            let mut pairs = key.columns.iter().zip(&key.referenced_columns);
            pairs.any(|(child, parent)| *child == condition.child.name && *parent == condition.parent.name)
        })
}

/// Whether two values that the source takes for equal are written alike.
fn same_text(condition: &Condition<'_>) -> bool {
    let by_code_point = |column: &Column| column.text_comparison == TextComparison::CodePoint;
    match (condition.child.data_type, condition.parent.data_type) {
        (DataType::Text, DataType::Text) => by_code_point(condition.child) && by_code_point(condition.parent),
        (DataType::Decimal { .. }, DataType::Decimal { .. }) => true,
        // Zero has two signs, which are equal and differ in text.
        (DataType::Float64, _) => false,
        (child, parent) => child == parent,
    }
}

/// Whether a null in the child's column leaves the row without object: then it joins nothing, and its foreign key, if
/// it has other columns, promises nothing.
fn null_is_seen(condition: &Condition<'_>, subject: &MappedTerm) -> bool {
    !condition.child.nullable || subject.columns.contains(&condition.parent.name)
}

/// The child's columns that equal those of the parent's subject, if all of these are compared.
fn child_columns(subject: &MappedTerm, conditions: &[Condition<'_>]) -> Option<Vec<String>> {
    let child = |column: &String| {
        let mut equal = conditions.iter().filter(|condition| condition.parent.name == *column);
        equal.next().map(|condition| condition.child.name.clone())
    };
    subject.columns.iter().map(child).collect()
}
