//! LIMIT into scans, and into joins as a goal.

use super::columns::{capabilities, rows_are_final};
use super::{Pushing, sort};
use crate::{JoinKind, Node, NodeKind, Rule, Scan, ScanOutput};
use weft_model::contract::{Capability, Relation};

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
        NodeKind::Filter { input, .. } if pushing.allows(Rule::JoinGoal) => mark(input, most),
        NodeKind::Join { left, kind, .. } => {
            // Each left row gives at least one.
            if pushing.allows(Rule::PushBelowJoin) && matches!(kind, JoinKind::Left | JoinKind::Mark(_)) {
                push(left, pushing, most);
            }
            if pushing.allows(Rule::JoinGoal) {
                mark(node, most);
            }
        }
        NodeKind::Unpivot(unpivot) if limits && unpivot.scan.slot.is_none() => {
            let capable = is_capable(&unpivot.scan, pushing);
            // Each row gives at least one where some way to read it leaves none out.
            let way = |outputs: &Vec<ScanOutput>| Scan { outputs: outputs.clone(), ..unpivot.scan.clone() };
            if capable && unpivot.ways.iter().map(way).any(|scan| rows_are_final(&scan)) {
                limit(&mut unpivot.scan.relation, most);
            }
        }
        NodeKind::Scan(scan) if limits && scan.slot.is_none() => {
            if is_capable(scan, pushing) && rows_are_final(scan) {
                limit(&mut scan.relation, most);
            }
        }
        _ => {}
    }
}

/// Tells the joins that give their rows to what is above as they come that so many are wanted.
fn mark(node: &mut Node, most: usize) {
    match &mut node.kind {
        NodeKind::Join { left, goal, .. } => {
            *goal = Some(goal.map_or(most, |known| known.min(most)));
            mark(left, most);
        }
        NodeKind::Project { input } | NodeKind::Extend { input, .. } | NodeKind::Filter { input, .. } => {
            mark(input, most);
        }
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| mark(input, most)),
        _ => {}
    }
}

fn is_capable(scan: &Scan, pushing: Pushing<'_>) -> bool {
    capabilities(scan, pushing.catalogue).is_some_and(|capabilities| capabilities.limit > Capability::None)
}

pub(super) fn limit(relation: &mut Relation, most: usize) {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    match relation {
        Relation::Read(read) => read.limit = Some(read.limit.map_or(most, |known| known.min(most))),
        other => {
            let input = Box::new(other.clone());
            *other = Relation::Limit { input, offset: 0, count: Some(most) };
        }
    }
}
