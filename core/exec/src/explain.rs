//! EXPLAIN, and EXPLAIN ANALYZE.

use crate::engine::{Answer, Engine, QueryRequest, internal};
use crate::error::QueryError;
use crate::physical::{self, Relation, Run};
use crate::profile::Profile;
use crate::report::ReportHandle;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use datafusion_common::ScalarValue;
use futures::{StreamExt as _, stream};
use oxrdf::vocab::xsd;
use std::sync::Arc;
use tokio::time::Instant;
use weft_model::contract::KeyBlock;
use weft_model::term::{TermType, encode_literal};
use weft_plan::{Analysis, Catalogue, Explained, Form, Plan, Request, Scan, explain_json, explain_text};

/// Connectors that are asked at once what they would send.
const ASKED_AT_ONCE: usize = 16;

/// A plan, with what its scans would send or what they did.
#[derive(Debug)]
pub struct Explanation {
    plan: Arc<Plan>,
    catalogue: Arc<Catalogue>,
    statements: Vec<Vec<String>>,
    analysis: Option<Analysis>,
}

impl Explanation {
    pub fn to_text(&self) -> String {
        explain_text(&self.explained())
    }

    pub fn to_json(&self) -> serde_json::Value {
        explain_json(&self.explained())
    }

    /// What the run showed, where there was one.
    pub fn analysis(&self) -> Option<&Analysis> {
        self.analysis.as_ref()
    }

    fn explained(&self) -> Explained<'_> {
        let Self { plan, catalogue, statements, analysis } = self;
        Explained { plan, catalogue, statements, analysis: analysis.as_ref() }
    }
}

impl Engine {
    /// Plans a query and asks each connector what it would send. No system is touched.
    pub async fn explain(&self, request: QueryRequest) -> Result<Explanation, QueryError> {
        let report = self.report();
        let (seen, thread) = self.seen(&request).await?;
        let run = self.run(&request, &report, &seen);
        let (plan, _) = self.prepare(&request, thread, &seen, None).await?;
        let asked: Vec<_> = plan.root.requests().into_iter().map(|request| self.statements(&run, request)).collect();
        let statements = stream::iter(asked).buffered(ASKED_AT_ONCE).collect().await;
        Ok(Explanation { plan, catalogue: seen.catalogue, statements, analysis: None })
    }

    /// A connector that is down does not keep its plan from being shown.
    async fn statements(&self, run: &Run, request: Request<'_>) -> Vec<String> {
        let scan: &Scan = match request {
            Request::Scan(scan) => scan,
            Request::Service(service) => return vec![physical::explain_service(run, service)],
        };
        let Some(source) = run.sources.get(&scan.source) else { return Vec::new() };
        let whole = physical::request(run, scan, scan.slot.as_ref().and_then(placeholder_keys));
        let mut statements = Vec::new();
        for request in physical::first_request(&whole, scan).into_iter().chain([whole]) {
            match source.explain(&run.context, request).await {
                Ok(sent) => statements.extend(sent),
                Err(error) => return vec![format!("not known: {error}")],
            }
        }
        statements
    }

    /// Plans a query, runs it to its end within all limits, and throws its rows away. A run that fails is told of as far as it
    /// went; only a query without a plan is an error.
    pub async fn analyze(&self, request: QueryRequest) -> Result<Explanation, QueryError> {
        let report = self.report();
        let profile = Arc::new(Profile::new(self.limits().memory));
        let (seen, thread) = self.seen(&request).await?;
        let run = Run { profile: Some(profile.clone()), ..self.run(&request, &report, &seen) };
        let deadline = run.context.deadline;
        let (plan, root) = self.prepare(&request, thread, &seen, Some(run)).await?;
        report.planned();
        let Some(root) = root else { return Err(internal("a plan without operators")) };
        let outcome = self.read_to_end(&plan.form, root, deadline, &profile, &report).await;
        let told = report.snapshot();
        let mut operators = profile.operators();
        for (node, requests) in report.requests() {
            operators.entry(node).or_default().requests = Some(requests);
        }
        let analysis = Analysis {
            planning: told.planning,
            elapsed: told.elapsed,
            rows: *outcome.as_ref().unwrap_or(&told.rows),
            peak_memory: profile.peak_memory(),
            failure: outcome.err().map(|error| error.to_string()),
            operators,
        };
        let catalogue = seen.catalogue;
        Ok(Explanation { plan, catalogue, statements: Vec::new(), analysis: Some(analysis) })
    }

    /// Reads the whole answer, and counts its rows or its triples.
    async fn read_to_end(
        &self,
        form: &Form,
        root: Relation,
        deadline: Instant,
        profile: &Profile,
        report: &ReportHandle,
    ) -> Result<u64, QueryError> {
        profile.begin();
        let task = self.task(Some(profile.pool()))?;
        let mut rows = 0;
        match self.start(form, root, task, deadline, report.clone()).await? {
            Answer::Boolean { .. } => return Ok(1),
            Answer::Solutions(solutions) => {
                let mut batches = solutions.rows.into_batches();
                while let Some(batch) = batches.next().await.transpose()? {
                    rows += batch.len() as u64;
                }
            }
            Answer::Graph(mut graph) => {
                while graph.triples.next().await.transpose()?.is_some() {
                    rows += 1;
                }
            }
        }
        Ok(rows)
    }
}

/// A key block that shows where keys go: one row of nothing in particular.
fn placeholder_keys(slot: &weft_plan::KeySlot) -> Option<KeyBlock> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in &slot.columns {
        for (name, data_type) in column.columns.iter().zip(column.term_type.columns()) {
            fields.push(Field::new(name, data_type.clone(), false));
            arrays.push(placeholder(&data_type, column.term_type == TermType::General)?);
        }
    }
    let columns = fields.iter().map(|field| field.name().clone()).collect();
    let keys = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).ok()?;
    Some(KeyBlock { columns, keys })
}

fn placeholder(data_type: &DataType, encoded: bool) -> Option<ArrayRef> {
    const MARK: &str = "?";
    let scalar = match data_type {
        DataType::Utf8View if encoded => ScalarValue::Utf8View(Some(encode_literal(MARK, xsd::STRING.as_str()))),
        DataType::Utf8View => ScalarValue::Utf8View(Some(MARK.to_owned())),
        other => ScalarValue::new_zero(other).ok()?,
    };
    scalar.to_array().ok()
}
