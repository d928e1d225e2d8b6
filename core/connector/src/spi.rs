//! The connector trait.

use arrow_array::RecordBatch;
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;
use weft_model::contract::{Check, ContractError, Description, End, ScanRequest};

/// What travels beside a call by the means of the transport.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub deadline: Instant,
    /// W3C trace context of the span that makes the call.
    pub traceparent: Option<String>,
}

/// One piece of a scan's answer. A stream is complete exactly when its last event is [`ScanEvent::End`].
#[derive(Debug)]
pub enum ScanEvent {
    /// Columns in the order and of the types of `Relation::fields`.
    Batch(RecordBatch),
    End(End),
}

/// Dropping the stream cancels the scan, down to the remote system.
pub type ScanStream = BoxStream<'static, Result<ScanEvent, ContractError>>;

/// A source's connector, behind whatever transport.
#[async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError>;

    /// Checks these tables, or all of them when none is named.
    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError>;

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError>;
}

/// A contract error and the source it came from.
#[derive(Clone, Debug, thiserror::Error)]
#[error("source {source_name}: {error}")]
pub struct SourceError {
    pub source_name: Arc<str>,
    #[source]
    pub error: ContractError,
}
