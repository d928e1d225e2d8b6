//! The engine: text in, rows of terms out.

use crate::columns::{Layout, rows};
use crate::construct;
use crate::deadline::within;
use crate::error::QueryError;
use crate::expression::ExpressionContext;
use crate::physical::{self, Relation, Run, RunLimits, SharedRelations};
use crate::report::{Report, ReportHandle};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::runtime_env::RuntimeEnvBuilder;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use oxiri::Iri;
use oxrdf::vocab::xsd;
use oxrdf::{NamedNode, Term, Variable};
use oxsdatatypes::DateTime;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use weft_connector::{CallContext, Guarded, GuardedEndpoint};
use weft_model::contract::KeyBlock;
use weft_model::term::{TermType, encode_literal};
use weft_model::{Code, Fault};
use weft_plan::{Catalogue, Dataset, Form, Plan, PlanLimits, Request, Scan, explain_json, explain_text, plan};

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
    /// Stack of the thread that plans, in bytes: parsing recurses.
    pub planning_stack: usize,
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
            planning_stack: 64 << 20,
        }
    }
}

/// Answers queries over a snapshot of sources. Share it by reference or `Arc`.
#[derive(Debug)]
pub struct Engine {
    catalogue: Arc<Catalogue>,
    sources: Arc<HashMap<Arc<str>, Guarded>>,
    services: Arc<HashMap<Arc<str>, GuardedEndpoint>>,
    limits: EngineLimits,
    trace_context: fn() -> Option<String>,
    queries: AtomicU64,
}

#[derive(Debug)]
pub enum Answer {
    Solutions(Solutions),
    Graph(GraphAnswer),
    Boolean { value: bool, report: Report },
}

/// The rows of a SELECT. Dropping them cancels everything below.
pub struct Solutions {
    pub variables: Vec<Variable>,
    /// Batches of rows, one entry a variable. The answer is whole only when the stream ends without an error.
    pub rows: BoxStream<'static, Result<Vec<Vec<Option<Term>>>, QueryError>>,
    pub report: ReportHandle,
}

impl std::fmt::Debug for Solutions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solutions").field("variables", &self.variables).field("report", &self.report).finish()
    }
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

/// A plan and what its scans send.
#[derive(Debug)]
pub struct Explanation {
    plan: Plan,
    statements: Vec<Vec<String>>,
}

impl Explanation {
    pub fn to_text(&self) -> String {
        explain_text(&self.plan, &self.statements)
    }

    pub fn to_json(&self) -> serde_json::Value {
        explain_json(&self.plan, &self.statements)
    }
}

impl Engine {
    pub fn new(catalogue: Catalogue, sources: HashMap<Arc<str>, Guarded>, limits: EngineLimits) -> Self {
        Self {
            catalogue: Arc::new(catalogue),
            sources: Arc::new(sources),
            services: Arc::default(),
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

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub fn limits(&self) -> &EngineLimits {
        &self.limits
    }

    /// Plans a query and starts it. No source is asked before the rows are polled, except for ASK.
    pub async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        let report = ReportHandle::new(std::time::Instant::now());
        let run = self.run(&request, &report);
        let deadline = run.context.deadline;
        let (plan, root) = self.prepare(&request, Some(run)).await?;
        report.planned();
        let Some(root) = root else { return Err(internal("a plan without operators")) };
        let batches = root.plan.execute(0, self.task()?)?;
        let names = root.layout.variables().to_vec();
        let rows = bounded(deadline, self.limits.answer(), report.clone(), root.layout, batches);
        match plan.form {
            Form::Select(variables) => {
                let rows = selected(rows, &names, &variables);
                Ok(Answer::Solutions(Solutions { variables, rows, report }))
            }
            Form::Ask => ask(rows, report).await,
            Form::Construct(template) => Ok(Answer::Graph(construct::graph(template, names, rows, report))),
        }
    }

    /// Plans a query and asks each connector what it would send. No system is touched.
    pub async fn explain(&self, request: QueryRequest) -> Result<Explanation, QueryError> {
        let report = ReportHandle::new(std::time::Instant::now());
        let run = self.run(&request, &report);
        let (plan, _) = self.prepare(&request, None).await?;
        let mut statements = Vec::new();
        for request in plan.root.requests() {
            statements.push(match request {
                Request::Scan(scan) => self.statements(&run, scan).await,
                Request::Service(service) => vec![physical::explain_service(&run, service)],
            });
        }
        Ok(Explanation { plan, statements })
    }

    /// A connector that is down does not keep its plan from being shown.
    async fn statements(&self, run: &Run, scan: &Scan) -> Vec<String> {
        let Some(source) = self.sources.get(&scan.source) else { return Vec::new() };
        let request = physical::request(run, scan, scan.slot.as_ref().and_then(placeholder_keys));
        match source.explain(&run.context, request).await {
            Ok(statements) => statements,
            Err(error) => vec![format!("not known: {error}")],
        }
    }

    fn run(&self, request: &QueryRequest, report: &ReportHandle) -> Run {
        let timeout = request.timeout.unwrap_or(self.limits.timeout).min(self.limits.timeout);
        let mut expressions = ExpressionContext::new(DateTime::now());
        expressions.max_value_bytes = self.limits.value_bytes;
        expressions.max_column_bytes = expressions.max_column_bytes.min(self.limits.memory / 2);
        expressions.max_depth = self.limits.expression_depth;
        Run {
            id: format!("q{}", self.queries.fetch_add(1, Ordering::Relaxed) + 1),
            sources: self.sources.clone(),
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
            },
            scans: AtomicU64::new(0),
            shared: SharedRelations::default(),
        }
    }

    /// Plans, and builds the operators where there is a run for them, on a thread with a stack of its own.
    async fn prepare(&self, request: &QueryRequest, run: Option<Run>) -> Result<(Plan, Option<Relation>), QueryError> {
        let dataset = dataset(request)?;
        let (text, base_iri) = (request.text.clone(), request.base_iri.clone());
        // Dropped with this call: a plan that nobody waits for any more is not finished.
        let wanted = Wanted::default();
        let limits = PlanLimits { cancelled: wanted.0.clone(), ..self.limits.plan.clone() };
        let catalogue = self.catalogue.clone();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = move || {
            let prepared =
                plan(&text, base_iri.as_deref(), dataset.as_ref(), &catalogue, &limits).map_err(QueryError::from);
            let prepared = prepared.and_then(|plan| {
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
        let thread = std::thread::Builder::new().name("weft-plan".to_owned()).stack_size(self.limits.planning_stack);
        let spawned = thread.spawn(work);
        spawned.map_err(|error| internal("a thread for planning could not be started").with(error))?;
        receiver.await.map_err(|error| internal("planning ended without a result").with(error))?
    }

    fn task(&self) -> Result<Arc<TaskContext>, QueryError> {
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(self.limits.memory, 1.0).build_arc()?;
        Ok(Arc::new(TaskContext::new(
            None,
            String::new(),
            SessionConfig::new().with_target_partitions(1),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            runtime,
        )))
    }
}

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

fn internal(message: &str) -> QueryError {
    QueryError::new(Code::Internal, Fault::Broker, message)
}

impl QueryError {
    fn with(mut self, cause: impl std::fmt::Display) -> Self {
        self.detail = Some(cause.to_string());
        self
    }
}

/// Batches of rows with a cell a variable.
type Rows = BoxStream<'static, Result<Vec<Vec<Option<Term>>>, QueryError>>;

/// Rows with the cells of these variables only: the plan may carry others along.
fn selected(rows: Rows, names: &[Variable], variables: &[Variable]) -> Rows {
    if names == variables {
        return rows;
    }
    let places: Vec<Option<usize>> = variables.iter().map(|v| names.iter().position(|name| name == v)).collect();
    let select = move |mut row: Vec<Option<Term>>| -> Vec<Option<Term>> {
        places.iter().map(|place| place.and_then(|place| row.get_mut(place)?.take())).collect()
    };
    rows.map(move |batch| Ok(batch?.into_iter().map(&select).collect())).boxed()
}

async fn ask(
    mut rows: BoxStream<'static, Result<Vec<Vec<Option<Term>>>, QueryError>>,
    report: ReportHandle,
) -> Result<Answer, QueryError> {
    let mut value = false;
    while !value && let Some(batch) = rows.next().await {
        value = !batch?.is_empty();
    }
    drop(rows);
    report.end(true);
    Ok(Answer::Boolean { value, report: report.snapshot() })
}

/// What an answer may have.
#[derive(Clone, Copy)]
struct AnswerLimits {
    rows: u64,
    bytes: u64,
}

impl EngineLimits {
    fn answer(&self) -> AnswerLimits {
        AnswerLimits { rows: self.result_rows, bytes: self.result_bytes }
    }
}

/// Reads batches as terms until the end, the deadline or a limit of the answer.
fn bounded(
    deadline: Instant,
    most: AnswerLimits,
    report: ReportHandle,
    layout: Layout,
    batches: datafusion_execution::SendableRecordBatchStream,
) -> BoxStream<'static, Result<Vec<Vec<Option<Term>>>, QueryError>> {
    let state = (batches, report, layout, false);
    stream::unfold(state, move |(mut batches, report, layout, over)| async move {
        if over {
            return None;
        }
        let next = match timeout_at(deadline, within(deadline, batches.next())).await {
            Ok(None) => {
                report.end(true);
                return None;
            }
            Ok(Some(batch)) => batch.map_err(QueryError::from).and_then(|batch| terms(&batch, &layout, &report, most)),
            Err(_) => {
                let message = "the query took longer than its timeout allows";
                Err(QueryError::new(Code::DeadlineExceeded, Fault::Caller, message))
            }
        };
        let failed = next.is_err();
        if failed {
            report.end(false);
        }
        Some((next, (batches, report, layout, failed)))
    })
    .boxed()
}

fn terms(
    batch: &RecordBatch,
    layout: &Layout,
    report: &ReportHandle,
    most: AnswerLimits,
) -> Result<Vec<Vec<Option<Term>>>, QueryError> {
    let exceeded = |what: &str, limit: &str, most: u64| {
        let message = format!("the answer has more {what} than limits.{limit} allows ({most})");
        Err(QueryError::new(Code::LimitExceeded, Fault::Caller, message))
    };
    if report.add_rows(batch.num_rows() as u64) > most.rows {
        return exceeded("rows", "result_rows", most.rows);
    }
    let rows = rows(batch, layout)?;
    let bytes = rows.iter().flatten().flatten().map(text_bytes).sum();
    if report.add_bytes(bytes) > most.bytes {
        return exceeded("bytes", "result_bytes", most.bytes);
    }
    Ok(rows)
}

fn text_bytes(term: &Term) -> u64 {
    let length = match term {
        Term::NamedNode(node) => node.as_str().len(),
        Term::BlankNode(node) => node.as_str().len(),
        Term::Literal(literal) => literal.value().len() + literal.datatype().as_str().len(),
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => 0,
    };
    length as u64
}

/// A key block that shows where keys go: one row of nothing in particular.
fn placeholder_keys(slot: &weft_plan::KeySlot) -> Option<KeyBlock> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in &slot.columns {
        for (name, data_type) in column.columns.iter().zip(column.term_type.columns()) {
            fields.push(Field::new(name, data_type.clone(), false));
            arrays.push(placeholder(&data_type, column.term_type == TermType::General)?);
        }
    }
    let columns = fields.iter().map(|field| field.name().clone()).collect();
    let keys = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).ok()?;
    Some(KeyBlock { columns, keys })
}

fn placeholder(data_type: &DataType, encoded: bool) -> Option<ArrayRef> {
    const MARK: &str = "?";
    let scalar = match data_type {
        DataType::Utf8View if encoded => ScalarValue::Utf8View(Some(encode_literal(MARK, xsd::STRING.as_str()))),
        DataType::Utf8View => ScalarValue::Utf8View(Some(MARK.to_owned())),
        other => ScalarValue::new_zero(other).ok()?,
    };
    scalar.to_array().ok()
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}
