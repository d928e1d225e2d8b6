//! Bounds a relation before anything recurses into it.

use crate::error::{Result, invalid_request, limit_exceeded};
use weft_model::contract::{Expression, KeyBlock, Relation};

#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLimits {
    pub(crate) depth: usize,
    pub(crate) nodes: usize,
    pub(crate) keys: usize,
}

enum Node<'a> {
    Relation(&'a Relation),
    Expression(&'a Expression),
}

impl SizeLimits {
    pub(crate) fn check(&self, relation: &Relation) -> Result<()> {
        let mut pending = vec![(Node::Relation(relation), 1)];
        let mut nodes = 0;
        while let Some((node, depth)) = pending.pop() {
            nodes += 1;
            if depth > self.depth {
                return Err(limit_exceeded(format!("the relation is deeper than {} (limits.depth)", self.depth)));
            }
            let children = match node {
                Node::Relation(relation) => self.relation_children(relation)?,
                Node::Expression(expression) => {
                    nodes += values(expression);
                    expression_children(expression)
                }
            };
            if nodes + pending.len() + children.len() > self.nodes {
                return Err(limit_exceeded(format!("the relation has more than {} nodes (limits.nodes)", self.nodes)));
            }
            pending.extend(children.into_iter().map(|child| (child, depth + 1)));
        }
        Ok(())
    }

    fn relation_children<'a>(&self, relation: &'a Relation) -> Result<Vec<Node<'a>>> {
        Ok(match relation {
            Relation::Read(read) => {
                self.check_keys(&format!("table {:?}", read.table), read.keys.as_ref())?;
                read.filter.iter().map(Node::Expression).collect()
            }
            Relation::Filter { input, predicate } => vec![Node::Relation(input), Node::Expression(predicate)],
            Relation::Join { left, right, .. } => vec![Node::Relation(left), Node::Relation(right)],
            Relation::Recurse { step, start, .. } => {
                self.check_keys("the start of a recursion", start.as_ref())?;
                vec![Node::Relation(step)]
            }
            Relation::Project { input, .. }
            | Relation::Aggregate { input, .. }
            | Relation::Distinct { input }
            | Relation::Sort { input, .. }
            | Relation::Limit { input, .. } => vec![Node::Relation(input)],
        })
    }

    fn check_keys(&self, what: &str, block: Option<&KeyBlock>) -> Result<()> {
        let keys = block.map_or(0, |block| block.keys.num_rows());
        if keys > self.keys {
            return Err(invalid_request(format!("a block of {keys} keys for {what}, at most {} are taken", self.keys)));
        }
        Ok(())
    }
}

fn expression_children(expression: &Expression) -> Vec<Node<'_>> {
    match expression {
        Expression::Column(_) | Expression::Literal(_) => Vec::new(),
        Expression::Compare { left, right, .. } => vec![Node::Expression(left), Node::Expression(right)],
        Expression::And(terms) | Expression::Or(terms) => terms.iter().map(Node::Expression).collect(),
        Expression::Not(input)
        | Expression::IsNull(input)
        | Expression::In { input, .. }
        | Expression::Text { input, .. } => vec![Node::Expression(input)],
    }
}

fn values(expression: &Expression) -> usize {
    if let Expression::In { values, .. } = expression { values.len() } else { 0 }
}
