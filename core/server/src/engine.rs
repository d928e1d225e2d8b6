//! The engine as an endpoint.

use crate::{Answer, Explanation, Position, Problem, QueryCall, QueryEndpoint, Solutions};
use async_trait::async_trait;
use futures::StreamExt;
use serde_json::Value;
use std::sync::Arc;
use weft_exec::{Engine, QueryError, QueryRequest, Report};
use weft_model::Retry;

#[async_trait]
impl QueryEndpoint for Engine {
    async fn query(&self, call: QueryCall) -> Result<Answer, Problem> {
        match Engine::query(self, request(call)).await? {
            weft_exec::Answer::Boolean { value, report } => Ok(Answer::Boolean { value, report: json(&report) }),
            weft_exec::Answer::Solutions(solutions) => {
                let report = solutions.report;
                Ok(Answer::Solutions(Solutions {
                    variables: solutions.variables,
                    rows: solutions.rows.map(|batch| batch.map_err(Problem::from)).boxed(),
                    report: Arc::new(move || json(&report.snapshot())),
                }))
            }
        }
    }

    async fn explain(&self, call: QueryCall) -> Result<Explanation, Problem> {
        let explanation = Engine::explain(self, request(call)).await?;
        Ok(Explanation { text: explanation.to_text(), json: explanation.to_json() })
    }
}

fn request(call: QueryCall) -> QueryRequest {
    QueryRequest {
        text: call.text,
        base_iri: None,
        default_graphs: call.default_graphs,
        named_graphs: call.named_graphs,
        timeout: call.timeout,
        traceparent: call.traceparent,
    }
}

fn json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap_or(Value::Null)
}

impl From<QueryError> for Problem {
    /// The detail goes to the log, and no further.
    fn from(error: QueryError) -> Self {
        if let Some(detail) = &error.detail {
            tracing::warn!(code = %error.code, source = error.source_name, "{}: {detail}", error.message);
        }
        let position = error.position.map(|position| Position {
            line: position.line as u64,
            column: position.column as u64,
            excerpt: position.excerpt,
        });
        Self {
            code: error.code,
            fault: error.fault,
            message: error.message,
            source_name: error.source_name,
            position,
            retry: Retry::Never,
        }
    }
}
