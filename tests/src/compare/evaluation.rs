//! The oracle itself: one SPARQL engine over all the data.

use super::Cells;
use anyhow::Context;
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;

/// More rows than this are not worth comparing.
const MOST_ROWS: usize = 20_000;

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

/// The answer over the store; none when it is too large. The pattern is evaluated as it is written: what an optimiser
/// may do to it is one of the things in question.
pub fn evaluate(store: &Store, text: &str) -> anyhow::Result<Option<Found>> {
    let query = SparqlEvaluator::new().without_optimizations().parse_query(text).context("the oracle cannot parse")?;
    match query.on_store(store).execute()? {
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
