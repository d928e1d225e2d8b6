//! The operators of a plan, each with what is known of its rows.

use crate::cost::REQUEST;
use crate::{Binding, JoinKind, JoinMethod, Node, NodeKind, Start, Unkeyed};
use oxrdf::{Term, Variable};
use spargebra::algebra::Expression;
use std::sync::Arc;
use weft_model::term::{LiteralType, TermType};

pub(crate) fn general(variable: &Variable) -> Binding {
    Binding { variable: variable.clone(), term_type: TermType::General, optional: true }
}

pub(crate) fn constant(variable: &Variable, term: Term) -> Binding {
    Binding { variable: variable.clone(), term_type: TermType::Constant(term), optional: false }
}

pub(crate) fn known(node: &Node, variable: &Variable) -> Binding {
    node.binding(variable).cloned().unwrap_or_else(|| general(variable))
}

pub(crate) fn wrap(input: Node, kind: impl FnOnce(Box<Node>) -> NodeKind) -> Node {
    let (bindings, estimate) = (input.bindings.clone(), input.estimate);
    Node::new(kind(Box::new(input)), bindings, estimate)
}

pub(crate) fn filter(input: Node, expression: Expression) -> Node {
    let bound = match &expression {
        Expression::Bound(variable) => Some(variable.clone()),
        _ => None,
    };
    let mut node = wrap(input, |input| NodeKind::Filter { input, expression });
    for binding in node.bindings.iter_mut().filter(|binding| Some(&binding.variable) == bound.as_ref()) {
        binding.optional = false;
    }
    node.estimate = (node.estimate * 0.5).max(1.0);
    node
}

pub(crate) fn extend(input: Node, variable: Variable, expression: Expression) -> Node {
    let binding = match &expression {
        Expression::Variable(other) => Binding { variable: variable.clone(), ..known(&input, other) },
        Expression::NamedNode(node) => constant(&variable, node.clone().into()),
        Expression::Literal(literal) => constant(&variable, literal.clone().into()),
        _ => general(&variable),
    };
    let mut node = wrap(input, |input| NodeKind::Extend { input, variable, expression });
    node.bindings.push(binding);
    node
}

/// At most so many rows.
pub(crate) fn first(input: Node, count: usize) -> Node {
    wrap(input, |input| NodeKind::Slice { input, offset: 0, count: Some(count) })
}

pub(crate) fn distinct(input: Node) -> Node {
    wrap(input, |input| NodeKind::Distinct { input })
}

/// Keeps these variables, in this order; one that is not bound below is unbound in every row.
pub(crate) fn project(input: Node, variables: &[Variable]) -> Node {
    if input.bindings.len() == variables.len() && input.bindings.iter().zip(variables).all(|(b, v)| b.variable == *v) {
        return input;
    }
    let bindings = variables.iter().map(|variable| known(&input, variable)).collect();
    let estimate = input.estimate;
    Node::new(NodeKind::Project { input: Box::new(input) }, bindings, estimate)
}

pub(crate) fn values(variables: Vec<Variable>, rows: Vec<Vec<Option<Term>>>) -> Node {
    let bindings = variables
        .into_iter()
        .enumerate()
        .map(|(i, variable)| Binding {
            variable,
            term_type: TermType::General,
            optional: rows.iter().any(|row| row[i].is_none()),
        })
        .collect();
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    let estimate = rows.len() as f64;
    Node::new(NodeKind::Values { rows }, bindings, estimate)
}

/// The union of rows: a variable keeps its type where all branches agree on it.
pub(crate) fn union(nodes: Vec<Node>) -> Node {
    let mut bindings: Vec<Binding> = Vec::new();
    for node in &nodes {
        for binding in &node.bindings {
            match bindings.iter_mut().find(|known| known.variable == binding.variable) {
                None => bindings.push(binding.clone()),
                Some(known) => {
                    // Null columns of any type do for a branch that never binds the variable.
                    if matches!(node.kind, NodeKind::Empty) {
                        known.optional = true;
                        continue;
                    }
                    known.term_type = known.term_type.widen(&binding.term_type);
                    known.optional |= binding.optional;
                }
            }
        }
    }
    for binding in &mut bindings {
        binding.optional |= nodes.iter().any(|node| node.binding(&binding.variable).is_none());
        binding.term_type = nullable(&binding.term_type, binding.optional);
    }
    let estimate = nodes.iter().map(|node| node.estimate).sum();
    Node::new(NodeKind::Union(nodes), bindings, estimate)
}

/// A constant has no column that could be null: where it may be unbound, it needs one.
pub(crate) fn nullable(term_type: &TermType, optional: bool) -> TermType {
    match term_type {
        TermType::Constant(_) if optional => TermType::General,
        other => other.clone(),
    }
}

/// Joins two nodes; with keys from the left where a scan on the right takes them. So many left rows are expected to be
/// read.
pub(crate) fn join(left: Node, mut right: Node, kind: JoinKind, condition: Option<Expression>, read: f64) -> Node {
    let method = method(read, &mut right, &kind);
    let bindings = join_bindings(&left, &right, &kind);
    let connected = right.bindings.iter().any(|b| left.binding(&b.variable).is_some());
    let estimate = match (method, connected) {
        (JoinMethod::Bind { hash_from, .. }, _) if !is_reached(hash_from, read) => right.estimate,
        (_, true) => left.estimate.max(right.estimate),
        (_, false) => left.estimate * right.estimate,
    };
    let estimate = match kind {
        JoinKind::Inner => estimate,
        JoinKind::Left => estimate.max(left.estimate),
        _ => left.estimate,
    };
    let (left, right) = (Box::new(left), Arc::new(right));
    let kind = NodeKind::Join { left, right, kind, condition, method, goal: None, ordered: false };
    Node::new(kind, bindings, estimate)
}

/// How much smaller the right side is expected to be for it to be read first, so that it narrows the left.
const MUCH_SMALLER: f64 = 8.0;

fn method(left: f64, right: &mut Node, kind: &JoinKind) -> JoinMethod {
    let Some(block) = keys_block(right) else { return JoinMethod::Hash };
    let hash_from = hash_from(right);
    let narrows_left = matches!(kind, JoinKind::Inner | JoinKind::Semi);
    if narrows_left && is_reached(hash_from, left) && right.estimate * MUCH_SMALLER < left {
        leave_out_keys(right);
        return JoinMethod::Hash;
    }
    JoinMethod::Bind { block, hash_from, at_once: false }
}

#[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
fn is_reached(hash_from: Option<u64>, left: f64) -> bool {
    hash_from.is_some_and(|keys| left >= keys as f64)
}

/// The number of keys from which the right side of a join is cheaper to read whole than to ask for keys; `None` where
/// something in it must be given keys.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of keys, within bounds")]
fn hash_from(right: &Node) -> Option<u64> {
    let Unkeyed { whole, key } = unkeyed(right)?;
    Some((whole / key).ceil().clamp(1.0, 1e15) as u64)
}

/// What a node costs without the keys of an enclosing join, and what each key costs with them.
fn unkeyed(node: &Node) -> Option<Unkeyed> {
    #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
    let in_each_block = |whole: f64| Unkeyed { whole, key: whole / USUAL_BLOCK as f64 };
    match &node.kind {
        NodeKind::Scan(scan) if scan.slot.is_some() => scan.unkeyed,
        NodeKind::Unpivot(unpivot) if unpivot.scan.slot.is_some() => unpivot.scan.unkeyed,
        // What takes no keys is read again for each block of them.
        NodeKind::Scan(_) | NodeKind::Unpivot(_) => Some(in_each_block(node.estimate + REQUEST)),
        NodeKind::Service(_) => None,
        NodeKind::Closure(closure) => match &closure.start {
            Start::Keys { .. } => None,
            _ => Some(in_each_block(node.estimate + REQUEST)),
        },
        NodeKind::Shared { .. } => Some(Unkeyed { whole: 0.0, key: 0.0 }),
        NodeKind::Join { left, method: JoinMethod::Bind { .. }, .. } => unkeyed(left),
        kind => kind.children().into_iter().try_fold(Unkeyed { whole: 0.0, key: 0.0 }, |sum, child| {
            let Unkeyed { whole, key } = unkeyed(child)?;
            Some(Unkeyed { whole: sum.whole + whole, key: sum.key + key })
        }),
    }
}

/// Keys of a block, to share the costs of a request among them.
const USUAL_BLOCK: usize = 2_000;

/// Reads whatever would take the keys of an enclosing join without them.
fn leave_out_keys(node: &mut Node) {
    match &mut node.kind {
        NodeKind::Scan(scan) => Arc::make_mut(scan).slot = None,
        NodeKind::Unpivot(unpivot) => Arc::make_mut(&mut unpivot.scan).slot = None,
        NodeKind::Service(_) | NodeKind::Closure(_) | NodeKind::Shared { .. } => {}
        NodeKind::Join { left, method: JoinMethod::Bind { .. }, .. } => leave_out_keys(left),
        kind => kind.children_mut().into_iter().for_each(leave_out_keys),
    }
}

/// The smallest block size of what takes the keys of an enclosing join; `None` when nothing does.
pub(crate) fn keys_block(node: &Node) -> Option<usize> {
    match &node.kind {
        NodeKind::Scan(scan) => scan.slot.as_ref().map(|slot| slot.block),
        NodeKind::Unpivot(unpivot) => unpivot.scan.slot.as_ref().map(|slot| slot.block),
        NodeKind::Service(service) => service.block,
        // The steps take the keys of their own frontier.
        NodeKind::Closure(closure) => match &closure.start {
            Start::Keys { block, .. } => Some(*block),
            _ => None,
        },
        NodeKind::Shared { .. } => None,
        // The right side of an inner bind join takes the keys of its own left.
        NodeKind::Join { left, method: JoinMethod::Bind { .. }, .. } => keys_block(left),
        kind => kind.children().into_iter().filter_map(keys_block).min(),
    }
}

pub(crate) fn join_bindings(left: &Node, right: &Node, kind: &JoinKind) -> Vec<Binding> {
    let mut bindings = left.bindings.clone();
    if let JoinKind::Mark(variable) = kind {
        let term_type = TermType::Literal(LiteralType::Boolean);
        bindings.push(Binding { variable: variable.clone(), term_type, optional: false });
    }
    if !kind.keeps_right() {
        return bindings;
    }
    for mine in &mut bindings {
        if let Some(theirs) = right.binding(&mine.variable) {
            *mine = shared_binding(mine, theirs, kind);
        }
    }
    for theirs in right.bindings.iter().filter(|b| left.binding(&b.variable).is_none()) {
        let optional = theirs.optional || *kind == JoinKind::Left;
        let term_type = nullable(&theirs.term_type, optional);
        bindings.push(Binding { variable: theirs.variable.clone(), term_type, optional });
    }
    bindings
}

pub(crate) fn shared_binding(left: &Binding, right: &Binding, kind: &JoinKind) -> Binding {
    let optional = left.optional && (right.optional || *kind == JoinKind::Left);
    let term_type = if !left.optional {
        // The left columns are there in every row; the right ones can say the same in a narrower type.
        match (&left.term_type, right.optional || *kind == JoinKind::Left) {
            (TermType::General, false) => right.term_type.clone(),
            (known, _) => known.clone(),
        }
    } else {
        left.term_type.widen(&right.term_type)
    };
    Binding { variable: left.variable.clone(), term_type: nullable(&term_type, optional), optional }
}
