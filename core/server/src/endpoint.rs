//! What the HTTP side asks of the engine behind it.

use crate::Problem;
use async_trait::async_trait;
use futures::stream::BoxStream;
use oxrdf::{NamedNode, Triple, Variable};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use weft_exec::{AnswerBatch, AskedView};

/// A query and what the protocol says with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryCall {
    pub text: String,
    /// What relative IRIs in it are resolved against.
    pub base_iri: Option<String>,
    /// The dataset, where the protocol chooses it: it then counts, and not the one the text names.
    pub default_graphs: Vec<String>,
    pub named_graphs: Vec<String>,
    pub timeout: Option<Duration>,
    /// For an explanation: whether the query is run, too.
    pub analyze: bool,
    /// W3C trace context the call came with.
    pub traceparent: Option<String>,
    pub view: AskedView,
}

/// Something that answers queries.
#[async_trait]
pub trait QueryEndpoint: Send + Sync {
    /// Plans and starts a query. Dropping the answer cancels it.
    async fn query(&self, call: QueryCall) -> Result<Answer, Problem>;

    async fn explain(&self, call: QueryCall) -> Result<Explanation, Problem>;

    /// What there is to ask, for descriptions of the service.
    fn dataset(&self) -> Result<Dataset, Problem>;
}

/// The named graphs and prefixes of an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// In the order of their names, each once.
    pub graphs: Vec<NamedGraph>,
    pub prefixes: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedGraph {
    pub name: NamedNode,
    /// The source all of whose triples are here that say no other graph. Other graphs have parts of sources.
    pub source: Option<Arc<str>>,
}

/// Tells what was done for an answer, so far.
pub type ReportSource = Arc<dyn Fn() -> Value + Send + Sync>;

/// An answer, perhaps still coming.
#[derive(Debug)]
pub enum Answer {
    Solutions(Solutions),
    Graph(Graph),
    Boolean { value: bool, report: Value },
}

/// The solutions of a SELECT query, in batches with a column a variable.
pub struct Solutions {
    pub variables: Vec<Variable>,
    pub rows: BoxStream<'static, Result<AnswerBatch, Problem>>,
    /// Final once `rows` ended.
    pub report: ReportSource,
}

/// The triples of a CONSTRUCT or DESCRIBE query.
pub struct Graph {
    pub triples: BoxStream<'static, Result<Triple, Problem>>,
    /// For formats that shorten IRIs.
    pub prefixes: Vec<(String, String)>,
    /// Final once `triples` ended.
    pub report: ReportSource,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
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
