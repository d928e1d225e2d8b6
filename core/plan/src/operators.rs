//! The operators of a plan, each with what is known of its rows.

use crate::{Binding, JoinKind, JoinMethod, Node, NodeKind, Start};
use oxrdf::{Term, Variable};
use spargebra::algebra::Expression;
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
    Node { kind: kind(Box::new(input)), bindings, estimate }
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
    Node { kind: NodeKind::Project { input: Box::new(input) }, bindings, estimate }
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
    Node { kind: NodeKind::Values { rows }, bindings, estimate }
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
    Node { kind: NodeKind::Union(nodes), bindings, estimate }
}

/// A constant has no column that could be null: where it may be unbound, it needs one.
pub(crate) fn nullable(term_type: &TermType, optional: bool) -> TermType {
    match term_type {
        TermType::Constant(_) if optional => TermType::General,
        other => other.clone(),
    }
}

/// Joins two nodes; with keys from the left where a scan on the right takes them.
pub(crate) fn join(left: Node, right: Node, kind: JoinKind, condition: Option<Expression>) -> Node {
    let method = match keys_block(&right) {
        Some(block) => JoinMethod::Bind { block },
        None => JoinMethod::Hash,
    };
    let bindings = join_bindings(&left, &right, &kind);
    let connected = right.bindings.iter().any(|b| left.binding(&b.variable).is_some());
    let estimate = match (method, connected) {
        (JoinMethod::Bind { .. }, _) => right.estimate,
        (JoinMethod::Hash, true) => left.estimate.max(right.estimate),
        (JoinMethod::Hash, false) => left.estimate * right.estimate,
    };
    let estimate = match kind {
        JoinKind::Inner => estimate,
        JoinKind::Left => estimate.max(left.estimate),
        _ => left.estimate,
    };
    let kind = NodeKind::Join { left: Box::new(left), right: Box::new(right), kind, condition, method };
    Node { kind, bindings, estimate }
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
