//! Small batches put together.
//!
//! A cross join gives a batch for each row of one side. Each holds on to the whole buffers of both sides, so a join
//! above that keeps them would account for the same bytes thousands of times.

use super::stream_exec::StreamExec;
use arrow_array::RecordBatch;
use arrow_select::coalesce::BatchCoalescer;
use datafusion_common::Result;
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::sync::Arc;

const BATCH_ROWS: usize = 8_192;

/// The rows of `input` in batches of a useful size.
pub(super) fn in_larger_batches(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let schema = input.schema();
    StreamExec::new("Coalesce", schema.clone(), move |context| {
        let input = input.clone();
        let batches = stream::once(async move { input.execute(0, context) }).map_ok(larger).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), batches))
    })
}

fn larger(input: SendableRecordBatchStream) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
    let coalescer = BatchCoalescer::new(input.schema(), BATCH_ROWS);
    stream::try_unfold((input, coalescer, false), |(mut input, mut coalescer, mut ended)| async move {
        loop {
            if let Some(batch) = coalescer.next_completed_batch() {
                return Ok(Some((batch, (input, coalescer, ended))));
            }
            if ended {
                return Ok(None);
            }
            match input.next().await.transpose()? {
                Some(batch) => coalescer.push_batch(batch)?,
                None => {
                    coalescer.finish_buffered_batch()?;
                    ended = true;
                }
            }
        }
    })
}
