//! The trait of SPARQL endpoints that SERVICE may ask.

use crate::{CallContext, ScanStream};
use async_trait::async_trait;
use std::fmt;
use weft_model::contract::ContractError;

/// A SELECT query for another SPARQL endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectRequest {
    /// Names the request in logs, and keeps the blank nodes of its answer apart from all others of the query.
    pub id: String,
    pub query: String,
    /// The query as it is told of: without most of what it ships.
    pub statement: String,
    /// The names of the variables asked for, in the order of the columns of the answer.
    pub variables: Vec<String>,
    /// The most rows one batch may have.
    pub batch_rows: u32,
    /// Roughly the most bytes one batch may have.
    pub batch_bytes: u32,
}

/// What one query may ship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectLimits {
    /// Solutions.
    pub solutions: usize,
    /// Bytes of the text of the query.
    pub query_bytes: usize,
}

/// Another SPARQL endpoint, behind whatever protocol.
///
/// Its answer has one nullable text column a variable, of terms in the general form ([`weft_model::term::encode`]). It ends
/// with the marker that ends every scan.
#[async_trait]
pub trait Endpoint: Send + Sync + fmt::Debug {
    fn limits(&self) -> SelectLimits;

    async fn select(&self, context: &CallContext, request: SelectRequest) -> Result<ScanStream, ContractError>;
}
