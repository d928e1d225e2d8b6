//! What earlier scans showed of the sources.
//!
//! The numbers only choose between plans that give the same answer. A snapshot is plain data and never changes while a
//! query is planned, so that planning stays a function of its inputs.
//!
//! What is known is kept by the shape of a relation: its tables, the columns and operators of its conditions and how it is
//! joined, without the constants. Two scans that differ in constants only have one shape, and share what is expected of
//! them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use weft_model::contract::{ColumnRef, Expression, Read, Relation};

#[cfg(test)]
mod tests;

/// What scans of all sources showed. Cheap to clone and to change for one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    pub sources: HashMap<Arc<str>, Arc<SourceObserved>>,
}

/// What scans of one source showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceObserved {
    /// Rows of a whole scan, or rows for each key where it took keys, or keys of a join, by the text of their [`Shape`].
    pub shapes: HashMap<String, Seen>,
    pub latency: Option<Latency>,
}

/// A number of rows and when it was seen last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub rows: f64,
    /// What the number rests on: the keys, or the scans.
    pub weight: f64,
    /// Microseconds since 1970-01-01 UTC.
    pub seen_at: i64,
}

/// How fast a source answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// From the call to its first rows.
    pub first_rows: Duration,
    /// For each row after them.
    pub row: Duration,
    /// The scans and rows it rests on.
    pub scans: u64,
    pub rows: u64,
    pub seen_at: i64,
}

impl SourceObserved {
    pub(crate) fn seen(&self, shape: &str) -> Option<&Seen> {
        self.shapes.get(shape)
    }
}

/// The shape of a relation whose rows say something of its tables, with the columns of the keys it took; `None` where
/// something of it was left out (a limit) or computed (an aggregate).
pub fn shape_of(relation: &Relation) -> Option<Shape> {
    let mut shape = Shape::default();
    let mut keys = None;
    write_relation(relation, &mut shape, &mut keys)?;
    if let Some((alias, columns)) = keys {
        shape.keys(alias, columns.iter().map(String::as_str));
    }
    Some(shape)
}

/// What is the same in relations that are expected to have as many rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub text: String,
    /// Whether constants were left out: scans of this shape differ though the data stays.
    pub has_constants: bool,
}

/// Where the keys of a relation go: the alias of the read, and its columns.
type Keys<'a> = Option<(&'a str, &'a [String])>;

fn write_relation<'a>(relation: &'a Relation, shape: &mut Shape, keys: &mut Keys<'a>) -> Option<()> {
    match relation {
        Relation::Read(read) => write_whole_read(read, shape, keys),
        Relation::Project { input, .. } | Relation::Sort { input, .. } => write_relation(input, shape, keys),
        Relation::Join { left, right, kind: weft_model::contract::JoinKind::Inner, on } => {
            write_relation(left, shape, keys)?;
            shape.text.push_str(" * ");
            write_relation(right, shape, keys)?;
            shape.on(on);
            Some(())
        }
        Relation::Filter { .. }
        | Relation::Join { .. }
        | Relation::Aggregate { .. }
        | Relation::Distinct { .. }
        | Relation::Limit { .. }
        | Relation::Recurse { .. } => None,
    }
}

fn write_whole_read<'a>(read: &'a Read, shape: &mut Shape, keys: &mut Keys<'a>) -> Option<()> {
    if read.limit.is_some() {
        return None;
    }
    if let Some(block) = &read.keys {
        if keys.is_some() {
            return None;
        }
        *keys = Some((&read.alias, &block.columns));
    }
    shape.read(&read.alias, &read.table, conjuncts(read.filter.as_ref()));
    Some(())
}

impl Shape {
    /// A table under its alias, with its conditions in no particular order.
    pub(crate) fn read(&mut self, alias: &str, table: &str, conditions: &[Expression]) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{alias}={table:?}");
        let conditions = conditions.iter().flat_map(|condition| conjuncts(Some(condition)));
        let mut conditions: Vec<String> = conditions.map(|condition| self.condition(condition)).collect();
        conditions.sort_unstable();
        conditions.dedup();
        let _ = write!(self.text, "[{}]", conditions.join(" and "));
    }

    pub(crate) fn on(&mut self, on: &[(ColumnRef, ColumnRef)]) {
        let column = |column: &ColumnRef| format!("{}.{:?}", column.relation, column.name);
        let mut pairs: Vec<String> = on.iter().map(|(l, r)| format!("{}={}", column(l), column(r))).collect();
        pairs.sort_unstable();
        let _ = write!(self.text, " on {}", pairs.join(" and "));
    }

    /// The order of the columns is that of the request, which is not always the same.
    pub(crate) fn keys<'a>(&mut self, alias: &str, columns: impl Iterator<Item = &'a str>) {
        let mut columns: Vec<&str> = columns.collect();
        columns.sort_unstable();
        let _ = write!(self.text, " keys {alias}.{columns:?}");
    }

    /// A condition without its constants. Of a list only the rough length counts.
    fn condition(&mut self, condition: &Expression) -> String {
        match condition {
            Expression::Column(column) => format!("{:?}", column.name),
            Expression::Literal(_) => {
                self.has_constants = true;
                "?".to_owned()
            }
            Expression::Compare { operator, left, right } => {
                format!("{} {operator:?} {}", self.condition(left), self.condition(right))
            }
            Expression::And(parts) => self.all(parts, " and "),
            Expression::Or(parts) => self.all(parts, " or "),
            Expression::Not(inner) => format!("not {}", self.condition(inner)),
            Expression::IsNull(input) => format!("{} null", self.condition(input)),
            Expression::In { input, values } => {
                self.has_constants = true;
                format!("{} in {}", self.condition(input), values.len().next_power_of_two())
            }
            Expression::Text { operator, input, .. } => {
                self.has_constants = true;
                format!("{} {operator:?} ?", self.condition(input))
            }
        }
    }

    fn all(&mut self, parts: &[Expression], sign: &str) -> String {
        let mut parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
        parts.sort_unstable();
        format!("({})", parts.join(sign))
    }
}

pub(crate) fn conjuncts(filter: Option<&Expression>) -> &[Expression] {
    match filter {
        None => &[],
        Some(Expression::And(parts)) => parts,
        Some(other) => std::slice::from_ref(other),
    }
}
