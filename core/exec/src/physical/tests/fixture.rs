//! Sources of rows of two numbers, which tell what they were asked.

use crate::columns::rows;
use crate::physical::{Run, build};
use crate::report::Report;
use crate::{Answer, Engine, EngineLimits, QueryError, QueryRequest};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use oxrdf::{NamedNode, Term};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use weft_connector::{CallContext, Connector, GuardLimits, Guarded, ScanEvent, ScanStream};
use weft_mapping::{InvalidValues, Mapping, VirtualGraph};
use weft_model::contract::{
    Binding, Capability, Check, Column, CompareOperator, ContractError, ContractRange, DataType, Description, End,
    Expression, FilterCapability, FilterOperation, Outcome, Read, Relation, RelationalCapabilities, ScanRequest,
    Statistic, Table, TextComparison, Value,
};
use weft_model::{Code, Fault};
use weft_plan::{Catalogue, Node, NodeKind, Plan, PlanLimits};

const BASE: &str = "http://example.com/";

/// A table `items` of ids, each with a value.
#[derive(Debug)]
pub(super) struct Source {
    name: &'static str,
    description: Description,
    rows: Mutex<Vec<(i64, i64)>>,
    batch: usize,
    /// Before each batch.
    pub(super) delay: Duration,
    /// The request that fails after its first batch, counted from 0.
    pub(super) failing: Option<usize>,
    requests: Mutex<Vec<Read>>,
    running: Arc<AtomicUsize>,
    peak: AtomicUsize,
    sent: Arc<AtomicUsize>,
}

impl Source {
    /// Subjects are `http://example.com/part/ID`, and the predicate is the name of the source.
    pub(super) fn new(name: &'static str, rows: Vec<(i64, i64)>) -> Self {
        let declared = rows.len() as u64;
        let column = |name: &str| Column {
            name: name.to_owned(),
            data_type: DataType::Int64,
            nullable: false,
            native_type: String::new(),
            unit: None,
            text_comparison: TextComparison::Unknown,
            binding: Binding::Optional,
            filterable: true,
            sortable: true,
            distinct: None,
        };
        let filter = |operation| FilterCapability { operation, data_type: None, level: Capability::Exact };
        let table = Table {
            name: "items".to_owned(),
            columns: vec![column("id"), column("value")],
            keys: vec![vec!["id".to_owned(), "value".to_owned()]],
            foreign_keys: Vec::new(),
            rows: Some(Statistic { count: declared, measured_at: 0 }),
            filters: [FilterOperation::Equal, FilterOperation::Range, FilterOperation::In].map(filter).to_vec(),
            max_keys: 10_000,
            sql: None,
        };
        let description = Description {
            name: name.to_owned(),
            version: "1".to_owned(),
            contract: ContractRange { min: 1, max: 1 },
            config_schema: "{}".to_owned(),
            tables: vec![table],
            relational: RelationalCapabilities { max_concurrency: 16, ..RelationalCapabilities::read_only() },
            default_mapping: None,
            change_feed: None,
        };
        Self {
            name,
            description,
            rows: Mutex::new(rows),
            batch: 100,
            delay: Duration::ZERO,
            failing: None,
            requests: Mutex::default(),
            running: Arc::default(),
            peak: AtomicUsize::new(0),
            sent: Arc::default(),
        }
    }

    pub(super) fn declaring(mut self, rows: u64) -> Self {
        self.description.tables[0].rows = Some(Statistic { count: rows, measured_at: 0 });
        self
    }

    pub(super) fn limiting(self) -> Self {
        self.described(|description| description.relational.limit = Capability::Exact)
    }

    pub(super) fn described(mut self, change: impl FnOnce(&mut Description)) -> Self {
        change(&mut self.description);
        self
    }

    pub(super) fn slow(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub(super) fn in_batches_of(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    pub(super) fn failing_at(self, request: usize) -> Self {
        Self { failing: Some(request), ..self }
    }

    /// From now on it has these rows. It declares as many as before.
    pub(super) fn changes_to(&self, rows: Vec<(i64, i64)>) {
        *self.rows.lock().unwrap() = rows;
    }

    /// What was asked so far.
    pub(super) fn requests(&self) -> Vec<Read> {
        self.requests.lock().unwrap().clone()
    }

    /// The number of keys of each request, in order; nothing for one that asks for everything.
    pub(super) fn keys(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(|read| read.keys.as_ref().map(|block| block.keys.num_rows())).collect()
    }

    /// Scans that are open now, and the most that were at once.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    /// Rows that were sent.
    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    fn graph(&self) -> VirtualGraph {
        let document = format!(
            "@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix ex: <http://example.com/vocab#> .
            <#items> rr:logicalTable [ rr:tableName \"items\" ] ;
            rr:subjectMap [ rr:template \"http://example.com/part/{{id}}\" ] ;
            rr:predicateObjectMap [ rr:predicate ex:{} ; rr:objectMap [ rr:column \"value\" ] ] .",
            self.name
        );
        let mapping = Mapping::parse("mapping.ttl", &document, BASE).unwrap();
        let graph = NamedNode::new(format!("urn:weft:source:{}", self.name)).unwrap();
        let description = Arc::new(self.description.clone());
        let graph = VirtualGraph::new(self.name, graph, &mapping, description, BASE).unwrap();
        VirtualGraph { invalid_values: InvalidValues::Refuse, ..graph }
    }

    fn wanted(&self, read: &Read) -> Vec<(i64, i64)> {
        let keys: Option<Vec<Vec<i64>>> = read.keys.as_ref().map(|block| {
            let columns: Vec<_> = block.keys.columns().iter().map(|c| c.as_primitive::<Int64Type>()).collect();
            (0..block.keys.num_rows()).map(|row| columns.iter().map(|c| c.value(row)).collect()).collect()
        });
        let keys: Option<std::collections::HashSet<Vec<i64>>> = keys.map(|keys| keys.into_iter().collect());
        let names = read.keys.as_ref().map_or(&[] as &[String], |block| &block.columns);
        let wanted = |row: &&(i64, i64)| {
            let own: Vec<i64> = names.iter().map(|name| cell(**row, name)).collect();
            keys.as_ref().is_none_or(|keys| keys.contains(&own))
                && read.filter.as_ref().is_none_or(|filter| holds(filter, **row))
        };
        let most = read.limit.map_or(usize::MAX, |most| usize::try_from(most).unwrap());
        self.rows.lock().unwrap().iter().filter(wanted).take(most).copied().collect()
    }
}

fn cell(row: (i64, i64), name: &str) -> i64 {
    match name {
        "id" => row.0,
        "value" => row.1,
        other => panic!("no column {other}"),
    }
}

fn holds(condition: &Expression, row: (i64, i64)) -> bool {
    let value = |expression: &Expression| match expression {
        Expression::Column(column) => cell(row, &column.name),
        Expression::Literal(Value::Int64(n)) => *n,
        other => panic!("{other:?} is not offered"),
    };
    match condition {
        Expression::And(parts) => parts.iter().all(|part| holds(part, row)),
        Expression::Compare { operator, left, right } => {
            let (l, r) = (value(left), value(right));
            match operator {
                CompareOperator::Equal => l == r,
                CompareOperator::NotEqual => l != r,
                CompareOperator::Less => l < r,
                CompareOperator::LessOrEqual => l <= r,
                CompareOperator::Greater => l > r,
                CompareOperator::GreaterOrEqual => l >= r,
            }
        }
        Expression::In { input, values } => values.contains(&Value::Int64(value(input))),
        other => panic!("{other:?} is not offered"),
    }
}

/// A scan that is open; closed when it is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Connector for Source {
    async fn describe(&self, _: &CallContext) -> Result<Description, ContractError> {
        Ok(self.description.clone())
    }

    async fn check(&self, _: &CallContext, _: &[String]) -> Result<Check, ContractError> {
        Ok(Check { system: "rows".to_owned(), tables: Vec::new() })
    }

    async fn scan(&self, _: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let Relation::Read(read) = &request.relation else { panic!("{:?} is not offered", request.relation) };
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(read.clone());
            requests.len() - 1
        };
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(running, Ordering::SeqCst);
        let open = Open(self.running.clone());
        let wanted = self.wanted(read);
        let columns = read.columns.clone();
        let batches: Vec<RecordBatch> = wanted.chunks(self.batch).map(|rows| batch(&columns, rows)).collect();
        let mut events: Vec<Result<ScanEvent, ContractError>> =
            batches.into_iter().map(|batch| Ok(ScanEvent::Batch(batch))).collect();
        let end = End { outcome: Outcome::Complete, rows: wanted.len() as u64, statements: vec!["items".to_owned()] };
        events.push(Ok(ScanEvent::End(end)));
        if self.failing == Some(number) {
            events.truncate(1);
            events.push(Err(ContractError::new(Code::SourceFailed, Fault::Source, "the disk is on fire")));
        }
        let (delay, sent) = (self.delay, self.sent.clone());
        Ok(stream::iter(events)
            .then(move |event| {
                let (_open, sent) = (&open, sent.clone());
                async move {
                    if !delay.is_zero() {
                        tokio::time::sleep(delay).await;
                    }
                    if let Ok(ScanEvent::Batch(batch)) = &event {
                        sent.fetch_add(batch.num_rows(), Ordering::SeqCst);
                    }
                    event
                }
            })
            .boxed())
    }
}

fn batch(columns: &[String], rows: &[(i64, i64)]) -> RecordBatch {
    let array = |name: &String| Arc::new(rows.iter().map(|row| cell(*row, name)).collect::<Int64Array>()) as ArrayRef;
    RecordBatch::try_from_iter(columns.iter().map(|name| (name, array(name)))).unwrap()
}

/// An engine over these sources.
pub(super) struct Mesh {
    engine: Engine,
    guards: GuardLimits,
    sources: Vec<Arc<Source>>,
}

pub(super) type Rows = Vec<Vec<Option<String>>>;

impl Mesh {
    pub(super) fn new(sources: Vec<Source>, limits: EngineLimits) -> Self {
        let guards = GuardLimits { retries: 0, breaker_failures: 0, ..GuardLimits::default() };
        Self::guarded(sources, limits, guards)
    }

    pub(super) fn guarded(sources: Vec<Source>, limits: EngineLimits, guards: GuardLimits) -> Self {
        let sources: Vec<Arc<Source>> = sources.into_iter().map(Arc::new).collect();
        let engine = engine(&sources, limits, &guards);
        Self { engine, guards, sources }
    }

    /// The same sources under other limits, none of them asked so far.
    pub(super) fn under(&self, limits: EngineLimits) -> Self {
        self.sources.iter().for_each(|source| source.requests.lock().unwrap().clear());
        Self {
            engine: engine(&self.sources, limits, &self.guards),
            guards: self.guards.clone(),
            sources: self.sources.clone(),
        }
    }

    pub(super) fn source(&self, name: &str) -> &Source {
        self.sources.iter().find(|source| source.name == name).unwrap()
    }

    pub(super) fn plan(&self, query: &str) -> Plan {
        weft_plan::plan(&text(query), None, None, self.engine.catalogue(), &self.engine.limits().plan).unwrap()
    }

    /// The plan that the next query gets, with what earlier ones showed.
    pub(super) fn learned_plan(&self, query: &str) -> Plan {
        let limits = PlanLimits { observed: self.engine.observed(), ..self.engine.limits().plan.clone() };
        weft_plan::plan(&text(query), None, None, self.engine.catalogue(), &limits).unwrap()
    }

    /// The number of solutions of a query that is planned and run by the engine, which learns from it.
    pub(super) async fn query(&self, query: &str) -> Result<usize, QueryError> {
        let request = QueryRequest { text: text(query), ..QueryRequest::default() };
        let Answer::Solutions(mut solutions) = self.engine.query(request).await? else {
            panic!("{query} is no SELECT")
        };
        let mut count = 0;
        while let Some(rows) = solutions.rows.next().await {
            count += rows?.len();
        }
        Ok(count)
    }

    /// The answer to a query, sorted.
    pub(super) async fn ask(&self, query: &str) -> Result<Rows, QueryError> {
        let mut rows = self.run(&self.plan(query).root).await?.0;
        rows.sort();
        Ok(rows)
    }

    /// The rows of a plan in their order, and what they cost.
    pub(super) async fn run(&self, root: &Node) -> Result<(Rows, Report), QueryError> {
        let mut batches = self.start(root)?;
        let mut found = Rows::new();
        while let Some(batch) = batches.rows.next().await {
            let terms = rows(&batch?, &batches.layout)?;
            let text = |term: Option<Term>| term.map(|term| term.to_string());
            found.extend(terms.into_iter().map(|row| row.into_iter().map(text).collect::<Vec<_>>()));
        }
        Ok((found, batches.report.snapshot()))
    }

    pub(super) fn start(&self, root: &Node) -> Result<Started, QueryError> {
        let report = self.engine.report();
        let run: Run = self.engine.run(&QueryRequest::default(), &report, self.engine.current());
        let relation = build(&Arc::new(run), root, None)?;
        let rows = relation.plan.execute(0, self.engine.task(None)?)?;
        Ok(Started { rows, layout: relation.layout, report })
    }
}

fn text(query: &str) -> String {
    format!("PREFIX ex: <http://example.com/vocab#> {query}")
}

pub(super) struct Started {
    pub(super) rows: datafusion_execution::SendableRecordBatchStream,
    pub(super) layout: crate::columns::Layout,
    report: crate::ReportHandle,
}

fn engine(sources: &[Arc<Source>], limits: EngineLimits, guards: &GuardLimits) -> Engine {
    let graphs = sources.iter().map(|source| source.graph()).collect();
    let guarded = |source: &Arc<Source>| {
        let name: Arc<str> = source.name.into();
        (name.clone(), Guarded::new(name, source.clone(), guards.clone()))
    };
    let guarded: HashMap<_, _> = sources.iter().map(guarded).collect();
    Engine::new(Catalogue::new(graphs, Vec::new()), guarded, limits)
}

/// Changes every join of a plan.
pub(super) fn change_joins(node: &mut Node, change: &mut dyn FnMut(&mut NodeKind)) {
    if matches!(node.kind, NodeKind::Join { .. }) {
        change(&mut node.kind);
    }
    match &mut node.kind {
        NodeKind::Join { left, right, .. } => {
            change_joins(left, change);
            change_joins(Arc::make_mut(right), change);
        }
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| change_joins(input, change)),
        NodeKind::Filter { input, .. }
        | NodeKind::Extend { input, .. }
        | NodeKind::Project { input }
        | NodeKind::Distinct { input }
        | NodeKind::Sort { input, .. }
        | NodeKind::Slice { input, .. } => change_joins(input, change),
        _ => {}
    }
}
