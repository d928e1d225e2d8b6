//! A leaf operator whose rows come from a stream made when it runs.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning};
use datafusion_physical_plan::coop::make_cooperative;
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

type Start = dyn Fn(Arc<TaskContext>) -> SendableRecordBatchStream + Send + Sync;

/// Calls `start` once for each execution.
pub(crate) struct StreamExec {
    name: &'static str,
    properties: Arc<PlanProperties>,
    start: Box<Start>,
}

impl StreamExec {
    #[allow(clippy::new_ret_no_self, reason = "nobody needs it but as a plan")]
    pub(crate) fn new(
        name: &'static str,
        schema: SchemaRef,
        start: impl Fn(Arc<TaskContext>) -> SendableRecordBatchStream + Send + Sync + 'static,
    ) -> Arc<dyn ExecutionPlan> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(Self { name, properties: Arc::new(properties), start: Box::new(start) })
    }
}

impl fmt::Debug for StreamExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl DisplayAs for StreamExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ExecutionPlan for StreamExec {
    fn name(&self) -> &str {
        self.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        // Rows that are there already never wait: without this a query that only computes would not notice its deadline.
        let rows = (self.start)(context);
        Ok(make_cooperative(Box::pin(Paced { rows, running_since: None })))
    }
}

/// How long operators may compute before they let go once: to look at the deadline, and to let others run.
const SLICE: Duration = Duration::from_millis(10);

/// Rows that make way once in a while. What is above computes between two polls of this.
struct Paced {
    rows: SendableRecordBatchStream,
    running_since: Option<Instant>,
}

impl Stream for Paced {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let now = Instant::now();
        if now.duration_since(*self.running_since.get_or_insert(now)) > SLICE {
            self.running_since = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.rows.as_mut().poll_next(context);
        if polled.is_pending() {
            self.running_since = None;
        }
        polled
    }
}

impl RecordBatchStream for Paced {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
