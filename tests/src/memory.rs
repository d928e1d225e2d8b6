//! A connector over rows in memory, strict about what it declares.
//!
//! It evaluates every relation as `weft_model::contract::Relation` defines it, refuses whatever its description does not
//! offer, and where it declares [`weft_model::contract::Capability::Superset`] it does return more than was asked for:
//! a plan that trusts it too much gives a wrong answer.

mod admission;
mod batches;
mod condition;
mod evaluation;
mod scope;
mod value;

pub use batches::rows_of as decode_batch;
pub use value::{Row, compare_values};

use async_trait::async_trait;
use batches::Batching;
use evaluation::Evaluation;
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_model::contract::{Check, CheckOutcome, ContractError, Description, End, Outcome, Relation, ScanRequest};
use weft_model::{Code, Fault};

/// Tables and their rows; `rows[i]` are the rows of `description.tables[i]`.
#[derive(Debug)]
pub struct MemoryConnector {
    description: Description,
    rows: Vec<Vec<Row>>,
    seed: u64,
    calls: AtomicU64,
    scans: Mutex<Vec<Relation>>,
}

impl MemoryConnector {
    pub fn new(description: Description, rows: Vec<Vec<Row>>, seed: u64) -> Self {
        Self { description, rows, seed, calls: AtomicU64::new(0), scans: Mutex::new(Vec::new()) }
    }

    /// The relations scanned so far, explain requests left out.
    pub fn scans(&self) -> Vec<Relation> {
        self.scans.lock().map(|scans| scans.clone()).unwrap_or_default()
    }

    /// Forgets all calls so far: the same calls are answered in the same batches again.
    pub fn forget(&self) {
        self.calls.store(0, Ordering::Relaxed);
        if let Ok(mut scans) = self.scans.lock() {
            scans.clear();
        }
    }

    /// All calls of any verb so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Every row the relation gives, without batches; what a scan would stream.
    pub fn evaluate(&self, relation: &Relation) -> Result<Vec<Row>, ContractError> {
        admission::admit(&self.description, relation)?;
        let mut evaluation = Evaluation::new(&self.description, &self.rows, self.seed);
        Ok(evaluation.rows(relation)?.rows)
    }

    fn record(&self, relation: &Relation) {
        if let Ok(mut scans) = self.scans.lock() {
            scans.push(relation.clone());
        }
    }
}

#[async_trait]
impl Connector for MemoryConnector {
    async fn describe(&self, _context: &CallContext) -> Result<Description, ContractError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(self.description.clone())
    }

    async fn check(&self, _context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let all = self.description.tables.iter().zip(&self.rows);
        let wanted = all.filter(|(table, _)| tables.is_empty() || tables.contains(&table.name));
        let outcomes = wanted.map(|(table, rows)| {
            let outcome = rows.first().map_or(CheckOutcome::Empty, |row| CheckOutcome::Row(row.clone()));
            (table.name.clone(), outcome)
        });
        Ok(Check { system: "rows in memory".into(), tables: outcomes.collect() })
    }

    async fn scan(&self, _context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let statements = vec![batches::statement(&request.relation)];
        let fields = request.relation.fields().map_err(|error| invalid(error.to_string()))?;
        if request.explain {
            admission::admit(&self.description, &request.relation)?;
            let end = End { outcome: Outcome::Complete, rows: 0, statements };
            return Ok(futures::stream::iter([Ok(ScanEvent::End(end))]).boxed());
        }
        self.record(&request.relation);
        let rows = self.evaluate(&request.relation)?;
        let count = rows.len() as u64;
        let rng = StdRng::seed_from_u64(self.seed ^ call.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let batching = Batching::new(fields, request.batch_rows, rng);
        let mut events: Vec<Result<ScanEvent, ContractError>> =
            batching.split(&rows)?.into_iter().map(|batch| Ok(ScanEvent::Batch(batch))).collect();
        events.push(Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows: count, statements })));
        Ok(futures::stream::iter(events).boxed())
    }
}

fn invalid(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::InvalidRequest, Fault::Broker, message)
}

/// A number in `0..bound`, at least one.
fn below(rng: &mut StdRng, bound: u32) -> usize {
    rng.random_range(0..bound.max(1)) as usize
}

#[cfg(test)]
mod tests;
