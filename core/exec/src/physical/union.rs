//! The rows of several inputs, read at once as far as allowed.

use super::stream_exec::StreamExec;
use crate::deadline::within;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
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
    schema: &SchemaRef,
    most: usize,
    deadline: Instant,
) -> Arc<dyn ExecutionPlan> {
    let (inputs, schema): (Arc<[_]>, _) = (inputs.into(), schema.clone());
    StreamExec::new("Union", schema.clone(), move |context| {
        let (inputs, rows_schema) = (inputs.clone(), schema.clone());
        let rows = stream::once(async move { begin(inputs, rows_schema, most, deadline, &context) }).flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}

fn begin(
    inputs: Arc<[Arc<dyn ExecutionPlan>]>,
    schema: SchemaRef,
    most: usize,
    deadline: Instant,
    context: &Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let workers = most.clamp(1, inputs.len().max(1));
    let mut rows = RecordBatchReceiverStream::builder(schema, workers);
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..workers {
        let worker = Worker { inputs: inputs.clone(), next: next.clone(), context: context.clone(), rows: rows.tx() };
        rows.spawn(within(deadline, worker.read()));
    }
    rows.build()
}

/// Reads one input after the other.
struct Worker {
    inputs: Arc<[Arc<dyn ExecutionPlan>]>,
    next: Arc<AtomicUsize>,
    context: Arc<TaskContext>,
    rows: Sender<StreamResult<RecordBatch>>,
}

impl Worker {
    async fn read(self) -> StreamResult<()> {
        while let Some(input) = self.inputs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut rows = input.execute(0, self.context.clone())?;
            while let Some(batch) = rows.next().await {
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
