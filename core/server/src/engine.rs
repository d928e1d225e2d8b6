//! The engine as an endpoint.

use crate::{
    Answer, Dataset, Explanation, Graph, NamedGraph, Position, Problem, QueryCall, QueryEndpoint, ReportSource,
    Solutions,
};
use async_trait::async_trait;
use futures::StreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_exec::{Engine, QueryError, QueryRequest, Report, ReportHandle};
use weft_mapping::{GraphMap, TripleMap};
use weft_model::{Code, Fault, Retry};

#[async_trait]
impl QueryEndpoint for Engine {
    async fn query(&self, call: QueryCall) -> Result<Answer, Problem> {
        match Engine::query(self, request(call)).await? {
            weft_exec::Answer::Boolean { value, report } => Ok(Answer::Boolean { value, report: json(&report) }),
            weft_exec::Answer::Solutions(solutions) => Ok(Answer::Solutions(Solutions {
                variables: solutions.variables,
                rows: solutions.rows.into_batches().map(|batch| batch.map_err(Problem::from)).boxed(),
                report: report_source(solutions.report),
            })),
            weft_exec::Answer::Graph(graph) => Ok(Answer::Graph(Graph {
                triples: graph.triples.map(|triple| triple.map_err(Problem::from)).boxed(),
                prefixes: self.catalogue().prefixes().to_vec(),
                report: report_source(graph.report),
            })),
        }
    }

    async fn explain(&self, call: QueryCall) -> Result<Explanation, Problem> {
        let is_run = call.analyze;
        let request = request(call);
        let explanation =
            if is_run { Engine::analyze(self, request).await? } else { Engine::explain(self, request).await? };
        Ok(Explanation { text: explanation.to_text(), json: explanation.to_json() })
    }

    fn dataset(&self) -> Result<Dataset, Problem> {
        let mut graphs = BTreeMap::new();
        for virtual_graph in self.catalogue().graphs() {
            let named = virtual_graph.triples.iter().filter_map(|map| match &map.graph {
                GraphMap::Constant(name) => Some(name),
                GraphMap::Term(_) => None,
            });
            for name in named {
                graphs.entry(name.clone()).or_insert(None);
            }
            // A source that says the graph of statements has one of its own only where some of them are in it.
            let is_own =
                |map: &TripleMap| matches!(&map.graph, GraphMap::Constant(name) if *name == virtual_graph.graph);
            let says_graphs = virtual_graph.triples.iter().any(|map| matches!(map.graph, GraphMap::Term(_)));
            if !says_graphs || virtual_graph.triples.iter().any(is_own) {
                graphs.insert(virtual_graph.graph.clone(), Some(virtual_graph.source.clone()));
            }
        }
        let graphs = graphs.into_iter().map(|(name, source)| NamedGraph { name, source }).collect();
        Ok(Dataset { graphs, prefixes: self.catalogue().prefixes().to_vec() })
    }
}

fn report_source(report: ReportHandle) -> ReportSource {
    Arc::new(move || json(&report.snapshot()))
}

fn request(call: QueryCall) -> QueryRequest {
    QueryRequest {
        text: call.text,
        base_iri: call.base_iri,
        default_graphs: call.default_graphs,
        named_graphs: call.named_graphs,
        timeout: call.timeout,
        traceparent: call.traceparent,
        view: call.view,
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
        // A request of the broker that a source refuses is no mistake of the client.
        let is_ours = error.fault == Fault::Broker && error.code.http_status() < 500;
        Self {
            code: if is_ours { Code::Internal } else { error.code },
            fault: error.fault,
            message: error.message,
            source_name: error.source_name,
            position,
            retry: Retry::Never,
        }
    }
}
