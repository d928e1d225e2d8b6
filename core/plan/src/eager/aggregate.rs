//! Aggregates computed in parts: a source aggregates its rows by what they are joined on, and the broker puts the parts
//! together above the joins (eager aggregation, Yan and Larson 1995).
//!
//! Rows that agree on everything the operators above look at are treated alike by them: joined with the same rows, kept or
//! dropped together. So one row can stand for all of them, with their count, their sum, their least and greatest value.

use super::{Gain, gain};
use crate::expression::{is_volatile, variables_of};
use crate::operators::{extend, filter, general, join, known, project, union};
use crate::push::{Pushing, aggregate_scan, rows_are_final, with_parts};
use crate::{JoinKind, KeyPlace, Node, NodeKind, Scan};
use hashbrown::HashSet;
use oxrdf::{Literal, Variable};
use spargebra::algebra::{AggregateExpression, AggregateFunction as Function, Expression};
use std::sync::Arc;
use weft_model::contract::ColumnRef;

/// Rewrites a group whose aggregates can be computed in parts by one side of a join, or by the members of a union, where
/// that leaves fewer rows to send. Not for what needs all rows: DISTINCT, SAMPLE, GROUP_CONCAT.
pub(crate) fn aggregate(node: &mut Node, pushing: Pushing<'_>) {
    let NodeKind::Group { input, keys, aggregates } = &node.kind else { return };
    let Some(parts) = Parts::of(input, aggregates) else { return };
    let needed: HashSet<Variable> = keys.iter().cloned().collect();
    let Some((input, gain)) = parts.below(input, pushing, needed) else { return };
    if !gain.pays() {
        return;
    }
    let names: Vec<Variable> = node.bindings.iter().map(|binding| binding.variable.clone()).collect();
    let mut bindings: Vec<_> = keys.iter().map(|key| known(&input, key)).collect();
    bindings.extend(parts.whole.iter().map(|(variable, _)| general(variable)));
    let kind = NodeKind::Group { input: Box::new(input), keys: keys.clone(), aggregates: parts.whole };
    let group = Node::new(kind, bindings, node.estimate);
    let computed = parts.computed.into_iter().fold(group, |node, (variable, value)| extend(node, variable, value));
    *node = project(computed, &names);
}

/// How aggregates are computed in parts.
struct Parts {
    /// What the source aggregates.
    partial: Vec<(Variable, AggregateExpression)>,
    /// What the broker aggregates of that.
    whole: Vec<(Variable, AggregateExpression)>,
    /// What it computes of the aggregates.
    computed: Vec<(Variable, Expression)>,
    /// The variables that are aggregated. Nothing else may look at them.
    arguments: HashSet<Variable>,
}

impl Parts {
    fn of(input: &Node, aggregates: &[(Variable, AggregateExpression)]) -> Option<Self> {
        let (partial, whole, computed) = (Vec::new(), Vec::new(), Vec::new());
        let mut parts = Self { partial, whole, computed, arguments: HashSet::new() };
        for (variable, aggregate) in aggregates {
            parts.add(input, variable, aggregate)?;
        }
        Some(parts)
    }

    fn add(&mut self, input: &Node, variable: &Variable, aggregate: &AggregateExpression) -> Option<()> {
        let (name, argument, distinct) = match aggregate {
            AggregateExpression::CountSolutions { distinct: false } => {
                self.count(variable);
                return Some(());
            }
            AggregateExpression::FunctionCall { name, expr: Expression::Variable(argument), distinct } => {
                (name, argument, *distinct)
            }
            _ => return None,
        };
        let is_bound = input.binding(argument).is_some_and(|binding| !binding.optional);
        match name {
            Function::Count if !distinct && is_bound => self.count(variable),
            Function::Count if !distinct => {
                let part = self.part(call(Function::Count, argument));
                self.whole.push((variable.clone(), call(Function::Sum, &part)));
                self.arguments.insert(argument.clone());
            }
            Function::Sum if !distinct => self.same(Function::Sum, variable, argument),
            Function::Min | Function::Max => self.same(name.clone(), variable, argument),
            Function::Avg if !distinct => self.average(variable, argument),
            _ => return None,
        }
        Some(())
    }

    /// The number of rows: the sum of the numbers of all parts, 0 without any.
    fn count(&mut self, variable: &Variable) {
        let part = self.part(AggregateExpression::CountSolutions { distinct: false });
        self.whole.push((variable.clone(), call(Function::Sum, &part)));
    }

    /// A sum of sums, the least of the least.
    fn same(&mut self, function: Function, variable: &Variable, argument: &Variable) {
        let part = self.part(call(function.clone(), argument));
        self.whole.push((variable.clone(), call(function, &part)));
        self.arguments.insert(argument.clone());
    }

    /// SPARQL section 18.5.1.4: the sum divided by the count, 0 over nothing. The argument is bound in every row that a
    /// source may sum up.
    fn average(&mut self, variable: &Variable, argument: &Variable) {
        let (sum, count) = (self.part(call(Function::Sum, argument)), self.part(call(Function::Count, argument)));
        let [all, number] = ["sum", "count"].map(|kind| hidden(kind, self.whole.len()));
        self.whole.push((all.clone(), call(Function::Sum, &sum)));
        self.whole.push((number.clone(), call(Function::Sum, &count)));
        let zero = || Box::new(Expression::Literal(Literal::from(0)));
        let value = |variable: &Variable| Box::new(Expression::Variable(variable.clone()));
        let nothing = Box::new(Expression::Equal(value(&number), zero()));
        let quotient = Box::new(Expression::Divide(value(&all), value(&number)));
        self.computed.push((variable.clone(), Expression::If(nothing, zero(), quotient)));
        self.arguments.insert(argument.clone());
    }

    fn part(&mut self, aggregate: AggregateExpression) -> Variable {
        if let Some((known, _)) = self.partial.iter().find(|(_, known)| *known == aggregate) {
            return known.clone();
        }
        let variable = hidden("part", self.partial.len());
        self.partial.push((variable.clone(), aggregate));
        variable
    }

    /// The rows of a node in parts, where the operators above look at the needed variables. A part of a row that is left
    /// out by an outer join would be unbound, so that only what all rows have is taken apart.
    fn below(&self, node: &Node, pushing: Pushing<'_>, mut needed: HashSet<Variable>) -> Option<(Node, Gain)> {
        if self.arguments.iter().any(|argument| needed.contains(argument)) {
            return None;
        }
        // A variable of that name below is another one.
        needed.retain(|variable| node.binding(variable).is_some());
        if let Some(scan) = with_parts(node, pushing) {
            return self.scan(scan, node.estimate, pushing, &needed);
        }
        match &node.kind {
            NodeKind::Empty => Some((node.clone(), Gain { before: 0.0, after: 0.0 })),
            NodeKind::Project { input } => {
                let mut kept: Vec<Variable> = needed.iter().cloned().collect();
                kept.sort_unstable();
                let (input, gain) = self.below(input, pushing, needed)?;
                kept.extend(self.partial.iter().map(|(part, _)| part.clone()));
                Some((project(input, &kept), gain))
            }
            NodeKind::Filter { input, expression } if !is_volatile(expression) => {
                needed.extend(variables_of(expression));
                let (input, gain) = self.below(input, pushing, needed)?;
                Some((filter(input, expression.clone()), gain))
            }
            NodeKind::Extend { input, variable, expression } if !is_volatile(expression) => {
                if self.arguments.contains(variable) {
                    return None;
                }
                needed.extend(variables_of(expression));
                let (input, gain) = self.below(input, pushing, needed)?;
                Some((extend(input, variable.clone(), expression.clone()), gain))
            }
            NodeKind::Union(members) => self.union(members, pushing, &needed),
            NodeKind::Join { .. } => self.join(node, pushing, needed),
            _ => None,
        }
    }

    fn union(&self, members: &[Node], pushing: Pushing<'_>, needed: &HashSet<Variable>) -> Option<(Node, Gain)> {
        let mut all = Gain { before: 0.0, after: 0.0 };
        let mut parts = Vec::with_capacity(members.len());
        for member in members {
            let (part, gain) = self.below(member, pushing, needed.clone())?;
            all = all.and(gain);
            parts.push(part);
        }
        Some((union(parts), all))
    }

    fn join(&self, node: &Node, pushing: Pushing<'_>, mut needed: HashSet<Variable>) -> Option<(Node, Gain)> {
        let NodeKind::Join { left, right, kind, condition, .. } = &node.kind else { return None };
        if condition.as_ref().is_some_and(is_volatile) {
            return None;
        }
        needed.extend(condition.iter().flat_map(variables_of));
        let common = left.bindings.iter().map(|binding| &binding.variable).filter(|v| right.binding(v).is_some());
        needed.extend(common.cloned());
        let is_of = |side: &Node| self.arguments.iter().all(|argument| side.binding(argument).is_some());
        let below_left = || {
            let (part, gain) = is_of(left).then(|| self.below(left, pushing, needed.clone()))??;
            let read = part.estimate;
            Some((join(part, (**right).clone(), kind.clone(), condition.clone(), read), gain))
        };
        let below_right = || {
            let can = *kind == JoinKind::Inner && is_of(right);
            let (part, gain) = can.then(|| self.below(right, pushing, needed.clone()))??;
            Some((join((**left).clone(), part, kind.clone(), condition.clone(), left.estimate), gain))
        };
        match (below_left(), below_right()) {
            (Some(one), Some(other)) => Some(if one.1.saved() >= other.1.saved() { one } else { other }),
            (one, other) => one.or(other),
        }
    }

    fn scan(&self, scan: Scan, rows: f64, pushing: Pushing<'_>, needed: &HashSet<Variable>) -> Option<(Node, Gain)> {
        let shown: Vec<&Variable> = scan.outputs.iter().map(|output| &output.variable).collect();
        let keys: Vec<Variable> = shown.into_iter().filter(|v| needed.contains(*v)).cloned().collect();
        if keys.len() < needed.len() || !rows_are_final(&scan) || !takes_keys_of(&scan, &keys) {
            return None;
        }
        let fields = group_fields(&scan, &keys)?;
        let mut partial = self.partial.clone();
        // Without columns to group by there is one group, also of no rows.
        let number = fields.is_empty().then(|| {
            let rows = AggregateExpression::CountSolutions { distinct: false };
            let known = partial.iter().find(|(_, aggregate)| *aggregate == rows).map(|(variable, _)| variable.clone());
            known.unwrap_or_else(|| {
                partial.push((hidden("rows", 0), rows));
                hidden("rows", 0)
            })
        });
        let pushed = aggregate_scan(&scan, pushing.catalogue, &keys, &partial)?;
        let gain = gain(&scan, pushing, &fields, rows);
        let unkeyed = scan.unkeyed.map(|unkeyed| gain.of_scan(unkeyed, &scan, pushing, &fields));
        let scan = Scan { unkeyed, ..pushed.scan };
        let mut node = Node::new(NodeKind::Scan(Arc::new(scan)), pushed.bindings, gain.after);
        if let Some(number) = number {
            let zero = Box::new(Expression::Literal(Literal::from(0)));
            node = filter(node, Expression::Greater(Box::new(Expression::Variable(number)), zero));
        }
        let node = pushed.computed.into_iter().fold(node, |node, (variable, value)| extend(node, variable, value));
        Some((node, gain))
    }
}

fn group_fields(scan: &Scan, keys: &[Variable]) -> Option<Vec<ColumnRef>> {
    let fields = scan.relation.fields().ok()?;
    let inputs = scan.outputs.iter().filter(|output| keys.contains(&output.variable)).flat_map(|o| &o.inputs);
    inputs.map(|input| fields.get(*input).map(|(field, _)| field.clone())).collect()
}

/// Whether the rows asked for by different keys are in different groups, and the keys have a place below the groups.
fn takes_keys_of(scan: &Scan, keys: &[Variable]) -> bool {
    scan.slot.as_ref().is_none_or(|slot| {
        slot.place != KeyPlace::Start && slot.columns.iter().all(|column| keys.contains(&column.variable))
    })
}

fn call(name: Function, argument: &Variable) -> AggregateExpression {
    AggregateExpression::FunctionCall { name, expr: Expression::Variable(argument.clone()), distinct: false }
}

fn hidden(kind: &str, number: usize) -> Variable {
    Variable::new_unchecked(format!("_:{kind}{number}"))
}
