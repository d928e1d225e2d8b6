//! What the HTTP side asks of the engine behind it.

use crate::Problem;
use async_trait::async_trait;
use futures::stream::BoxStream;
use oxrdf::{Term, Variable};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A query and what the protocol says with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryCall {
    pub text: String,
    pub default_graphs: Vec<String>,
    pub named_graphs: Vec<String>,
    pub timeout: Option<Duration>,
    /// W3C trace context the call came with.
    pub traceparent: Option<String>,
}

/// Something that answers queries.
#[async_trait]
pub trait QueryEndpoint: Send + Sync {
    /// Plans and starts a query. Dropping the answer cancels it.
    async fn query(&self, call: QueryCall) -> Result<Answer, Problem>;

    async fn explain(&self, call: QueryCall) -> Result<Explanation, Problem>;
}

/// An answer, perhaps still coming.
#[derive(Debug)]
pub enum Answer {
    Solutions(Solutions),
    Boolean { value: bool, report: Value },
}

/// The solutions of a SELECT query, in batches of rows with a cell a variable.
pub struct Solutions {
    pub variables: Vec<Variable>,
    pub rows: BoxStream<'static, Result<Vec<Vec<Option<Term>>>, Problem>>,
    /// What was done for the answer; final once `rows` ended.
    pub report: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl fmt::Debug for Solutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solutions").field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// A plan, for people and for programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub text: String,
    pub json: Value,
}
