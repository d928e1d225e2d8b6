//! Repeated property paths (SPARQL section 18.4, ALP).
//!
//! The steps that can matter are read first, one request a level for the whole frontier of all starts, or all at once.
//! Then each start is followed in memory. A term is a number here, so that a step is two of them.

use super::keys::KeySource;
use super::operators::{Selected, select};
use super::stream_exec::StreamExec;
use super::{Relation, Run, build};
use crate::columns::Layout;
use crate::error::QueryError;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringViewArray};
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::TaskContext;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use weft_model::term::{TermType, encode};
use weft_plan::{Closure, Node, Reach, Start};

/// Pairs in one batch.
const BATCH_ROWS: usize = 8_192;

pub(super) fn closure(run: &Arc<Run>, plan: &Closure, keys: Option<&KeySource>) -> Result<Relation, QueryError> {
    let layout = Layout::new([&plan.from, &plan.to].map(|variable| (variable.clone(), TermType::General)).to_vec());
    let start = Starts::new(run, plan, keys)?;
    let walk = Arc::new(Walk {
        run: run.clone(),
        step: plan.step.clone(),
        from: plan.from.clone(),
        to: plan.to.clone(),
        is_reflexive: plan.reach.is_reflexive(),
        is_repeated: plan.reach != Reach::ZeroOrOne && !plan.in_source,
        block: plan.block,
        start,
    });
    let schema = layout.schema().clone();
    let exec = StreamExec::new("Closure", schema.clone(), move |context| {
        let (walk, pairs_schema) = (walk.clone(), schema.clone());
        let pairs = stream::once(async move {
            let (steps, starts) = walk.read(&context).await?;
            let pairs = Pairs::new(steps, starts, &walk);
            Ok::<_, DataFusionError>(stream::iter(pairs).map(move |rows| batch(&pairs_schema, &rows)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), pairs.try_flatten()))
    });
    Ok(Relation { plan: exec, layout, optional: vec![false, false] })
}

/// The encoded terms of `from` and `to`.
type Rows = (Vec<Arc<str>>, Vec<Arc<str>>);

fn batch(schema: &arrow_schema::SchemaRef, (from, to): &Rows) -> StreamResult<RecordBatch> {
    let columns = [from, to]
        .map(|terms| Arc::new(terms.iter().map(|term| Some(term.as_ref())).collect::<StringViewArray>()) as ArrayRef);
    Ok(RecordBatch::try_new(schema.clone(), columns.to_vec())?)
}

/// Where paths start.
enum Starts {
    /// At each term with a step.
    Steps,
    Terms(Vec<String>),
    /// At what these rows have for `from`, of the terms given if there are any.
    Rows(Arc<dyn ExecutionPlan>, Option<HashSet<String>>),
}

impl Starts {
    fn new(run: &Arc<Run>, plan: &Closure, keys: Option<&KeySource>) -> Result<Self, QueryError> {
        let rows = |nodes: &Node, keys| -> Result<Arc<dyn ExecutionPlan>, QueryError> {
            let nodes = build(run, nodes, keys)?;
            Ok(general(&nodes, &[&plan.from])?.plan)
        };
        Ok(match &plan.start {
            Start::Steps => Self::Steps,
            Start::Terms(terms) => Self::Terms(terms.iter().map(encode).collect()),
            Start::Nodes(nodes) => Self::Rows(rows(nodes, None)?, None),
            Start::Keys { nodes, .. } => {
                let given = match keys {
                    Some(keys) => keys.terms(&plan.from)?,
                    None => Vec::new(),
                };
                match nodes {
                    Some(nodes) => Self::Rows(rows(nodes, keys)?, Some(given.into_iter().collect())),
                    None => Self::Terms(given),
                }
            }
        })
    }
}

/// The rows with these variables as general terms, in this order.
fn general(rows: &Relation, variables: &[&Variable]) -> Result<Relation, QueryError> {
    let selected = variables
        .iter()
        .map(|variable| Selected::widened(rows, variable, &TermType::General))
        .collect::<Result<_, _>>()?;
    select(&rows.plan, selected)
}

struct Walk {
    run: Arc<Run>,
    step: Node,
    from: Variable,
    to: Variable,
    is_reflexive: bool,
    /// Whether a step can follow another here.
    is_repeated: bool,
    block: Option<usize>,
    start: Starts,
}

impl Walk {
    /// Reads the steps that can matter, and the starts.
    async fn read(&self, context: &Arc<TaskContext>) -> StreamResult<(Steps, Vec<u32>)> {
        let mut steps = Steps::new(MemoryConsumer::new("path").register(context.memory_pool()));
        let starts = self.starts(&mut steps, context).await?;
        match (self.block, starts) {
            (Some(block), Some(starts)) => {
                self.read_levels(&mut steps, &starts, block, context).await?;
                Ok((steps, starts))
            }
            (_, starts) => {
                self.read_steps(&mut steps, None, context).await?;
                let starts = starts.unwrap_or_else(|| steps.sources());
                Ok((steps, starts))
            }
        }
    }

    async fn starts(&self, steps: &mut Steps, context: &Arc<TaskContext>) -> StreamResult<Option<Vec<u32>>> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut add = |steps: &mut Steps, term: &str| -> StreamResult<()> {
            let number = steps.number(term)?;
            if seen.insert(number) {
                found.push(number);
            }
            Ok(())
        };
        match &self.start {
            Starts::Steps => return Ok(None),
            Starts::Terms(terms) => terms.iter().try_for_each(|term| add(steps, term))?,
            Starts::Rows(rows, given) => {
                let mut rows = rows.execute(0, context.clone())?;
                while let Some(batch) = rows.next().await.transpose()? {
                    let terms = batch.column(0).as_string_view();
                    let wanted = |term: &&str| given.as_ref().is_none_or(|given| given.contains(*term));
                    terms.iter().flatten().filter(wanted).try_for_each(|term| add(steps, term))?;
                }
            }
        }
        Ok(Some(found))
    }

    /// Level by level, each term asked for once.
    async fn read_levels(
        &self,
        steps: &mut Steps,
        starts: &[u32],
        block: usize,
        context: &Arc<TaskContext>,
    ) -> StreamResult<()> {
        let mut asked: HashSet<u32> = starts.iter().copied().collect();
        let mut frontier = starts.to_vec();
        while !frontier.is_empty() {
            for terms in frontier.chunks(block.max(1)) {
                self.read_steps(steps, Some(terms), context).await?;
            }
            if !self.is_repeated {
                break;
            }
            let reached: Vec<u32> = frontier.iter().flat_map(|term| steps.of(*term)).copied().collect();
            frontier = reached.into_iter().filter(|term| asked.insert(*term)).collect();
        }
        Ok(())
    }

    /// Reads the steps from these terms, or all there are.
    async fn read_steps(
        &self,
        steps: &mut Steps,
        terms: Option<&[u32]>,
        context: &Arc<TaskContext>,
    ) -> StreamResult<()> {
        let keys = terms.map(|terms| self.keys(steps, terms)).transpose()?;
        let wanted: Option<HashSet<u32>> = terms.map(|terms| terms.iter().copied().collect());
        let rows = build(&self.run, &self.step, keys.as_ref())
            .and_then(|rows| general(&rows, &[&self.from, &self.to]))
            .map_err(DataFusionError::from)?;
        let mut rows = rows.plan.execute(0, context.clone())?;
        while let Some(batch) = rows.next().await.transpose()? {
            let (from, to) = (batch.column(0).as_string_view(), batch.column(1).as_string_view());
            for row in 0..batch.num_rows() {
                if from.is_null(row) || to.is_null(row) {
                    continue;
                }
                let source = steps.number(from.value(row))?;
                // A part of the step that takes no keys gives everything each time.
                if wanted.as_ref().is_none_or(|wanted| wanted.contains(&source)) {
                    let target = steps.number(to.value(row))?;
                    steps.add(source, target)?;
                }
            }
        }
        Ok(())
    }

    fn keys(&self, steps: &Steps, terms: &[u32]) -> StreamResult<KeySource> {
        let layout = Layout::new(vec![(self.from.clone(), TermType::General)]);
        let column: StringViewArray = terms.iter().map(|term| Some(steps.terms[*term as usize].as_ref())).collect();
        let rows = RecordBatch::try_new(layout.schema().clone(), vec![Arc::new(column)])?;
        Ok(KeySource { layout, rows })
    }
}

/// The steps read so far, as numbers of terms.
struct Steps {
    terms: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    targets: Vec<Vec<u32>>,
    known: HashSet<(u32, u32)>,
    reservation: MemoryReservation,
}

/// Bytes a term takes beside its text, and a step: rounded up, with the tables they are in.
const TERM_BYTES: usize = 96;
const STEP_BYTES: usize = 32;

impl Steps {
    fn new(reservation: MemoryReservation) -> Self {
        Self { terms: Vec::new(), numbers: HashMap::new(), targets: Vec::new(), known: HashSet::new(), reservation }
    }

    fn number(&mut self, term: &str) -> StreamResult<u32> {
        if let Some(number) = self.numbers.get(term) {
            return Ok(*number);
        }
        self.reservation.try_grow(term.len() + TERM_BYTES)?;
        let number = u32::try_from(self.terms.len())
            .map_err(|_| DataFusionError::ResourcesExhausted("a path over more than 2^32 terms".to_owned()))?;
        let term: Arc<str> = term.into();
        self.terms.push(term.clone());
        self.numbers.insert(term, number);
        self.targets.push(Vec::new());
        Ok(number)
    }

    fn add(&mut self, from: u32, to: u32) -> StreamResult<()> {
        if self.known.insert((from, to)) {
            self.reservation.try_grow(STEP_BYTES)?;
            self.targets[from as usize].push(to);
        }
        Ok(())
    }

    fn of(&self, term: u32) -> &[u32] {
        &self.targets[term as usize]
    }

    fn sources(&self) -> Vec<u32> {
        (0_u32..).zip(&self.targets).filter(|(_, targets)| !targets.is_empty()).map(|(term, _)| term).collect()
    }
}

/// The pairs, start by start, in batches.
struct Pairs {
    steps: Steps,
    starts: std::vec::IntoIter<u32>,
    is_reflexive: bool,
    is_repeated: bool,
    /// The start a term was last reached from, so that nothing is cleared between starts.
    reached: Vec<u32>,
    current: Option<Following>,
}

struct Following {
    start: u32,
    /// Terms reached whose steps are not followed yet.
    pending: Vec<u32>,
}

/// No start has this number: there are fewer terms.
const NEVER: u32 = u32::MAX;

impl Pairs {
    fn new(steps: Steps, starts: Vec<u32>, walk: &Walk) -> Self {
        let reached = vec![NEVER; steps.terms.len()];
        let Walk { is_reflexive, is_repeated, .. } = *walk;
        Self { steps, starts: starts.into_iter(), is_reflexive, is_repeated, reached, current: None }
    }

    /// Marks a term as reached; false when it was before.
    fn reach(&mut self, start: u32, term: u32) -> bool {
        let last = &mut self.reached[term as usize];
        let is_new = *last != start;
        *last = start;
        is_new
    }

    /// Follows the steps of one pending term, or begins the next start.
    fn advance(&mut self, out: &mut Vec<(u32, u32)>) -> bool {
        let Some(mut following) = self.current.take() else {
            let Some(start) = self.starts.next() else { return false };
            if self.is_reflexive && self.reach(start, start) {
                out.push((start, start));
            }
            self.current = Some(Following { start, pending: vec![start] });
            return true;
        };
        let Some(term) = following.pending.pop() else { return true };
        for position in 0..self.steps.of(term).len() {
            let target = self.steps.of(term)[position];
            if self.reach(following.start, target) {
                out.push((following.start, target));
                if self.is_repeated {
                    following.pending.push(target);
                }
            }
        }
        self.current = Some(following);
        true
    }
}

impl Iterator for Pairs {
    type Item = Rows;

    fn next(&mut self) -> Option<Self::Item> {
        let mut pairs = Vec::new();
        while pairs.len() < BATCH_ROWS && self.advance(&mut pairs) {}
        if pairs.is_empty() {
            return None;
        }
        let terms = &self.steps.terms;
        Some(pairs.into_iter().map(|(from, to)| (terms[from as usize].clone(), terms[to as usize].clone())).unzip())
    }
}
