//! The order of joins, and whether a group is asked for keys.

use super::Planner;
use crate::branch::Branch;
use crate::group::{Decomposition, Group, Outer, decompose};
use crate::operators::general;
use crate::parallel;
use crate::thread::AliasTree;
use crate::tree::{Tree, binds, variables};
use crate::{Binding, KeySlot, PlanError, Rule, ServiceName, Unkeyed};
use hashbrown::HashSet;
use oxrdf::Variable;
use weft_model::Code;

/// Terms a repeated path is taken to reach from one start.
pub(super) const REACHED: f64 = 10.0;

/// Rows of what nothing is known about: it is asked last, for the keys of what is there.
pub(super) const UNKNOWN: f64 = 1e9;

/// What needs keys that nothing gives.
const IMPOSSIBLE: f64 = 1e15;

/// Making a row of a join in the broker, beside sending one.
const JOINED: f64 = 0.1;

/// Of so many members every one is tried as the start.
const MOST_STARTS: usize = 8;

/// How a group is asked.
pub(super) struct Access {
    pub(super) slot: Option<KeySlot>,
    pub(super) unkeyed: Option<Unkeyed>,
    pub(super) rows: f64,
    pub(super) cost: f64,
    /// Rows of the join with what gives the keys.
    joined: Option<f64>,
}

/// What is joined with others.
trait Member {
    /// The variables that it is joined on.
    fn bindings(&self) -> &[Binding];

    /// What it costs to ask for, and the rows that come, after the others; an error where it cannot be asked.
    fn step(&self, planner: &Planner<'_>, before: Option<&Outer<'_>>) -> Result<Step, String>;
}

struct Step {
    cost: f64,
    rows: f64,
    joined: Option<f64>,
}

/// A group of a branch.
struct GroupMember<'g> {
    group: &'g Group,
    bindings: Vec<Binding>,
}

impl Member for GroupMember<'_> {
    fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    fn step(&self, planner: &Planner<'_>, before: Option<&Outer<'_>>) -> Result<Step, String> {
        let Access { slot, rows, cost, joined, .. } = planner.access(self.group, before);
        match self.group.missing_bindings(planner.catalogue, slot.as_ref()) {
            Some(reason) => Err(reason),
            None => Ok(Step { cost, rows, joined }),
        }
    }
}

/// A tree: the groups of its branches, or what is expected of the whole.
struct TreeMember {
    bindings: Vec<Binding>,
    branches: Vec<Decomposition>,
    /// Where the branches are over names, the tree they are in.
    names: Option<AliasTree>,
    rows: f64,
}

impl Member for TreeMember {
    fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    fn step(&self, planner: &Planner<'_>, before: Option<&Outer<'_>>) -> Result<Step, String> {
        if self.branches.is_empty() {
            let is_known =
                |b: &Binding| before.is_some_and(|o| o.bindings.iter().any(|known| known.variable == b.variable));
            let reached = (self.rows >= UNKNOWN && self.bindings.iter().any(is_known)).then_some(REACHED);
            let joined = reached.zip(before).map(|(reached, before)| before.rows * reached);
            let cost = before.map_or_else(|| planner.read(self.rows), |_| self.rows);
            return Ok(Step { cost, rows: self.rows, joined });
        }
        let below = self.names.as_ref().zip(before).map(|(names, before)| names.below(before.bindings));
        let below = below.as_ref().zip(before).map(|(bindings, before)| Outer { bindings, rows: before.rows });
        let before = below.as_ref().or(before);
        let mut all = Step { cost: 0.0, rows: 0.0, joined: Some(0.0) };
        let first = |branch: &Decomposition| {
            let accesses = branch.groups.iter().filter_map(|group| {
                let access = planner.access(group, before);
                group.missing_bindings(planner.catalogue, access.slot.as_ref()).is_none().then_some(access)
            });
            accesses.min_by(|a, b| a.cost.total_cmp(&b.cost))
        };
        for access in parallel::each(self.branches.iter().collect(), planner.limits, first) {
            let Some(access) = access else {
                return Ok(Step { cost: IMPOSSIBLE, rows: IMPOSSIBLE, joined: None });
            };
            all.cost += access.cost;
            all.rows += access.rows;
            all.joined = all.joined.zip(access.joined).map(|(a, b)| a + b);
        }
        Ok(all)
    }
}

impl Planner<'_> {
    /// The order in which the groups of a branch are joined.
    pub(super) fn order_groups(
        &self,
        groups: &[Group],
        needed: &HashSet<Variable>,
        outer: Option<&Outer<'_>>,
    ) -> Result<Vec<usize>, PlanError> {
        // Most branches are one request: there is nothing to choose.
        if let [only] = groups
            && (self.first.is_empty() || outer.is_some())
            && only.missing_bindings(self.catalogue, None).is_none()
        {
            return Ok(vec![0]);
        }
        let bindings = |group: &Group| {
            let outputs = group.outputs.iter().filter(|output| needed.contains(&output.variable));
            outputs.map(|output| Binding { optional: output.optional, ..general(&output.variable) }).collect()
        };
        let members: Vec<GroupMember<'_>> =
            groups.iter().map(|group| GroupMember { group, bindings: bindings(group) }).collect();
        self.order(&members, outer)
            .map_err(|reason| PlanError::new(Code::UnsupportedQuery, format!("{reason}: the query gives none")))
    }

    /// The order in which trees are joined, and the branches each tree asks for first.
    pub(super) fn order_trees(
        &self,
        trees: &[Tree],
        outer: Option<&Outer<'_>>,
    ) -> Result<(Vec<usize>, Vec<Vec<Decomposition>>), PlanError> {
        let members: Vec<TreeMember> = trees.iter().map(|tree| self.member(tree)).collect();
        let order = self.order(&members, outer).map_err(|reason| PlanError::new(Code::Internal, reason))?;
        Ok((order, members.into_iter().map(|member| member.branches).collect()))
    }

    /// The cheapest to start with, then always the cheapest that is connected with what is there; what is not connected only
    /// when nothing else is left. Each other start may be cheaper as a whole.
    fn order<M: Member>(&self, members: &[M], outer: Option<&Outer<'_>>) -> Result<Vec<usize>, String> {
        if !self.first.is_empty() && outer.is_none() {
            let has_all = |member: &M| self.first.iter().all(|first| is_bound(member.bindings(), first));
            let start = members.iter().position(has_all).ok_or_else(|| "nothing can come first".to_owned())?;
            return Ok(self.order_from(members, Some(start), None)?.1);
        }
        let (mut best, mut order) = self.order_from(members, None, outer)?;
        if (2..=MOST_STARTS).contains(&members.len()) && self.limits.rules.allows(Rule::JoinOrder) {
            for start in (0..members.len()).filter(|start| *start != order[0]).collect::<Vec<_>>() {
                let Ok((cost, other)) = self.order_from(members, Some(start), outer) else { continue };
                if cost < best {
                    (best, order) = (cost, other);
                }
            }
        }
        Ok(order)
    }

    /// The cost and the order from one start.
    fn order_from<M: Member>(
        &self,
        members: &[M],
        start: Option<usize>,
        outer: Option<&Outer<'_>>,
    ) -> Result<(f64, Vec<usize>), String> {
        let mut order: Vec<usize> = Vec::with_capacity(members.len());
        let (mut bindings, mut rows, mut total): (Vec<Binding>, f64, f64) = (Vec::new(), 1.0, 0.0);
        while order.len() < members.len() {
            let inner = Outer { bindings: &bindings, rows };
            let before = if order.is_empty() { outer } else { Some(&inner) };
            let mut best: Option<(bool, usize, Step)> = None;
            let mut missing = String::new();
            for (position, member) in members.iter().enumerate().filter(|(position, _)| !order.contains(position)) {
                if order.is_empty() && start.is_some_and(|start| start != position) {
                    continue;
                }
                let step = match member.step(self, before) {
                    Ok(step) => step,
                    Err(reason) => {
                        missing = reason;
                        continue;
                    }
                };
                let is_apart = !order.is_empty() && !is_connected(&bindings, member.bindings());
                if best.as_ref().is_none_or(|(apart, _, known)| (is_apart, step.cost) < (*apart, known.cost)) {
                    best = Some((is_apart, position, step));
                }
            }
            let Some((is_apart, position, step)) = best else { return Err(missing) };
            rows = match (order.is_empty(), is_apart, step.joined) {
                (true, ..) => step.rows,
                (false, true, _) => rows * step.rows,
                (false, false, Some(joined)) => joined.max(1.0),
                (false, false, None) => rows.max(step.rows),
            };
            total += step.cost + self.read(rows) * JOINED;
            merge(&mut bindings, members[position].bindings());
            order.push(position);
        }
        Ok((total, order))
    }

    fn member(&self, tree: &Tree) -> TreeMember {
        let binding = |variable: Variable| Binding { optional: !binds(tree, &variable), ..general(&variable) };
        let bindings = variables(tree).into_iter().map(binding).collect();
        let mut branches = Vec::new();
        self.branches_of(tree, &mut branches);
        let rows = if branches.is_empty() { self.estimate(tree).min(IMPOSSIBLE) } else { 0.0 };
        let names = match tree {
            Tree::Alias(alias) => Some(AliasTree { input: Tree::Unit, ..(**alias).clone() }),
            _ => None,
        };
        TreeMember { bindings, branches, names, rows }
    }

    /// The branches that a tree asks for first, with the keys of what it is joined with.
    fn branches_of(&self, tree: &Tree, found: &mut Vec<Decomposition>) {
        match tree {
            Tree::Branches(set) => {
                found.extend(parallel::each(set.branches.iter().collect(), self.limits, |b: &Branch| {
                    self.decompose(b.clone())
                }));
            }
            Tree::LeftJoin { left: input, .. }
            | Tree::Minus { left: input, .. }
            | Tree::Exists { left: input, .. }
            | Tree::Mark { left: input, .. }
            | Tree::Filter { input, .. }
            | Tree::Extend { input, .. }
            | Tree::Distinct(input) => self.branches_of(input, found),
            Tree::Alias(alias) => self.branches_of(&alias.input, found),
            Tree::Union(members) if members.iter().all(|member| matches!(member, Tree::Branches(_))) => {
                members.iter().for_each(|member| self.branches_of(member, found));
            }
            _ => {}
        }
    }

    pub(super) fn decompose(&self, branch: Branch) -> Decomposition {
        decompose(self.catalogue, self.limits, branch)
    }

    /// Rows expected of a tree, without planning it. A set that needs keys goes last.
    fn estimate(&self, tree: &Tree) -> f64 {
        match tree {
            Tree::Unit => 1.0,
            #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
            Tree::Values { rows, .. } => rows.len() as f64,
            Tree::Branches(set) => set.branches.iter().map(|branch| self.branch_estimate(branch)).sum(),
            Tree::Join(members) => members.iter().map(|member| self.estimate(member)).fold(f64::INFINITY, f64::min),
            Tree::Union(members) => members.iter().map(|member| self.estimate(member)).sum(),
            Tree::Closure(closure) if closure.from.term.is_some() => REACHED,
            Tree::Closure(closure) if closure.reach.is_reflexive() && closure.from.nodes.is_none() => f64::INFINITY,
            Tree::Service { endpoint: ServiceName::Variable(_), .. } => f64::INFINITY,
            Tree::Closure(_) | Tree::Service { .. } => UNKNOWN,
            Tree::Alias(alias) => self.estimate(&alias.input),
            Tree::LeftJoin { left: input, .. }
            | Tree::Minus { left: input, .. }
            | Tree::Exists { left: input, .. }
            | Tree::Mark { left: input, .. }
            | Tree::Shared { input, .. }
            | Tree::Number { input, .. }
            | Tree::Filter { input, .. }
            | Tree::Extend { input, .. }
            | Tree::Project { input, .. }
            | Tree::Distinct(input)
            | Tree::Sort { input, .. }
            | Tree::Slice { input, .. }
            | Tree::Group { input, .. } => self.estimate(input),
        }
    }

    fn branch_estimate(&self, branch: &Branch) -> f64 {
        let groups = self.decompose(branch.clone()).groups;
        let startable = groups.iter().filter(|g| g.missing_bindings(self.catalogue, None).is_none());
        startable.map(|group| group.estimate(self.catalogue)).fold(f64::INFINITY, f64::min)
    }

    /// Whether the group is better asked for the keys of the outer rows or read as it is.
    pub(super) fn access(&self, group: &Group, outer: Option<&Outer<'_>>) -> Access {
        let (alone, request) = (group.estimate(self.catalogue), group.request_cost());
        // What comes first is read as far as it is wanted; what is joined with it without keys, to its end.
        let whole = outer.map_or_else(|| self.read(alone), |_| alone) + request;
        let unkeyed = Access { slot: None, unkeyed: None, rows: alone, cost: whole, joined: None };
        let Some(slot) = outer.and_then(|outer| group.slot(self.catalogue, outer, self.limits.key_block)) else {
            return unkeyed;
        };
        let all_keys = outer.map_or(1.0, |outer| outer.rows).max(1.0);
        let keys = self.read(all_keys);
        let per_key = group.rows_per_key(self.catalogue, &slot);
        let rows = (all_keys * per_key).max(1.0);
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let requests = (keys / slot.block.max(1) as f64).ceil();
        // A key costs about as much to send as a row to receive.
        let cost = (keys * per_key).max(1.0) + keys + requests * request;
        let required = group.missing_bindings(self.catalogue, None).is_some();
        if !required && !self.limits.rules.allows(Rule::BindJoin) {
            return unkeyed;
        }
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let key = per_key + 1.0 + request / slot.block.max(1) as f64;
        let adaptive = !required && self.limits.rules.allows(Rule::AdaptiveJoin);
        let whole = adaptive.then_some(Unkeyed { whole: unkeyed.cost, key });
        let keyed = Access { slot: Some(slot), unkeyed: whole, rows, cost, joined: Some(rows) };
        // The run asks for keys as long as there are fewer than what reading everything costs.
        let is_asked = if adaptive { keys < (unkeyed.cost / key).ceil() } else { cost <= unkeyed.cost };
        if required || is_asked {
            return keyed;
        }
        // There may be fewer keys than expected: then the run asks for them.
        if adaptive { Access { rows: unkeyed.rows, cost: unkeyed.cost, ..keyed } } else { unkeyed }
    }
}

fn is_connected(known: &[Binding], more: &[Binding]) -> bool {
    more.iter().any(|binding| known.iter().any(|other| other.variable == binding.variable))
}

fn is_bound(bindings: &[Binding], variable: &Variable) -> bool {
    bindings.iter().any(|binding| binding.variable == *variable && !binding.optional)
}

fn merge(known: &mut Vec<Binding>, more: &[Binding]) {
    for binding in more {
        match known.iter_mut().find(|other| other.variable == binding.variable) {
            Some(other) => other.optional &= binding.optional,
            None => known.push(binding.clone()),
        }
    }
}
