//! The algebra of a query over branch sets.

use crate::branch::BranchSet;
use crate::thread::AliasTree;
use crate::{Reach, ServiceName};
use oxrdf::{Term, Variable};
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};

/// SPARQL algebra (section 18) whose leaves are branch sets.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Unit,
    Values {
        variables: Vec<Variable>,
        rows: Vec<Vec<Option<Term>>>,
    },
    Branches(BranchSet),
    Join(Vec<Tree>),
    LeftJoin {
        left: Box<Tree>,
        right: Box<Tree>,
        condition: Option<Expression>,
    },
    Union(Vec<Tree>),
    Filter {
        input: Box<Tree>,
        expression: Expression,
    },
    Extend {
        input: Box<Tree>,
        variable: Variable,
        expression: Expression,
    },
    Project {
        input: Box<Tree>,
        variables: Vec<Variable>,
    },
    Distinct(Box<Tree>),
    Sort {
        input: Box<Tree>,
        keys: Vec<OrderExpression>,
    },
    Slice {
        input: Box<Tree>,
        offset: usize,
        count: Option<usize>,
    },
    Group {
        input: Box<Tree>,
        keys: Vec<Variable>,
        aggregates: Vec<(Variable, AggregateExpression)>,
    },
    Minus {
        left: Box<Tree>,
        right: Box<Tree>,
    },
    /// The rows of `left` that some row of `right` is compatible with, or that none is.
    Exists {
        left: Box<Tree>,
        right: Box<Tree>,
        negated: bool,
    },
    /// `left` with a boolean that tells whether some row of `right` is compatible.
    Mark {
        left: Box<Tree>,
        right: Box<Tree>,
        variable: Variable,
    },
    Closure(Box<ClosureTree>),
    Service {
        endpoint: ServiceName,
        silent: bool,
        pattern: GraphPattern,
        variables: Vec<Variable>,
    },
    /// Rows that are read in several places. Trees of one id are the same.
    Shared {
        id: usize,
        input: Box<Tree>,
    },
    /// Gives each row a number of its own.
    Number {
        input: Box<Tree>,
        variable: Variable,
    },
    /// The rows of a tree over names, as rows over the things.
    Alias(Box<AliasTree>),
}

/// A repeated path between two variables; it can be followed from either end.
#[derive(Clone, Debug)]
pub(crate) struct ClosureTree {
    /// One step, with rows of `from` and `to`.
    pub(crate) step: Tree,
    pub(crate) reach: Reach,
    pub(crate) from: PathEnd,
    pub(crate) to: PathEnd,
}

/// An end of a repeated path.
#[derive(Clone, Debug)]
pub(crate) struct PathEnd {
    pub(crate) variable: Variable,
    /// The term of the query that stands here.
    pub(crate) term: Option<Term>,
    /// Whether the rows this is joined with have only nodes of the graph here.
    pub(crate) is_node: bool,
    /// All nodes of the graph; a path of no step needs them.
    pub(crate) nodes: Option<Tree>,
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
        Tree::LeftJoin { left, .. } | Tree::Minus { left, .. } | Tree::Exists { left, .. } => binds(left, variable),
        Tree::Mark { left, variable: mark, .. } => variable == mark || binds(left, variable),
        Tree::Closure(closure) => closure.from.variable == *variable || closure.to.variable == *variable,
        Tree::Service { .. } => false,
        Tree::Alias(alias) => alias.variables().contains(variable),
        Tree::Number { input, variable: number } => variable == number || binds(input, variable),
        Tree::Union(members) => members.iter().all(|member| binds(member, variable)),
        Tree::Filter { input, .. }
        | Tree::Extend { input, .. }
        | Tree::Sort { input, .. }
        | Tree::Shared { input, .. }
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
        Tree::Minus { left: input, .. }
        | Tree::Exists { left: input, .. }
        | Tree::Filter { input, .. }
        | Tree::Sort { input, .. }
        | Tree::Slice { input, .. }
        | Tree::Shared { input, .. }
        | Tree::Distinct(input) => collect(input, found),
        Tree::Closure(closure) => [&closure.from.variable, &closure.to.variable].into_iter().for_each(add),
        Tree::Alias(alias) => alias.variables().iter().for_each(add),
        Tree::Service { endpoint, variables, .. } => {
            variables.iter().for_each(&mut add);
            if let ServiceName::Variable(variable) = endpoint {
                add(variable);
            }
        }
        Tree::Mark { left: input, variable, .. }
        | Tree::Number { input, variable }
        | Tree::Extend { input, variable, .. } => {
            add(variable);
            collect(input, found);
        }
        Tree::Group { keys, aggregates, .. } => {
            keys.iter().for_each(&mut add);
            aggregates.iter().for_each(|(variable, _)| add(variable));
        }
    }
}
