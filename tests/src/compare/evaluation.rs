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
const PATIENCE: Duration = Duration::from_millis(500);

/// How long it may take to notice that it should stop; it does not look while it multiplies rows.
const GRACE: Duration = Duration::from_secs(5);

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

/// The answer over the store; none when it is too large or takes too long.
pub fn evaluate(store: &Store, text: &str) -> anyhow::Result<Option<Found>> {
    evaluate_with(SparqlEvaluator::new(), store, text)
}

/// The same with the pattern evaluated as it is written, to see whether the oracle's optimiser matters. For small
/// patterns only: what is not joined by the text is multiplied.
pub fn evaluate_as_written(store: &Store, text: &str) -> anyhow::Result<Option<Found>> {
    evaluate_with(SparqlEvaluator::new().without_optimizations(), store, text)
}

fn evaluate_with(evaluator: SparqlEvaluator, store: &Store, text: &str) -> anyhow::Result<Option<Found>> {
    let token = CancellationToken::new();
    let query = evaluator
        .with_cancellation_token(token.clone())
        .parse_query(text)
        .with_context(|| format!("the oracle cannot parse {text}"))?;
    let (sender, receiver) = mpsc::channel();
    let bound = query.on_store(store);
    std::thread::spawn(move || {
        // Whoever asked may have given up.
        let _ = sender.send(collect(bound.execute()));
    });
    let found = receiver.recv_timeout(PATIENCE).or_else(|_| {
        token.cancel();
        receiver.recv_timeout(GRACE)
    });
    match found {
        Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
        Err(mpsc::RecvTimeoutError::Disconnected) => anyhow::bail!("the oracle panicked over {text}"),
        Ok(Err(error)) if matches!(error.downcast_ref(), Some(QueryEvaluationError::Cancelled)) => Ok(None),
        Ok(found) => found,
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
