//! ORDER BY with LIMIT into scans.

use super::Pushing;
use super::columns::{capabilities, native_literal, rows_are_final};
use super::limit::limit;
use crate::catalogue::Catalogue;
use crate::expression::variables_of;
use crate::{JoinKind, Node, NodeKind, Rule, Scan};
use oxrdf::Variable;
use spargebra::algebra::{Expression, OrderExpression};
use std::sync::Arc;
use weft_model::contract::{Capability, Relation, SortKey};

/// Only the first `most` rows are wanted, in this order; they are put in order again above.
///
/// The first rows of a union are among the first of its members. Those of a join that keeps each left row are made of the
/// first left rows where the order looks at nothing else.
pub(super) fn push(node: &mut Node, pushing: Pushing<'_>, keys: &[OrderExpression], most: usize) {
    match &mut node.kind {
        NodeKind::Project { input } => push(input, pushing, keys, most),
        NodeKind::Extend { input, variable, .. } if !looks_at(keys, |known| known == variable) => {
            push(input, pushing, keys, most);
        }
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| push(input, pushing, keys, most)),
        NodeKind::Join { left, kind: JoinKind::Left | JoinKind::Mark(_), .. }
            if pushing.allows(Rule::PushBelowJoin) =>
        {
            let is_of_left = |variable: &Variable| left.binding(variable).is_some_and(|binding| !binding.optional);
            if !looks_at(keys, |variable| !is_of_left(variable)) {
                push(left, pushing, keys, most);
            }
        }
        NodeKind::Scan(scan) if scan.slot.is_none() => {
            if let Some(keys) = sort_keys(scan, pushing.catalogue, keys)
                && capabilities(scan, pushing.catalogue).is_some_and(|c| c.limit == Capability::Exact)
            {
                let scan = Arc::make_mut(scan);
                sort(scan, keys);
                limit(&mut scan.relation, most);
            }
        }
        _ => {}
    }
}

/// The rows of a node that puts those of a join in order, as the join gives them when its leftmost scan is in that order.
/// `None` where the source of that scan cannot give it so, or where nothing is gained.
pub(crate) fn in_order(mut node: Node, pushing: Pushing<'_>) -> Option<Node> {
    match &mut node.kind {
        NodeKind::Project { input } | NodeKind::Extend { input, .. } => {
            let below = std::mem::replace(&mut **input, Node::empty(Vec::new()));
            **input = in_order(below, pushing)?;
            Some(node)
        }
        NodeKind::Sort { input, keys, .. } => {
            let (keys, mut input) = (std::mem::take(keys), std::mem::replace(&mut **input, Node::empty(Vec::new())));
            order_first(&mut input, pushing, &keys)?.then_some(input)
        }
        _ => None,
    }
}

/// Puts the leftmost scan in order and tells the joins above it to keep it; gives whether one of them may drop rows.
///
/// The rows of a join in the order of its left rows are in every order that looks at the left rows only.
fn order_first(node: &mut Node, pushing: Pushing<'_>, keys: &[OrderExpression]) -> Option<bool> {
    match &mut node.kind {
        NodeKind::Project { input } => order_first(input, pushing, keys),
        NodeKind::Filter { input, .. } => order_first(input, pushing, keys).map(|_| true),
        NodeKind::Extend { input, variable, .. } if !looks_at(keys, |known| known == variable) => {
            order_first(input, pushing, keys)
        }
        NodeKind::Join { left, kind, ordered, .. } => {
            let is_of_left = |variable: &Variable| left.binding(variable).is_some_and(|binding| !binding.optional);
            if looks_at(keys, |variable| !is_of_left(variable)) {
                return None;
            }
            let drops = order_first(left, pushing, keys)?;
            *ordered = true;
            Some(drops || !matches!(kind, JoinKind::Left | JoinKind::Mark(_)))
        }
        NodeKind::Scan(scan) if scan.slot.is_none() => {
            let keys = sort_keys(scan, pushing.catalogue, keys)?;
            sort(Arc::make_mut(scan), keys);
            Some(false)
        }
        _ => None,
    }
}

fn looks_at(keys: &[OrderExpression], is_wanted: impl Fn(&Variable) -> bool) -> bool {
    keys.iter()
        .flat_map(|(OrderExpression::Asc(key) | OrderExpression::Desc(key))| variables_of(key))
        .any(|variable| is_wanted(&variable))
}

pub(super) fn sort(scan: &mut Scan, keys: Vec<SortKey>) {
    let input = Box::new(scan.relation.clone());
    scan.relation = Relation::Sort { input, keys };
}

/// The order in terms of the source, where it puts the rows into exactly this order and the broker drops none.
pub(super) fn sort_keys(scan: &Scan, catalogue: &Catalogue, keys: &[OrderExpression]) -> Option<Vec<SortKey>> {
    let exact = capabilities(scan, catalogue)?.sort == Capability::Exact;
    if !exact || !rows_are_final(scan) {
        return None;
    }
    keys.iter().map(|key| sort_key(scan, catalogue, key)).collect()
}

fn sort_key(scan: &Scan, catalogue: &Catalogue, key: &OrderExpression) -> Option<SortKey> {
    let (expression, descending) = match key {
        OrderExpression::Asc(expression) => (expression, false),
        OrderExpression::Desc(expression) => (expression, true),
    };
    let Expression::Variable(variable) = expression else { return None };
    let native = native_literal(scan, catalogue, variable)?;
    native.column.sortable.then_some(SortKey {
        column: native.reference,
        descending,
        // SPARQL section 15.1: unbound comes first.
        nulls_first: !descending,
    })
}
