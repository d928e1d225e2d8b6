//! The algebra of a query over branch sets, with conditions moved as far down as they go.

use crate::branch::BranchSet;
use crate::catalogue::Catalogue;
use crate::constant::canonical;
use crate::pattern::{PatternTerm, QuadPattern};
use crate::unfold::Unfolder;
use crate::{PlanError, PlanLimits, Pruned};
use oxrdf::{Term, Variable};
use spargebra::algebra::{AggregateExpression, Expression, Function, GraphPattern, OrderExpression};
use spargebra::term::{GroundTerm, NamedNodePattern, TermPattern, TriplePattern};
use std::collections::HashSet;

/// SPARQL algebra (section 18) whose leaves are branch sets.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Unit,
    Values { variables: Vec<Variable>, rows: Vec<Vec<Option<Term>>> },
    Branches(BranchSet),
    Join(Vec<Tree>),
    LeftJoin { left: Box<Tree>, right: Box<Tree>, condition: Option<Expression> },
    Union(Vec<Tree>),
    Filter { input: Box<Tree>, expression: Expression },
    Extend { input: Box<Tree>, variable: Variable, expression: Expression },
    Project { input: Box<Tree>, variables: Vec<Variable> },
    Distinct(Box<Tree>),
    Sort { input: Box<Tree>, keys: Vec<OrderExpression> },
    Slice { input: Box<Tree>, offset: usize, count: Option<usize> },
    Group { input: Box<Tree>, keys: Vec<Variable>, aggregates: Vec<(Variable, AggregateExpression)> },
}

pub(crate) struct Translation<'a> {
    unfolder: Unfolder<'a>,
    limits: &'a PlanLimits,
}

impl<'a> Translation<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &'a PlanLimits) -> Self {
        Self { unfolder: Unfolder::new(catalogue, limits), limits }
    }

    pub(crate) fn into_pruned(self) -> Vec<Pruned> {
        self.unfolder.pruned
    }

    /// Translates the pattern of a whole query, whose projection is at its top.
    pub(crate) fn translate(&mut self, pattern: &GraphPattern) -> Result<Tree, PlanError> {
        Ok(match pattern {
            GraphPattern::Slice { inner, start, length } => {
                Tree::Slice { input: Box::new(self.translate(inner)?), offset: *start, count: *length }
            }
            // REDUCED permits what DISTINCT demands, and also nothing at all: duplicates stay.
            GraphPattern::Reduced { inner } => self.translate(inner)?,
            GraphPattern::Distinct { inner } => Tree::Distinct(Box::new(self.translate(inner)?)),
            GraphPattern::Project { inner, variables } => {
                Tree::Project { input: Box::new(self.modifiers(inner)?), variables: variables.clone() }
            }
            other => self.modifiers(other)?,
        })
    }

    /// What stands between the projection and the WHERE clause: ORDER BY, expressions of SELECT, HAVING, GROUP BY.
    fn modifiers(&mut self, pattern: &GraphPattern) -> Result<Tree, PlanError> {
        match pattern {
            GraphPattern::OrderBy { inner, expression } => {
                for OrderExpression::Asc(key) | OrderExpression::Desc(key) in expression {
                    refuse_unsupported(key)?;
                }
                Ok(Tree::Sort { input: Box::new(self.modifiers(inner)?), keys: expression.clone() })
            }
            other => self.pattern(other, None),
        }
    }

    fn pattern(&mut self, pattern: &GraphPattern, graph: Option<&PatternTerm>) -> Result<Tree, PlanError> {
        match pattern {
            GraphPattern::Bgp { patterns } => self.bgp(patterns, graph),
            GraphPattern::Join { left, right } => {
                let (left, right) = (self.pattern(left, graph)?, self.pattern(right, graph)?);
                Ok(join(left, right, self.limits.joins_under_union))
            }
            GraphPattern::LeftJoin { left, right, expression } => {
                expression.iter().try_for_each(refuse_unsupported)?;
                let (left, right) = (self.pattern(left, graph)?, self.pattern(right, graph)?);
                Ok(left_join(left, right, expression.clone()))
            }
            GraphPattern::Union { left, right } => {
                let mut members = Vec::new();
                for side in [left, right] {
                    match self.pattern(side, graph)? {
                        Tree::Union(inner) => members.extend(inner),
                        other => members.push(other),
                    }
                }
                Ok(Tree::Union(members))
            }
            GraphPattern::Filter { expr, inner } => {
                refuse_unsupported(expr)?;
                let tree = self.pattern(inner, graph)?;
                Ok(conjuncts(expr).into_iter().fold(tree, filter))
            }
            GraphPattern::Extend { inner, variable, expression } => {
                refuse_unsupported(expression)?;
                let input = Box::new(self.pattern(inner, graph)?);
                Ok(Tree::Extend { input, variable: variable.clone(), expression: expression.clone() })
            }
            GraphPattern::Values { variables, bindings } => Ok(Tree::Values {
                variables: variables.clone(),
                rows: bindings.iter().map(|row| row.iter().map(|t| t.as_ref().map(ground_term)).collect()).collect(),
            }),
            GraphPattern::Group { inner, variables, aggregates } if graph.is_none() => {
                for (_, aggregate) in aggregates {
                    if let AggregateExpression::FunctionCall { expr, .. } = aggregate {
                        refuse_unsupported(expr)?;
                    }
                }
                let input = Box::new(self.pattern(inner, None)?);
                Ok(Tree::Group { input, keys: variables.clone(), aggregates: aggregates.clone() })
            }
            GraphPattern::Graph { name, inner } => self.graph(name, inner),
            other => Err(PlanError::unsupported(feature(other))),
        }
    }

    fn graph(&mut self, name: &NamedNodePattern, inner: &GraphPattern) -> Result<Tree, PlanError> {
        let term = match name {
            NamedNodePattern::NamedNode(node) => PatternTerm::Constant(node.clone().into()),
            NamedNodePattern::Variable(variable) => PatternTerm::Variable(variable.clone()),
        };
        let tree = self.pattern(inner, Some(&term))?;
        if let PatternTerm::Variable(variable) = &term
            && !binds(&tree, variable)
        {
            return Err(PlanError::unsupported("GRAPH with a variable around a group without a triple pattern"));
        }
        Ok(tree)
    }

    fn bgp(&mut self, patterns: &[TriplePattern], graph: Option<&PatternTerm>) -> Result<Tree, PlanError> {
        if patterns.is_empty() {
            return Ok(Tree::Unit);
        }
        let quads = patterns
            .iter()
            .map(|pattern| {
                Ok(QuadPattern {
                    subject: term(&pattern.subject)?,
                    predicate: match &pattern.predicate {
                        NamedNodePattern::NamedNode(node) => PatternTerm::Constant(node.clone().into()),
                        NamedNodePattern::Variable(variable) => PatternTerm::Variable(variable.clone()),
                    },
                    object: term(&pattern.object)?,
                    graph: graph.cloned(),
                })
            })
            .collect::<Result<Vec<_>, PlanError>>()?;
        let mut sets: Vec<Tree> = self.unfolder.unfold(quads)?.into_iter().map(Tree::Branches).collect();
        match sets.pop() {
            Some(only) if sets.is_empty() => Ok(only),
            Some(last) => {
                sets.push(last);
                Ok(Tree::Join(sets))
            }
            None => Ok(Tree::Unit),
        }
    }
}

/// A blank node of a query is a variable that cannot be asked for (SPARQL section 4.1.4).
fn term(pattern: &TermPattern) -> Result<PatternTerm, PlanError> {
    match pattern {
        TermPattern::NamedNode(node) => Ok(PatternTerm::Constant(node.clone().into())),
        TermPattern::Literal(literal) => Ok(PatternTerm::Constant(canonical(literal.clone().into()))),
        TermPattern::Variable(variable) => Ok(PatternTerm::Variable(variable.clone())),
        TermPattern::BlankNode(node) => {
            Ok(PatternTerm::Variable(Variable::new_unchecked(format!("_:{}", node.as_str()))))
        }
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => Err(PlanError::unsupported("a triple term")),
    }
}

fn ground_term(term: &GroundTerm) -> Term {
    match term {
        GroundTerm::NamedNode(node) => node.clone().into(),
        GroundTerm::Literal(literal) => literal.clone().into(),
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        other => oxrdf::Literal::new_simple_literal(other.to_string()).into(),
    }
}

fn feature(pattern: &GraphPattern) -> &'static str {
    match pattern {
        GraphPattern::Path { .. } => "a property path",
        GraphPattern::Minus { .. } => "MINUS",
        GraphPattern::Service { .. } => "SERVICE",
        GraphPattern::Group { .. } => "a sub-query inside GRAPH",
        _ => "a sub-query",
    }
}

fn refuse_unsupported(expression: &Expression) -> Result<(), PlanError> {
    if let Expression::Exists(_) = expression {
        return Err(PlanError::unsupported("EXISTS"));
    }
    if let Expression::FunctionCall(Function::Custom(name), _) = expression {
        return Err(PlanError::unsupported(format!("the function {name}")));
    }
    children(expression).into_iter().try_for_each(refuse_unsupported)
}

/// The operands of an expression; the pattern of EXISTS is none.
pub(crate) fn children(expression: &Expression) -> Vec<&Expression> {
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
fn is_volatile(expression: &Expression) -> bool {
    let own = matches!(
        expression,
        Expression::FunctionCall(Function::Rand | Function::Uuid | Function::StrUuid | Function::BNode, _)
    );
    own || children(expression).into_iter().any(is_volatile)
}

/// `a && b` as a list. Sound in a filter: it keeps a row exactly when every conjunct is true.
fn conjuncts(expression: &Expression) -> Vec<Expression> {
    match expression {
        Expression::And(a, b) => {
            let mut list = conjuncts(a);
            list.extend(conjuncts(b));
            list
        }
        other => vec![other.clone()],
    }
}

/// Whether every solution of the tree binds the variable.
pub(crate) fn binds(tree: &Tree, variable: &Variable) -> bool {
    match tree {
        Tree::Unit => false,
        Tree::Values { variables, rows } => {
            variables.iter().position(|v| v == variable).is_some_and(|i| rows.iter().all(|row| row[i].is_some()))
        }
        Tree::Branches(set) => set.variables.contains(variable) && set.binds(variable),
        Tree::Join(members) => members.iter().any(|member| binds(member, variable)),
        Tree::LeftJoin { left, .. } => binds(left, variable),
        Tree::Union(members) => members.iter().all(|member| binds(member, variable)),
        Tree::Filter { input, .. }
        | Tree::Extend { input, .. }
        | Tree::Sort { input, .. }
        | Tree::Slice { input, .. } => binds(input, variable),
        Tree::Distinct(input) => binds(input, variable),
        Tree::Project { input, variables } => variables.contains(variable) && binds(input, variable),
        Tree::Group { input, keys, .. } => keys.contains(variable) && binds(input, variable),
    }
}

/// The variables a tree can bind.
pub(crate) fn variables(tree: &Tree) -> Vec<Variable> {
    let mut found = Vec::new();
    collect(tree, &mut found);
    found
}

fn collect(tree: &Tree, found: &mut Vec<Variable>) {
    let mut add = |variable: &Variable| {
        if !found.contains(variable) {
            found.push(variable.clone());
        }
    };
    match tree {
        Tree::Unit => {}
        Tree::Values { variables, .. } | Tree::Project { variables, .. } => variables.iter().for_each(add),
        Tree::Branches(set) => set.variables.iter().for_each(add),
        Tree::Join(members) | Tree::Union(members) => members.iter().for_each(|member| collect(member, found)),
        Tree::LeftJoin { left, right, .. } => {
            collect(left, found);
            collect(right, found);
        }
        Tree::Filter { input, .. } | Tree::Sort { input, .. } | Tree::Slice { input, .. } | Tree::Distinct(input) => {
            collect(input, found);
        }
        Tree::Extend { input, variable, .. } => {
            add(variable);
            collect(input, found);
        }
        Tree::Group { keys, aggregates, .. } => {
            keys.iter().for_each(&mut add);
            aggregates.iter().for_each(|(variable, _)| add(variable));
        }
    }
}

/// Joins are flat lists in which branch sets have become one where that is possible.
fn join(left: Tree, right: Tree, limit: usize) -> Tree {
    let mut members: Vec<Tree> = Vec::new();
    for side in [left, right] {
        match side {
            Tree::Unit => {}
            Tree::Join(inner) => inner.into_iter().for_each(|member| add_member(&mut members, member, limit)),
            other => add_member(&mut members, other, limit),
        }
    }
    if members.len() > 1 {
        return Tree::Join(members);
    }
    members.pop().unwrap_or(Tree::Unit)
}

fn add_member(members: &mut Vec<Tree>, member: Tree, limit: usize) {
    if let Tree::Branches(set) = &member {
        for other in members.iter_mut() {
            if let Tree::Branches(known) = other
                && let Some(joined) = known.and(set, limit)
            {
                *other = Tree::Branches(joined);
                return;
            }
        }
    }
    members.push(member);
}

fn left_join(left: Tree, mut right: Tree, condition: Option<Expression>) -> Tree {
    if matches!(right, Tree::Unit) && condition.is_none() {
        return left;
    }
    if condition.is_none()
        && let (Tree::Branches(mandatory), Tree::Branches(optional)) = (&left, &right)
        && let Some(merged) = with_optional(mandatory, optional)
    {
        return Tree::Branches(merged);
    }
    // A conjunct about the right side alone decides which of its rows exist at all.
    let mut rest: Option<Expression> = None;
    for conjunct in condition.iter().flat_map(conjuncts) {
        let about_right = variables_of(&conjunct).iter().all(|variable| binds(&right, variable));
        match if about_right { push_filter(right, conjunct) } else { Err(Box::new((right, conjunct))) } {
            Ok(pushed) => right = pushed,
            Err(back) => {
                right = back.0;
                rest = Some(match rest {
                    None => back.1,
                    Some(before) => Expression::And(Box::new(before), Box::new(back.1)),
                });
            }
        }
    }
    Tree::LeftJoin { left: Box::new(left), right: Box::new(right), condition: rest }
}

/// An OPTIONAL about rows that are read anyway becomes nullable columns of them.
fn with_optional(mandatory: &BranchSet, optional: &BranchSet) -> Option<BranchSet> {
    let mut branches = Vec::with_capacity(mandatory.branches.len());
    for branch in &mandatory.branches {
        let mut matching = optional.branches.iter().filter(|o| branch.and(o).is_some());
        branches.push(match (matching.next(), matching.next()) {
            (None, _) => branch.clone(),
            (Some(only), None) => branch.with_optional(only)?,
            (Some(_), Some(_)) => return None,
        });
    }
    let mut variables = mandatory.variables.clone();
    variables.extend(optional.variables.iter().filter(|v| !mandatory.variables.contains(v)).cloned());
    Some(BranchSet { branches, variables })
}

/// A filter, moved down as far as it goes.
fn filter(tree: Tree, expression: Expression) -> Tree {
    match push_filter(tree, expression) {
        Ok(tree) => tree,
        Err(back) => Tree::Filter { input: Box::new(back.0), expression: back.1 },
    }
}

/// Moves a condition into the tree, or gives both back. A condition may move to where all its variables are bound for
/// certain: there it sees the same values.
fn push_filter(tree: Tree, expression: Expression) -> Result<Tree, Box<(Tree, Expression)>> {
    let certain = |tree: &Tree| variables_of(&expression).iter().all(|variable| binds(tree, variable));
    if is_volatile(&expression) {
        return Err(Box::new((tree, expression)));
    }
    match tree {
        Tree::Branches(mut set) if variables_of(&expression).iter().all(|v| set.variables.contains(v)) => {
            set.branches.iter_mut().for_each(|branch| branch.filters.push(expression.clone()));
            Ok(Tree::Branches(set))
        }
        Tree::Join(mut members) => match members.iter().position(certain) {
            Some(position) => {
                let member = members.remove(position);
                members.insert(position, filter(member, expression));
                Ok(Tree::Join(members))
            }
            None => Err(Box::new((Tree::Join(members), expression))),
        },
        Tree::LeftJoin { left, right, condition } if certain(&left) => {
            Ok(Tree::LeftJoin { left: Box::new(filter(*left, expression)), right, condition })
        }
        Tree::Union(members) => {
            Ok(Tree::Union(members.into_iter().map(|member| filter(member, expression.clone())).collect()))
        }
        Tree::Filter { input, expression: other } => match push_filter(*input, expression) {
            Ok(input) => Ok(Tree::Filter { input: Box::new(input), expression: other }),
            Err(back) => {
                let (input, expression) = *back;
                Err(Box::new((Tree::Filter { input: Box::new(input), expression: other }, expression)))
            }
        },
        Tree::Extend { input, variable, expression: value } if !variables_of(&expression).contains(&variable) => {
            Ok(Tree::Extend { input: Box::new(filter(*input, expression)), variable, expression: value })
        }
        other => Err(Box::new((other, expression))),
    }
}
