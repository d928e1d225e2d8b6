//! Duplicates dropped below joins.

use super::{Gain, gain};
use crate::expression::is_volatile;
use crate::operators::wrap;
use crate::push::{Pushing, origin, table_of};
use crate::{Node, NodeKind, Scan};
use std::sync::Arc;
use weft_model::contract::ColumnRef;

/// Drops duplicates of scans below joins where duplicates of the result are dropped, or do not matter.
///
/// A join, a condition and a computation give the same for equal rows, so that the rows of the result without duplicates
/// are those of its parts without duplicates. That is not so for what counts or names rows, takes the first of them, or
/// computes something else each time: nothing is dropped below.
pub(crate) fn distinct(node: &mut Node, pushing: Pushing<'_>, above: Above) {
    match &mut node.kind {
        NodeKind::Project { input } => distinct(input, pushing, above),
        NodeKind::Distinct { input } if !matches!(input.kind, NodeKind::Scan(_)) => distinct(input, pushing, above),
        NodeKind::Filter { input, expression } | NodeKind::Extend { input, expression, .. }
            if !is_volatile(expression) =>
        {
            distinct(input, pushing, above);
        }
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| distinct(input, pushing, above)),
        NodeKind::Join { left, right, condition, .. } if !condition.as_ref().is_some_and(is_volatile) => {
            let is_crossed = left.bindings.iter().all(|binding| right.binding(&binding.variable).is_none());
            let above = if is_crossed { Above::Crossed } else { above.max(Above::Joined) };
            let before = left.estimate * right.estimate;
            distinct(left, pushing, above);
            distinct(Arc::make_mut(right), pushing, above);
            if is_crossed && before > 0.0 {
                node.estimate *= left.estimate * right.estimate / before;
            }
        }
        NodeKind::Scan(scan) if above > Above::Nothing => {
            let Some((fields, gain)) = expected(scan, pushing, node.estimate) else { return };
            let pays = gain.pays() || above == Above::Crossed && !has_key(scan, pushing, &fields);
            if !pays {
                return;
            }
            let unkeyed = scan.unkeyed.map(|unkeyed| gain.of_scan(unkeyed, scan, pushing, &fields));
            Arc::make_mut(scan).unkeyed = unkeyed;
            let scan = std::mem::replace(node, Node::empty(Vec::new()));
            *node = wrap(scan, |input| NodeKind::Distinct { input });
            node.estimate = gain.after;
        }
        _ => {}
    }
}

/// What each row comes to stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Above {
    /// One row.
    Nothing,
    /// The rows of a join with the same values.
    Joined,
    /// A row with each row of something else: duplicates of one side come with all duplicates of the other.
    Crossed,
}

/// The columns that terms are made of, and the rows with and without duplicates.
fn expected(scan: &Scan, pushing: Pushing<'_>, rows: f64) -> Option<(Vec<ColumnRef>, Gain)> {
    let fields: Vec<ColumnRef> = scan.relation.fields().ok()?.into_iter().map(|(field, _)| field).collect();
    let shown: Vec<ColumnRef> = (0..fields.len())
        .filter(|i| scan.outputs.iter().any(|output| output.inputs.contains(i)))
        .map(|i| fields[i].clone())
        .collect();
    let gain = gain(scan, pushing, &shown, rows);
    Some((shown, gain))
}

/// Whether no two rows of a scan of one table can be the same.
fn has_key(scan: &Scan, pushing: Pushing<'_>, fields: &[ColumnRef]) -> bool {
    let [read] = scan.relation.reads()[..] else { return false };
    let columns: Vec<ColumnRef> = fields.iter().map(|field| origin(&scan.relation, field)).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    table_of(scan, pushing.catalogue, &read.alias).is_some_and(|table| table.is_unique(&names))
}
