//! `BNODE(text)` (SPARQL section 17.4.2.9): one node for each text in one solution, and another in every other.
//!
//! Where it is called, the solutions get names that are passed to it. An expression about solutions that have names
//! already uses those, so that two calls in one SELECT clause give one node.

use super::Translation;
use crate::expression::children;
use crate::tree::Tree;
use oxrdf::Variable;
use spargebra::algebra::{Expression, Function};

const KIND: &str = "solution";

impl Translation<'_> {
    /// The expression with the name of the solution in each `BNODE`, and rows that have names.
    pub(super) fn name_solutions(&mut self, tree: Tree, mut expression: Expression) -> (Tree, Expression) {
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
        pass(&mut expression, &name);
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

fn pass(expression: &mut Expression, name: &Variable) {
    use Expression as E;
    match expression {
        E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_) | E::Exists(_) => {}
        E::Or(a, b)
        | E::And(a, b)
        | E::Equal(a, b)
        | E::SameTerm(a, b)
        | E::Greater(a, b)
        | E::GreaterOrEqual(a, b)
        | E::Less(a, b)
        | E::LessOrEqual(a, b)
        | E::Add(a, b)
        | E::Subtract(a, b)
        | E::Multiply(a, b)
        | E::Divide(a, b) => [a, b].into_iter().for_each(|e| pass(e, name)),
        E::UnaryPlus(a) | E::UnaryMinus(a) | E::Not(a) => pass(a, name),
        E::If(a, b, c) => [a, b, c].into_iter().for_each(|e| pass(e, name)),
        E::In(a, list) => {
            pass(a, name);
            list.iter_mut().for_each(|e| pass(e, name));
        }
        E::Coalesce(list) => list.iter_mut().for_each(|e| pass(e, name)),
        E::FunctionCall(function, list) => {
            list.iter_mut().for_each(|e| pass(e, name));
            if *function == Function::BNode && list.len() == 1 {
                list.push(Expression::Variable(name.clone()));
            }
        }
    }
}
