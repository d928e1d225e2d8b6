//! The first rows of an order: those of all rows put in order, or those of a join that begins with what is ordered.

use super::{Needed, Planner, Wanted};
use crate::cost::REQUEST;
use crate::operators::wrap;
use crate::push::{Pushing, in_order};
use crate::tree::Tree;
use crate::{JoinMethod, Node, NodeKind, PlanError, Rule};
use hashbrown::HashSet;
use oxrdf::Variable;
use spargebra::algebra::{Expression, OrderExpression};

impl Planner<'_> {
    pub(super) fn slice(
        &self,
        input: Tree,
        offset: usize,
        count: Option<usize>,
        needed: &Needed,
    ) -> Result<Node, PlanError> {
        let most = count.map(|count| offset.saturating_add(count));
        // Of one row or none it does not matter how often it is there.
        let needed = if most == Some(1) { needed.clone() } else { Needed::all(needed.variables.clone()) };
        let whole = self.whole().plan(input.clone(), &needed, None)?;
        let few = most.and_then(|most| self.few(input, &needed, &whole, most));
        let input = few.unwrap_or(whole);
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let estimate = count.map_or(input.estimate, |count| input.estimate.min(count as f64));
        let mut node = wrap(input, |input| NodeKind::Slice { input, offset, count });
        node.estimate = estimate;
        Ok(node)
    }

    /// A plan for the first rows only, where that is another one than for all of them.
    fn few(&self, tree: Tree, needed: &Needed, whole: &Node, most: usize) -> Option<Node> {
        if !self.first.is_empty() || !has(whole, &|kind| matches!(kind, NodeKind::Join { .. })) {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let most = most as f64;
        // Above another slice all of this would be done again for each.
        if most >= whole.estimate || has(whole, &|kind| matches!(kind, NodeKind::Slice { .. })) {
            return None;
        }
        let wanted = Wanted { rows: most, part: most / whole.estimate };
        let goal = self.limits.rules.allows(Rule::JoinGoal).then_some(wanted);
        let Some(first) = ordered_by(&tree) else {
            return Planner { first: HashSet::new(), wanted: Some(goal?), ..*self }.plan(tree, needed, None).ok();
        };
        if first.is_empty() || !self.limits.rules.allows(Rule::OrderedJoin) {
            return None;
        }
        // A plan that cannot begin so is not looked for any further.
        let node = Planner { first, wanted: goal, ..*self }.plan(tree, needed, None).ok()?;
        let ordered = in_order(node, Pushing { catalogue: self.catalogue, limits: self.limits })?;
        (reading(&ordered, wanted.part) * 2.0 < reading(whole, 1.0)).then_some(ordered)
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

/// What it costs to ask for this part of the rows below. What a join holds, it reads whole.
fn reading(node: &Node, part: f64) -> f64 {
    match &node.kind {
        NodeKind::Scan(_) | NodeKind::Unpivot(_) | NodeKind::Service(_) => node.estimate * part + REQUEST,
        NodeKind::Join { left, right, method: JoinMethod::Hash, .. } => reading(left, part) + reading(right, 1.0),
        kind => kind.children().into_iter().map(|child| reading(child, part)).sum(),
    }
}

fn has(node: &Node, is_wanted: &impl Fn(&NodeKind) -> bool) -> bool {
    is_wanted(&node.kind) || node.kind.children().into_iter().any(|child| has(child, is_wanted))
}
