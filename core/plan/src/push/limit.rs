//! LIMIT into scans, and into joins as a goal.

use super::columns::{capabilities, rows_are_final, table_of};
use super::{Pushing, sort};
use crate::{FirstRows, JoinKind, Node, NodeKind, Rule, Scan, ScanOutput};
use std::sync::Arc;
use weft_model::contract::{Capability, ColumnRef, Relation};

/// Only the first `most` rows are wanted.
pub(super) fn push(node: &mut Node, pushing: Pushing<'_>, most: usize) {
    let limits = pushing.allows(Rule::PushLimit);
    match &mut node.kind {
        NodeKind::Project { input } | NodeKind::Extend { input, .. } => push(input, pushing, most),
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| push(input, pushing, most)),
        NodeKind::Sort { input, keys, fetch } => {
            *fetch = Some(most);
            if pushing.allows(Rule::PushSort) {
                sort::push(input, pushing, keys, most);
            }
        }
        // The rows above it go on until they are enough.
        NodeKind::Filter { input, .. } if pushing.allows(Rule::JoinGoal) => {
            mark(input, pushing, Few { rows: most, part: None });
        }
        NodeKind::Join { left, kind, .. } => {
            // Each left row gives at least one.
            if pushing.allows(Rule::PushBelowJoin) && matches!(kind, JoinKind::Left | JoinKind::Mark(_)) {
                push(left, pushing, most);
            }
            if pushing.allows(Rule::JoinGoal) {
                let few = Few::of(node, most);
                mark(node, pushing, few);
            }
        }
        NodeKind::Unpivot(unpivot) if limits && unpivot.scan.slot.is_none() => {
            let capable = is_capable(&unpivot.scan, pushing);
            // Each row gives at least one where some way to read it leaves none out.
            let way = |outputs: &Vec<ScanOutput>| Scan { outputs: outputs.clone(), ..(*unpivot.scan).clone() };
            if capable && unpivot.ways.iter().map(way).any(|scan| rows_are_final(&scan)) {
                limit(&mut Arc::make_mut(&mut unpivot.scan).relation, most);
            }
        }
        NodeKind::Scan(scan) if limits && scan.slot.is_none() && is_capable(scan, pushing) && rows_are_final(scan) => {
            limit(&mut Arc::make_mut(scan).relation, most);
        }
        _ => {}
    }
}

/// What a LIMIT wants of the joins below it.
#[derive(Clone, Copy)]
struct Few {
    rows: usize,
    /// How much of all rows that is expected to be; nothing where that is anybody's guess.
    part: Option<f64>,
}

impl Few {
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    fn of(node: &Node, rows: usize) -> Self {
        Self { rows, part: Some(rows as f64 / node.estimate.max(1.0)) }
    }

    /// How many of the rows of a scan are expected to be enough, where that is far from all.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of rows, within bounds")]
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    fn first(self, scanned: f64, most: usize) -> Option<u64> {
        let first = (scanned * self.part?).ceil().max(self.rows as f64);
        (first * 2.0 <= scanned && first <= most as f64).then_some(first as u64)
    }
}

/// Tells the joins that give their rows to what is above as they come that so many are wanted.
fn mark(node: &mut Node, pushing: Pushing<'_>, few: Few) {
    let scanned = node.estimate;
    match &mut node.kind {
        NodeKind::Join { left, goal, .. } => {
            *goal = Some(goal.map_or(few.rows, |known| known.min(few.rows)));
            mark(left, pushing, few);
        }
        NodeKind::Project { input } | NodeKind::Extend { input, .. } => mark(input, pushing, few),
        // How many rows it leaves is not known.
        NodeKind::Filter { input, .. } => mark(input, pushing, Few { part: None, ..few }),
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| mark(input, pushing, few)),
        NodeKind::Scan(scan) => {
            let first = first_rows(scan, pushing, few.first(scanned, pushing.limits.key_block));
            Arc::make_mut(scan).first = first;
        }
        _ => {}
    }
}

/// The first rows by a request of their own, where a key tells them from the others.
fn first_rows(scan: &Scan, pushing: Pushing<'_>, count: Option<u64>) -> Option<FirstRows> {
    let read = match &scan.relation {
        Relation::Read(read) => read,
        Relation::Sort { input, .. } => match &**input {
            Relation::Read(read) => read,
            _ => return None,
        },
        _ => return None,
    };
    let is_exact = capabilities(scan, pushing.catalogue)?.limit == Capability::Exact;
    if !is_exact || scan.slot.is_some() || read.limit.is_some() {
        return None;
    }
    let table = table_of(scan, pushing.catalogue, &read.alias)?;
    let tells = |name: &String| read.columns.contains(name) && table.column(name).is_some_and(|c| !c.nullable);
    let key = table.keys.iter().find(|key| !key.is_empty() && key.iter().all(tells))?;
    let key = key.iter().map(|name| ColumnRef::new(&read.alias, name)).collect();
    Some(FirstRows { count: count?, key })
}

fn is_capable(scan: &Scan, pushing: Pushing<'_>) -> bool {
    capabilities(scan, pushing.catalogue).is_some_and(|capabilities| capabilities.limit > Capability::None)
}

pub(super) fn limit(relation: &mut Relation, most: usize) {
    relation.limit(u64::try_from(most).unwrap_or(u64::MAX));
}
