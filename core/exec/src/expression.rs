//! SPARQL expressions over columns.
//!
//! An expression becomes a tree of column functions, one an operator. Where the types of the operands are known they
//! are functions of native columns; elsewhere they look at the term of each row, and what has no function of its own is
//! evaluated by spareval, operator by operator. An error of SPARQL is null.
//!
//! A term keeps its words: operators look at values, but `STR`, `DATATYPE`, `sameTerm`, `IF` and `COALESCE` do not.
//! spareval drops the words of the terms it is given, so it is given only what has no use for them.

mod arithmetic;
mod arity;
mod bounded;
mod call;
mod cast;
mod choice;
mod compare;
mod number;
mod order;
mod order_key;
mod pattern;
mod term_calls;
mod term_functions;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod typed;
mod value;

pub(crate) use bounded::{Bounds, TooLong};
pub(crate) use order::sort_keys;
pub(crate) use order_key::sort_key;
pub(crate) use value::{quotient, sum};

use crate::columns::{ColumnExpr, Layout, internal, unsupported};
use compare::Comparison;
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{BinaryExpr, IsNotNullExpr, NotExpr};
use oxiri::Iri;
use oxrdf::Variable;
use oxsdatatypes::DateTime;
use spargebra::algebra::Expression;
use std::sync::Arc;
use typed::Typed;
use weft_model::contract::ContractError;
use weft_model::term::TermType;
use weft_model::{Code, Fault};
use weft_plan::children;

/// What an expression depends on beside its variables, and its limits.
#[derive(Clone, Debug)]
pub(crate) struct ExpressionContext {
    /// The one value of `NOW()` in a query.
    pub(crate) now: DateTime,
    /// What `IRI()` resolves against.
    pub(crate) base_iri: Option<Iri<String>>,
    /// No computed string may be longer.
    pub(crate) max_value_bytes: usize,
    /// The strings computed for one column of one batch may not be longer together.
    pub(crate) max_column_bytes: usize,
    /// Expressions may not be nested deeper: each level takes stack. A chain of `&&` or `||` counts as one.
    pub(crate) max_depth: usize,
}

impl ExpressionContext {
    /// With the default limits and no base.
    pub(crate) fn new(now: DateTime) -> Self {
        Self { now, base_iri: None, max_value_bytes: 1 << 20, max_column_bytes: 1 << 28, max_depth: 32 }
    }
}

/// The effective boolean value of an expression, as one Boolean column: null where it is an error.
///
/// Errors: `unsupported-query` names a function that is not evaluated, `query-too-large` an expression nested too deep.
/// Running fails with `limit-exceeded` when a computed string is too long.
pub(crate) fn filter(
    expression: &Expression,
    layout: &Layout,
    context: &ExpressionContext,
) -> Result<ColumnExpr, ContractError> {
    check(expression, context.max_depth)?;
    Compiler { layout, context }.filter(expression)
}

/// The value of an expression, as columns of a type: null where it is an error. An expression that is a constant has
/// that type, and no columns. Errors are those of [`filter`].
pub(crate) fn value(
    expression: &Expression,
    layout: &Layout,
    context: &ExpressionContext,
) -> Result<(TermType, Vec<ColumnExpr>), ContractError> {
    check(expression, context.max_depth)?;
    let typed = Compiler { layout, context }.value(expression)?;
    Ok((typed.term_type, typed.columns))
}

/// Turns the parts of one expression into columns.
struct Compiler<'a> {
    layout: &'a Layout,
    context: &'a ExpressionContext,
}

impl Compiler<'_> {
    fn filter(&self, expression: &Expression) -> Result<ColumnExpr, ContractError> {
        match expression {
            Expression::Or(..) | Expression::And(..) => {
                let operator = if matches!(expression, Expression::Or(..)) { Operator::Or } else { Operator::And };
                let operands = chain(expression).into_iter().map(|e| self.filter(e)).collect::<Result<_, _>>()?;
                Ok(balanced(operator, operands))
            }
            Expression::Not(inner) => Ok(Arc::new(NotExpr::new(self.filter(inner)?))),
            _ => typed::effective_boolean_value(&self.value(expression)?),
        }
    }

    fn value(&self, expression: &Expression) -> Result<Typed, ContractError> {
        Ok(match expression {
            Expression::NamedNode(node) => Typed::constant(node.clone().into()),
            Expression::Literal(literal) => Typed::constant(literal.clone().into()),
            Expression::Variable(variable) => self.variable(variable)?,
            Expression::Bound(variable) => self.bound(variable),
            Expression::Or(..) | Expression::And(..) | Expression::Not(_) => Typed::boolean(self.filter(expression)?),
            Expression::SameTerm(a, b) => Typed::boolean(compare::same_term(&self.value(a)?, &self.value(b)?)?),
            Expression::Equal(a, b)
            | Expression::Greater(a, b)
            | Expression::GreaterOrEqual(a, b)
            | Expression::Less(a, b)
            | Expression::LessOrEqual(a, b) => self.comparison(expression, a, b)?,
            Expression::In(needle, list) => self.membership(needle, list)?,
            Expression::Add(a, b)
            | Expression::Subtract(a, b)
            | Expression::Multiply(a, b)
            | Expression::Divide(a, b) => self.arithmetic(expression, a, b)?,
            Expression::UnaryPlus(inner) | Expression::UnaryMinus(inner) => self.sign(expression, inner)?,
            Expression::If(condition, yes, no) => self.choice(condition, yes, no)?,
            Expression::Coalesce(list) => self.coalesce(list)?,
            Expression::FunctionCall(function, arguments) => self.function(function, arguments)?,
            Expression::Exists(_) => return Err(unsupported("EXISTS in this place")),
        })
    }

    fn variable(&self, variable: &Variable) -> Result<Typed, ContractError> {
        Ok(match self.layout.get(variable) {
            Some((_, term_type)) => Typed { term_type: term_type.clone(), columns: self.layout.columns(variable) },
            None => Typed::unbound()?,
        })
    }

    fn bound(&self, variable: &Variable) -> Typed {
        let is_laid_out = self.layout.get(variable).is_some();
        Typed::boolean(match self.layout.columns(variable).into_iter().next() {
            Some(column) => Arc::new(IsNotNullExpr::new(column)),
            None => typed::boolean_literal(Some(is_laid_out)),
        })
    }

    fn comparison(&self, expression: &Expression, a: &Expression, b: &Expression) -> Result<Typed, ContractError> {
        let comparison = Comparison::of(expression).ok_or_else(|| internal("a comparison is none"))?;
        Ok(Typed::boolean(compare::compare(comparison, &self.value(a)?, &self.value(b)?)?))
    }

    fn membership(&self, needle: &Expression, list: &[Expression]) -> Result<Typed, ContractError> {
        let needle = self.value(needle)?;
        let list = list.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(Typed::boolean(compare::membership(&needle, &list, self.layout.schema())?))
    }
}

/// Refuses what is not evaluated before anything is built from it.
fn check(expression: &Expression, depth: usize) -> Result<(), ContractError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ContractError::new(Code::QueryTooLarge, Fault::Caller, "an expression is nested too deep"));
    };
    match expression {
        Expression::Or(..) | Expression::And(..) => return check_all(chain(expression), depth),
        Expression::Exists(_) => return Err(unsupported("EXISTS in this place")),
        Expression::FunctionCall(function, arguments) => arity::check(function, arguments.len())?,
        _ => {}
    }
    check_all(children(expression), depth)
}

fn check_all(list: Vec<&Expression>, depth: usize) -> Result<(), ContractError> {
    list.into_iter().try_for_each(|expression| check(expression, depth))
}

/// The operands of a chain of one connective, however its parts are nested.
fn chain(expression: &Expression) -> Vec<&Expression> {
    let is_or = matches!(expression, Expression::Or(..));
    let mut operands = Vec::new();
    let mut rest = vec![expression];
    while let Some(next) = rest.pop() {
        match next {
            Expression::Or(a, b) if is_or => rest.extend([b.as_ref(), a.as_ref()]),
            Expression::And(a, b) if !is_or => rest.extend([b.as_ref(), a.as_ref()]),
            operand => operands.push(operand),
        }
    }
    operands
}

/// Joins Boolean columns by a connective in a tree of the least depth. An empty disjunction is false, an empty
/// conjunction true.
fn balanced(operator: Operator, mut operands: Vec<ColumnExpr>) -> ColumnExpr {
    if operands.is_empty() {
        return typed::boolean_literal(Some(operator == Operator::And));
    }
    while operands.len() > 1 {
        let mut joined = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            joined.push(match rest.next() {
                Some(right) => Arc::new(BinaryExpr::new(left, operator, right)) as ColumnExpr,
                None => left,
            });
        }
        operands = joined;
    }
    operands.swap_remove(0)
}
