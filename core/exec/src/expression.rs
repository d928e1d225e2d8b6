//! SPARQL expressions over columns.
//!
//! Where the types of the operands are known, and a column function has exactly the semantics of SPARQL, an expression
//! becomes a tree of such functions. Anything else is evaluated by spareval, row by row over decoded terms, from the
//! smallest part of the expression that needs it. An error of SPARQL is null in both.

mod arithmetic;
mod bounded;
mod check;
mod choice;
mod compare;
mod interpret;
mod number;
mod order;
mod order_key;
mod pattern;
mod term_functions;
mod term_order;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod typed;

pub(crate) use bounded::{Bounds, TooLong};
pub(crate) use order::sort_keys;
pub(crate) use term_order::{cmp_terms, to_decimal, to_double, to_float};

use crate::columns::{ColumnExpr, Layout, canonical};
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
    /// Expressions may not be nested deeper. A chain of `&&` or `||` counts as one level. spareval takes up to 36 KiB
    /// of stack for each level in a build without optimisation, so more needs threads with more than 2 MiB.
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
    check::check(expression, context.max_depth)?;
    Compiler { layout, context }.filter(expression)
}

/// The value of an expression, as columns of a type: null where it is an error. An expression that is a constant has
/// that type, and no columns. Errors are those of [`filter`].
pub(crate) fn value(
    expression: &Expression,
    layout: &Layout,
    context: &ExpressionContext,
) -> Result<(TermType, Vec<ColumnExpr>), ContractError> {
    check::check(expression, context.max_depth)?;
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
            _ => match self.native(expression)?.and_then(|typed| typed::effective_boolean_value(&typed)) {
                Some(column) => Ok(column),
                None => self.interpret_filter(expression),
            },
        }
    }

    fn value(&self, expression: &Expression) -> Result<Typed, ContractError> {
        match self.native(expression)? {
            Some(typed) => Ok(typed),
            None => self.interpret_value(expression),
        }
    }

    /// `None` when a column function for this expression and these types does not exist.
    fn native(&self, expression: &Expression) -> Result<Option<Typed>, ContractError> {
        Ok(match expression {
            Expression::NamedNode(node) => Some(Typed::constant(node.clone().into())),
            Expression::Literal(literal) => Some(Typed::constant(canonical(literal.clone().into()))),
            Expression::Variable(variable) => Some(self.variable(variable)?),
            Expression::Bound(variable) => Some(self.bound(variable)),
            Expression::Or(..) | Expression::And(..) | Expression::Not(_) => {
                Some(Typed::boolean(self.filter(expression)?))
            }
            Expression::Equal(a, b)
            | Expression::SameTerm(a, b)
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
            Expression::If(condition, yes, no) => Some(self.choice(condition, yes, no)?),
            Expression::Coalesce(list) => Some(self.coalesce(list)?),
            Expression::FunctionCall(function, arguments) => self.function(function, arguments)?,
            Expression::Exists(_) => None,
        })
    }

    /// All of them natively, or nothing.
    fn natives(&self, expressions: &[Expression]) -> Result<Option<Vec<Typed>>, ContractError> {
        expressions.iter().map(|e| self.native(e)).collect()
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

    fn comparison(
        &self,
        expression: &Expression,
        a: &Expression,
        b: &Expression,
    ) -> Result<Option<Typed>, ContractError> {
        let Some(comparison) = compare::Comparison::of(expression) else {
            return Ok(None);
        };
        let (Some(a), Some(b)) = (self.native(a)?, self.native(b)?) else {
            return Ok(None);
        };
        Ok(compare::compare(comparison, &a, &b)?.map(Typed::boolean))
    }

    fn membership(&self, needle: &Expression, list: &[Expression]) -> Result<Option<Typed>, ContractError> {
        // The value of `x IN ()` depends on whether x has an effective boolean value.
        let (Some(needle), Some(list), false) = (self.native(needle)?, self.natives(list)?, list.is_empty()) else {
            return Ok(None);
        };
        Ok(compare::membership(&needle, &list, self.layout.schema())?.map(Typed::boolean))
    }
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
