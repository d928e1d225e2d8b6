//! The rows of several inputs, read at once as far as allowed.

use super::stream_exec::StreamExec;
use crate::deadline::within;
use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use datafusion_common::Result as StreamResult;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use futures::{StreamExt as _, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

/// Reads inputs of one schema, at most so many at once: where one ends, the next begins. Nothing is begun before the rows
/// are polled, and all that runs ends when they are dropped.
pub(super) fn concurrently(
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    most: usize,
    deadline: Instant,
) -> Arc<dyn ExecutionPlan> {
    let Some(schema) = common_schema(&inputs) else {
        return super::batches::unit_empty().plan;
    };
    let inputs: Arc<[_]> = inputs.into();
    let rows_schema = schema.clone();
    StreamExec::new("Union", schema, move |context| {
        let (inputs, schema) = (inputs.clone(), rows_schema.clone());
        let rows = stream::once(async move { begin(inputs, schema, most, deadline, &context) }).flatten();
        Box::pin(RecordBatchStreamAdapter::new(rows_schema.clone(), rows))
    })
}

/// The schema of the first input, in which a column can be null where it can in any.
fn common_schema(inputs: &[Arc<dyn ExecutionPlan>]) -> Option<SchemaRef> {
    let schemas: Vec<SchemaRef> = inputs.iter().map(|input| input.schema()).collect();
    let fields = schemas.first()?.fields().iter().enumerate().map(|(i, field)| {
        let nullable = schemas.iter().any(|schema| schema.fields().get(i).is_some_and(|other| other.is_nullable()));
        field.as_ref().clone().with_nullable(nullable)
    });
    Some(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn begin(
    inputs: Arc<[Arc<dyn ExecutionPlan>]>,
    schema: SchemaRef,
    most: usize,
    deadline: Instant,
    context: &Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let workers = most.clamp(1, inputs.len().max(1));
    let mut rows = RecordBatchReceiverStream::builder(schema.clone(), workers);
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..workers {
        let worker = Worker {
            inputs: inputs.clone(),
            next: next.clone(),
            context: context.clone(),
            schema: schema.clone(),
            rows: rows.tx(),
        };
        rows.spawn(within(deadline, worker.read()));
    }
    rows.build()
}

/// Reads one input after the other.
struct Worker {
    inputs: Arc<[Arc<dyn ExecutionPlan>]>,
    next: Arc<AtomicUsize>,
    context: Arc<TaskContext>,
    /// Of all rows: an input may say of a column that it is never null, and be the only one to.
    schema: SchemaRef,
    rows: Sender<StreamResult<RecordBatch>>,
}

impl Worker {
    async fn read(self) -> StreamResult<()> {
        while let Some(input) = self.inputs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut rows = input.execute(0, self.context.clone())?;
            while let Some(batch) = rows.next().await {
                let batch = batch.and_then(|batch| Ok(batch.with_schema(self.schema.clone())?));
                let failed = batch.is_err();
                // Nobody reads any more, or there is nothing more to read for.
                if self.rows.send(batch).await.is_err() || failed {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
