//! The plan: data that is printed, tested and run.

use crate::Rules;
use oxrdf::{NamedNode, Term, Variable};
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};
use spargebra::term::TriplePattern;
use std::sync::Arc;
use weft_mapping::{CodeList, InvalidValues, MappedTerm};
use weft_model::contract::{ColumnRef, DataType, Relation};
use weft_model::term::{IriShape, TermType};

/// A planned query.
#[derive(Clone, Debug)]
pub struct Plan {
    pub form: Form,
    pub root: Node,
    /// What the function IRI resolves against: the base of the query, or of the request.
    pub base_iri: Option<String>,
    /// The algebra of the query, as an S-expression.
    pub algebra: String,
    /// What was considered and left out.
    pub pruned: Vec<Pruned>,
    /// The rewrites it could be made by.
    pub rules: Rules,
    /// In the thread view: why places need an alias step, and why others need none.
    pub thread: Option<Vec<String>>,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Select(Vec<Variable>),
    Ask,
    /// The triples of a template for each row: CONSTRUCT, and DESCRIBE as one of all triples about its resources.
    Construct(Vec<TriplePattern>),
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
    /// Its place in the plan: the root is 0, then from left to right, depth first. Given when the plan is whole.
    pub id: usize,
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
    Scan(Arc<Scan>),
    /// One request for rows that match several patterns each.
    Unpivot(Box<Unpivot>),
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
        /// It is run once for each block of keys of a bind join.
        right: Arc<Node>,
        kind: JoinKind,
        /// The condition of an OPTIONAL.
        condition: Option<Expression>,
        method: JoinMethod,
        /// So many rows are enough for what is above: the join asks for little first and for more only when it is wanted.
        /// No row is left out for it.
        goal: Option<usize>,
        /// The left rows come in an order that the rows of the join keep: those of an earlier left row come first.
        ordered: bool,
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
    /// The pairs a repeated property path reaches (SPARQL section 18.4).
    Closure(Box<Closure>),
    Service(Box<Service>),
    /// Rows that several places of the plan read, computed once. Nodes of one id are the same.
    Shared {
        id: usize,
        input: Box<Node>,
    },
    /// Gives each row a number of its own.
    Number {
        input: Box<Node>,
        variable: Variable,
    },
    /// Rows over names, as rows over the things they are names of; the keys of a join above are things, and become all of
    /// their names. Rows that call one thing two things are left out.
    Alias {
        input: Box<Node>,
        /// The variable of a name, and that of the thing.
        names: Vec<(Variable, Variable)>,
    },
}

/// What a join gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    /// OPTIONAL.
    Left,
    /// Left rows that a right row is compatible with.
    Semi,
    /// Left rows that no right row is compatible with.
    Anti,
    /// Left rows that no right row with a variable in common is compatible with.
    Minus,
    /// All left rows, with a boolean that tells whether a right row is compatible.
    Mark(Variable),
}

impl JoinKind {
    /// Whether rows have the variables of the right side.
    pub fn keeps_right(&self) -> bool {
        matches!(self, Self::Inner | Self::Left)
    }
}

/// A path repeated: from each start along `step`, as often as `reach` says. Each pair of terms once.
#[derive(Clone, Debug)]
pub struct Closure {
    /// One step of the path: rows with the variables `from` and `to`.
    pub step: Node,
    pub from: Variable,
    pub to: Variable,
    pub reach: Reach,
    pub start: Start,
    /// The most terms a request of the step may carry; `None` when the steps are read whole.
    pub block: Option<usize>,
    /// Whether the source follows the steps: a row of `step` is then a pair of the closure.
    pub in_source: bool,
}

/// How often the step of a path is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    ZeroOrOne,
    ZeroOrMore,
    OneOrMore,
}

impl Reach {
    /// Whether a path ends where it starts without a step.
    pub fn is_reflexive(self) -> bool {
        self != Self::OneOrMore
    }
}

/// Where a repeated path starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// At every term that has a step.
    Steps,
    /// At the terms of the query, whether they are in the graph or not.
    Terms(Vec<Term>),
    /// At every term that this gives for `from`.
    Nodes(Node),
    /// At the keys of the bind join it is on the right of, those only that `nodes` gives for `from`, where it is there.
    Keys { nodes: Option<Node>, block: usize },
}

/// A pattern another SPARQL endpoint answers (SPARQL 1.1 Federated Query).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub endpoint: ServiceName,
    /// A failure is one solution without bindings.
    pub silent: bool,
    pub pattern: GraphPattern,
    /// The variables asked for.
    pub variables: Vec<Variable>,
    /// The most solutions shipped with one request; `None` when it is not on the right of a bind join.
    pub block: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceName {
    Iri(NamedNode),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinMethod {
    /// Both sides are read whole.
    Hash,
    /// The right side is asked for the keys of the left, in blocks of at most this many.
    Bind {
        block: usize,
        /// The number of different keys from which the right side is read whole, once, and not asked for keys; none where
        /// it cannot be read without.
        hash_from: Option<u64>,
        /// Whether there were so many keys before, so that both sides are read whole at the same time.
        at_once: bool,
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
    /// What is asked for where no keys are given: a scan that reads also the keys, which those that send them know.
    pub whole: Option<Box<Node>>,
    /// What it costs without keys, where it can do without.
    pub unkeyed: Option<Unkeyed>,
    /// The rows that are asked for first, where few are expected to be enough.
    pub first: Option<FirstRows>,
    /// Columns that a join above narrows to the values of its other side, where it has read that first.
    pub narrowed: Vec<NarrowedColumn>,
    /// Conditions that could not be handed to the source, and why.
    pub not_pushed: Vec<String>,
    pub invalid_values: InvalidValues,
    /// What the number of rows expected of the relation is taken from.
    pub basis: Basis,
}

/// The first rows of a relation, by a request of their own. The others are asked for only when these were not enough, with
/// the first ones among them once more: their key tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstRows {
    pub count: u64,
    /// Columns of the relation that no two rows have alike, and that are never null.
    pub key: Vec<ColumnRef>,
}

/// What an expectation is taken from, the least certain of all that went into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// A rule of thumb.
    #[default]
    Guessed,
    /// What the source says of its tables: keys, counts of rows and of different values.
    Declared,
    /// What an earlier scan of the same shape showed.
    Observed,
}

/// A scan whose rows are read in several ways, as if there were a scan for each.
#[derive(Clone, Debug)]
pub struct Unpivot {
    /// Without outputs of its own.
    pub scan: Arc<Scan>,
    /// What a row gives; at least two ways.
    pub ways: Vec<Vec<ScanOutput>>,
}

/// A variable computed from columns of the relation.
#[derive(Clone, Debug)]
pub struct ScanOutput {
    pub variable: Variable,
    pub term: Arc<MappedTerm>,
    /// Positions of `term.columns` among the fields of the relation.
    pub inputs: Vec<usize>,
    /// A row without it is no match: it is dropped, in case the source did not.
    pub required: bool,
}

/// What reading everything costs beside what keys cost, in rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unkeyed {
    /// All rows, in one request.
    pub whole: f64,
    /// One key more, with the rows it brings and its part of a request.
    pub key: f64,
}

/// A column that need not give values outside of those that the other side of a join has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NarrowedColumn {
    /// The join, by [`Node::id`].
    pub join: usize,
    /// Which column of which variable of the join gives the values.
    pub variable: Variable,
    pub part: usize,
    /// The read the column is of, by its alias.
    pub read: String,
    pub column: String,
    /// Whether the source takes a smallest and a largest value, and a list of values.
    pub range: bool,
    pub list: bool,
    /// How many different values the source says the column has.
    pub distinct: Option<u64>,
}

/// Where in its relation a scan takes keys.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySlot {
    pub place: KeyPlace,
    pub columns: Vec<SlotColumn>,
    /// The most keys one request may carry.
    pub block: usize,
    /// The most requests the source is willing to answer at once.
    pub parallel: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// The read with this alias.
    Read(String),
    /// The start of the recursion that the relation is.
    Start,
}

/// A variable whose terms are the keys of some columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotColumn {
    pub variable: Variable,
    /// The layout the keys have; one column of the table for each of its columns.
    pub term_type: TermType,
    pub columns: Vec<String>,
    /// How the blank nodes of the source are labelled here; the source knows its own labels only.
    pub labels: Option<IriShape>,
    /// The codes that IRIs have in the column.
    pub codes: Option<KeyCodes>,
}

/// Codes that the terms of a key stand for, one each, as values of a column of this type.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCodes {
    pub list: Arc<CodeList>,
    pub column: DataType,
}

impl KeySlot {
    pub(crate) fn is_read(&self, alias: &str) -> bool {
        matches!(&self.place, KeyPlace::Read(known) if known == alias)
    }
}

impl NodeKind {
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Self::Scan(_) | Self::Unit | Self::Empty | Self::Values { .. } | Self::Service(_) | Self::Unpivot(_) => {
                Vec::new()
            }
            Self::Closure(closure) => match &closure.start {
                Start::Steps | Start::Terms(_) | Start::Keys { nodes: None, .. } => vec![&closure.step],
                Start::Nodes(nodes) | Start::Keys { nodes: Some(nodes), .. } => vec![nodes, &closure.step],
            },
            Self::Join { left, right, .. } => vec![left, right],
            Self::Union(inputs) => inputs.iter().collect(),
            Self::Filter { input, .. }
            | Self::Extend { input, .. }
            | Self::Project { input }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Slice { input, .. }
            | Self::Group { input, .. }
            | Self::Shared { input, .. }
            | Self::Number { input, .. }
            | Self::Alias { input, .. } => vec![input],
        }
    }

    /// The children, in the same order.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Node> {
        match self {
            Self::Scan(_) | Self::Unit | Self::Empty | Self::Values { .. } | Self::Service(_) | Self::Unpivot(_) => {
                Vec::new()
            }
            Self::Closure(closure) => match &mut closure.start {
                Start::Steps | Start::Terms(_) | Start::Keys { nodes: None, .. } => vec![&mut closure.step],
                Start::Nodes(nodes) | Start::Keys { nodes: Some(nodes), .. } => vec![nodes, &mut closure.step],
            },
            Self::Join { left, right, .. } => vec![left, Arc::make_mut(right)],
            Self::Union(inputs) => inputs.iter_mut().collect(),
            Self::Filter { input, .. }
            | Self::Extend { input, .. }
            | Self::Project { input }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Slice { input, .. }
            | Self::Group { input, .. }
            | Self::Shared { input, .. }
            | Self::Number { input, .. }
            | Self::Alias { input, .. } => vec![input],
        }
    }
}

impl Node {
    pub(crate) fn new(kind: NodeKind, bindings: Vec<Binding>, estimate: f64) -> Self {
        Self { id: 0, kind, bindings, estimate }
    }

    pub(crate) fn empty(bindings: Vec<Binding>) -> Self {
        Self::new(NodeKind::Empty, bindings, 0.0)
    }

    /// Numbers this operator and all below it, and gives the next number.
    pub(crate) fn number(&mut self, next: usize) -> usize {
        self.id = next;
        self.kind.children_mut().into_iter().fold(next + 1, |next, child| child.number(next))
    }

    pub fn binding(&self, variable: &Variable) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.variable == *variable)
    }

    /// The requests below, from left to right.
    pub fn requests(&self) -> Vec<Request<'_>> {
        match &self.kind {
            NodeKind::Scan(scan) => vec![Request::Scan(scan)],
            NodeKind::Unpivot(unpivot) => vec![Request::Scan(&unpivot.scan)],
            NodeKind::Service(service) => vec![Request::Service(service)],
            kind => kind.children().into_iter().flat_map(Self::requests).collect(),
        }
    }
}

/// What a leaf of a plan asks another system for.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    Scan(&'a Scan),
    Service(&'a Service),
}
