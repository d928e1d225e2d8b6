//! Runs plans: scans, joins, SPARQL expressions over columns, on DataFusion.
//!
//! The way of a query: [`Engine::query`] plans it, [`physical`] turns the plan into DataFusion operators whose leaves
//! are guarded scans, and the answer is a stream of batches of columns that read as terms. This crate knows connectors only through
//! [`weft_connector::Guarded`], and no protocol.

#[allow(dead_code, reason = "the aggregate module is the last user")]
mod aggregate;
mod answer;
mod columns;
mod construct;
mod deadline;
mod engine;
mod error;
mod explain;
mod expression;
mod observe;
mod physical;
mod plans;
mod profile;
mod report;
mod view;

pub use answer::{AnswerBatch, AnswerColumn, Cell, CellKind, MixedTerms, Rows, Solutions, Texts};
pub use engine::{Answer, Engine, EngineLimits, GraphAnswer, QueryRequest};
pub use error::QueryError;
pub use explain::Explanation;
pub use report::{Report, ReportHandle, SourceReport};
pub use view::{AskedView, LinkHistory, LinkTimes, Snapshot, View};
pub use weft_plan::Position;
