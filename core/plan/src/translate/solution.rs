//! `BNODE(text)` (SPARQL section 17.4.2.9): one node for each text in one solution, and another in every other.
//!
//! Where it is called, the solutions get names that are passed to it. An expression about solutions that have names
//! already uses those, so that two calls in one SELECT clause give one node.

use super::Translation;
use crate::expression::children;
use crate::rewrite::map_expression;
use crate::tree::Tree;
use oxrdf::Variable;
use spargebra::algebra::{Expression, Function};

const KIND: &str = "solution";

impl Translation<'_> {
    /// The expression with the name of the solution in each `BNODE`, and rows that have names.
    pub(super) fn name_solutions(&mut self, tree: Tree, expression: Expression) -> (Tree, Expression) {
        if !calls_blank_node(&expression) {
            return (tree, expression);
        }
        let (tree, name) = match name_of(&tree) {
            Some(name) => (tree, name),
            None => {
                let name = self.unfolder.hidden(KIND);
                let unique = Expression::FunctionCall(Function::StrUuid, Vec::new());
                (Tree::Extend { input: Box::new(tree), variable: name.clone(), expression: unique }, name)
            }
        };
        let expression = pass(&expression, &name);
        (tree, expression)
    }
}

pub(super) fn calls_blank_node(expression: &Expression) -> bool {
    let own = matches!(expression, Expression::FunctionCall(Function::BNode, list) if list.len() == 1);
    own || children(expression).into_iter().any(calls_blank_node)
}

/// The name that the solutions of a tree have.
fn name_of(tree: &Tree) -> Option<Variable> {
    match tree {
        Tree::Extend { variable, .. } if variable.as_str().starts_with(&format!("_:{KIND}")) => Some(variable.clone()),
        Tree::Extend { input, .. } | Tree::Filter { input, .. } | Tree::Sort { input, .. } => name_of(input),
        _ => None,
    }
}

/// The expression with the name as a second argument of each `BNODE`.
fn pass(expression: &Expression, name: &Variable) -> Expression {
    map_expression(expression, &|part| match part {
        Expression::FunctionCall(Function::BNode, list) => {
            let [text] = list.as_slice() else { return None };
            Some(Expression::FunctionCall(Function::BNode, vec![pass(text, name), Expression::Variable(name.clone())]))
        }
        _ => None,
    })
}
