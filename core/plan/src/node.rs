//! The plan: data that is printed, tested and run.

use oxrdf::{Term, Variable};
use spargebra::algebra::{AggregateExpression, Expression, OrderExpression};
use std::sync::Arc;
use weft_mapping::MappedTerm;
use weft_model::contract::{JoinKind, Relation};
use weft_model::term::TermType;

/// A planned query.
#[derive(Clone, Debug)]
pub struct Plan {
    pub form: Form,
    pub root: Node,
    /// The algebra of the query, as an S-expression.
    pub algebra: String,
    /// What was considered and left out.
    pub pruned: Vec<Pruned>,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Select(Vec<Variable>),
    Ask,
}

/// A source that could have had matches for a pattern by its predicate, and why it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    pub pattern: String,
    pub source: Arc<str>,
    pub table: String,
    pub reason: String,
}

/// An operator and what it gives.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: NodeKind,
    /// The variables of each row, in order.
    pub bindings: Vec<Binding>,
    /// Rows expected.
    pub estimate: f64,
}

/// A variable of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub variable: Variable,
    pub term_type: TermType,
    /// Whether it can be unbound.
    pub optional: bool,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    /// One request to one source.
    Scan(Box<Scan>),
    /// One row without variables.
    Unit,
    /// No rows.
    Empty,
    Values {
        rows: Vec<Vec<Option<Term>>>,
    },
    /// Joins on all variables both sides have, where an unbound variable agrees with everything.
    Join {
        left: Box<Node>,
        right: Box<Node>,
        kind: JoinKind,
        /// The condition of an OPTIONAL.
        condition: Option<Expression>,
        method: JoinMethod,
    },
    Union(Vec<Node>),
    Filter {
        input: Box<Node>,
        expression: Expression,
    },
    Extend {
        input: Box<Node>,
        variable: Variable,
        expression: Expression,
    },
    /// Keeps `bindings`.
    Project {
        input: Box<Node>,
    },
    Distinct {
        input: Box<Node>,
    },
    Sort {
        input: Box<Node>,
        keys: Vec<OrderExpression>,
        /// Only the first rows are needed.
        fetch: Option<usize>,
    },
    Slice {
        input: Box<Node>,
        offset: usize,
        count: Option<usize>,
    },
    Group {
        input: Box<Node>,
        keys: Vec<Variable>,
        aggregates: Vec<(Variable, AggregateExpression)>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinMethod {
    Hash,
    /// The right side is asked for the keys of the left, in blocks of at most this many.
    Bind {
        block: usize,
    },
}

/// A request to a source and how its columns become variables.
#[derive(Clone, Debug)]
pub struct Scan {
    pub source: Arc<str>,
    pub relation: Relation,
    pub outputs: Vec<ScanOutput>,
    /// Where the keys of a bind join go.
    pub slot: Option<KeySlot>,
    /// Conditions that could not be handed to the source, and why.
    pub not_pushed: Vec<String>,
}

/// A variable computed from columns of the relation.
#[derive(Clone, Debug)]
pub struct ScanOutput {
    pub variable: Variable,
    pub term: MappedTerm,
    /// Positions of `term.columns` among the fields of the relation.
    pub inputs: Vec<usize>,
    /// A row without it is no match: it is dropped, in case the source did not.
    pub required: bool,
}

/// The read of a scan that takes keys.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySlot {
    /// Alias of the read.
    pub alias: String,
    pub columns: Vec<SlotColumn>,
    /// The most keys one request may carry.
    pub block: usize,
}

/// A variable whose terms are the keys of some columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotColumn {
    pub variable: Variable,
    /// The layout the keys have; one column of the table for each of its columns.
    pub term_type: TermType,
    pub columns: Vec<String>,
}

impl NodeKind {
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Self::Scan(_) | Self::Unit | Self::Empty | Self::Values { .. } => Vec::new(),
            Self::Join { left, right, .. } => vec![left, right],
            Self::Union(inputs) => inputs.iter().collect(),
            Self::Filter { input, .. }
            | Self::Extend { input, .. }
            | Self::Project { input }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Slice { input, .. }
            | Self::Group { input, .. } => vec![input],
        }
    }
}

impl Node {
    pub(crate) fn empty(bindings: Vec<Binding>) -> Self {
        Self { kind: NodeKind::Empty, bindings, estimate: 0.0 }
    }

    pub fn binding(&self, variable: &Variable) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.variable == *variable)
    }

    /// The scans below, from left to right.
    pub fn scans(&self) -> Vec<&Scan> {
        match &self.kind {
            NodeKind::Scan(scan) => vec![scan],
            kind => kind.children().into_iter().flat_map(Self::scans).collect(),
        }
    }
}
