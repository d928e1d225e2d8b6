//! An operator that counts what another one does, for EXPLAIN ANALYZE.

use super::Relation;
use crate::profile::{Profile, own_time};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The same rows, counted for this operator of the plan.
pub(super) fn measured(profile: &Arc<Profile>, node: usize, relation: Relation) -> Relation {
    let plan = Arc::new(Measured { profile: profile.clone(), node, input: relation.plan });
    Relation { plan, ..relation }
}

struct Measured {
    profile: Arc<Profile>,
    node: usize,
    input: Arc<dyn ExecutionPlan>,
}

impl Measured {
    fn of(&self, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("a measured operator has one input".to_owned()))?;
        Ok(Arc::new(Self { profile: self.profile.clone(), node: self.node, input }))
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Measured {}", self.node)
    }
}

impl DisplayAs for Measured {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Measured {}", self.node)
    }
}

impl ExecutionPlan for Measured {
    fn name(&self) -> &str {
        "Measured"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.of(children)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.of(children)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.profile.started(self.node);
        let rows = self.input.execute(partition, context)?;
        Ok(Box::pin(Counted { rows, profile: self.profile.clone(), node: self.node, is_over: false }))
    }
}

struct Counted {
    rows: SendableRecordBatchStream,
    profile: Arc<Profile>,
    node: usize,
    is_over: bool,
}

impl Stream for Counted {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let (polled, busy) = own_time(|| this.rows.as_mut().poll_next(context));
        let rows = match &polled {
            Poll::Ready(Some(Ok(batch))) => Some(batch.num_rows()),
            _ => None,
        };
        this.profile.computed(this.node, busy, rows);
        let next = ready!(polled);
        if next.is_none() && !this.is_over {
            this.is_over = true;
            this.profile.ended(this.node);
        }
        Poll::Ready(next)
    }
}

impl RecordBatchStream for Counted {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
