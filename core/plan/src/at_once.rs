//! Joins whose sides are read at the same time, because earlier runs showed that both are read whole.
//!
//! A bind join finds out whether there are so many keys that its right side is cheaper to read whole; until it knows, that
//! side waits. Where the same join has shown it before, there is nothing to wait for. What was shown is kept like what
//! scans showed, and looked at anew each time: an answer never depends on it.

use crate::observed::conjuncts;
use crate::{JoinMethod, NarrowedColumn, Node, NodeKind, Observed, Request, Scan, Shape};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// Marks the bind joins that had too many keys before. The operators have their ids, and narrowed columns are marked.
pub(crate) fn mark(node: &mut Node, observed: &Observed) {
    node.kind.children_mut().into_iter().for_each(|child| mark(child, observed));
    let id = node.id;
    let NodeKind::Join { left, right, method, goal: None, ordered: false, .. } = &mut node.kind else { return };
    let JoinMethod::Bind { hash_from: Some(keys), at_once, .. } = method else { return };
    let held = if left.estimate <= right.estimate { &**left } else { &**right };
    *at_once = begins_at_once(held)
        && seen_keys(left, right, observed)
            .is_some_and(|seen| seen >= as_rows(*keys) && is_read_whole(right, id, seen));
}

#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
fn as_rows(count: u64) -> f64 {
    count as f64
}

fn seen_keys(left: &Node, right: &Node, observed: &Observed) -> Option<f64> {
    let seen = observed.sources.get(first_source(right)?)?;
    let (_, shape) = shape_of_join(left, right)?;
    Some(seen.seen(&shape.text)?.rows)
}

/// What is the same whenever this join is run, and the source it is kept with; `None` for a join of which nothing is kept.
pub fn shape_of_join(left: &Node, right: &Node) -> Option<(Arc<str>, Shape)> {
    let source = first_source(right)?.clone();
    let mut shape = Shape::default();
    write(left, &mut shape)?;
    shape.text.push_str(" for ");
    write(right, &mut shape)?;
    let shared = left.bindings.iter().filter(|binding| right.binding(&binding.variable).is_some());
    shared.for_each(|binding| shape.text.push_str(binding.variable.as_str()));
    // A join of many sources would have a long text; joins that by chance have one number share what is expected of them.
    let mut hasher = DefaultHasher::new();
    shape.text.hash(&mut hasher);
    shape.text = format!("keys of join {:016x}", hasher.finish());
    Some((source, shape))
}

fn first_source(node: &Node) -> Option<&Arc<str>> {
    node.requests().into_iter().find_map(|request| match request {
        Request::Scan(scan) => Some(&scan.source),
        Request::Service(_) => None,
    })
}

fn write(node: &Node, shape: &mut Shape) -> Option<()> {
    match &node.kind {
        NodeKind::Scan(scan) => write_scan(scan, shape),
        NodeKind::Unpivot(unpivot) => write_scan(&unpivot.scan, shape),
        NodeKind::Filter { .. } => shape.has_constants = true,
        NodeKind::Project { .. }
        | NodeKind::Extend { .. }
        | NodeKind::Distinct { .. }
        | NodeKind::Union(_)
        | NodeKind::Join { .. } => {}
        _ => return None,
    }
    shape.text.push('(');
    node.kind.children().into_iter().try_for_each(|child| write(child, shape))?;
    shape.text.push(')');
    Some(())
}

fn write_scan(scan: &Scan, shape: &mut Shape) {
    shape.text.push_str(&scan.source);
    for read in scan.relation.reads() {
        shape.text.push(' ');
        shape.read(&read.alias, &read.table, conjuncts(read.filter.as_ref()));
    }
}

/// Whether all requests of a node are made without waiting for more than the answer to others of them: then they are all
/// answered whether or not the other side of a join is being read.
fn begins_at_once(node: &Node) -> bool {
    let own = match &node.kind {
        NodeKind::Scan(scan) => scan.first.is_none(),
        NodeKind::Join { method: JoinMethod::Bind { at_once, .. }, .. } => *at_once,
        NodeKind::Unpivot(_)
        | NodeKind::Project { .. }
        | NodeKind::Filter { .. }
        | NodeKind::Extend { .. }
        | NodeKind::Distinct { .. }
        | NodeKind::Union(_)
        | NodeKind::Join { method: JoinMethod::Hash, .. } => true,
        _ => false,
    };
    own && node.kind.children().into_iter().all(begins_at_once)
}

/// Whether so many keys leave little out of what the join would narrow.
fn is_read_whole(right: &Node, join: usize, keys: f64) -> bool {
    let is_wide = |column: &NarrowedColumn| column.distinct.is_some_and(|distinct| keys * 2.0 >= as_rows(distinct));
    right.requests().into_iter().all(|request| match request {
        Request::Scan(scan) => scan.narrowed.iter().filter(|column| column.join == join).all(is_wide),
        Request::Service(_) => false,
    })
}
