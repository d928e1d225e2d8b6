//! The oracle itself: one SPARQL engine over all the data.

use super::Cells;
use super::size::most_rows;
use super::standard::by_the_standard;
use super::values::{Exact, evaluator};
use crate::thread::over_first_names;
use crate::union::Union;
use anyhow::Context;
use oxrdf::Triple;
use spareval::{CancellationToken, QueryEvaluationError, QueryEvaluator, QueryResults};
use spargebra::SparqlParser;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

/// More rows than this are not worth comparing.
const MOST_ROWS: usize = 5_000;

/// Queries for which it may have to hold more rows are left out, too.
const MOST_HELD: f64 = 5e6;

/// Queries that take the oracle longer are left out.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it may take to notice that it should stop; it does not look while it multiplies rows.
const GRACE: Duration = Duration::from_secs(5);

/// An answer.
#[derive(Clone, Debug)]
pub enum Found {
    Boolean(bool),
    Rows { variables: Vec<String>, rows: Vec<Cells> },
    Graph(Vec<Triple>),
}

impl Found {
    pub fn len(&self) -> usize {
        match self {
            Self::Boolean(value) => usize::from(*value),
            Self::Rows { rows, .. } => rows.len(),
            Self::Graph(triples) => triples.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The answer over the union; none when it is too large or takes too long.
pub fn evaluate(union: &Union, text: &str) -> anyhow::Result<Option<Found>> {
    evaluate_with(evaluator(), union, text)
}

/// The same with the pattern evaluated as it is written, to see whether the oracle's optimiser matters. For small
/// patterns only: what is not joined by the text is multiplied.
pub fn evaluate_as_written(union: &Union, text: &str) -> anyhow::Result<Option<Found>> {
    evaluate_with(evaluator().without_optimizations(), union, text)
}

fn evaluate_with(evaluator: QueryEvaluator, union: &Union, text: &str) -> anyhow::Result<Option<Found>> {
    let text = &over_first_names(text, union.first_names());
    let query = SparqlParser::new().parse_query(text).with_context(|| format!("the oracle cannot parse {text}"))?;
    let token = CancellationToken::new();
    let evaluator = evaluator.with_cancellation_token(token.clone());
    let (sender, receiver) = mpsc::channel();
    let union = union.clone();
    std::thread::spawn(move || {
        let found = catch_unwind(AssertUnwindSafe(|| answer(&evaluator, query, &union)));
        // Whoever asked may have given up.
        let _ = sender.send(found);
    });
    let found = receiver.recv_timeout(PATIENCE).or_else(|_| {
        token.cancel();
        receiver.recv_timeout(GRACE)
    });
    match found {
        Err(_) => Ok(None),
        Ok(Err(panic)) if is_about_order(&*panic) => Ok(None),
        Ok(Err(_)) => anyhow::bail!("the oracle panicked over {text}"),
        Ok(Ok(Err(error))) if matches!(error.downcast_ref(), Some(QueryEvaluationError::Cancelled)) => Ok(None),
        Ok(Ok(found)) => found,
    }
}

/// spareval orders by `<`, which is no total order over terms of several kinds (NaN; dates with and without a time
/// zone), and the standard library's sort panics where it notices that. Such an order says nothing.
fn is_about_order(panic: &(dyn Any + Send)) -> bool {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.is_some_and(|words| words.contains("total order"))
}

fn answer(evaluator: &QueryEvaluator, query: spargebra::Query, union: &Union) -> anyhow::Result<Option<Found>> {
    let Some((query, other)) = by_the_standard(query, union.dataset(), union.graphs()) else { return Ok(None) };
    let data = other.as_ref().unwrap_or_else(|| union.dataset());
    if most_rows(&query, data) > MOST_HELD {
        return Ok(None);
    }
    let dataset = Exact(data);
    collect(evaluator.prepare(&query).execute(dataset))
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
        QueryResults::Graph(triples) => {
            let triples = triples.take(MOST_ROWS + 1).collect::<Result<Vec<Triple>, _>>()?;
            Ok((triples.len() <= MOST_ROWS).then_some(Found::Graph(triples)))
        }
    }
}
