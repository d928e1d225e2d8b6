//! The bind join: the right side is asked for the keys of the left, block by block.
//!
//! Each left row is in exactly one block, and a block is joined with the answer to its keys as any two relations are;
//! so inner joins and OPTIONAL come out as they would without keys. The left is read ahead before the right is asked, so
//! that a source that is on both sides need not serve both at once.

use super::join::Spec;
use super::keys::KeySource;
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, build};
use crate::error::QueryError;
use arrow_array::RecordBatch;
use arrow_row::{OwnedRow, RowConverter, SortField};
use arrow_select::concat::concat_batches;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use weft_plan::{JoinMethod, Node, NodeKind, Request, ServiceName, Start};

/// Builds the join; the right side is built anew for each block.
pub(super) fn bind_join(
    run: &Arc<Run>,
    left: Relation,
    right: &Node,
    spec: Spec,
    block: usize,
) -> Result<Relation, QueryError> {
    let none = KeySource { layout: left.layout.clone(), rows: RecordBatch::new_empty(left.layout.schema().clone()) };
    // Built once without keys to learn the layout of the result.
    let shape = spec.join(run, left.clone(), build(run, right, Some(&none))?)?;
    let operator = Arc::new(BindJoin {
        run: run.clone(),
        key_variables: key_variables(right),
        left,
        right: right.clone(),
        spec,
        block,
    });
    let schema = shape.layout.schema().clone();
    let plan = StreamExec::new("BindJoin", schema.clone(), move |context| {
        let rows = operator.clone().stream(context);
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    });
    Ok(Relation { plan, ..shape })
}

struct BindJoin {
    run: Arc<Run>,
    left: Relation,
    right: Node,
    spec: Spec,
    block: usize,
    key_variables: Vec<Variable>,
}

/// The variables whose terms are sent, over all scans on the right that take keys of this join.
fn key_variables(right: &Node) -> Vec<Variable> {
    let mut found = Vec::new();
    collect_key_variables(right, &mut found);
    found
}

fn collect_key_variables(node: &Node, found: &mut Vec<Variable>) {
    match &node.kind {
        NodeKind::Scan(_) | NodeKind::Unpivot(_) => {
            let slots = node.requests().into_iter().filter_map(|request| match request {
                Request::Scan(scan) => scan.slot.as_ref(),
                Request::Service(_) => None,
            });
            for column in slots.flat_map(|slot| &slot.columns) {
                if !found.contains(&column.variable) {
                    found.push(column.variable.clone());
                }
            }
        }
        NodeKind::Join { left, method: JoinMethod::Bind { .. }, .. } => collect_key_variables(left, found),
        NodeKind::Closure(closure) => {
            if let Start::Keys { .. } = closure.start
                && !found.contains(&closure.from)
            {
                found.push(closure.from.clone());
            }
        }
        NodeKind::Service(service) => {
            let name = match &service.endpoint {
                ServiceName::Variable(variable) => Some(variable),
                ServiceName::Iri(_) => None,
            };
            for variable in service.variables.iter().chain(name) {
                if !found.contains(variable) {
                    found.push(variable.clone());
                }
            }
        }
        NodeKind::Shared { .. } => {}
        kind => kind.children().into_iter().for_each(|child| collect_key_variables(child, found)),
    }
}

impl BindJoin {
    fn stream(
        self: Arc<Self>,
        context: Arc<TaskContext>,
    ) -> impl futures::Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let begin = async move {
            let rows = self.left.plan.execute(0, context.clone())?;
            let left = LeftRows::new(&self, rows, &context)?;
            Ok::<_, DataFusionError>(stream::try_unfold(
                (self, left, context),
                |(join, mut left, context)| async move {
                    let Some(block) = left.next_block().await? else { return Ok::<_, DataFusionError>(None) };
                    let answer = join.answer(block, &context)?;
                    Ok(Some((answer, (join, left, context))))
                },
            ))
        };
        stream::once(begin).try_flatten().try_flatten()
    }

    /// The join of one block with what the right side has for its keys.
    fn answer(&self, block: RecordBatch, context: &Arc<TaskContext>) -> StreamResult<SendableRecordBatchStream> {
        let keys = KeySource { layout: self.left.layout.clone(), rows: block.clone() };
        let external = |error: QueryError| DataFusionError::External(Box::new(error));
        let right = build(&self.run, &self.right, Some(&keys)).map_err(external)?;
        let schema = self.left.layout.schema().clone();
        let left = Relation { plan: batches::exec(schema, vec![block]), ..self.left.clone() };
        let joined = self.spec.join(&self.run, left, right).map_err(external)?;
        joined.plan.execute(0, context.clone())
    }
}

/// Left rows, read ahead and cut into blocks.
struct LeftRows {
    rows: SendableRecordBatchStream,
    ended: bool,
    ahead: VecDeque<RecordBatch>,
    ahead_rows: usize,
    read_ahead: usize,
    block: usize,
    key_columns: Vec<usize>,
    converter: RowConverter,
    reservation: MemoryReservation,
}

impl LeftRows {
    fn new(join: &BindJoin, rows: SendableRecordBatchStream, context: &TaskContext) -> StreamResult<Self> {
        let layout = &join.left.layout;
        let key_columns: Vec<usize> = join
            .key_variables
            .iter()
            .filter_map(|variable| layout.get(variable))
            .flat_map(|(start, term_type)| start..start + term_type.columns().len())
            .collect();
        let fields =
            key_columns.iter().map(|c| SortField::new(layout.schema().field(*c).data_type().clone())).collect();
        Ok(Self {
            rows,
            ended: false,
            ahead: VecDeque::new(),
            ahead_rows: 0,
            read_ahead: join.run.limits.read_ahead_rows,
            block: join.block.max(1),
            key_columns,
            converter: RowConverter::new(fields)?,
            reservation: MemoryConsumer::new("bind join").register(context.memory_pool()),
        })
    }

    /// The next rows, with no more distinct keys than a block may have.
    async fn next_block(&mut self) -> StreamResult<Option<RecordBatch>> {
        let mut taken: Vec<RecordBatch> = Vec::new();
        let mut keys: HashSet<OwnedRow> = HashSet::new();
        let mut rows = 0;
        loop {
            self.fill().await?;
            let Some(batch) = self.ahead.pop_front() else { break };
            self.ahead_rows -= batch.num_rows();
            let fitting = self.fitting(&batch, &mut keys)?;
            if fitting > 0 {
                rows += fitting;
                taken.push(batch.slice(0, fitting));
            }
            if fitting < batch.num_rows() {
                let rest = batch.slice(fitting, batch.num_rows() - fitting);
                self.ahead_rows += rest.num_rows();
                self.ahead.push_front(rest);
                break;
            }
            // Many rows can share few keys: a block has a bound of rows, too.
            if rows >= self.read_ahead {
                break;
            }
        }
        // What the source still sends while the right is asked is read now.
        self.fill().await?;
        let Some(first) = taken.first() else { return Ok(None) };
        let schema = first.schema();
        let block = concat_batches(&schema, &taken)?;
        self.reserve(block.get_array_memory_size())?;
        Ok(Some(block))
    }

    /// How many rows from the start have keys that fit the block.
    fn fitting(&self, batch: &RecordBatch, keys: &mut HashSet<OwnedRow>) -> StreamResult<usize> {
        if self.key_columns.is_empty() {
            return Ok(batch.num_rows());
        }
        let columns: Vec<_> = self.key_columns.iter().map(|column| batch.column(*column).clone()).collect();
        let encoded = self.converter.convert_columns(&columns)?;
        for row in 0..batch.num_rows() {
            let key = encoded.row(row).owned();
            if keys.len() == self.block && !keys.contains(&key) {
                return Ok(row);
            }
            keys.insert(key);
        }
        Ok(batch.num_rows())
    }

    async fn fill(&mut self) -> StreamResult<()> {
        while !self.ended && self.ahead_rows < self.read_ahead {
            match self.rows.next().await.transpose()? {
                None => self.ended = true,
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    self.ahead_rows += batch.num_rows();
                    self.ahead.push_back(batch);
                    self.reserve(0)?;
                }
            }
        }
        Ok(())
    }

    /// Accounts for what is held: the rows ahead and the current block.
    fn reserve(&mut self, block: usize) -> StreamResult<()> {
        let ahead: usize = self.ahead.iter().map(RecordBatch::get_array_memory_size).sum();
        self.reservation.try_resize(ahead + block)
    }
}
