//! Aggregates, order and limits into scans.
//!
//! They may move only over rows that are final: where every condition is exact and every null that is no match is left
//! out by the source itself. The operators above stay, except for aggregates, which the source computes whole.

mod aggregate;
mod columns;
mod distinct;
mod limit;
mod sort;
mod time;

pub(crate) use aggregate::aggregate_scan;
pub(crate) use columns::{TextExactness, capabilities, described, origin, part, rows_are_final, table_of};
pub(crate) use sort::in_order;
pub(crate) use time::with_parts;

use crate::catalogue::Catalogue;
use crate::operators::{extend, project};
use crate::{Node, NodeKind, PlanLimits, Rule, eager};
use oxrdf::Variable;
use std::sync::Arc;

/// What rules of pushing look at.
#[derive(Clone, Copy)]
pub(crate) struct Pushing<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) limits: &'a PlanLimits,
}

impl Pushing<'_> {
    pub(crate) fn allows(&self, rule: Rule) -> bool {
        self.limits.rules.allows(rule)
    }
}

pub(crate) fn push_down(node: &mut Node, catalogue: &Catalogue, limits: &PlanLimits) {
    push(node, Pushing { catalogue, limits });
}

fn push(node: &mut Node, pushing: Pushing<'_>) {
    match &mut node.kind {
        NodeKind::Slice { input, offset, count: Some(count) } => {
            limit::push(input, pushing, offset.saturating_add(*count));
        }
        NodeKind::Distinct { input } => {
            if pushing.allows(Rule::EarlyDistinct) {
                eager::distinct(input, pushing, eager::Above::Nothing);
            }
            if pushing.allows(Rule::PushDistinct) {
                distinct::push(input, pushing.catalogue);
            }
        }
        NodeKind::Group { .. } => {
            let whole = pushing.allows(Rule::PushAggregates) && push_group(node, pushing);
            if !whole && pushing.allows(Rule::PartialAggregate) {
                eager::aggregate(node, pushing);
            }
        }
        // One match or many are the same.
        NodeKind::Join { right, kind, .. } if !kind.keeps_right() && pushing.allows(Rule::EarlyDistinct) => {
            eager::distinct(Arc::make_mut(right), pushing, eager::Above::Joined);
        }
        _ => {}
    }
    for child in node.kind.children_mut() {
        push(child, pushing);
    }
}

/// GROUP BY over one scan: the source answers the groups.
fn push_group(node: &mut Node, pushing: Pushing<'_>) -> bool {
    let NodeKind::Group { input, keys, aggregates } = &node.kind else { return false };
    let Some(scan) = with_parts(input, pushing) else { return false };
    if !rows_are_final(&scan) || scan.slot.is_some() {
        return false;
    }
    let Some(pushed) = aggregate_scan(&scan, pushing.catalogue, keys, aggregates) else { return false };
    // Keys that are constant in the scan: over no rows there is no group, and the source would give one.
    if pushed.is_one && !keys.is_empty() {
        return false;
    }
    let names: Vec<Variable> = node.bindings.iter().map(|binding| binding.variable.clone()).collect();
    let scan = Node::new(NodeKind::Scan(Arc::new(pushed.scan)), pushed.bindings, node.estimate);
    let computed =
        pushed.computed.into_iter().fold(scan, |node, (variable, expression)| extend(node, variable, expression));
    *node = project(computed, &names);
    true
}
