//! DISTINCT of rows in an order, which it has to keep (SPARQL section 18.5). An aggregation gives its groups in any order.

use super::key_set::KeySet;
use super::stream_exec::StreamExec;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use datafusion_common::Result;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{TryStreamExt as _, stream};
use std::sync::Arc;
use weft_plan::{Node, NodeKind};

/// Whether the rows of a node are in an order that a query asks for.
pub(super) fn is_ordered(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Sort { .. } => true,
        NodeKind::Project { input }
        | NodeKind::Filter { input, .. }
        | NodeKind::Extend { input, .. }
        | NodeKind::Slice { input, .. }
        | NodeKind::Distinct { input } => is_ordered(input),
        _ => false,
    }
}

/// The first of equal rows, as they come.
pub(super) fn in_order(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let schema = input.schema();
    StreamExec::new("DistinctInOrder", schema.clone(), move |context| {
        let input = input.clone();
        let rows = stream::once(async move { Seen::new(&input, &context) }).map_ok(Seen::first_of_equals).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}

struct Seen {
    input: SendableRecordBatchStream,
    rows: KeySet,
    reservation: MemoryReservation,
}

impl Seen {
    fn new(input: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<Self> {
        let schema = input.schema();
        Ok(Self {
            input: input.execute(0, context.clone())?,
            rows: KeySet::new(&schema, (0..schema.fields().len()).collect())?,
            reservation: MemoryConsumer::new("distinct in order").register(context.memory_pool()),
        })
    }

    fn first_of_equals(self) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut seen| async move {
            while let Some(batch) = seen.input.try_next().await? {
                let first = seen.first(&batch)?;
                if first.num_rows() > 0 {
                    return Ok(Some((first, seen)));
                }
            }
            Ok(None)
        })
    }

    /// The rows of a batch that have not been seen.
    fn first(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut next = self.rows.len();
        let mut numbers = Vec::with_capacity(batch.num_rows());
        self.rows.number(batch, usize::MAX, &mut numbers)?;
        self.reservation.try_resize(self.rows.size())?;
        let is_first = |number: u32| {
            let first = number as usize == next;
            next += usize::from(first);
            first
        };
        let mask: BooleanArray = numbers.into_iter().map(is_first).map(Some).collect();
        Ok(filter_record_batch(batch, &mask)?)
    }
}
