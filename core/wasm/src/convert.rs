//! The contract's model and its WIT encoding, both ways.
//!
//! Model to WIT fails only where the model itself does not fit together or is deeper than the contract allows. WIT to
//! model reads foreign data: everything is checked, nothing recurses.

mod batch;
mod describe;
mod error;
mod expression;
mod relation;
mod scan;
mod value;

pub use batch::{batch_from_wit, batch_to_wit};
pub use describe::{check_from_wit, check_to_wit, description_from_wit, description_to_wit};
pub use error::{error_from_wit, error_to_wit};
pub use relation::{relation_from_wit, relation_to_wit};
pub use scan::{end_from_wit, end_to_wit, request_from_wit, request_to_wit};

/// The most nodes a relation, or one expression in it, may have on the wire.
pub const MAX_NODES: usize = 20_000;

/// The deepest a relation or an expression may be nested. Trees are recursive in memory.
pub const MAX_DEPTH: u32 = 256;

/// A message that is not what the contract says.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConvertError {
    #[error("decimal({precision},{scale}) is not a type: at most 38 digits, no more of them after the point")]
    DecimalType { precision: u8, scale: u8 },
    #[error("the scale {0} of a decimal is above 38")]
    DecimalScale(u8),
    #[error("a {what} has no nodes")]
    NoNodes { what: &'static str },
    #[error("a {what} has {found} nodes, {MAX_NODES} are allowed")]
    TooManyNodes { what: &'static str, found: usize },
    #[error("a {what} is nested deeper than {MAX_DEPTH} levels")]
    TooDeep { what: &'static str },
    #[error("node {node} of a {what} names node {child}, which is not an earlier node without a parent")]
    BadChild { what: &'static str, node: usize, child: u32 },
    #[error("a {what} has {0} nodes outside its tree", count)]
    Orphans { what: &'static str, count: usize },
    #[error("the batch has {found} columns instead of {expected}")]
    ColumnCount { expected: usize, found: usize },
    #[error("column {column:?}: {problem}")]
    Column { column: String, problem: ColumnProblem },
    #[error("key column {column:?} is of type {found}, which the contract does not have")]
    KeyType { column: String, found: String },
    #[error("the batch does not fit together: {0}")]
    Batch(String),
}

/// What is wrong with a column of a batch.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ColumnProblem {
    #[error("holds {found} instead of {expected}")]
    Type { expected: String, found: &'static str },
    #[error("{what} has {found} entries instead of {expected}")]
    Length { what: &'static str, expected: usize, found: usize },
    #[error("offset {index} is {value}, which is below the one before or beyond the {bytes} bytes there are")]
    Offset { index: usize, value: u32, bytes: usize },
    #[error("row {row} is not utf-8")]
    Text { row: usize },
    #[error("row {row} is null, and the column is not nullable")]
    Null { row: usize },
    #[error("row {row} has more digits than {data_type}")]
    Precision { row: usize, data_type: String },
}
