//! The bind join: the right side is asked for the keys of the left, block by block.
//!
//! Each left row is in exactly one block, and a block is joined with the answer to its keys as any two relations are;
//! so inner joins and OPTIONAL come out as they would without keys. The left is read ahead before the right is asked, so
//! that a source that is on both sides need not serve both at once, and so that each key that is read ahead is in one
//! block only. Where keys are not read back, the rows that come are those of the join already. Where there turn out to be
//! so many keys that the right side is cheaper to read whole, the left rows that are in no block yet are one more part:
//! they are joined with all of it.

mod left;

use self::left::{Block, LeftRows, Pace, Part};
use super::join::HashJoin;
use super::keys::{KeySource, Keys};
use super::operators::project;
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, build};
use crate::error::QueryError;
use crate::report::JoinKeys;
use arrow_array::RecordBatch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::memory_pool::MemoryReservation;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use weft_plan::{JoinMethod, Node, NodeKind, Request, Rule, ServiceName, Shape, Start};

/// What the plan says of a bind join.
pub(super) struct Plan<'a> {
    pub(super) left: &'a Node,
    pub(super) right: &'a Arc<Node>,
    pub(super) join: HashJoin,
    pub(super) block: usize,
    pub(super) hash_from: Option<u64>,
    pub(super) goal: Option<usize>,
    /// What the number of its keys is kept by, where it is kept.
    pub(super) shape: Option<(Arc<str>, Shape)>,
    /// The variables of the join, where its keys are not read back.
    pub(super) kept: Option<Vec<Variable>>,
}

pub(super) fn bind_join(run: &Arc<Run>, left: Relation, plan: Plan<'_>) -> Result<Relation, QueryError> {
    let keyed = build(run, plan.right, Keys::OfBlock(&left.layout))?;
    let spec = &plan.join.spec;
    // Joined once to learn the layout of the result.
    let shape = if plan.kept.is_some() { keyed.clone() } else { spec.join(run, left.clone(), keyed.clone())? };
    let operator = Arc::new(BindJoin {
        run: run.clone(),
        key_variables: key_variables(plan.right),
        pace: pace(run, &plan),
        goes_on: first_scan(plan.left).map(|scan| run.goes_on(scan)),
        parallel: parallel(run, &plan),
        shape: plan.shape,
        kept: plan.kept,
        left,
        keyed,
        right: plan.right.clone(),
        join: plan.join,
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
    /// The right side, to be run for a block of keys.
    keyed: Relation,
    right: Arc<Node>,
    join: HashJoin,
    pace: Pace,
    /// Whether the left asked for more than its first rows; nothing where it asks for all of them at once.
    goes_on: Option<Arc<AtomicBool>>,
    /// Blocks asked for at once.
    parallel: usize,
    key_variables: Vec<Variable>,
    /// What the number of its keys is kept by.
    shape: Option<(Arc<str>, Shape)>,
    /// The variables of the rows, where keys are not read back: each is that of one left row, and nothing else of that is
    /// needed, so that the rows that come for the keys are those of the join.
    kept: Option<Vec<Variable>>,
}

fn pace(run: &Run, plan: &Plan<'_>) -> Pace {
    let left: HashSet<&Arc<str>> = sources(plan.left).collect();
    let shares_source = sources(plan.right).any(|source| left.contains(source));
    Pace {
        block: plan.block.max(1),
        block_bytes: usize::try_from(run.limits.batch_bytes).unwrap_or(usize::MAX),
        read_ahead: run.limits.read_ahead_rows.max(1),
        hash_from: plan.hash_from.filter(|_| !plan.join.ordered),
        goal: plan.goal,
        ordered: plan.join.ordered,
        // A left side that is not read to its end may keep the right one waiting for ever.
        ahead_of_goal: shares_source,
    }
}

/// The scan that gives the left rows, where it asks for the first of them by themselves.
fn first_scan(left: &Node) -> Option<usize> {
    match &left.kind {
        NodeKind::Project { input } | NodeKind::Extend { input, .. } => first_scan(input),
        NodeKind::Scan(scan) => scan.first.as_ref().map(|_| left.id),
        _ => None,
    }
}

/// The source of each scan below.
fn sources(node: &Node) -> impl Iterator<Item = &Arc<str>> {
    node.requests().into_iter().filter_map(|request| match request {
        Request::Scan(scan) => Some(&scan.source),
        Request::Service(_) => None,
    })
}

/// How many blocks may be asked for at once: as many as each source on the right is willing to answer. A source that is on
/// the left as well shares its willingness between all.
fn parallel(run: &Run, plan: &Plan<'_>) -> usize {
    if plan.join.ordered || !run.limits.rules.allows(Rule::ParallelBlocks) {
        return 1;
    }
    let mut uses: HashMap<&Arc<str>, usize> = HashMap::new();
    sources(plan.left).chain(sources(plan.right)).for_each(|source| *uses.entry(source).or_default() += 1);
    let mut most = run.limits.parallel_blocks.max(1);
    for request in plan.right.requests() {
        let Request::Scan(scan) = request else { return 1 };
        let guard = run.sources.get(&scan.source).map_or(1, |source| source.concurrency());
        let declared = scan.slot.as_ref().map_or(usize::MAX, |slot| slot.parallel);
        most = most.min(guard.min(declared) / uses.get(&scan.source).map_or(1, |uses| (*uses).max(1)));
    }
    if has_closure(plan.right) { 1 } else { most.max(1) }
}

/// A closure reads many levels for each block, and holds them.
fn has_closure(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Closure(_)) || node.kind.children().into_iter().any(has_closure)
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
            if let Start::Keys { nodes, .. } = &closure.start {
                if !found.contains(&closure.from) {
                    found.push(closure.from.clone());
                }
                nodes.iter().for_each(|nodes| collect_key_variables(nodes, found));
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
        // A thing is asked for by its names.
        NodeKind::Alias { input, names } => {
            for variable in key_variables(input) {
                let thing = names.iter().find(|(own, _)| *own == variable).map(|(_, thing)| thing.clone());
                let variable = thing.unwrap_or(variable);
                if !found.contains(&variable) {
                    found.push(variable);
                }
            }
        }
        kind => kind.children().into_iter().for_each(|child| collect_key_variables(child, found)),
    }
}

impl BindJoin {
    fn stream(
        self: Arc<Self>,
        context: Arc<TaskContext>,
    ) -> impl Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let parallel = self.parallel;
        let begin = async move {
            let rows = self.left.plan.execute(0, context.clone())?;
            let left = LeftRows::new(&self.left.layout, &self.key_variables, self.pace, rows, &context)?;
            let left = left.going_on(self.goes_on.clone());
            let parts = Parts { join: self, left: Some(left), context, before: None };
            let answers = stream::try_unfold(parts, |mut parts| async move {
                let answer = parts.next().await?;
                Ok::<_, DataFusionError>(answer.map(|answer| (answer, parts)))
            });
            Ok::<_, DataFusionError>(answers.boxed().try_flatten_unordered(parallel))
        };
        stream::once(begin).try_flatten()
    }

    /// The join of one block with what the right side has for its keys.
    fn answer(&self, rows: RecordBatch, keys: RecordBatch, context: &Arc<TaskContext>) -> StreamResult<Rows> {
        let context = KeySource { layout: self.left.layout.clone(), rows: keys }.given_to(context);
        if self.kept.is_some() {
            return self.keyed.plan.execute(0, context);
        }
        let schema = self.left.layout.schema().clone();
        let left = Relation { plan: batches::exec(schema, vec![rows]), ..self.left.clone() };
        let joined = self.join.in_left_order(&self.run, left, self.keyed.clone());
        joined.map_err(DataFusionError::from)?.plan.execute(0, context)
    }

    /// Tells how many keys there were, where that is kept.
    fn tell_keys(&self, keys: u64) {
        if let Some((source, shape)) = &self.shape {
            self.run.report.join(JoinKeys { source: source.clone(), shape: shape.clone(), keys });
        }
    }

    /// The join of all left rows that are in no block with all of the right side.
    fn rest(&self, left: LeftRows, context: &Arc<TaskContext>) -> StreamResult<Rows> {
        let known = (left.rows_ahead(), left.ended());
        self.tell_keys(self.pace.hash_from.unwrap_or_default());
        self.run.note(self.join.id, || "there are so many keys that the right side is read whole".to_owned());
        let rows = left.into_rest();
        let schema = self.left.layout.schema().clone();
        let rows = Mutex::new(Some(rows));
        let plan = StreamExec::new("Rest", schema.clone(), move |_| {
            let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).take();
            let twice = || stream::iter([Err(DataFusionError::Internal("rows are read twice".to_owned()))]).boxed();
            Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows.unwrap_or_else(twice)))
        });
        let left = Relation { plan, ..self.left.clone() };
        let mut joined = self.join.of_running(&self.run, left, known, &self.right).map_err(DataFusionError::from)?;
        if let Some(kept) = &self.kept {
            joined = project(joined, kept).map_err(DataFusionError::from)?;
        }
        joined.plan.execute(0, context.clone())
    }
}

type Rows = SendableRecordBatchStream;

/// The parts of the answer, each begun when it is asked for.
struct Parts {
    join: Arc<BindJoin>,
    /// Gone once the rest of it is one part.
    left: Option<LeftRows>,
    context: Arc<TaskContext>,
    /// Ends with the part before, where the next must wait for it.
    before: Option<oneshot::Receiver<()>>,
}

impl Parts {
    async fn next(&mut self) -> StreamResult<Option<Answer>> {
        if let Some(before) = self.before.take() {
            // Nothing is ever sent: it ends when the other side is dropped.
            let _ = before.await;
        }
        let Some(left) = &mut self.left else { return Ok(None) };
        match left.next().await? {
            None => {
                let asked = left.asked();
                self.join.tell_keys(asked);
                Ok(None)
            }
            Some(Part::Block(Block { rows, keys, held, alone })) => {
                let rows = self.join.answer(rows, keys, &self.context)?;
                let over = alone.then(|| {
                    let (over, before) = oneshot::channel();
                    self.before = Some(before);
                    over
                });
                Ok(Some(Answer { rows, held: Some(held), over }))
            }
            Some(Part::Rest) => {
                let Some(left) = self.left.take() else { return Ok(None) };
                let rows = self.join.rest(left, &self.context)?;
                Ok(Some(Answer { rows, held: None, over: None }))
            }
        }
    }
}

/// The rows of a part, and what ends with them.
struct Answer {
    rows: Rows,
    held: Option<MemoryReservation>,
    over: Option<oneshot::Sender<()>>,
}

impl Stream for Answer {
    type Item = StreamResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.rows.as_mut().poll_next(context));
        if next.is_none() {
            self.held = None;
            self.over = None;
        }
        Poll::Ready(next)
    }
}
