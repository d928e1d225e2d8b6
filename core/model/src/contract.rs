//! The connector contract, version 1: three verbs over tables and columns, never RDF, never query text.
//!
//! A connector *describes* its tables, can *check* that they are readable, and *scans* a small [`Relation`]. The same
//! model has two encodings: protobuf for gRPC (`proto/weft/connector/v1`) and WIT for sandboxed components
//! (`plugins-sdk/wit`). Recursive types are flattened there, so nothing here limits depth by accident.

mod describe;
mod error;
mod relation;
mod scan;
mod time_part;
mod value;

pub use describe::{
    Binding, Capability, ChangeFeed, Check, CheckOutcome, Column, ContractRange, Description, FilterCapability,
    FilterOperation, ForeignKey, JoinSupport, RelationalCapabilities, SqlTable, Statistic, Table, TextComparison,
    UnquotedNames,
};
pub use error::ContractError;
pub use relation::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, Expression, Field, InvalidRelation, JoinKind, KeyBlock,
    ProjectColumn, Read, Relation, SortKey, TextOperator,
};
pub use scan::{End, Outcome, ScanRequest};
pub use time_part::TimePart;
pub use value::{DataType, TypeKind, Value};

/// The version of the contract this code speaks.
pub const CONTRACT_VERSION: u32 = 1;
