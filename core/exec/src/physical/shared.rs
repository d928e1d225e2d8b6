//! Rows that several places of a plan read: computed once, by whoever asks first.

use super::stream_exec::StreamExec;
use super::{Relation, Run, build};
use crate::columns::Layout;
use crate::error::QueryError;
use arrow_array::{Int64Array, RecordBatch};
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::TaskContext;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use weft_model::term::{LiteralType, TermType};
use weft_plan::Node;

/// The shared relations of one query, by their id in the plan.
#[derive(Debug, Default)]
pub(crate) struct SharedRelations(Mutex<HashMap<usize, Relation>>);

pub(super) fn shared(run: &Arc<Run>, id: usize, input: &Node) -> Result<Relation, QueryError> {
    if let Some(known) = run.shared.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(known.clone());
    }
    let input = build(run, input, None)?;
    let schema = input.layout.schema().clone();
    let rows = Arc::new(Rows { input: input.plan.clone(), held: OnceCell::new() });
    let plan = StreamExec::new("Shared", schema.clone(), move |context| {
        let rows = rows.clone();
        let batches = stream::once(async move { rows.batches(context).await })
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), batches))
    });
    let relation = Relation { plan, ..input };
    run.shared.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, relation.clone());
    Ok(relation)
}

struct Rows {
    input: Arc<dyn ExecutionPlan>,
    held: OnceCell<Held>,
}

struct Held {
    batches: Vec<RecordBatch>,
    /// Gives the memory back when the query is over.
    _reservation: MemoryReservation,
}

impl Rows {
    async fn batches(&self, context: Arc<TaskContext>) -> StreamResult<Vec<RecordBatch>> {
        let held = self.held.get_or_try_init(|| self.read(context)).await?;
        Ok(held.batches.clone())
    }

    async fn read(&self, context: Arc<TaskContext>) -> StreamResult<Held> {
        let reservation = MemoryConsumer::new("shared rows").register(context.memory_pool());
        let mut rows = self.input.execute(0, context)?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await.transpose()? {
            reservation.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        Ok(Held { batches, _reservation: reservation })
    }
}

/// Rows with a number each, counted from 0 in every execution.
pub(super) fn number(input: Relation, variable: &Variable) -> Result<Relation, QueryError> {
    let mut names: Vec<(Variable, TermType)> =
        input.layout.variables().iter().cloned().zip(input.layout.types().iter().cloned()).collect();
    names.push((variable.clone(), TermType::Literal(LiteralType::Integer)));
    let mut optional = input.optional.clone();
    optional.push(false);
    let layout = Layout::new(names);
    let schema = layout.schema().clone();
    let plan = StreamExec::new("Number", schema.clone(), move |context| {
        let (input, target) = (input.plan.clone(), schema.clone());
        let numbered =
            stream::once(async move { input.execute(0, context) }).try_flatten().scan(0_i64, move |next, batch| {
                let numbered = batch.and_then(|batch| {
                    let end = *next + i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
                    let numbers = Int64Array::from_iter_values(*next..end);
                    *next = end;
                    let mut columns = batch.columns().to_vec();
                    columns.push(Arc::new(numbers));
                    RecordBatch::try_new(target.clone(), columns).map_err(DataFusionError::from)
                });
                futures::future::ready(Some(numbered))
            });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), numbered))
    });
    Ok(Relation { plan, layout, optional })
}
