//! From trees to plans: the order of joins, and how each is made.

mod needed;
mod order;
mod slice;

pub(crate) use needed::Needed;

use crate::branch::BranchSet;
use crate::catalogue::Catalogue;
use crate::expression::{is_volatile, variables_of};
use crate::group::{Decomposition, Group, Outer};
use crate::operators::{
    distinct, extend, filter, first, general, join, keys_block, known, project, union, values, wrap,
};
use crate::parallel;
use crate::recurse;
use crate::require::require;
use crate::self_join::merge_rows;
use crate::tree::{ClosureTree, Tree, variables};
use crate::unpivot;
use crate::{
    Binding, Closure, JoinKind, Node, NodeKind, PlanError, PlanLimits, Reach, Rule, Service, ServiceName, Start,
};
use hashbrown::HashSet;
use order::{REACHED, UNKNOWN};
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, AggregateFunction, Expression, OrderExpression};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use weft_model::Code;
use weft_model::term::{LiteralType, TermType};

pub(crate) struct Planner<'a> {
    catalogue: &'a Catalogue,
    limits: &'a PlanLimits,
    /// The variables of what comes first of all; of none, whatever is cheapest.
    first: HashSet<Variable>,
    /// How many rows are wanted, where what is above stops reading when it has them.
    wanted: Option<Wanted>,
}

/// The rows that are enough.
#[derive(Clone, Copy)]
struct Wanted {
    rows: f64,
    /// How much of all rows that is expected to be.
    part: f64,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &'a PlanLimits) -> Self {
        Self { catalogue, limits, first: HashSet::new(), wanted: None }
    }

    /// For what is read to its end, however much of the answer is wanted.
    fn whole(&self) -> Self {
        Self { first: self.first.clone(), wanted: None, ..*self }
    }

    /// How many of so many rows are expected to be read: those that are wanted, or their part of them.
    fn read(&self, rows: f64) -> f64 {
        self.wanted.map_or(rows, |wanted| (rows * wanted.part).max(rows.min(wanted.rows)))
    }

    /// Plans a tree so that its rows have the needed variables. With `outer`, scans may take the keys of rows the result
    /// is going to be joined with.
    pub(crate) fn plan(&self, tree: Tree, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        self.limits.check_wanted()?;
        match tree {
            Tree::Unit => Ok(Node::new(NodeKind::Unit, Vec::new(), 1.0)),
            Tree::Values { variables, rows } => Ok(values(variables, rows)),
            Tree::Branches(set) => self.branches(Cow::Owned(self.merged(set)), None, needed, outer),
            Tree::Join(members) => self.members(members, needed, outer),
            Tree::LeftJoin { left, right, condition } => self.left_join(*left, *right, condition, needed, outer),
            Tree::Union(members) => {
                let nodes = members.into_iter().map(|m| self.plan(m, needed, outer)).collect::<Result<_, _>>()?;
                Ok(union(nodes))
            }
            Tree::Filter { input, expression } => self.filter(*input, expression, needed, outer),
            Tree::Extend { input, variable, expression } => {
                let needed = needed.with(variables_of(&expression)).each(is_volatile(&expression));
                let input = self.plan(*input, &needed, outer)?;
                Ok(extend(input, variable, expression))
            }
            Tree::Project { input, variables } => {
                // What is projected away is another variable than one of that name outside.
                let known = outer.map(|outer| outer.of(&variables));
                let inner = known.as_ref().zip(outer).map(|(bindings, outer)| Outer { bindings, rows: outer.rows });
                let input = self.plan(*input, &needed.of(variables.iter().cloned().collect()), inner.as_ref())?;
                Ok(project(input, &variables))
            }
            Tree::Distinct(input) => {
                Ok(distinct(self.whole().plan(*input, &Needed::once(needed.variables.clone()), outer)?))
            }
            Tree::Sort { input, keys } => {
                let expressions = || keys.iter().map(|(OrderExpression::Asc(key) | OrderExpression::Desc(key))| key);
                let needed = needed.with(expressions().flat_map(variables_of).collect());
                // With something that must come first, nothing is going to be put in order.
                let whole = self.first.is_empty().then(|| self.whole());
                let planner = whole.as_ref().unwrap_or(self);
                let input = planner.plan(*input, &needed.each(expressions().any(is_volatile)), None)?;
                Ok(wrap(input, |input| NodeKind::Sort { input, keys, fetch: None }))
            }
            Tree::Slice { input, offset, count } => self.slice(*input, offset, count, needed),
            Tree::Group { input, keys, aggregates } => self.group(*input, keys, aggregates),
            Tree::Minus { left, right } => self.test(*left, *right, JoinKind::Minus, needed, outer),
            Tree::Exists { left, right, negated } => {
                self.test(*left, *right, if negated { JoinKind::Anti } else { JoinKind::Semi }, needed, outer)
            }
            Tree::Mark { left, right, variable } => self.test(*left, *right, JoinKind::Mark(variable), needed, outer),
            Tree::Closure(closure) => self.closure(*closure, outer),
            Tree::Alias(alias) => alias.plan(self, needed, outer),
            Tree::Service { endpoint, silent, pattern, variables } => {
                Ok(self.service(Service { endpoint, silent, pattern, variables, block: None }, outer))
            }
            Tree::Shared { id, input } => self.shared(id, *input),
            Tree::Number { input, variable } => {
                let all = Needed::all(variables(&input).into_iter().collect());
                let mut node = wrap(self.whole().plan(*input, &all, None)?, |input| NodeKind::Number {
                    input,
                    variable: variable.clone(),
                });
                let term_type = TermType::Literal(LiteralType::Integer);
                node.bindings.push(Binding { variable, term_type, optional: false });
                Ok(node)
            }
        }
    }

    /// A condition; where it needs what an OPTIONAL binds, the OPTIONAL is a join.
    fn filter(
        &self,
        input: Tree,
        expression: Expression,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let (input, expression) = match self.limits.rules.allows(Rule::RequireOptional) {
            true => match require(input, expression, self.catalogue, self.limits) {
                Ok(tree) => return self.plan(tree, needed, outer),
                Err(back) => *back,
            },
            false => (input, expression),
        };
        let needed = needed.with(variables_of(&expression)).each(is_volatile(&expression));
        Ok(filter(self.plan(input, &needed, outer)?, expression))
    }

    /// Rows that several places read: planned the same each time, for all their variables and without keys.
    fn shared(&self, id: usize, input: Tree) -> Result<Node, PlanError> {
        let all = Needed::all(variables(&input).into_iter().collect());
        Ok(wrap(self.whole().plan(input, &all, None)?, |input| NodeKind::Shared { id, input }))
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
        let common = shared([&left, &right]);
        let left = self.plan(left, &needed.with(common.clone()), outer)?;
        let all = variables(&right).into_iter().filter(|variable| common.contains(variable)).collect::<Vec<_>>();
        // One match or many are the same.
        let mut right = project(self.plan_right(right, &Needed::once(common.clone()), &left)?, &all);
        if common.is_empty() {
            right = first(right, 1);
        }
        Ok(self.joined(left, right, kind, None))
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
        let own = Needed::all(std::iter::once(from.variable.clone()).collect());
        let (mut start, rows) = match (from.term, from.nodes) {
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
        let step = self.plan(step, &Needed::all(ends.iter().cloned().collect()), frontier.as_ref())?;
        let mut step = project(step, &ends);
        let mut block = frontier.as_ref().and(keys_block(&step));
        let mut in_source = false;
        if frontier.is_some()
            && reach != Reach::ZeroOrOne
            && self.limits.rules.allows(Rule::PushRecursion)
            && let Some(pushed) = recurse::in_source(&step, &ends, self.catalogue, self.limits.key_block)
        {
            // Its rows are the pairs of the path: nothing is left to follow here.
            match (reach, start) {
                (Reach::OneOrMore, Start::Keys { .. }) => return Ok(pushed),
                (Reach::OneOrMore, Start::Terms(terms)) => {
                    let rows = terms.into_iter().map(|term| vec![Some(term)]).collect();
                    return Ok(self.joined(values(vec![from.variable], rows), pushed, JoinKind::Inner, None));
                }
                (_, other) => start = other,
            }
            (block, step, in_source) = (keys_block(&pushed), pushed, true);
        }
        let estimate = (rows.unwrap_or(step.estimate) * REACHED).max(1.0);
        let bindings = ends.iter().map(|v| Binding { optional: false, ..general(v) }).collect();
        let closure = Closure { step, from: from.variable, to: to.variable, reach, start, block, in_source };
        Ok(Node::new(NodeKind::Closure(Box::new(closure)), bindings, estimate))
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
        Node::new(NodeKind::Service(Box::new(service)), bindings, estimate)
    }

    fn group(
        &self,
        input: Tree,
        keys: Vec<Variable>,
        aggregates: Vec<(Variable, AggregateExpression)>,
    ) -> Result<Node, PlanError> {
        let mut needed = Needed::all(keys.iter().cloned().collect());
        needed.duplicates = aggregates.iter().any(|(_, aggregate)| counts_duplicates(aggregate));
        for (_, aggregate) in &aggregates {
            match aggregate {
                AggregateExpression::CountSolutions { distinct: true } => needed.variables.extend(visible(&input)),
                AggregateExpression::CountSolutions { distinct: false } => {}
                AggregateExpression::FunctionCall { expr, .. } => needed.variables.extend(variables_of(expr)),
            }
        }
        let count_rows =
            aggregates.iter().any(|(_, a)| matches!(a, AggregateExpression::CountSolutions { distinct: true }));
        let mut all = visible(&input);
        // What other aggregates are computed from beside what is counted, in one order whenever it is planned.
        let hidden = needed.variables.iter().filter(|variable| variable.as_str().starts_with("_:"));
        all.extend(hidden.cloned().collect::<BTreeSet<_>>());
        let mut input = self.whole().plan(input, &needed, None)?;
        if count_rows {
            input = project(input, &all);
        }
        let mut bindings: Vec<Binding> = keys.iter().map(|key| known(&input, key)).collect();
        bindings.extend(aggregates.iter().map(|(variable, _)| general(variable)));
        let estimate = if keys.is_empty() { 1.0 } else { (input.estimate / 10.0).max(1.0) };
        Ok(Node::new(NodeKind::Group { input: Box::new(input), keys, aggregates }, bindings, estimate))
    }

    /// A join of several trees.
    fn members(&self, members: Vec<Tree>, needed: &Needed, outer: Option<&Outer<'_>>) -> Result<Node, PlanError> {
        let needed = needed.with(shared(members.iter()));
        let merged = |tree| match tree {
            Tree::Branches(set) => Tree::Branches(self.merged(set)),
            other => other,
        };
        let members: Vec<Tree> = members.into_iter().map(merged).collect();
        let (order, mut apart) = self.order_trees(&members, outer)?;
        let mut members: Vec<Option<Tree>> = members.into_iter().map(Some).collect();
        let mut current: Option<Node> = None;
        for position in order {
            let (Some(tree), apart) = (members[position].take(), std::mem::take(&mut apart[position])) else {
                continue;
            };
            let node = match (&current, tree) {
                (None, Tree::Branches(set)) => self.branches(Cow::Owned(set), Some(&apart), &needed, outer)?,
                (None, tree) => self.plan(tree, &needed, outer)?,
                (Some(left), Tree::Branches(set)) => self.right(left, |planner, outer| {
                    planner.branches(Cow::Borrowed(&set), Some(&apart), &needed, outer)
                })?,
                (Some(left), tree) => self.plan_right(tree, &needed, left)?,
            };
            current = Some(match current {
                None => node,
                Some(left) => self.joined(left, node, JoinKind::Inner, None),
            });
        }
        current.ok_or_else(|| PlanError::new(Code::Internal, "a join without members"))
    }

    fn plan_right(&self, tree: Tree, needed: &Needed, left: &Node) -> Result<Node, PlanError> {
        if self.wanted.is_some() {
            return self.right(left, |planner, outer| planner.plan(tree.clone(), needed, outer));
        }
        self.plan(tree, needed, Some(&Outer { bindings: &left.bindings, rows: left.estimate }))
    }

    /// What is planned to be joined with the left rows.
    fn right(
        &self,
        left: &Node,
        plan: impl Fn(&Self, Option<&Outer<'_>>) -> Result<Node, PlanError>,
    ) -> Result<Node, PlanError> {
        let outer = Outer { bindings: &left.bindings, rows: left.estimate };
        let keyed = plan(self, Some(&outer))?;
        if self.wanted.is_none() || keys_block(&keyed).is_some() {
            return Ok(keyed);
        }
        // What takes no keys is read whole before the first row.
        plan(&self.whole(), Some(&outer))
    }

    fn joined(&self, left: Node, right: Node, kind: JoinKind, condition: Option<Expression>) -> Node {
        let keys = self.read(left.estimate);
        join(left, right, kind, condition, keys)
    }

    fn left_join(
        &self,
        left: Tree,
        right: Tree,
        condition: Option<Expression>,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let mut needed = needed.with(shared([&left, &right]));
        needed.variables.extend(condition.iter().flat_map(variables_of));
        let needed = needed.each(condition.as_ref().is_some_and(is_volatile));
        let left = self.plan(left, &needed, outer)?;
        let right = self.plan_right(right, &needed, &left)?;
        Ok(self.joined(left, right, JoinKind::Left, condition))
    }

    fn merged(&self, mut set: BranchSet) -> BranchSet {
        if self.limits.rules.allows(Rule::SelfJoin) {
            set.branches.iter_mut().for_each(|branch| merge_rows(self.catalogue, branch));
        }
        set
    }

    /// A union of branches, which may be taken `apart` already.
    fn branches(
        &self,
        set: Cow<'_, BranchSet>,
        apart: Option<&[Decomposition]>,
        needed: &Needed,
        outer: Option<&Outer<'_>>,
    ) -> Result<Node, PlanError> {
        let is_set = !needed.duplicates && self.limits.rules.allows(Rule::EarlyDistinct)
            || set.is_set(self.catalogue, self.limits);
        let kept: Vec<Variable> =
            set.variables.iter().filter(|v| !is_set || needed.variables.contains(*v)).cloned().collect();
        let kept_set: HashSet<Variable> = kept.iter().cloned().collect();
        let whole = (!is_set).then(|| self.whole());
        let planner = whole.as_ref().unwrap_or(self);
        let plan = |apart: &Decomposition| {
            let node = planner.branch(apart, &kept_set, outer)?;
            Ok(node.map(|node| project(node, &kept)))
        };
        let planned = match apart {
            Some(apart) => parallel::each(apart.iter().collect(), self.limits, plan),
            None => parallel::each(set.into_owned().branches, self.limits, |branch| plan(&self.decompose(branch))),
        };
        let mut nodes = planned.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, PlanError>>()?;
        if self.limits.rules.allows(Rule::Unpivot) {
            nodes = unpivot::merge(nodes, union);
        }
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

    /// Nothing where its conditions leave nothing.
    fn branch(
        &self,
        apart: &Decomposition,
        needed: &HashSet<Variable>,
        outer: Option<&Outer<'_>>,
    ) -> Result<Option<Node>, PlanError> {
        if apart.is_impossible {
            return Ok(None);
        }
        let (groups, mut filters) = (&apart.groups, apart.filters.clone());
        // Most branches are one request.
        let needed = if groups.len() == 1 && filters.is_empty() {
            Cow::Borrowed(needed)
        } else {
            let mut needed = needed.clone();
            needed.extend(filters.iter().flat_map(variables_of));
            needed.extend(repeated(groups.iter().map(|group| group.variables().cloned().collect::<HashSet<_>>())));
            Cow::Owned(needed)
        };
        let mut current: Option<Node> = None;
        let mut rest = self.order_groups(groups, &needed, outer)?;
        rest.reverse();
        while let Some(next) = rest.pop() {
            current = Some(match current {
                None => self.scan(&groups[next], &needed, outer),
                Some(left) => {
                    let inner = Outer { bindings: &left.bindings, rows: left.estimate };
                    let right = self.scan(&groups[next], &needed, Some(&inner));
                    self.joined(left, right, JoinKind::Inner, None)
                }
            });
            let waiting: Vec<&Group> = rest.iter().map(|position| &groups[*position]).collect();
            current = current.map(|node| apply_filters(node, &mut filters, &waiting));
        }
        current.map(Some).ok_or_else(|| PlanError::new(Code::Internal, "a branch without tables"))
    }

    fn scan(&self, group: &Group, needed: &HashSet<Variable>, outer: Option<&Outer<'_>>) -> Node {
        let access = self.access(group, outer);
        let mut node = group.scan(self.catalogue, needed, access.slot);
        node.estimate = access.rows;
        if let NodeKind::Scan(scan) = &mut node.kind {
            Arc::make_mut(scan).unkeyed = access.unkeyed;
        }
        node
    }
}

/// Whether the value depends on how often a row comes, or on which row something else is computed from.
fn counts_duplicates(aggregate: &AggregateExpression) -> bool {
    match aggregate {
        AggregateExpression::CountSolutions { distinct } => !distinct,
        AggregateExpression::FunctionCall { name, expr, distinct } => {
            let is_extreme =
                matches!(name, AggregateFunction::Min | AggregateFunction::Max | AggregateFunction::Sample);
            !distinct && !is_extreme || is_volatile(expr)
        }
    }
}

/// The variables a whole row has for the user: none of the hidden ones.
fn visible(tree: &Tree) -> Vec<Variable> {
    variables(tree).into_iter().filter(|variable| !variable.as_str().starts_with("_:")).collect()
}

fn shared<'t>(members: impl IntoIterator<Item = &'t Tree>) -> HashSet<Variable> {
    repeated(members.into_iter().map(|member| variables(member).into_iter().collect()))
}

/// Variables that are in more than one of the sets.
fn repeated(sets: impl Iterator<Item = HashSet<Variable>>) -> HashSet<Variable> {
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

/// Applies each filter as soon as no remaining group binds another of its variables.
fn apply_filters(mut node: Node, filters: &mut Vec<Expression>, rest: &[&Group]) -> Node {
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
