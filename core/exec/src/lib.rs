//! Runs plans: scans, joins, SPARQL expressions over columns, on DataFusion.
//!
//! The way of a query: [`Engine::query`] plans it, [`physical`] turns the plan into DataFusion operators whose leaves
//! are guarded scans, and the answer is a stream of rows of terms. This crate knows connectors only through
//! [`weft_connector::Guarded`], and no protocol.

#[allow(dead_code, reason = "the aggregate module is the last user")]
mod aggregate;
mod columns;
mod construct;
mod deadline;
mod engine;
mod error;
mod expression;
mod physical;
mod report;

pub use engine::{Answer, Engine, EngineLimits, Explanation, GraphAnswer, QueryRequest, Solutions};
pub use error::QueryError;
pub use report::{Report, ReportHandle, SourceReport};
pub use weft_plan::Position;
