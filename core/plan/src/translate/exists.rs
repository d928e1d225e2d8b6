//! EXISTS and NOT EXISTS (SPARQL section 8.1): joins that only ask whether there is a compatible row.
//!
//! The standard substitutes the bindings of a row into the pattern. Where the pattern reads a variable of the row only
//! in patterns and conditions that bind it themselves, a join on the shared variables is the same. Elsewhere the rows
//! are numbered, and the pattern is joined with the numbers and the values it needs before it reads them.

use super::{Scope, Translation};
use crate::PlanError;
use crate::combine::{filter, left_join};
use crate::expression::{children, refuse_unknown_functions, variables_of};
use crate::rewrite::{in_scope, map_expression};
use crate::tree::{Tree, variables};
use oxrdf::Variable;
use spargebra::algebra::{Expression, GraphPattern};
use spargebra::term::NamedNodePattern;
use std::collections::BTreeSet;

type Variables = BTreeSet<Variable>;

pub(super) fn has_exists(expression: &Expression) -> bool {
    matches!(expression, Expression::Exists(_)) || children(expression).into_iter().any(has_exists)
}

impl Translation<'_> {
    /// A conjunct of a filter that has an EXISTS in it.
    pub(super) fn filter_exists(
        &mut self,
        tree: Tree,
        conjunct: &Expression,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        let (pattern, negated) = match conjunct {
            Expression::Exists(pattern) => (pattern, false),
            Expression::Not(inner) => match &**inner {
                Expression::Exists(pattern) => (pattern, true),
                _ => return self.filter_lifted(tree, conjunct, scope),
            },
            _ => return self.filter_lifted(tree, conjunct, scope),
        };
        let (left, right) = self.exists_sides(tree, pattern, scope)?;
        Ok(Tree::Exists { left: Box::new(left), right: Box::new(right), negated })
    }

    fn filter_lifted(&mut self, tree: Tree, condition: &Expression, scope: &Scope) -> Result<Tree, PlanError> {
        let (tree, condition) = self.expression(tree, condition, scope)?;
        Ok(filter(tree, condition))
    }

    /// The expression with a boolean variable for each EXISTS, and the rows that have those variables. Solutions get
    /// names where it asks for them.
    pub(super) fn expression(
        &mut self,
        mut tree: Tree,
        expression: &Expression,
        scope: &Scope,
    ) -> Result<(Tree, Expression), PlanError> {
        refuse_unknown_functions(expression)?;
        let mut patterns = Vec::new();
        collect_exists(expression, &mut patterns);
        let mut marks = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let variable = self.unfolder.hidden("exists");
            let (left, right) = self.exists_sides(tree, pattern, scope)?;
            tree = Tree::Mark { left: Box::new(left), right: Box::new(right), variable: variable.clone() };
            marks.push((pattern, variable));
        }
        let marked = map_expression(expression, &|part| {
            let Expression::Exists(pattern) = part else { return None };
            let (_, variable) = marks.iter().find(|(known, _)| **known == **pattern)?;
            Some(Expression::Variable(variable.clone()))
        });
        Ok(self.name_solutions(tree, marked))
    }

    /// An OPTIONAL whose condition has an EXISTS: the condition is about rows of both sides, so those are made first.
    pub(super) fn optional_exists(
        &mut self,
        left: Tree,
        right: Tree,
        condition: &Expression,
        scope: &Scope,
    ) -> Result<Tree, PlanError> {
        let (left, number) = self.numbered(left);
        let mut kept = variables(&right);
        kept.push(number);
        let both = Tree::Join(vec![left.clone(), right]);
        let matching = self.filter(both, condition, &scope.without_nodes())?;
        let matching = Tree::Project { input: Box::new(matching), variables: kept };
        Ok(left_join(left, matching, None, self.catalogue, self.limits))
    }

    /// The rows with a number each, to be read in more than one place.
    fn numbered(&mut self, tree: Tree) -> (Tree, Variable) {
        let number = self.unfolder.hidden("number");
        let shared = self.shared_rows(Tree::Number { input: Box::new(tree), variable: number.clone() });
        self.numbered.insert(number.clone(), shared.clone());
        (shared, number)
    }

    /// Rows that are computed once and read in more than one place.
    pub(super) fn shared_rows(&mut self, tree: Tree) -> Tree {
        self.shared += 1;
        Tree::Shared { id: self.shared, input: Box::new(tree) }
    }

    /// Both sides of the join that EXISTS is.
    fn exists_sides(&mut self, left: Tree, pattern: &GraphPattern, scope: &Scope) -> Result<(Tree, Tree), PlanError> {
        let scope = scope.without_nodes();
        let known: Variables = variables(&left).into_iter().filter(|v| !v.as_str().starts_with("_:")).collect();
        let substituted: Variables = reads_unbound(pattern).intersection(&known).cloned().collect();
        if substituted.is_empty() {
            return Ok((left, self.pattern(pattern, &scope)?));
        }
        let (left, number) = self.numbered(left);
        let row = std::iter::once(number).chain(substituted).collect();
        let right = self.pattern(&with_row(pattern, &row), &scope)?;
        Ok((left, right))
    }
}

fn collect_exists<'e>(expression: &'e Expression, found: &mut Vec<&'e GraphPattern>) {
    if let Expression::Exists(pattern) = expression
        && !found.contains(&&**pattern)
    {
        found.push(pattern);
    }
    children(expression).into_iter().for_each(|child| collect_exists(child, found));
}

/// The variables that the pattern reads at a place where it does not bind them for certain, so that a binding from
/// outside makes a difference before the pattern is done.
fn reads_unbound(pattern: &GraphPattern) -> Variables {
    let of = |expression: &Expression, bound: Variables| -> Variables {
        reads(expression).difference(&bound).cloned().collect()
    };
    match pattern {
        GraphPattern::Join { left, right } | GraphPattern::Union { left, right } => {
            &reads_unbound(left) | &reads_unbound(right)
        }
        GraphPattern::Filter { expr, inner } => &reads_unbound(inner) | &of(expr, certain(inner)),
        GraphPattern::Extend { inner, expression, .. } => &reads_unbound(inner) | &of(expression, certain(inner)),
        GraphPattern::LeftJoin { left, right, expression } => {
            let bound = certain(left);
            let mut found = &reads_unbound(left) | &reads_unbound(right);
            found.extend(in_scope(right).difference(&bound).cloned());
            let both = &bound | &certain(right);
            found.extend(expression.iter().flat_map(|e| of(e, both.clone())));
            found
        }
        GraphPattern::Minus { left, right } => {
            let mut found = &reads_unbound(left) | &reads_unbound(right);
            found.extend(in_scope(right).difference(&certain(left)).cloned());
            found
        }
        GraphPattern::Graph { inner, .. } => reads_unbound(inner),
        GraphPattern::Project { inner, variables } => {
            reads_unbound(inner).into_iter().filter(|variable| variables.contains(variable)).collect()
        }
        GraphPattern::Distinct { inner } | GraphPattern::Reduced { inner } | GraphPattern::OrderBy { inner, .. } => {
            reads_unbound(inner)
        }
        // What a slice or group leaves is made without the row around it.
        _ => Variables::new(),
    }
}

/// What an expression reads; of an EXISTS, every variable it could be compatible on.
fn reads(expression: &Expression) -> Variables {
    let mut found: Variables = variables_of(expression).into_iter().collect();
    let mut patterns = Vec::new();
    collect_exists(expression, &mut patterns);
    for pattern in patterns {
        found.extend(in_scope(pattern));
        found.extend(reads_unbound(pattern));
    }
    found
}

/// The variables that every solution of the pattern binds.
fn certain(pattern: &GraphPattern) -> Variables {
    match pattern {
        GraphPattern::Bgp { .. } | GraphPattern::Path { .. } => in_scope(pattern),
        GraphPattern::Join { left, right } => &certain(left) | &certain(right),
        GraphPattern::Union { left, right } => &certain(left) & &certain(right),
        GraphPattern::LeftJoin { left: inner, .. }
        | GraphPattern::Minus { left: inner, .. }
        | GraphPattern::Filter { inner, .. }
        | GraphPattern::Extend { inner, .. }
        | GraphPattern::OrderBy { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::Slice { inner, .. } => certain(inner),
        GraphPattern::Graph { name, inner } => {
            let mut found = certain(inner);
            if let NamedNodePattern::Variable(variable) = name {
                found.insert(variable.clone());
            }
            found
        }
        GraphPattern::Project { inner, variables } => {
            certain(inner).into_iter().filter(|variable| variables.contains(variable)).collect()
        }
        GraphPattern::Group { inner, variables, .. } => {
            certain(inner).into_iter().filter(|variable| variables.contains(variable)).collect()
        }
        GraphPattern::Values { variables, bindings } => variables
            .iter()
            .enumerate()
            .filter(|(i, _)| bindings.iter().all(|row| row[*i].is_some()))
            .map(|(_, variable)| variable.clone())
            .collect(),
        _ => Variables::new(),
    }
}

/// The pattern joined with the row's number and values, before anything reads them. The row stands as a VALUES block
/// whose first variable is the number.
fn with_row(pattern: &GraphPattern, row: &Vec<Variable>) -> GraphPattern {
    let inner = |pattern: &GraphPattern| Box::new(with_row(pattern, row));
    let if_read = |pattern: &GraphPattern| {
        if reads_unbound(pattern).iter().any(|variable| row.contains(variable)) {
            with_row(pattern, row)
        } else {
            pattern.clone()
        }
    };
    match pattern {
        GraphPattern::Filter { expr, inner: i } => GraphPattern::Filter { expr: expr.clone(), inner: inner(i) },
        GraphPattern::Extend { inner: i, variable, expression } => {
            GraphPattern::Extend { inner: inner(i), variable: variable.clone(), expression: expression.clone() }
        }
        GraphPattern::LeftJoin { left, right, expression } => GraphPattern::LeftJoin {
            left: inner(left),
            right: Box::new(if_read(right)),
            expression: expression.clone(),
        },
        GraphPattern::Minus { left, right } => {
            GraphPattern::Minus { left: inner(left), right: Box::new(if_read(right)) }
        }
        GraphPattern::Union { left, right } => GraphPattern::Union { left: inner(left), right: inner(right) },
        GraphPattern::Graph { name, inner: i } => GraphPattern::Graph { name: name.clone(), inner: inner(i) },
        GraphPattern::Project { inner: i, variables } => {
            let shown: Vec<Variable> = row
                .iter()
                .enumerate()
                .filter(|(n, v)| *n == 0 || variables.contains(v))
                .map(|(_, v)| v.clone())
                .collect();
            let mut variables = variables.clone();
            variables.push(row[0].clone());
            GraphPattern::Project { inner: Box::new(with_row(i, &shown)), variables }
        }
        GraphPattern::Distinct { inner: i } => GraphPattern::Distinct { inner: inner(i) },
        GraphPattern::Reduced { inner: i } => GraphPattern::Reduced { inner: inner(i) },
        GraphPattern::OrderBy { inner: i, expression } => {
            GraphPattern::OrderBy { inner: inner(i), expression: expression.clone() }
        }
        GraphPattern::Join { left, right } => {
            let values = GraphPattern::Values { variables: row.clone(), bindings: Vec::new() };
            let sides = GraphPattern::Join { left: Box::new(if_read(left)), right: Box::new(if_read(right)) };
            GraphPattern::Join { left: Box::new(values), right: Box::new(sides) }
        }
        other => {
            let values = GraphPattern::Values { variables: row.clone(), bindings: Vec::new() };
            GraphPattern::Join { left: Box::new(values), right: Box::new(other.clone()) }
        }
    }
}
