//! OPTIONAL whose variables a condition needs.
//!
//! A condition that cannot be true where a variable is unbound drops the rows an OPTIONAL leaves without it: the OPTIONAL is
//! then a join, whose sides can be asked in any order and in one source.

use crate::PlanLimits;
use crate::catalogue::Catalogue;
use crate::combine::{filter, join};
use crate::expression::is_volatile;
use crate::tree::{Tree, variables};
use oxrdf::Variable;
use spargebra::algebra::{Expression, Function};

/// The condition over the input with joins instead of OPTIONALs that it needs to match; both back where there are none.
pub(crate) fn require(
    input: Tree,
    expression: Expression,
    catalogue: &Catalogue,
    limits: &PlanLimits,
) -> Result<Tree, Box<(Tree, Expression)>> {
    let mut conditions = vec![expression];
    let mut inner = &input;
    while let Tree::Filter { input, expression } = inner {
        conditions.push(expression.clone());
        inner = input;
    }
    let is_needed = |left: &Tree, right: &Tree| {
        let known = variables(left);
        let own: Vec<Variable> = variables(right).into_iter().filter(|variable| !known.contains(variable)).collect();
        conditions.iter().any(|condition| own.iter().any(|variable| is_never_true_without(condition, variable)))
    };
    match inner {
        Tree::LeftJoin { left, right, condition }
            if is_needed(left, right) && !condition.as_ref().is_some_and(is_volatile) =>
        {
            let joined = join((**left).clone(), (**right).clone(), catalogue, limits);
            let matched = condition.iter().cloned().fold(joined, filter);
            Ok(conditions.into_iter().rev().fold(matched, filter))
        }
        _ => {
            let expression = conditions.swap_remove(0);
            Err(Box::new((input, expression)))
        }
    }
}

/// Whether no row without the variable meets the condition.
fn is_never_true_without(condition: &Expression, variable: &Variable) -> bool {
    let again = |part: &Expression| is_never_true_without(part, variable);
    match condition {
        Expression::And(a, b) => again(a) || again(b),
        Expression::Or(a, b) => again(a) && again(b),
        Expression::Bound(known) => known == variable,
        other => is_error_without(other, variable),
    }
}

/// Whether an expression is an error where the variable is unbound (SPARQL section 17.2): operators and functions are, for
/// an argument that is. Those that may pass over an error are not looked into.
fn is_error_without(expression: &Expression, variable: &Variable) -> bool {
    let again = |part: &Expression| is_error_without(part, variable);
    match expression {
        Expression::Variable(known) => known == variable,
        Expression::Equal(a, b)
        | Expression::SameTerm(a, b)
        | Expression::Greater(a, b)
        | Expression::GreaterOrEqual(a, b)
        | Expression::Less(a, b)
        | Expression::LessOrEqual(a, b)
        | Expression::Add(a, b)
        | Expression::Subtract(a, b)
        | Expression::Multiply(a, b)
        | Expression::Divide(a, b) => again(a) || again(b),
        Expression::Or(a, b) | Expression::And(a, b) => again(a) && again(b),
        Expression::UnaryPlus(a) | Expression::UnaryMinus(a) | Expression::Not(a) | Expression::If(a, ..) => again(a),
        Expression::In(a, list) => !list.is_empty() && again(a),
        // The second argument of BNODE may name the solution.
        Expression::FunctionCall(Function::BNode, _) => false,
        Expression::FunctionCall(_, arguments) => arguments.iter().any(again),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use spargebra::SparqlParser;
    use spargebra::algebra::GraphPattern;

    fn condition(text: &str) -> Expression {
        let query = SparqlParser::new().parse_query(&format!("ASK {{ ?s ?p ?v, ?w FILTER({text}) }}")).unwrap();
        let spargebra::Query::Ask { pattern: GraphPattern::Project { inner, .. }, .. } = query else {
            panic!("{query}")
        };
        let GraphPattern::Filter { expr, .. } = *inner else { panic!("{inner}") };
        expr
    }

    #[test]
    fn conditions_that_cannot_be_true_without_a_variable() {
        let variable = Variable::new_unchecked("v");
        for text in [
            "?v > 3",
            "?v",
            "!?v",
            "!(?v = 3)",
            "BOUND(?v)",
            "STRLEN(?v) + 1 > ?w",
            "?w = 1 && ?v = 2",
            "?v = 1 || ?v = 2",
            "?v IN (1, 2)",
            "IF(?v, 1, 2)",
            "REGEX(?v, \"a\")",
            "!(?v = 1 && ?v = 2)",
        ] {
            assert!(is_never_true_without(&condition(text), &variable), "{text}");
        }
        for text in [
            "!BOUND(?v)",
            "?w = 1 || ?v = 2",
            "COALESCE(?v, 1) = 1",
            "IF(?w, ?v, true)",
            "!(?v = 1 && ?w = 2)",
            "?v NOT IN ()",
            "1 IN (?v, 1)",
            "?w = 1",
            "!(BOUND(?v) && ?w = 1)",
        ] {
            assert!(!is_never_true_without(&condition(text), &variable), "{text}");
        }
    }
}
