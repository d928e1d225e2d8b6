//! An operator's rows without what the engine has concluded of them.
//!
//! The engine takes what is constant on one side of an outer join for constant in its rows, and leaves out a sort by it.
//! Where there is no match, it is null.

use super::stream_exec::StreamExec;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{TryStreamExt as _, stream};
use std::sync::Arc;

pub(super) fn unclaimed(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let schema = input.schema();
    StreamExec::new("Rows", schema.clone(), move |context| {
        let input = input.clone();
        let rows = stream::once(async move { input.execute(0, context) }).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}
