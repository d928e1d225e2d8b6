//! The first rows of an order: those of all rows put in order, or those of a join that begins with what is ordered.

use super::{Needed, Planner};
use crate::cost::REQUEST;
use crate::operators::wrap;
use crate::push::{Pushing, in_order};
use crate::tree::Tree;
use crate::{Node, NodeKind, PlanError, Rule};
use oxrdf::Variable;
use spargebra::algebra::{Expression, OrderExpression};
use std::collections::HashSet;

impl Planner<'_> {
    pub(super) fn slice(
        &self,
        input: Tree,
        offset: usize,
        count: Option<usize>,
        needed: &Needed,
    ) -> Result<Node, PlanError> {
        let needed = Needed::all(needed.variables.clone());
        let most = count.map(|count| offset.saturating_add(count));
        let ordered = most.and_then(|most| self.ordered(&input, &needed, most));
        let mut input = self.plan(input, &needed, None)?;
        if let Some((ordered, cost)) = ordered
            && cost * 2.0 < reading(&input)
        {
            input = ordered;
        }
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let estimate = count.map_or(input.estimate, |count| input.estimate.min(count as f64));
        let mut node = wrap(input, |input| NodeKind::Slice { input, offset, count });
        node.estimate = estimate;
        Ok(node)
    }

    /// The rows in order without being put in order, where the source of what the order looks at can give them so, and what
    /// reading the first of them is expected to cost.
    fn ordered(&self, tree: &Tree, needed: &Needed, most: usize) -> Option<(Node, f64)> {
        let first = self.limits.rules.allows(Rule::OrderedJoin).then(|| ordered_by(tree))??;
        if !self.first.is_empty() {
            return None;
        }
        let planner = Planner { first, ..*self };
        // A plan that cannot begin so is not looked for any further.
        let node = planner.plan(tree.clone(), needed, None).ok()?;
        let rows = node.estimate.max(1.0);
        let ordered = in_order(node, Pushing { catalogue: self.catalogue, limits: self.limits })?;
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let part = (most as f64 / rows).min(1.0);
        let requests: f64 = REQUEST * requests(&ordered);
        let cost = (reading(&ordered) - requests) * part + requests;
        Some((ordered, cost))
    }
}

/// The variables of an order that looks at nothing else.
fn ordered_by(tree: &Tree) -> Option<HashSet<Variable>> {
    match tree {
        Tree::Project { input, .. } | Tree::Extend { input, .. } => ordered_by(input),
        Tree::Sort { keys, .. } => keys
            .iter()
            .map(|(OrderExpression::Asc(key) | OrderExpression::Desc(key))| match key {
                Expression::Variable(variable) => Some(variable.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// What it costs to ask for all rows below.
fn reading(node: &Node) -> f64 {
    match &node.kind {
        NodeKind::Scan(_) | NodeKind::Unpivot(_) | NodeKind::Service(_) => node.estimate + REQUEST,
        kind => kind.children().into_iter().map(reading).sum(),
    }
}

fn requests(node: &Node) -> f64 {
    match &node.kind {
        NodeKind::Scan(_) | NodeKind::Unpivot(_) | NodeKind::Service(_) => 1.0,
        kind => kind.children().into_iter().map(requests).sum(),
    }
}
