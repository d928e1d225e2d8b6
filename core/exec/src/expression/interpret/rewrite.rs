//! Prepares an expression for spareval's row-wise evaluation, which knows no query: what depends on the query, must be
//! compiled once, or could grow without bounds becomes a constant or a function of our own.

use super::super::bounded::Bounds;
use super::super::pattern::constant_pattern;
use super::super::{ExpressionContext, chain};
use super::functions;
use crate::columns::canonical;
use oxrdf::{Literal, NamedNode, Term};
use spareval::QueryEvaluator;
use spargebra::algebra::{Expression, Function};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(super) struct Rewritten {
    pub(super) expression: Expression,
    pub(super) evaluator: QueryEvaluator,
    /// Whether evaluating again gives another answer.
    pub(super) is_volatile: bool,
}

/// `too_long` is set when a string would exceed the bounds.
pub(super) fn rewrite(expression: &Expression, context: &ExpressionContext, too_long: &Arc<AtomicBool>) -> Rewritten {
    let mut rewriter = Rewriter {
        context,
        growth: functions::Growth::new(Bounds::of(context), too_long.clone()),
        evaluator: QueryEvaluator::new(),
        functions: 0,
        is_volatile: false,
    };
    let expression = rewriter.expression(expression);
    Rewritten { expression, evaluator: rewriter.evaluator, is_volatile: rewriter.is_volatile }
}

struct Rewriter<'a> {
    context: &'a ExpressionContext,
    growth: functions::Growth,
    evaluator: QueryEvaluator,
    /// How many functions have been registered.
    functions: usize,
    is_volatile: bool,
}

impl Rewriter<'_> {
    fn expression(&mut self, expression: &Expression) -> Expression {
        use Expression as E;
        match expression {
            E::NamedNode(_) | E::Variable(_) | E::Bound(_) | E::Exists(_) => expression.clone(),
            E::Literal(literal) => literal_expression(literal.clone()),
            E::Or(..) => self.balanced(chain(expression), E::Or),
            E::And(..) => self.balanced(chain(expression), E::And),
            E::Equal(a, b) => E::Equal(self.boxed(a), self.boxed(b)),
            E::SameTerm(a, b) => E::SameTerm(self.boxed(a), self.boxed(b)),
            E::Greater(a, b) => E::Greater(self.boxed(a), self.boxed(b)),
            E::GreaterOrEqual(a, b) => E::GreaterOrEqual(self.boxed(a), self.boxed(b)),
            E::Less(a, b) => E::Less(self.boxed(a), self.boxed(b)),
            E::LessOrEqual(a, b) => E::LessOrEqual(self.boxed(a), self.boxed(b)),
            E::In(needle, list) => E::In(self.boxed(needle), self.all(list)),
            E::Add(a, b) => E::Add(self.boxed(a), self.boxed(b)),
            E::Subtract(a, b) => E::Subtract(self.boxed(a), self.boxed(b)),
            E::Multiply(a, b) => E::Multiply(self.boxed(a), self.boxed(b)),
            E::Divide(a, b) => E::Divide(self.boxed(a), self.boxed(b)),
            E::UnaryPlus(a) => E::UnaryPlus(self.boxed(a)),
            E::UnaryMinus(a) => E::UnaryMinus(self.boxed(a)),
            E::Not(a) => E::Not(self.boxed(a)),
            E::If(a, b, c) => E::If(self.boxed(a), self.boxed(b), self.boxed(c)),
            E::Coalesce(list) => E::Coalesce(self.all(list)),
            E::FunctionCall(function, arguments) => self.call(function, arguments),
        }
    }

    fn boxed(&mut self, expression: &Expression) -> Box<Expression> {
        Box::new(self.expression(expression))
    }

    fn all(&mut self, list: &[Expression]) -> Vec<Expression> {
        list.iter().map(|e| self.expression(e)).collect()
    }

    /// A long chain as a tree of the least depth: spareval recurses into it.
    fn balanced(
        &mut self,
        operands: Vec<&Expression>,
        join: fn(Box<Expression>, Box<Expression>) -> Expression,
    ) -> Expression {
        if let [operand] = operands.as_slice() {
            return self.expression(operand);
        }
        let (left, right) = operands.split_at(operands.len() / 2);
        let left = self.balanced(left.to_vec(), join);
        join(Box::new(left), Box::new(self.balanced(right.to_vec(), join)))
    }

    fn call(&mut self, function: &Function, arguments: &[Expression]) -> Expression {
        self.is_volatile |= matches!(function, Function::Rand | Function::Uuid | Function::StrUuid)
            || (*function == Function::BNode && arguments.is_empty());
        let growth = self.growth.clone();
        let replaced = match function {
            Function::Now => return literal_expression(Literal::from(self.context.now)),
            Function::Concat => self.register(move |terms| growth.concat(terms)),
            Function::EncodeForUri => self.register(move |terms| growth.encode_for_uri(terms)),
            Function::Iri => match self.context.base_iri.clone() {
                Some(base) => self.register(move |terms| functions::iri(&base, terms)),
                None => function.clone(),
            },
            Function::Regex => match constant_pattern(&arguments[1], arguments.get(2)) {
                Some((_, regex)) => {
                    let matches = self.register(move |terms| functions::is_match(&regex, terms));
                    return Expression::FunctionCall(matches, self.all(&arguments[..1]));
                }
                None => function.clone(),
            },
            Function::Replace => match constant_pattern(&arguments[1], arguments.get(3)) {
                Some((_, regex)) => {
                    let replace = self.register(move |terms| growth.replace_all(&regex, &terms[0], &terms[1]));
                    return Expression::FunctionCall(
                        replace,
                        vec![self.expression(&arguments[0]), self.expression(&arguments[2])],
                    );
                }
                None => self.register(move |terms| growth.replace(terms)),
            },
            other => other.clone(),
        };
        Expression::FunctionCall(replaced, self.all(arguments))
    }

    /// A function under a name that no query can call: calls of unknown functions are refused before.
    fn register(&mut self, function: impl Fn(&[Term]) -> Option<Term> + Send + Sync + 'static) -> Function {
        let name = NamedNode::new_unchecked(format!("urn:weft:function:{}", self.functions));
        self.functions += 1;
        self.evaluator = std::mem::take(&mut self.evaluator).with_custom_function(name.clone(), function);
        Function::Custom(name)
    }
}

fn literal_expression(literal: Literal) -> Expression {
    match canonical(literal.clone().into()) {
        Term::Literal(literal) => Expression::Literal(literal),
        _ => Expression::Literal(literal),
    }
}
