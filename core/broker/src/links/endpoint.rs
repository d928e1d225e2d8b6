//! Links as the HTTP side asks for them.

use super::Links;
use crate::failure::Failure;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use weft_index::LinkId;
use weft_model::{Code, Fault};
use weft_server::{AssertedLink, Decision, LinkEndpoint, LinkQuery, Problem, QueryEndpoint};

/// Records of a page, unless fewer are asked for, and the most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

/// The links of a running broker. Classes are asked of whatever answers queries at the time.
pub(crate) struct BrokerLinks {
    links: Links,
    endpoints: watch::Receiver<Arc<dyn QueryEndpoint>>,
}

impl BrokerLinks {
    pub(crate) fn new(links: Links, endpoints: watch::Receiver<Arc<dyn QueryEndpoint>>) -> Self {
        Self { links, endpoints }
    }

    fn sources(&self) -> Arc<dyn QueryEndpoint> {
        self.endpoints.borrow().clone()
    }
}

#[async_trait]
impl LinkEndpoint for BrokerLinks {
    async fn list(&self, query: LinkQuery) -> Result<Value, Problem> {
        let size = query.limit.unwrap_or(PAGE);
        if !(1..=LARGEST_PAGE).contains(&size) {
            let message = format!("parameter limit: a page has 1 to {LARGEST_PAGE} links");
            return Err(Problem::new(Code::InvalidRequest, Fault::Caller, message));
        }
        let page = self.links.blocking(move |links| {
            let filter = links.filter(&query)?;
            links.list(&filter, query.after.unwrap_or(i64::MIN), size)
        });
        let page = page.await.map_err(problem)?;
        let next = page.last().filter(|_| page.len() == size).map(|last| last.record);
        Ok(json!({ "links": json_of(&page)?, "next": next }))
    }

    async fn explain(&self, id: &str) -> Result<Value, Problem> {
        let id = read_id(id)?;
        json_of(&self.links.blocking(move |links| links.explain(id)).await.map_err(problem)?)
    }

    async fn history(&self, id: &str) -> Result<Value, Problem> {
        let id = read_id(id)?;
        let history = self.links.blocking(move |links| links.history(id)).await.map_err(problem)?;
        Ok(json!({ "history": json_of(&history)? }))
    }

    async fn assert(&self, author: &str, link: AssertedLink) -> Result<Value, Problem> {
        let sources = self.sources();
        json_of(&self.links.assert(author, link, Some(sources.as_ref())).await.map_err(problem)?)
    }

    async fn decide(
        &self,
        author: &str,
        id: &str,
        decision: Decision,
        evidence: Option<String>,
    ) -> Result<Value, Problem> {
        let (id, sources) = (read_id(id)?, self.sources());
        let decided = self.links.decide(author, id, decision, evidence, Some(sources.as_ref()));
        json_of(&decided.await.map_err(problem)?)
    }
}

fn read_id(text: &str) -> Result<LinkId, Problem> {
    text.parse::<LinkId>().map_err(|error| Problem::new(Code::InvalidRequest, Fault::Caller, error.to_string()))
}

fn json_of(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| Problem::new(Code::Internal, Fault::Broker, error.to_string()))
}

/// What is wrong with the store is for the log: it names files.
fn problem(failure: Failure) -> Problem {
    let is_of_caller = matches!(failure.code, Code::InvalidRequest | Code::NotFound | Code::LinkRefused);
    if is_of_caller {
        return Problem::new(failure.code, Fault::Caller, failure.message);
    }
    tracing::warn!(code = %failure.code, "links: {}", failure.message);
    let message = match failure.code {
        Code::InvalidConfig | Code::Internal => "the link store failed".to_owned(),
        Code::Overloaded => "somebody else is writing links: try again".to_owned(),
        _ => failure.message,
    };
    Problem::new(failure.code, Fault::Broker, message)
}
