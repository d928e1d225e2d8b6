//! Joins, OPTIONAL and conditions over trees, each moved as far down as it goes.

use crate::branch::BranchSet;
use crate::catalogue::Catalogue;
use crate::expression::{conjuncts, is_volatile, variables_of};
use crate::tree::{Tree, binds, variables};
use crate::{PlanLimits, Rule};
use spargebra::algebra::Expression;

/// Joins are flat lists in which branch sets have become one where that is possible.
pub(crate) fn join(left: Tree, right: Tree, catalogue: &Catalogue, limits: &PlanLimits) -> Tree {
    let mut members: Vec<Tree> = Vec::new();
    for side in [left, right] {
        match side {
            Tree::Unit => {}
            Tree::Join(inner) => {
                inner.into_iter().for_each(|member| add_member(&mut members, member, catalogue, limits));
            }
            other => add_member(&mut members, other, catalogue, limits),
        }
    }
    if members.len() > 1 {
        return Tree::Join(members);
    }
    members.pop().unwrap_or(Tree::Unit)
}

fn add_member(members: &mut Vec<Tree>, member: Tree, catalogue: &Catalogue, limits: &PlanLimits) {
    if let Tree::Branches(set) = &member {
        for other in members.iter_mut() {
            if let Tree::Branches(known) = other
                && let Some(joined) = known.and(set, catalogue, limits)
            {
                *other = Tree::Branches(joined);
                return;
            }
        }
    }
    members.push(member);
}

pub(crate) fn left_join(
    left: Tree,
    mut right: Tree,
    condition: Option<Expression>,
    catalogue: &Catalogue,
    limits: &PlanLimits,
) -> Tree {
    if matches!(right, Tree::Unit) && condition.is_none() {
        return left;
    }
    if condition.is_none()
        && limits.rules.allows(Rule::OptionalColumns)
        && let (Tree::Branches(mandatory), Tree::Branches(optional)) = (&left, &right)
        && let Some(merged) = with_optional(mandatory, optional, catalogue)
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
fn with_optional(mandatory: &BranchSet, optional: &BranchSet, catalogue: &Catalogue) -> Option<BranchSet> {
    let meeting = mandatory.meeting(optional, catalogue);
    let mut branches = Vec::with_capacity(mandatory.branches.len());
    for (position, branch) in mandatory.branches.iter().enumerate() {
        let others = meeting.right_of(position).into_iter().map(|other| &optional.branches[other]);
        let mut matching = others.filter(|other| branch.and(other).is_some());
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
pub(crate) fn filter(tree: Tree, expression: Expression) -> Tree {
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
        Tree::Join(mut members) => match place(&members, &expression) {
            Some(position) => {
                let member = members.remove(position);
                members.insert(position, filter(member, expression));
                Ok(Tree::Join(members))
            }
            None => Err(Box::new((Tree::Join(members), expression))),
        },
        Tree::LeftJoin { left, right, condition } if certain(&left) || is_apart(&left, [&*right], &expression) => {
            Ok(Tree::LeftJoin { left: Box::new(filter(*left, expression)), right, condition })
        }
        Tree::Exists { left, right, negated } => {
            Ok(Tree::Exists { left: Box::new(filter(*left, expression)), right, negated })
        }
        Tree::Minus { left, right } => Ok(Tree::Minus { left: Box::new(filter(*left, expression)), right }),
        Tree::Mark { left, right, variable } if !variables_of(&expression).contains(&variable) => {
            Ok(Tree::Mark { left: Box::new(filter(*left, expression)), right, variable })
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
        // What is a thing above has another name below.
        Tree::Alias(mut alias) if alias.passes(&variables_of(&expression)) => {
            alias.input = filter(alias.input, expression);
            Ok(Tree::Alias(alias))
        }
        other => Err(Box::new((other, expression))),
    }
}

/// The member of a join that a condition can be about: one that binds all its variables, or has them alone.
fn place(members: &[Tree], expression: &Expression) -> Option<usize> {
    let looked_at = variables_of(expression);
    let certain = |tree: &Tree| looked_at.iter().all(|variable| binds(tree, variable));
    let others = |i: usize| members.iter().enumerate().filter(move |(other, _)| *other != i).map(|(_, tree)| tree);
    let alone = || (0..members.len()).find(|i| is_apart(&members[*i], others(*i), expression));
    members.iter().position(certain).or_else(alone)
}

/// Whether a tree alone has the variables of a condition, bound or not: what it is joined with leaves them as they are.
fn is_apart<'t>(tree: &Tree, others: impl IntoIterator<Item = &'t Tree>, expression: &Expression) -> bool {
    let looked_at = variables_of(expression);
    let known = variables(tree);
    !looked_at.is_empty()
        && looked_at.iter().all(|variable| known.contains(variable))
        && others.into_iter().all(|other| !variables(other).iter().any(|variable| looked_at.contains(variable)))
}
