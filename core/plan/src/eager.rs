//! What is done early, below joins, so that fewer rows are sent and joined: groups that are aggregated in parts, and
//! duplicates that are dropped.

mod aggregate;
mod distinct;

pub(crate) use aggregate::aggregate;
pub(crate) use distinct::{Above, distinct};

use crate::cost::{Counted, REQUEST};
use crate::push::{Pushing, origin, part, table_of};
use crate::{Scan, Unkeyed};
use std::collections::HashMap;
use weft_model::contract::{ColumnRef, TimePart};

/// Reading a row that is aggregated where it is, beside sending one.
const READ: f64 = 0.05;

/// The rows before and after.
#[derive(Clone, Copy, Debug)]
struct Gain {
    before: f64,
    after: f64,
}

impl Gain {
    fn and(self, other: Self) -> Self {
        Self { before: self.before + other.before, after: self.after + other.after }
    }

    fn saved(self) -> f64 {
        self.before - self.after
    }

    /// Work before the join is worth it where it leaves much less to join.
    fn pays(self) -> bool {
        self.after * 1.5 <= self.before
    }

    /// What it costs to read the groups of a scan instead of its rows.
    fn of_scan(self, unkeyed: Unkeyed, scan: &Scan, pushing: Pushing<'_>, fields: &[ColumnRef]) -> Unkeyed {
        let whole = (unkeyed.whole - REQUEST).max(1.0);
        let groups = different(scan, pushing, fields, whole);
        let share = self.after / self.before.max(1.0);
        Unkeyed { whole: groups + whole * READ + REQUEST, key: unkeyed.key.mul_add(share, 1.0 - share) }
    }
}

/// The rows of a scan and the different values that some of its fields have. Where it is asked for keys, which are among the
/// fields, it gives a share of all of them.
fn gain(scan: &Scan, pushing: Pushing<'_>, fields: &[ColumnRef], rows: f64) -> Gain {
    let whole = match (&scan.slot, scan.unkeyed) {
        (Some(_), Some(unkeyed)) => (unkeyed.whole - REQUEST).max(1.0),
        _ => return Gain { before: rows, after: different(scan, pushing, fields, rows) },
    };
    let after = rows * different(scan, pushing, fields, whole) / whole;
    Gain { before: rows, after: after.clamp(1.0, rows.max(1.0)) }
}

/// Different values that some fields of a scan are expected to have together, of so many rows.
fn different(scan: &Scan, pushing: Pushing<'_>, fields: &[ColumnRef], rows: f64) -> f64 {
    let mut product = 1.0;
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for field in fields {
        let column = origin(&scan.relation, field);
        match part(&scan.relation, field) {
            Some(part) => product *= values_of(part),
            None => columns.entry(column.relation).or_default().push(column.name),
        }
    }
    for (alias, names) in columns {
        product *= match table_of(scan, pushing.catalogue, &alias) {
            Some(table) => Counted::new(table, None).distinct(&names),
            None => rows,
        };
    }
    product.clamp(1.0, rows.max(1.0))
}

/// Data is seldom about more than a decade.
fn values_of(part: TimePart) -> f64 {
    match part {
        TimePart::Year => 10.0,
        TimePart::Month => 12.0,
        TimePart::Day => 31.0,
        TimePart::Hours => 24.0,
        TimePart::Minutes => 60.0,
    }
}
