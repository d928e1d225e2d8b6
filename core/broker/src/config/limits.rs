//! The section `[limits]`.

use super::value;
use serde::Deserialize;
use std::time::Duration;
use weft_exec::EngineLimits;
use weft_index::IndexLimits;
use weft_mapping::OntologyLimits;
use weft_plan::PlanLimits;
use weft_server::ServerOptions;

/// Limits of queries and of the broker. Those of a source are in its own section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    #[serde(deserialize_with = "value::duration")]
    pub(crate) query_timeout: Duration,
    #[serde(deserialize_with = "value::size")]
    query_bytes: usize,
    query_depth: usize,
    query_tokens: usize,
    algebra_depth: usize,
    expression_depth: usize,
    branches: usize,
    joins_under_union: usize,
    plan_nodes: usize,
    plan_rows: u64,
    planning_threads: usize,
    /// Keys a bind join sends at once.
    key_block: usize,
    /// Solutions shipped with one request of a SERVICE.
    service_block: usize,
    /// Rows of one answer.
    result_rows: u64,
    #[serde(deserialize_with = "value::size")]
    result_bytes: u64,
    /// Memory of one query.
    #[serde(deserialize_with = "value::size")]
    pub(super) memory: usize,
    /// One computed string.
    #[serde(deserialize_with = "value::size")]
    value_bytes: usize,
    /// One batch asked of a source.
    batch_rows: u32,
    #[serde(deserialize_with = "value::size")]
    batch_bytes: u32,
    /// What a bind join reads ahead.
    read_ahead_rows: usize,
    /// Blocks of keys a bind join asks for at once.
    parallel_blocks: usize,
    /// Inputs of a union that are read at once.
    parallel_scans: usize,
    /// Shapes of scans of which is kept how many rows they had.
    observed_shapes: usize,
    #[serde(deserialize_with = "value::duration")]
    observed_age: Duration,
    kept_operators: usize,
    concurrent_queries: usize,
    concurrent_queries_per_client: usize,
    contested_queries_per_client: usize,
    queued_queries: usize,
    connections: usize,
    #[serde(deserialize_with = "value::duration")]
    header_timeout: Duration,
    #[serde(deserialize_with = "value::duration")]
    body_timeout: Duration,
    #[serde(deserialize_with = "value::duration")]
    drain_timeout: Duration,
    index_statements: u64,
    /// Links in memory.
    index_links: u64,
    #[serde(deserialize_with = "value::size")]
    ontology_bytes: u64,
    /// Triple maps of a source, with those that follow from the ontology.
    triple_maps: usize,
    /// Example questions.
    pub(crate) questions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let (plan, engine) = (PlanLimits::default(), EngineLimits::default());
        let (server, index) = (ServerOptions::default(), IndexLimits::default());
        Self {
            query_timeout: server.query_timeout,
            query_bytes: plan.query_bytes,
            query_depth: plan.query_depth,
            query_tokens: plan.query_tokens,
            algebra_depth: plan.algebra_depth,
            expression_depth: engine.expression_depth,
            branches: plan.branches,
            joins_under_union: plan.joins_under_union,
            plan_nodes: plan.plan_nodes,
            plan_rows: plan.plan_rows,
            planning_threads: plan.threads,
            key_block: plan.key_block,
            service_block: plan.service_block,
            result_rows: engine.result_rows,
            result_bytes: engine.result_bytes,
            memory: engine.memory,
            value_bytes: engine.value_bytes,
            batch_rows: engine.batch_rows,
            batch_bytes: engine.batch_bytes,
            read_ahead_rows: engine.read_ahead_rows,
            parallel_blocks: engine.parallel_blocks,
            parallel_scans: engine.parallel_scans,
            observed_shapes: engine.observed_shapes,
            observed_age: engine.observed_age,
            kept_operators: engine.kept_operators,
            concurrent_queries: server.concurrent_queries,
            concurrent_queries_per_client: server.concurrent_queries_per_client,
            contested_queries_per_client: server.contested_queries_per_client,
            queued_queries: server.queued_queries,
            connections: server.connections,
            header_timeout: server.header_timeout,
            body_timeout: server.body_timeout,
            drain_timeout: server.drain_timeout,
            index_statements: index.statements,
            index_links: index.links,
            ontology_bytes: index.ontology_bytes,
            triple_maps: OntologyLimits::default().triple_maps,
            questions: 1_000,
        }
    }
}

impl Limits {
    pub(crate) fn engine(&self) -> EngineLimits {
        EngineLimits {
            plan: PlanLimits {
                query_bytes: self.query_bytes,
                query_depth: self.query_depth,
                query_tokens: self.query_tokens,
                algebra_depth: self.algebra_depth,
                branches: self.branches,
                joins_under_union: self.joins_under_union,
                plan_nodes: self.plan_nodes,
                plan_rows: self.plan_rows,
                threads: self.planning_threads,
                key_block: self.key_block,
                service_block: self.service_block,
                ..PlanLimits::default()
            },
            timeout: self.query_timeout,
            memory: self.memory,
            result_rows: self.result_rows,
            result_bytes: self.result_bytes,
            value_bytes: self.value_bytes,
            expression_depth: self.expression_depth,
            batch_rows: self.batch_rows,
            batch_bytes: self.batch_bytes,
            read_ahead_rows: self.read_ahead_rows,
            parallel_blocks: self.parallel_blocks,
            parallel_scans: self.parallel_scans,
            observed_shapes: self.observed_shapes,
            observed_age: self.observed_age,
            kept_operators: self.kept_operators,
        }
    }

    pub(crate) fn ontology(&self) -> OntologyLimits {
        OntologyLimits { triple_maps: self.triple_maps }
    }

    pub(crate) fn server(&self) -> ServerOptions {
        ServerOptions {
            query_bytes: self.query_bytes,
            query_timeout: self.query_timeout,
            concurrent_queries: self.concurrent_queries,
            concurrent_queries_per_client: self.concurrent_queries_per_client,
            contested_queries_per_client: self.contested_queries_per_client,
            queued_queries: self.queued_queries,
            connections: self.connections,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            drain_timeout: self.drain_timeout,
            ..ServerOptions::default()
        }
    }

    pub(crate) fn index(&self) -> IndexLimits {
        IndexLimits {
            statements: self.index_statements,
            links: self.index_links,
            ontology_bytes: self.ontology_bytes,
            ..IndexLimits::default()
        }
    }
}
