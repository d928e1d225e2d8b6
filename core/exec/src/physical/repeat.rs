//! Operators that are built once and run for each block of keys.

use super::keys::KeySource;
use super::stream_exec::StreamExec;
use super::{Relation, Run, operator};
use crate::columns::Layout;
use crate::error::QueryError;
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, stream};
use std::sync::Arc;
use weft_plan::{Node, NodeKind};

/// Whether the operator of this kind keeps nothing from one run to the next. A join keeps the side that it holds.
pub(super) fn is_repeatable(kind: &NodeKind) -> bool {
    matches!(
        kind,
        NodeKind::Scan(_)
            | NodeKind::Unpivot(_)
            | NodeKind::Union(_)
            | NodeKind::Filter { .. }
            | NodeKind::Extend { .. }
            | NodeKind::Project { .. }
    )
}

/// The operator of any other kind: built anew for each block, and once without keys to learn its layout.
pub(super) fn rebuilt(run: &Arc<Run>, node: &Node, keys: &Layout) -> Result<Relation, QueryError> {
    let shape = operator(run, node, Some(&KeySource::none(keys)).into())?;
    let (run, node, schema) = (run.clone(), node.clone(), shape.layout.schema().clone());
    let plan = StreamExec::new("Rebuilt", schema.clone(), move |context| match begin(&run, &node, context) {
        Ok(rows) => rows,
        Err(error) => {
            let error = stream::iter([Err(error)]);
            Box::pin(RecordBatchStreamAdapter::new(schema.clone(), error.boxed()))
        }
    });
    Ok(Relation { plan, ..shape })
}

fn begin(run: &Arc<Run>, node: &Node, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
    let keys = KeySource::of_block(&context)?;
    let relation = operator(run, node, Some(&*keys).into()).map_err(DataFusionError::from)?;
    relation.plan.execute(0, context)
}
