//! From trees to plans: the order of joins, and how each is made.

use crate::branch::{Branch, BranchSet};
use crate::catalogue::Catalogue;
use crate::cost::REQUEST;
use crate::expression::variables_of;
use crate::group::{Group, Outer, decompose};
use crate::operators::{
    distinct, extend, filter, first, general, join, keys_block, known, project, union, values, wrap,
};
use crate::recurse;
use crate::tree::{ClosureTree, Tree, variables};
use crate::unpivot;
use crate::{
    Binding, Closure, JoinKind, KeySlot, Node, NodeKind, PlanError, PlanLimits, Reach, Service, ServiceName, Start,
};
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, Expression, OrderExpression};
use std::collections::HashSet;
use weft_model::Code;
use weft_model::term::{LiteralType, TermType};

pub(crate) struct Planner<'a> {
    catalogue: &'a Catalogue,
    limits: &'a PlanLimits,
}

type Needed = HashSet<Variable>;

/// Terms a repeated path is taken to reach from one start.
const REACHED: f64 = 10.0;

/// Rows of what nothing is known about: it is asked last, for the keys of what is there.
const UNKNOWN: f64 = 1e9;

impl<'a> Planner<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &'a PlanLimits) -> Self {
        Self { catalogue, limits }
    }

    /// Plans a tree so that its rows have the needed variables. With `outer`, scans may take the keys of rows the result
    /// is going to be joined with.
    pub(crate) fn plan(&self, tree: Tree, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        self.limits.check_wanted()?;
        match tree {
            Tree::Unit => Ok(Node { kind: NodeKind::Unit, bindings: Vec::new(), estimate: 1.0 }),
            Tree::Values { variables, rows } => Ok(values(variables, rows)),
            Tree::Branches(set) => self.branches(set, needed, outer),
            Tree::Join(members) => self.members(members, needed, outer),
            Tree::LeftJoin { left, right, condition } => self.left_join(*left, *right, condition, needed, outer),
            Tree::Union(members) => {
                let nodes = members.into_iter().map(|m| self.plan(m, needed, outer)).collect::<Result<_, _>>()?;
                Ok(union(nodes))
            }
            Tree::Filter { input, expression } => {
                let input = self.plan(*input, &with(needed, variables_of(&expression)), outer)?;
                Ok(filter(input, expression))
            }
            Tree::Extend { input, variable, expression } => {
                let input = self.plan(*input, &with(needed, variables_of(&expression)), outer)?;
                Ok(extend(input, variable, expression))
            }
            Tree::Project { input, variables } => {
                // What is projected away is another variable than one of that name outside.
                let known = outer.map(|outer| outer.of(&variables));
                let inner = known.as_ref().zip(outer).map(|(bindings, outer)| Outer { bindings, rows: outer.rows });
                let input = self.plan(*input, &variables.iter().cloned().collect(), inner.as_ref())?;
                Ok(project(input, &variables))
            }
            Tree::Distinct(input) => Ok(distinct(self.plan(*input, needed, outer)?)),
            Tree::Sort { input, keys } => {
                let key_variables = keys
                    .iter()
                    .flat_map(|(OrderExpression::Asc(key) | OrderExpression::Desc(key))| variables_of(key))
                    .collect();
                let input = self.plan(*input, &with(needed, key_variables), None)?;
                Ok(wrap(input, |input| NodeKind::Sort { input, keys, fetch: None }))
            }
            Tree::Slice { input, offset, count } => {
                let input = self.plan(*input, needed, None)?;
                #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
                let estimate = count.map_or(input.estimate, |count| input.estimate.min(count as f64));
                let mut node = wrap(input, |input| NodeKind::Slice { input, offset, count });
                node.estimate = estimate;
                Ok(node)
            }
            Tree::Group { input, keys, aggregates } => self.group(*input, keys, aggregates),
            Tree::Minus { left, right } => self.test(*left, *right, JoinKind::Minus, needed, outer),
            Tree::Exists { left, right, negated } => {
                self.test(*left, *right, if negated { JoinKind::Anti } else { JoinKind::Semi }, needed, outer)
            }
            Tree::Mark { left, right, variable } => self.test(*left, *right, JoinKind::Mark(variable), needed, outer),
            Tree::Closure(closure) => self.closure(*closure, outer),
            Tree::Service { endpoint, silent, pattern, variables } => {
                Ok(self.service(Service { endpoint, silent, pattern, variables, block: None }, outer))
            }
            Tree::Shared { id, input } => self.shared(id, *input),
            Tree::Number { input, variable } => {
                let all = variables(&input).into_iter().collect();
                let mut node = wrap(self.plan(*input, &all, None)?, |input| NodeKind::Number {
                    input,
                    variable: variable.clone(),
                });
                let term_type = TermType::Literal(LiteralType::Integer);
                node.bindings.push(Binding { variable, term_type, optional: false });
                Ok(node)
            }
        }
    }

    /// Rows that several places read: planned the same each time, for all their variables and without keys.
    fn shared(&self, id: usize, input: Tree) -> Result<Node, PlanError> {
        let all = variables(&input).into_iter().collect();
        Ok(wrap(self.plan(input, &all, None)?, |input| NodeKind::Shared { id, input }))
    }

    /// A join of which only the left rows are kept.
    fn test(
        &self,
        left: Tree,
        right: Tree,
        kind: JoinKind,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let common = shared(&[left.clone(), right.clone()]);
        let left = self.plan(left, &with(needed, common.clone()), outer)?;
        let all = variables(&right).into_iter().filter(|variable| common.contains(variable)).collect::<Vec<_>>();
        let mut right = project(self.plan_right(right, &common, &left)?, &all);
        if common.is_empty() {
            right = first(right, 1);
        }
        Ok(join(left, right, kind, None))
    }

    fn closure(&self, tree: ClosureTree, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        let ClosureTree { step, reach, mut from, mut to } = tree;
        let bound = |variable: &Variable| {
            outer.is_some_and(|outer| outer.bindings.iter().any(|b| b.variable == *variable && !b.optional))
        };
        if from.term.is_none() && !bound(&from.variable) && bound(&to.variable) {
            std::mem::swap(&mut from, &mut to);
        }
        let block = self.limits.key_block;
        let own: Needed = std::iter::once(from.variable.clone()).collect();
        let (start, rows) = match (from.term, from.nodes) {
            (Some(term), _) => (Start::Terms(vec![term]), Some(1.0)),
            (None, nodes) if bound(&from.variable) => {
                let nodes = nodes.filter(|_| !from.is_node).map(|nodes| self.plan(nodes, &own, outer)).transpose()?;
                // The keys go to the request for nodes as they are.
                let block = nodes.as_ref().and_then(keys_block).map_or(block, |most| most.min(block));
                (Start::Keys { nodes, block }, outer.map(|outer| outer.rows))
            }
            (None, Some(nodes)) => (Start::Nodes(self.plan(nodes, &own, None)?), None),
            (None, None) if reach.is_reflexive() => {
                return Err(PlanError::new(Code::Internal, "a path of no step without anything to start at"));
            }
            (None, None) => (Start::Steps, None),
        };
        let frontier = [Binding { optional: false, ..general(&from.variable) }];
        let frontier = rows.map(|rows| Outer { bindings: &frontier, rows });
        let ends = [from.variable.clone(), to.variable.clone()];
        let step = self.plan(step, &ends.iter().cloned().collect(), frontier.as_ref())?;
        let mut step = project(step, &ends);
        let mut block = frontier.as_ref().and(keys_block(&step));
        let mut in_source = false;
        if frontier.is_some()
            && reach != Reach::ZeroOrOne
            && let Some(pushed) = recurse::in_source(&step, &ends, self.catalogue, self.limits.key_block)
        {
            if reach == Reach::OneOrMore && matches!(start, Start::Keys { .. }) {
                return Ok(pushed);
            }
            (block, step, in_source) = (keys_block(&pushed), pushed, true);
        }
        let estimate = (rows.unwrap_or(step.estimate) * REACHED).max(1.0);
        let bindings = ends.iter().map(|v| Binding { optional: false, ..general(v) }).collect();
        let closure = Closure { step, from: from.variable, to: to.variable, reach, start, block, in_source };
        Ok(Node { kind: NodeKind::Closure(Box::new(closure)), bindings, estimate })
    }

    fn service(&self, mut service: Service, outer: Option<&Outer<'_>>) -> Node {
        let name = match &service.endpoint {
            ServiceName::Variable(variable) => Some(variable),
            ServiceName::Iri(_) => None,
        };
        let known = |variable: &Variable| outer.is_some_and(|o| o.bindings.iter().any(|b| b.variable == *variable));
        if service.variables.iter().chain(name).any(known) {
            service.block = Some(self.limits.service_block);
        }
        let mut bindings: Vec<Binding> = service.variables.iter().map(general).collect();
        bindings.extend(name.filter(|name| !service.variables.contains(name)).map(general));
        let estimate = outer.map_or(UNKNOWN, |outer| outer.rows);
        Node { kind: NodeKind::Service(Box::new(service)), bindings, estimate }
    }

    fn group(
        &self,
        input: Tree,
        keys: Vec<Variable>,
        aggregates: Vec<(Variable, AggregateExpression)>,
    ) -> Result<Node, PlanError> {
        let mut needed: Needed = keys.iter().cloned().collect();
        for (_, aggregate) in &aggregates {
            match aggregate {
                AggregateExpression::CountSolutions { distinct: true } => needed.extend(visible(&input)),
                AggregateExpression::CountSolutions { distinct: false } => {}
                AggregateExpression::FunctionCall { expr, .. } => needed.extend(variables_of(expr)),
            }
        }
        let count_rows =
            aggregates.iter().any(|(_, a)| matches!(a, AggregateExpression::CountSolutions { distinct: true }));
        let all = visible(&input);
        let mut input = self.plan(input, &needed, None)?;
        if count_rows {
            input = project(input, &all);
        }
        let mut bindings: Vec<Binding> = keys.iter().map(|key| known(&input, key)).collect();
        bindings.extend(aggregates.iter().map(|(variable, _)| general(variable)));
        let estimate = if keys.is_empty() { 1.0 } else { (input.estimate / 10.0).max(1.0) };
        Ok(Node { kind: NodeKind::Group { input: Box::new(input), keys, aggregates }, bindings, estimate })
    }

    /// A join of several trees: the smallest first, then whatever is connected and small.
    fn members(&self, members: Vec<Tree>, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        let needed = with(needed, shared(&members));
        let mut rest = Vec::with_capacity(members.len());
        for tree in members {
            rest.push((self.estimate(&tree), variables(&tree), tree));
        }
        let mut current: Option<Node> = None;
        while !rest.is_empty() {
            let next =
                pick(rest.iter().map(|(estimate, variables, _)| (*estimate, variables.as_slice())), current.as_ref());
            let (_, _, tree) = rest.remove(next);
            current = Some(match current {
                None => self.plan(tree, &needed, outer)?,
                Some(left) => {
                    let right = self.plan_right(tree, &needed, &left)?;
                    join(left, right, JoinKind::Inner, None)
                }
            });
        }
        current.ok_or_else(|| PlanError::new(Code::Internal, "a join without members"))
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
        let decomposition = decompose(self.catalogue, branch.clone());
        let startable = decomposition.groups.iter().filter(|g| g.missing_bindings(self.catalogue, None).is_none());
        startable.map(|group| group.estimate(self.catalogue)).fold(f64::INFINITY, f64::min)
    }

    fn plan_right(&self, tree: Tree, needed: &Needed, left: &Node) -> Result<Node, PlanError> {
        self.plan(tree, needed, Some(&Outer { bindings: &left.bindings, rows: left.estimate }))
    }

    fn left_join(
        &self,
        left: Tree,
        right: Tree,
        condition: Option<Expression>,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let mut needed = with(needed, shared(&[left.clone(), right.clone()]));
        needed.extend(condition.iter().flat_map(variables_of));
        let left = self.plan(left, &needed, outer)?;
        let right = self.plan_right(right, &needed, &left)?;
        Ok(join(left, right, JoinKind::Left, condition))
    }

    fn branches(&self, set: BranchSet, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        let is_set = set.is_set(self.catalogue);
        let kept: Vec<Variable> = set.variables.iter().filter(|v| !is_set || needed.contains(*v)).cloned().collect();
        let kept_set: Needed = kept.iter().cloned().collect();
        let mut nodes = Vec::with_capacity(set.branches.len());
        for branch in set.branches {
            nodes.push(project(self.branch(branch, &kept_set, outer)?, &kept));
        }
        let mut nodes = unpivot::merge(nodes, union);
        let node = match nodes.pop() {
            None => return Ok(Node::empty(kept.iter().map(general).collect())),
            Some(only) if nodes.is_empty() => only,
            Some(last) => {
                nodes.push(last);
                union(nodes)
            }
        };
        Ok(if is_set { node } else { distinct(node) })
    }

    fn branch(&self, branch: Branch, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        let decomposition = decompose(self.catalogue, branch);
        let mut filters = decomposition.filters;
        let mut groups = decomposition.groups;
        let mut needed = needed.clone();
        needed.extend(filters.iter().flat_map(variables_of));
        needed.extend(repeated(groups.iter().map(|group| group.variables().cloned().collect::<HashSet<_>>())));
        let mut current: Option<Node> = None;
        while !groups.is_empty() {
            let next = self.next_group(&groups, current.as_ref(), outer)?;
            let group = groups.remove(next);
            current = Some(match current {
                None => self.scan(&group, &needed, outer),
                Some(left) => {
                    let inner = Outer { bindings: &left.bindings, rows: left.estimate };
                    let right = self.scan(&group, &needed, Some(&inner));
                    join(left, right, JoinKind::Inner, None)
                }
            });
            current = current.map(|node| apply_filters(node, &mut filters, &groups));
        }
        current.ok_or_else(|| PlanError::new(Code::Internal, "a branch without tables"))
    }

    /// The cheapest group to go on with; groups without a shared variable only when nothing else is left.
    fn next_group(
        &self,
        groups: &[Group],
        current: Option<&Node>,
        outer: Option<&Outer<'_>>,
    ) -> Result<usize, PlanError> {
        let inner = current.map(|node| Outer { bindings: &node.bindings, rows: node.estimate });
        let context = inner.as_ref().or(outer);
        let mut best: Option<(bool, f64, usize)> = None;
        let mut missing = None;
        for (position, group) in groups.iter().enumerate() {
            let Access { slot, cost, .. } = self.access(group, context);
            if let Some(reason) = group.missing_bindings(self.catalogue, slot.as_ref()) {
                missing = Some(reason);
                continue;
            }
            let connected = current.is_none_or(|node| group.variables().any(|v| node.binding(v).is_some()));
            let better = best.is_none_or(|(c, known, _)| (!connected, cost) < (!c, known));
            if better {
                best = Some((connected, cost, position));
            }
        }
        best.map(|(_, _, position)| position).ok_or_else(|| {
            let reason = missing.unwrap_or_default();
            PlanError::new(Code::UnsupportedQuery, format!("{reason}: the query gives none"))
        })
    }

    fn scan(&self, group: &Group, needed: &Needed, outer: Option<&Outer<'_>>) -> Node {
        let access = self.access(group, outer);
        let mut node = group.scan(self.catalogue, needed, access.slot);
        node.estimate = access.rows;
        node
    }

    /// Whether the group is better asked for the keys of the outer rows or read as it is.
    fn access(&self, group: &Group, outer: Option<&Outer<'_>>) -> Access {
        let alone = group.estimate(self.catalogue);
        let unkeyed = Access { slot: None, rows: alone, cost: alone + REQUEST };
        let Some(slot) = outer.and_then(|outer| group.slot(self.catalogue, outer, self.limits.key_block)) else {
            return unkeyed;
        };
        let keys = outer.map_or(1.0, |outer| outer.rows).max(1.0);
        let rows = (keys * group.rows_per_key(self.catalogue, &slot)).max(1.0);
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let requests = (keys / slot.block as f64).ceil();
        // A key costs about as much to send as a row to receive.
        let cost = rows + keys + requests * REQUEST;
        let keyed = Access { slot: Some(slot), rows, cost };
        if cost <= unkeyed.cost || group.missing_bindings(self.catalogue, None).is_some() { keyed } else { unkeyed }
    }
}

struct Access {
    slot: Option<KeySlot>,
    rows: f64,
    cost: f64,
}

fn with(needed: &Needed, more: Needed) -> Needed {
    needed.union(&more).cloned().collect()
}

/// The variables a whole row has for the user: none of the hidden ones.
fn visible(tree: &Tree) -> Vec<Variable> {
    variables(tree).into_iter().filter(|variable| !variable.as_str().starts_with("_:")).collect()
}

fn shared(members: &[Tree]) -> Needed {
    repeated(members.iter().map(|member| variables(member).into_iter().collect()))
}

/// Variables that are in more than one of the sets.
fn repeated(sets: impl Iterator<Item = HashSet<Variable>>) -> Needed {
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    for set in sets {
        for variable in set {
            if !seen.insert(variable.clone()) {
                twice.insert(variable);
            }
        }
    }
    twice
}

fn pick<'v>(candidates: impl Iterator<Item = (f64, &'v [Variable])>, current: Option<&Node>) -> usize {
    let mut best: Option<(bool, f64, usize)> = None;
    for (position, (estimate, variables)) in candidates.enumerate() {
        let connected = current.is_none_or(|node| variables.iter().any(|v| node.binding(v).is_some()));
        if best.is_none_or(|(c, e, _)| (!connected, estimate) < (!c, e)) {
            best = Some((connected, estimate, position));
        }
    }
    best.map_or(0, |(_, _, position)| position)
}

/// Applies each filter as soon as no remaining group binds another of its variables.
fn apply_filters(mut node: Node, filters: &mut Vec<Expression>, rest: &[Group]) -> Node {
    let pending = std::mem::take(filters);
    for expression in pending {
        let waits = variables_of(&expression)
            .iter()
            .any(|v| node.binding(v).is_none() && rest.iter().any(|group| group.variables().any(|known| known == v)));
        if waits {
            filters.push(expression);
        } else {
            node = filter(node, expression);
        }
    }
    node
}
