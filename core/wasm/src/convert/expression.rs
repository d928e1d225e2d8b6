//! Expressions as lists of nodes, and the rules every such list keeps.

use super::value::{value_from_wit, value_to_wit, values_from_wit};
use super::{ConvertError, MAX_DEPTH, MAX_NODES};
use crate::wit::weft::connector::types as w;
use weft_model::contract as m;

/// Trees under construction: each can be taken once, by a later node.
pub(super) struct Forest<T> {
    what: &'static str,
    nodes: Vec<Option<(T, u32)>>,
    taken: usize,
}

impl<T> Forest<T> {
    pub(super) fn new(what: &'static str, nodes: usize) -> Result<Self, ConvertError> {
        if nodes == 0 {
            return Err(ConvertError::NoNodes { what });
        }
        if nodes > MAX_NODES {
            return Err(ConvertError::TooManyNodes { what, found: nodes });
        }
        Ok(Self { what, nodes: Vec::with_capacity(nodes), taken: 0 })
    }

    /// Takes a child for the node that is being read; `depth` is that of the deepest child so far.
    pub(super) fn take(&mut self, child: u32, depth: &mut u32) -> Result<Box<T>, ConvertError> {
        let node = self.nodes.len();
        let place = usize::try_from(child).ok().and_then(|i| self.nodes.get_mut(i));
        let Some((tree, height)) = place.and_then(Option::take) else {
            return Err(ConvertError::BadChild { what: self.what, node, child });
        };
        self.taken += 1;
        *depth = (*depth).max(height);
        Ok(Box::new(tree))
    }

    pub(super) fn push(&mut self, tree: T, depth: u32) -> Result<(), ConvertError> {
        if depth >= MAX_DEPTH {
            return Err(ConvertError::TooDeep { what: self.what });
        }
        self.nodes.push(Some((tree, depth + 1)));
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<T, ConvertError> {
        let orphans = self.nodes.len() - 1 - self.taken;
        if orphans > 0 {
            return Err(ConvertError::Orphans { what: self.what, count: orphans });
        }
        let root = self.nodes.pop().flatten();
        root.map(|(tree, _)| tree).ok_or(ConvertError::NoNodes { what: self.what })
    }
}

pub(super) fn expression_from_wit(nodes: w::Expression) -> Result<m::Expression, ConvertError> {
    let mut forest = Forest::new("filter", nodes.len())?;
    for node in nodes {
        let mut depth = 0;
        let tree = expression_node(node, &mut forest, &mut depth)?;
        forest.push(tree, depth)?;
    }
    forest.finish()
}

fn expression_node(
    node: w::ExpressionNode,
    forest: &mut Forest<m::Expression>,
    depth: &mut u32,
) -> Result<m::Expression, ConvertError> {
    use m::Expression as E;
    use w::ExpressionNode as N;
    let mut list = |children: Vec<u32>, forest: &mut Forest<_>| {
        children.into_iter().map(|child| forest.take(child, depth).map(|tree| *tree)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match node {
        N::Column(column) => E::Column(column_ref_from_wit(column)),
        N::Literal(value) => E::Literal(value_from_wit(value)?),
        N::AndAll(children) => E::And(list(children, forest)?),
        N::OrAny(children) => E::Or(list(children, forest)?),
        N::Compare(c) => E::Compare {
            operator: c.operator.into(),
            left: forest.take(c.left, depth)?,
            right: forest.take(c.right, depth)?,
        },
        N::Negate(child) => E::Not(forest.take(child, depth)?),
        N::IsNull(child) => E::IsNull(forest.take(child, depth)?),
        N::InList(n) => E::In { input: forest.take(n.input, depth)?, values: values_from_wit(n.values)? },
        N::Text(n) => E::Text { operator: n.operator.into(), input: forest.take(n.input, depth)?, pattern: n.pattern },
    })
}

pub(super) fn expression_to_wit(expression: m::Expression) -> Result<w::Expression, ConvertError> {
    let mut nodes = Vec::new();
    push_expression(expression, &mut nodes, 0)?;
    Ok(nodes)
}

fn push_expression(
    expression: m::Expression,
    out: &mut Vec<w::ExpressionNode>,
    depth: u32,
) -> Result<u32, ConvertError> {
    use m::Expression as E;
    use w::ExpressionNode as N;
    if depth >= MAX_DEPTH {
        return Err(ConvertError::TooDeep { what: "filter" });
    }
    let depth = depth + 1;
    let node = match expression {
        E::Column(column) => N::Column(column_ref_to_wit(column)),
        E::Literal(value) => N::Literal(value_to_wit(value)),
        E::Compare { operator, left, right } => N::Compare(w::CompareNode {
            operator: operator.into(),
            left: push_expression(*left, out, depth)?,
            right: push_expression(*right, out, depth)?,
        }),
        E::And(all) => N::AndAll(push_expressions(all, out, depth)?),
        E::Or(any) => N::OrAny(push_expressions(any, out, depth)?),
        E::Not(input) => N::Negate(push_expression(*input, out, depth)?),
        E::IsNull(input) => N::IsNull(push_expression(*input, out, depth)?),
        E::In { input, values } => N::InList(w::InNode {
            input: push_expression(*input, out, depth)?,
            values: values.into_iter().map(value_to_wit).collect(),
        }),
        E::Text { operator, input, pattern } => {
            N::Text(w::TextNode { operator: operator.into(), input: push_expression(*input, out, depth)?, pattern })
        }
    };
    push_node(node, out, "filter")
}

fn push_expressions(
    expressions: Vec<m::Expression>,
    out: &mut Vec<w::ExpressionNode>,
    depth: u32,
) -> Result<Vec<u32>, ConvertError> {
    expressions.into_iter().map(|expression| push_expression(expression, out, depth)).collect()
}

/// Appends a node and returns its index.
pub(super) fn push_node<N>(node: N, out: &mut Vec<N>, what: &'static str) -> Result<u32, ConvertError> {
    let index = out.len();
    if index >= MAX_NODES {
        return Err(ConvertError::TooManyNodes { what, found: index + 1 });
    }
    out.push(node);
    u32::try_from(index).map_err(|_| ConvertError::TooManyNodes { what, found: index })
}

pub(super) fn column_ref_to_wit(column: m::ColumnRef) -> w::ColumnRef {
    w::ColumnRef { relation: column.relation, name: column.name }
}

pub(super) fn column_ref_from_wit(column: w::ColumnRef) -> m::ColumnRef {
    m::ColumnRef { relation: column.relation, name: column.name }
}
