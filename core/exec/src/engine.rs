//! The engine: text in, rows of terms out.

use crate::answer::{AnswerLimits, AnswerStream, Rows, Solutions, apart};
use crate::construct;
use crate::error::QueryError;
use crate::expression::ExpressionContext;
use crate::observe::Observations;
use crate::physical::{self, GoingOn, Relation, Run, RunLimits, SharedRelations};
use crate::plans::{Plans, Question};
use crate::report::{Report, ReportHandle};
use crate::view::{AskedView, LinkHistory, Snapshot, View, snapshot_at};
use datafusion_common::DataFusionError;
use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::memory_pool::MemoryPool;
use datafusion_execution::runtime_env::RuntimeEnvBuilder;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use oxiri::Iri;
use oxrdf::NamedNode;
use oxsdatatypes::DateTime;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::{CallContext, Guarded, GuardedEndpoint};
use weft_model::{Code, Fault};
use weft_plan::{Catalogue, Dataset, Form, Plan, PlanLimits, Pragmas};

/// What a client asks.
#[derive(Clone, Debug, Default)]
pub struct QueryRequest {
    pub text: String,
    pub base_iri: Option<String>,
    /// The dataset, when either is not empty; it takes the place of what the query chooses.
    pub default_graphs: Vec<String>,
    pub named_graphs: Vec<String>,
    /// At most the configured timeout.
    pub timeout: Option<Duration>,
    /// W3C trace context, handed on to connectors.
    pub traceparent: Option<String>,
    pub view: AskedView,
}

/// What one query may cost.
#[derive(Clone, Debug)]
pub struct EngineLimits {
    pub plan: PlanLimits,
    pub timeout: Duration,
    /// Bytes of memory for joins, sorts and groups. Not under 64 MiB.
    pub memory: usize,
    pub result_rows: u64,
    /// Bytes of the terms of an answer, as text.
    pub result_bytes: u64,
    /// Bytes of one computed string.
    pub value_bytes: usize,
    /// Nesting of one expression; each level needs up to 36 KiB of stack where it is interpreted. A chain of `&&` or `||`
    /// is one level.
    pub expression_depth: usize,
    /// Rows of one batch asked of a source.
    pub batch_rows: u32,
    /// Bytes of one batch asked of a source.
    pub batch_bytes: u32,
    /// Rows a bind join reads ahead.
    pub read_ahead_rows: usize,
    /// Blocks of keys a bind join asks for at once, where the sources allow as many.
    pub parallel_blocks: usize,
    /// Inputs of a union that are read at once.
    pub parallel_scans: usize,
    /// Shapes of scans of which is kept how many rows they had. 0: none.
    pub observed_shapes: usize,
    /// For how long that is kept.
    pub observed_age: Duration,
    /// Operators of the plans that are kept for questions that are asked again, with 64 bytes of their texts as one. 0: none
    /// are kept.
    pub kept_operators: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            plan: PlanLimits::default(),
            timeout: Duration::from_secs(30),
            memory: 256 << 20,
            result_rows: 10_000_000,
            result_bytes: 8 << 30,
            value_bytes: 1 << 20,
            expression_depth: 32,
            batch_rows: 8_192,
            batch_bytes: 1 << 20,
            read_ahead_rows: 100_000,
            parallel_blocks: 4,
            parallel_scans: 32,
            observed_shapes: 10_000,
            observed_age: Duration::from_secs(3_600),
            kept_operators: 20_000,
        }
    }
}

/// Answers queries over a snapshot of sources. Share it by reference or `Arc`.
#[derive(Debug)]
pub struct Engine {
    current: Snapshot,
    history: Option<Arc<dyn LinkHistory>>,
    views: BTreeMap<String, View>,
    services: Arc<HashMap<Arc<str>, GuardedEndpoint>>,
    limits: EngineLimits,
    observations: Arc<Observations>,
    plans: Arc<Plans>,
    trace_context: fn() -> Option<String>,
    queries: AtomicU64,
}

#[derive(Debug)]
pub enum Answer {
    Solutions(Solutions),
    Graph(GraphAnswer),
    Boolean { value: bool, report: Report },
}

/// The triples of a CONSTRUCT or DESCRIBE: a set, of which one may come more than once. Dropping them cancels everything below.
pub struct GraphAnswer {
    /// The answer is whole only when the stream ends without an error.
    pub triples: BoxStream<'static, Result<oxrdf::Triple, QueryError>>,
    pub report: ReportHandle,
}

impl std::fmt::Debug for GraphAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphAnswer").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Engine {
    pub fn new(catalogue: Catalogue, sources: HashMap<Arc<str>, Guarded>, limits: EngineLimits) -> Self {
        Self {
            current: Snapshot { catalogue: Arc::new(catalogue), sources: Arc::new(sources) },
            history: None,
            views: BTreeMap::new(),
            services: Arc::default(),
            observations: Arc::new(Observations::new(limits.observed_shapes, limits.observed_age)),
            plans: Arc::new(Plans::new(limits.kept_operators)),
            limits,
            trace_context: || None,
            queries: AtomicU64::new(0),
        }
    }

    /// Where the trace context comes from that connectors are given, when a request brings none.
    #[must_use]
    pub fn with_trace_context(mut self, current: fn() -> Option<String>) -> Self {
        self.trace_context = current;
        self
    }

    /// The endpoints that SERVICE may ask, and no others.
    #[must_use]
    pub fn with_services(mut self, services: impl IntoIterator<Item = GuardedEndpoint>) -> Self {
        self.services = Arc::new(services.into_iter().map(|service| (service.iri().clone(), service)).collect());
        self
    }

    /// Where the links of other times come from.
    #[must_use]
    pub fn with_history(self, history: Arc<dyn LinkHistory>) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The views that requests can ask for by name.
    #[must_use]
    pub fn with_views(self, views: BTreeMap<String, View>) -> Self {
        Self { views, ..self }
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.current.catalogue
    }

    /// The mesh with the links of the present.
    #[cfg(test)]
    pub(crate) fn current(&self) -> &Snapshot {
        &self.current
    }

    /// What a request is about: the mesh it sees, and whether in the thread view.
    pub(crate) async fn seen(&self, request: &QueryRequest) -> Result<(Snapshot, bool), QueryError> {
        let view = request.view.resolve(&Pragmas::of_text(&request.text)?, &self.views)?;
        let timeout = request.timeout.unwrap_or(self.limits.timeout).min(self.limits.timeout);
        let snapshot = snapshot_at(&self.current, self.history.as_ref(), &view.time);
        match tokio::time::timeout(timeout, snapshot).await {
            Ok(snapshot) => Ok((snapshot?, view.thread)),
            Err(_) => {
                let message = format!("reading the links of another time took longer than {timeout:?}");
                Err(QueryError::new(Code::DeadlineExceeded, Fault::Broker, message))
            }
        }
    }

    pub fn limits(&self) -> &EngineLimits {
        &self.limits
    }

    /// Plans a query and starts it. No source is asked before the rows are polled, except for ASK.
    pub async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        let report = self.report();
        let (seen, thread) = self.seen(&request).await?;
        let run = self.run(&request, &report, &seen);
        let deadline = run.context.deadline;
        let (plan, root) = self.prepare(&request, thread, &seen, Some(run)).await?;
        report.planned();
        let Some(root) = root else { return Err(internal("a plan without operators")) };
        self.start(&plan.form, root, self.task(None)?, deadline, report).await
    }

    #[cfg(test)]
    pub(crate) fn observed(&self) -> Arc<weft_plan::Observed> {
        self.observations.snapshot()
    }

    /// The report of a query that begins now.
    pub(crate) fn report(&self) -> ReportHandle {
        ReportHandle::new(std::time::Instant::now()).observed_by(&self.observations)
    }

    /// Starts the operators of a plan.
    pub(crate) async fn start(
        &self,
        form: &Form,
        root: Relation,
        task: Arc<TaskContext>,
        deadline: Instant,
        report: ReportHandle,
    ) -> Result<Answer, QueryError> {
        let batches = apart(root.plan.execute(0, task)?, deadline);
        let answer = AnswerStream { batches, deadline, most: self.limits.answer(), report: report.clone() };
        match form {
            Form::Select(variables) => {
                let rows = Rows::shown(answer, &root.layout, variables);
                Ok(Answer::Solutions(Solutions { variables: variables.clone(), rows, report }))
            }
            Form::Ask => ask(answer, report).await,
            Form::Construct(template) => Ok(Answer::Graph(construct::graph(template, root.layout, answer, report))),
        }
    }

    pub(crate) fn run(&self, request: &QueryRequest, report: &ReportHandle, seen: &Snapshot) -> Run {
        let timeout = request.timeout.unwrap_or(self.limits.timeout).min(self.limits.timeout);
        let mut expressions = ExpressionContext::new(DateTime::now());
        expressions.max_value_bytes = self.limits.value_bytes;
        expressions.max_column_bytes = expressions.max_column_bytes.min(self.limits.memory / 2);
        expressions.max_depth = self.limits.expression_depth;
        Run {
            id: format!("q{}", self.queries.fetch_add(1, Ordering::Relaxed) + 1),
            catalogue: seen.catalogue.clone(),
            sources: seen.sources.clone(),
            services: self.services.clone(),
            context: CallContext {
                deadline: Instant::now() + timeout,
                traceparent: (self.trace_context)().or_else(|| request.traceparent.clone()),
            },
            expressions,
            report: report.clone(),
            limits: RunLimits {
                batch_rows: self.limits.batch_rows,
                batch_bytes: self.limits.batch_bytes,
                read_ahead_rows: self.limits.read_ahead_rows,
                parallel_blocks: self.limits.parallel_blocks,
                parallel_scans: self.limits.parallel_scans,
                rules: self.limits.plan.rules,
            },
            scans: AtomicU64::new(0),
            shared: SharedRelations::default(),
            aliases: seen.catalogue.aliases().cloned(),
            going_on: GoingOn::default(),
            profile: None,
        }
    }

    /// Plans, and builds the operators where there is a run for them, on a thread with a stack of its own.
    pub(crate) async fn prepare(
        &self,
        request: &QueryRequest,
        thread: bool,
        seen: &Snapshot,
        run: Option<Run>,
    ) -> Result<(Arc<Plan>, Option<Relation>), QueryError> {
        let question = Question {
            text: request.text.clone(),
            base_iri: request.base_iri.clone(),
            dataset: dataset(request)?,
            thread,
        };
        // Dropped with this call: a plan that nobody waits for any more is not finished.
        let wanted = Wanted::default();
        let observed = self.observations.snapshot();
        let limits = PlanLimits { cancelled: wanted.0.clone(), observed, ..self.limits.plan.clone() };
        let (catalogue, plans) = (seen.catalogue.clone(), self.plans.clone());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = move || {
            let prepared = plans.plan(question, &catalogue, &limits).and_then(|plan| {
                let build = |mut run: Run| {
                    run.expressions.base_iri = plan.base_iri.clone().and_then(|base| Iri::parse(base).ok());
                    physical::build(&Arc::new(run), &plan.root, None)
                };
                let root = run.map(build).transpose()?;
                Ok((plan, root))
            });
            // The caller may have gone away.
            let _ = sender.send(prepared);
        };
        let thread = std::thread::Builder::new().name("weft-plan".to_owned()).stack_size(self.limits.plan.stack);
        let spawned = thread.spawn(work);
        spawned.map_err(|error| internal("a thread for planning could not be started").with(error))?;
        receiver.await.map_err(|error| internal("planning ended without a result").with(error))?
    }

    /// What operators run in, with a pool of memory of their own or this one.
    pub(crate) fn task(&self, pool: Option<Arc<dyn MemoryPool>>) -> Result<Arc<TaskContext>, QueryError> {
        let builder = RuntimeEnvBuilder::new();
        let builder = match pool {
            Some(pool) => builder.with_memory_pool(pool),
            None => builder.with_memory_limit(self.limits.memory, 1.0),
        };
        let runtime = builder.build_arc()?;
        Ok(Arc::new(TaskContext::new(
            None,
            String::new(),
            SessionConfig::new()
                .with_target_partitions(1)
                .with_sort_spill_reservation_bytes(self.limits.memory / SPILLED_PART),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            runtime,
        )))
    }
}

/// This part of the memory of a query is kept for putting together again what a sort wrote to disk.
const SPILLED_PART: usize = 8;

/// Tells the planner, when it is dropped, that nobody waits for the plan.
#[derive(Default)]
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The dataset the request chooses (SPARQL 1.1 Protocol section 2.1.4).
fn dataset(request: &QueryRequest) -> Result<Option<Dataset>, QueryError> {
    if request.default_graphs.is_empty() && request.named_graphs.is_empty() {
        return Ok(None);
    }
    let nodes = |iris: &[String]| {
        let node = |iri: &String| {
            NamedNode::new(iri).map_err(|error| {
                QueryError::new(Code::InvalidRequest, Fault::Caller, format!("graph {iri:?}: {error}"))
            })
        };
        iris.iter().map(node).collect::<Result<Vec<_>, _>>()
    };
    Ok(Some(Dataset { default: nodes(&request.default_graphs)?, named: nodes(&request.named_graphs)? }))
}

pub(crate) fn internal(message: &str) -> QueryError {
    QueryError::new(Code::Internal, Fault::Broker, message)
}

impl QueryError {
    fn with(mut self, cause: impl std::fmt::Display) -> Self {
        self.detail = Some(cause.to_string());
        self
    }
}

async fn ask(answer: AnswerStream, report: ReportHandle) -> Result<Answer, QueryError> {
    let mut value = false;
    let mut counts = answer.read(|batch| Ok((batch.num_rows(), 0)));
    while !value && let Some(rows) = counts.next().await {
        value = rows? > 0;
    }
    drop(counts);
    report.end(true);
    Ok(Answer::Boolean { value, report: report.snapshot() })
}

impl EngineLimits {
    fn answer(&self) -> AnswerLimits {
        AnswerLimits { rows: self.result_rows, bytes: self.result_bytes }
    }
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}
