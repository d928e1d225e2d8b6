//! The oracle itself: one SPARQL engine over all the data.

use super::Cells;
use anyhow::Context;
use oxigraph::sparql::{CancellationToken, QueryEvaluationError, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use std::sync::mpsc;
use std::time::Duration;

/// More rows than this are not worth comparing.
const MOST_ROWS: usize = 5_000;

/// Queries that take the oracle longer are left out.
const PATIENCE: Duration = Duration::from_millis(400);

/// An answer.
#[derive(Clone, Debug)]
pub enum Found {
    Boolean(bool),
    Rows { variables: Vec<String>, rows: Vec<Cells> },
}

impl Found {
    pub fn len(&self) -> usize {
        match self {
            Self::Boolean(value) => usize::from(*value),
            Self::Rows { rows, .. } => rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The answer over the store; none when it is too large or takes too long. The pattern is evaluated as it is written: what an optimiser
/// may do to it is one of the things in question.
pub fn evaluate(store: &Store, text: &str) -> anyhow::Result<Option<Found>> {
    let token = CancellationToken::new();
    let evaluator = SparqlEvaluator::new().without_optimizations().with_cancellation_token(token.clone());
    let query = evaluator.parse_query(text).context("the oracle cannot parse")?;
    let (done, waiting) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            token.cancel();
        }
    });
    let found = collect(query.on_store(store).execute());
    drop(done);
    let _ = watch.join();
    match found {
        Err(error) if matches!(error.downcast_ref(), Some(QueryEvaluationError::Cancelled)) => Ok(None),
        other => other,
    }
}

fn collect(results: Result<QueryResults<'_>, QueryEvaluationError>) -> anyhow::Result<Option<Found>> {
    match results? {
        QueryResults::Boolean(value) => Ok(Some(Found::Boolean(value))),
        QueryResults::Solutions(solutions) => {
            let variables = solutions.variables().iter().map(|v| v.as_str().to_owned()).collect();
            let mut rows = Vec::new();
            for solution in solutions {
                if rows.len() >= MOST_ROWS {
                    return Ok(None);
                }
                rows.push(solution?.values().to_vec());
            }
            Ok(Some(Found::Rows { variables, rows }))
        }
        QueryResults::Graph(_) => anyhow::bail!("a graph is not compared"),
    }
}
