//! Copies of an algebra with other variables, since sub-queries have names of their own, or with other IRIs.

use oxrdf::{NamedNode, Variable};
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};
use spargebra::term::{GroundTerm, NamedNodePattern, TermPattern, TriplePattern};
use std::collections::BTreeSet;

/// Copies an algebra with other names for its variables, or for its things.
pub(crate) enum Rename<'a> {
    Variables(&'a dyn Fn(&Variable) -> Variable),
    /// The IRIs of subjects, objects and expressions; none of what a service is asked.
    Nodes(&'a dyn Fn(&NamedNode) -> NamedNode),
}

impl<'a> Rename<'a> {
    pub(crate) fn variables(rename: &'a dyn Fn(&Variable) -> Variable) -> Self {
        Self::Variables(rename)
    }

    pub(crate) fn nodes(rename: &'a dyn Fn(&NamedNode) -> NamedNode) -> Self {
        Self::Nodes(rename)
    }

    fn variable(&self, variable: &Variable) -> Variable {
        match self {
            Self::Variables(rename) => rename(variable),
            Self::Nodes(_) => variable.clone(),
        }
    }

    fn node(&self, node: &NamedNode) -> NamedNode {
        match self {
            Self::Variables(_) => node.clone(),
            Self::Nodes(rename) => rename(node),
        }
    }

    fn ground(&self, term: &GroundTerm) -> GroundTerm {
        match term {
            GroundTerm::NamedNode(node) => self.node(node).into(),
            other => other.clone(),
        }
    }

    fn name(&self, name: &NamedNodePattern) -> NamedNodePattern {
        match name {
            NamedNodePattern::NamedNode(_) => name.clone(),
            NamedNodePattern::Variable(variable) => self.variable(variable).into(),
        }
    }

    fn term(&self, term: &TermPattern) -> TermPattern {
        match term {
            TermPattern::Variable(variable) => self.variable(variable).into(),
            TermPattern::NamedNode(node) => self.node(node).into(),
            other => other.clone(),
        }
    }

    fn triple(&self, triple: &TriplePattern) -> TriplePattern {
        TriplePattern {
            subject: self.term(&triple.subject),
            predicate: self.name(&triple.predicate),
            object: self.term(&triple.object),
        }
    }

    fn inner(&self, pattern: &GraphPattern) -> Box<GraphPattern> {
        Box::new(self.pattern(pattern))
    }

    pub(crate) fn pattern(&self, pattern: &GraphPattern) -> GraphPattern {
        match pattern {
            GraphPattern::Bgp { patterns } => {
                GraphPattern::Bgp { patterns: patterns.iter().map(|triple| self.triple(triple)).collect() }
            }
            GraphPattern::Path { subject, path, object } => {
                GraphPattern::Path { subject: self.term(subject), path: path.clone(), object: self.term(object) }
            }
            GraphPattern::Join { left, right } => {
                GraphPattern::Join { left: self.inner(left), right: self.inner(right) }
            }
            GraphPattern::LeftJoin { left, right, expression } => GraphPattern::LeftJoin {
                left: self.inner(left),
                right: self.inner(right),
                expression: expression.as_ref().map(|e| self.expression(e)),
            },
            GraphPattern::Filter { expr, inner } => {
                GraphPattern::Filter { expr: self.expression(expr), inner: self.inner(inner) }
            }
            GraphPattern::Union { left, right } => {
                GraphPattern::Union { left: self.inner(left), right: self.inner(right) }
            }
            GraphPattern::Minus { left, right } => {
                GraphPattern::Minus { left: self.inner(left), right: self.inner(right) }
            }
            GraphPattern::Graph { name, inner } => {
                GraphPattern::Graph { name: self.name(name), inner: self.inner(inner) }
            }
            GraphPattern::Service { .. } if matches!(self, Self::Nodes(_)) => pattern.clone(),
            GraphPattern::Service { name, inner, silent } => {
                GraphPattern::Service { name: self.name(name), inner: self.inner(inner), silent: *silent }
            }
            GraphPattern::Extend { inner, variable, expression } => GraphPattern::Extend {
                inner: self.inner(inner),
                variable: self.variable(variable),
                expression: self.expression(expression),
            },
            GraphPattern::Values { variables, bindings } => GraphPattern::Values {
                variables: variables.iter().map(|v| self.variable(v)).collect(),
                bindings: bindings
                    .iter()
                    .map(|row| row.iter().map(|term| term.as_ref().map(|term| self.ground(term))).collect())
                    .collect(),
            },
            other => self.modifier(other),
        }
    }

    /// The parts of a sub-query.
    fn modifier(&self, pattern: &GraphPattern) -> GraphPattern {
        match pattern {
            GraphPattern::Project { inner, variables } => GraphPattern::Project {
                inner: self.inner(inner),
                variables: variables.iter().map(|v| self.variable(v)).collect(),
            },
            GraphPattern::OrderBy { inner, expression } => GraphPattern::OrderBy {
                inner: self.inner(inner),
                expression: expression
                    .iter()
                    .map(|key| match key {
                        OrderExpression::Asc(e) => OrderExpression::Asc(self.expression(e)),
                        OrderExpression::Desc(e) => OrderExpression::Desc(self.expression(e)),
                    })
                    .collect(),
            },
            GraphPattern::Distinct { inner } => GraphPattern::Distinct { inner: self.inner(inner) },
            GraphPattern::Reduced { inner } => GraphPattern::Reduced { inner: self.inner(inner) },
            GraphPattern::Slice { inner, start, length } => {
                GraphPattern::Slice { inner: self.inner(inner), start: *start, length: *length }
            }
            GraphPattern::Group { inner, variables, aggregates } => GraphPattern::Group {
                inner: self.inner(inner),
                variables: variables.iter().map(|v| self.variable(v)).collect(),
                aggregates: aggregates.iter().map(|(v, a)| (self.variable(v), self.aggregate(a))).collect(),
            },
            other => other.clone(),
        }
    }

    fn aggregate(&self, aggregate: &AggregateExpression) -> AggregateExpression {
        match aggregate {
            AggregateExpression::CountSolutions { .. } => aggregate.clone(),
            AggregateExpression::FunctionCall { name, expr, distinct } => AggregateExpression::FunctionCall {
                name: name.clone(),
                expr: self.expression(expr),
                distinct: *distinct,
            },
        }
    }

    fn expression(&self, expression: &Expression) -> Expression {
        map_expression(expression, &|part| match part {
            Expression::Variable(variable) => Some(self.variable(variable).into()),
            Expression::Bound(variable) => Some(Expression::Bound(self.variable(variable))),
            Expression::NamedNode(node) => Some(self.node(node).into()),
            Expression::Exists(pattern) => Some(Expression::Exists(self.inner(pattern))),
            _ => None,
        })
    }
}

/// The expression with the parts replaced for which `replace` gives another; the operands of all others are looked at.
pub fn map_expression(expression: &Expression, replace: &dyn Fn(&Expression) -> Option<Expression>) -> Expression {
    if let Some(other) = replace(expression) {
        return other;
    }
    let again = |e: &Expression| Box::new(map_expression(e, replace));
    let all = |list: &[Expression]| list.iter().map(|e| map_expression(e, replace)).collect::<Vec<_>>();
    match expression {
        Expression::NamedNode(_)
        | Expression::Literal(_)
        | Expression::Variable(_)
        | Expression::Bound(_)
        | Expression::Exists(_) => expression.clone(),
        Expression::Or(a, b) => Expression::Or(again(a), again(b)),
        Expression::And(a, b) => Expression::And(again(a), again(b)),
        Expression::Equal(a, b) => Expression::Equal(again(a), again(b)),
        Expression::SameTerm(a, b) => Expression::SameTerm(again(a), again(b)),
        Expression::Greater(a, b) => Expression::Greater(again(a), again(b)),
        Expression::GreaterOrEqual(a, b) => Expression::GreaterOrEqual(again(a), again(b)),
        Expression::Less(a, b) => Expression::Less(again(a), again(b)),
        Expression::LessOrEqual(a, b) => Expression::LessOrEqual(again(a), again(b)),
        Expression::Add(a, b) => Expression::Add(again(a), again(b)),
        Expression::Subtract(a, b) => Expression::Subtract(again(a), again(b)),
        Expression::Multiply(a, b) => Expression::Multiply(again(a), again(b)),
        Expression::Divide(a, b) => Expression::Divide(again(a), again(b)),
        Expression::UnaryPlus(a) => Expression::UnaryPlus(again(a)),
        Expression::UnaryMinus(a) => Expression::UnaryMinus(again(a)),
        Expression::Not(a) => Expression::Not(again(a)),
        Expression::In(a, list) => Expression::In(again(a), all(list)),
        Expression::If(a, b, c) => Expression::If(again(a), again(b), again(c)),
        Expression::Coalesce(list) => Expression::Coalesce(all(list)),
        Expression::FunctionCall(function, list) => Expression::FunctionCall(function.clone(), all(list)),
    }
}

/// The variables of a pattern that are in scope outside of it (SPARQL section 18.2.1).
pub(crate) fn in_scope(pattern: &GraphPattern) -> BTreeSet<Variable> {
    let mut found = BTreeSet::new();
    pattern.on_in_scope_variable(|variable| {
        found.insert(variable.clone());
    });
    found
}
