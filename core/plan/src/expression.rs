//! Expressions of a query: their operands, their variables, and what is not answered.

use crate::PlanError;
use hashbrown::HashSet;
use oxrdf::vocab::xsd;
use oxrdf::{NamedNode, NamedNodeRef, Variable};
use spargebra::algebra::{Expression, Function};
use weft_model::Code;

/// Refuses functions that are none of SPARQL 1.1: section 17.4, and the casts of section 17.5.
pub(crate) fn refuse_unknown_functions(expression: &Expression) -> Result<(), PlanError> {
    if let Expression::FunctionCall(Function::Custom(name), arguments) = expression {
        if !is_cast(name) {
            return Err(PlanError::unknown_function(name));
        }
        if arguments.len() != 1 {
            return Err(PlanError::new(Code::InvalidQuery, format!("the cast {name} takes one argument")));
        }
    }
    children(expression).into_iter().try_for_each(refuse_unknown_functions)
}

/// Whether a function named by IRI converts its argument to a datatype (SPARQL section 17.5, and the XSD types of the
/// functions on dates and durations).
pub fn is_cast(name: &NamedNode) -> bool {
    const CASTS: [NamedNodeRef<'static>; 11] = [
        xsd::STRING,
        xsd::BOOLEAN,
        xsd::INTEGER,
        xsd::DECIMAL,
        xsd::FLOAT,
        xsd::DOUBLE,
        xsd::DATE_TIME,
        xsd::DATE,
        xsd::TIME,
        xsd::DAY_TIME_DURATION,
        xsd::YEAR_MONTH_DURATION,
    ];
    CASTS.contains(&name.as_ref())
}

/// The operands of an expression; the pattern of EXISTS is none.
pub fn children(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::NamedNode(_)
        | Expression::Literal(_)
        | Expression::Variable(_)
        | Expression::Bound(_)
        | Expression::Exists(_) => Vec::new(),
        Expression::Or(a, b)
        | Expression::And(a, b)
        | Expression::Equal(a, b)
        | Expression::SameTerm(a, b)
        | Expression::Greater(a, b)
        | Expression::GreaterOrEqual(a, b)
        | Expression::Less(a, b)
        | Expression::LessOrEqual(a, b)
        | Expression::Add(a, b)
        | Expression::Subtract(a, b)
        | Expression::Multiply(a, b)
        | Expression::Divide(a, b) => vec![a, b],
        Expression::UnaryPlus(a) | Expression::UnaryMinus(a) | Expression::Not(a) => vec![a],
        Expression::In(a, list) => std::iter::once(&**a).chain(list).collect(),
        Expression::If(a, b, c) => vec![a, b, c],
        Expression::Coalesce(list) | Expression::FunctionCall(_, list) => list.iter().collect(),
    }
}

/// The variables an expression looks at.
pub(crate) fn variables_of(expression: &Expression) -> HashSet<Variable> {
    let mut variables = HashSet::new();
    collect_variables(expression, &mut variables);
    variables
}

fn collect_variables(expression: &Expression, into: &mut HashSet<Variable>) {
    if let Expression::Variable(variable) | Expression::Bound(variable) = expression {
        into.insert(variable.clone());
    }
    children(expression).into_iter().for_each(|child| collect_variables(child, into));
}

/// Whether an expression may give another result for the same row.
pub(crate) fn is_volatile(expression: &Expression) -> bool {
    let own = matches!(
        expression,
        Expression::FunctionCall(Function::Rand | Function::Uuid | Function::StrUuid | Function::BNode, _)
    );
    own || children(expression).into_iter().any(is_volatile)
}

/// `a && b` as a list. Sound in a filter: it keeps a row exactly when every conjunct is true.
pub(crate) fn conjuncts(expression: &Expression) -> Vec<Expression> {
    match expression {
        Expression::And(a, b) => {
            let mut list = conjuncts(a);
            list.extend(conjuncts(b));
            list
        }
        other => vec![other.clone()],
    }
}
