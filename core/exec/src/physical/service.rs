//! SERVICE: a pattern another SPARQL endpoint answers (SPARQL 1.1 Federated Query).
//!
//! On the right of a bind join the solutions of the left are shipped with the query, in blocks. The join itself is still
//! made here: what is shipped only keeps the endpoint from sending what would not join.

mod certain;
mod keys;
mod text;

#[cfg(test)]
mod tests;

use super::keys::KeySource;
use super::stream_exec::StreamExec;
use super::{Relation, Run, layout};
use crate::columns::Layout;
use crate::error::QueryError;
use crate::report::SourceCall;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringViewArray, new_null_array};
use arrow_schema::DataType;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_execution::TaskContext;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use keys::{Shipment, shipments};
use oxrdf::{NamedNode, Term, Variable};
use std::pin::pin;
use std::sync::Arc;
use tokio::time::Instant;
use weft_connector::{GuardedEndpoint, SelectLimits, SelectRequest, SourceError};
use weft_model::contract::ContractError;
use weft_model::term::{TermType, encode};
use weft_model::{Code, Fault};
use weft_plan::{Node, Service, ServiceName};

/// Shipped solutions that are shown where a query is told of.
const SHOWN: usize = 2;
/// Services that are named where one is not found.
const NAMED: usize = 20;

pub(super) fn service(
    run: &Arc<Run>,
    node: &Node,
    service: &Service,
    keys: Option<&KeySource>,
) -> Result<Relation, QueryError> {
    let certain = certain::variables(&service.pattern);
    let named = |variable: &Variable| matches!(&service.endpoint, ServiceName::Variable(name) if name == variable);
    let bound: Vec<bool> = node.bindings.iter().map(|b| certain.contains(&b.variable) || named(&b.variable)).collect();
    let mut optional: Vec<bool> =
        node.bindings.iter().zip(&bound).map(|(b, bound)| !bound || (service.silent && !named(&b.variable))).collect();
    let variables = node.bindings.iter().map(|b| (b.variable.clone(), TermType::General)).collect();
    let layout = layout(variables, &mut optional);
    let ships = service.block.is_some() && keys.is_some();
    let rows = Rows { node: node.id, ships, layout: layout.clone(), bound, asked: asked(service) };
    let calls = calls(run, service, keys)?;
    let (run, silent, schema, rows) = (run.clone(), service.silent, layout.schema().clone(), Arc::new(rows));
    let plan = StreamExec::new("Service", schema.clone(), move |context| {
        let (run, rows) = (run.clone(), rows.clone());
        let answers = stream::iter(calls.clone()).flat_map(move |call| match silent {
            true => call.answer_or_shipped(run.clone(), rows.clone(), context.clone()).boxed(),
            false => call.answer(run.clone(), rows.clone()).boxed(),
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), answers))
    });
    Ok(Relation { plan, layout, optional })
}

/// The query of a service as EXPLAIN shows it, or why there is none.
pub(crate) fn explain(run: &Run, service: &Service) -> String {
    let query = text::select(&service.variables, &service.pattern);
    let endpoint = match &service.endpoint {
        ServiceName::Variable(_) => None,
        ServiceName::Iri(iri) => match run.services.get(iri.as_str()) {
            Some(endpoint) => Some(endpoint),
            None => return format!("nothing: {}", unknown(run, iri.as_str()).message),
        },
    };
    let Some(block) = service.block else { return query };
    let most = endpoint.map_or(block, |endpoint| block.min(endpoint.select_limits().solutions));
    format!("{query} # with at most {most} solutions shipped at once")
}

/// One request, with the part of the left it is for.
#[derive(Clone)]
struct Call {
    /// What the variable that names the endpoint is bound to.
    name: Option<(Variable, Term)>,
    /// An error where the term is no service, which SILENT takes for one that fails.
    endpoint: Result<GuardedEndpoint, QueryError>,
    shipment: Shipment,
    query: String,
    statement: String,
}

/// The requests, in the order in which they are sent.
fn calls(run: &Run, service: &Service, keys: Option<&KeySource>) -> Result<Vec<Call>, QueryError> {
    // A pattern that is not marked for it may not see the left, as in a sub-query.
    let keys = keys.filter(|_| service.block.is_some());
    let variable = match &service.endpoint {
        ServiceName::Iri(_) => None,
        ServiceName::Variable(variable) => Some(variable),
    };
    if variable.is_none() && !service.silent {
        // Also where the left turns out to be empty: a query is answered or refused whatever the data is.
        endpoint(run, service, None)?;
    }
    let shipments = match (keys, variable) {
        (Some(keys), _) => shipments(keys, &service.variables, variable)?,
        (None, None) => vec![(None, Shipment::open())],
        (None, Some(variable)) => return Err(unbound(variable)),
    };
    let mut calls = Vec::new();
    for (term, shipment) in shipments {
        let name = match (variable, term) {
            (None, _) => None,
            (Some(variable), Some(term)) => Some((variable.clone(), term)),
            (Some(variable), None) => return Err(unbound(variable)),
        };
        let endpoint = endpoint(run, service, name.as_ref());
        if let Err(error) = &endpoint
            && !service.silent
        {
            return Err(error.clone());
        }
        calls.extend(parts(service, name, &endpoint, shipment));
    }
    Ok(calls)
}

fn endpoint(run: &Run, service: &Service, name: Option<&(Variable, Term)>) -> Result<GuardedEndpoint, QueryError> {
    let iri: &NamedNode = match (&service.endpoint, name) {
        (ServiceName::Iri(iri), _) | (_, Some((_, Term::NamedNode(iri)))) => iri,
        (ServiceName::Variable(variable), Some((_, term))) => {
            let term = shown(&term.to_string());
            let message = format!("SERVICE {variable}: {term} is not an IRI");
            return Err(QueryError {
                source_name: Some(term),
                ..QueryError::new(Code::InvalidQuery, Fault::Caller, message)
            });
        }
        (ServiceName::Variable(variable), None) => return Err(unbound(variable)),
    };
    run.services.get(iri.as_str()).cloned().ok_or_else(|| unknown(run, iri.as_str()))
}

fn unbound(variable: &Variable) -> QueryError {
    let message =
        format!("SERVICE {variable}: {variable} must be bound by what SERVICE is joined with, in each solution");
    QueryError::new(Code::InvalidQuery, Fault::Caller, message)
}

fn unknown(run: &Run, iri: &str) -> QueryError {
    let mut known: Vec<String> = run.services.keys().map(|iri| format!("<{iri}>")).collect();
    known.sort_unstable();
    let more = if known.len() > NAMED { ", ..." } else { "" };
    known.truncate(NAMED);
    let known = match known.is_empty() {
        true => "none are".to_owned(),
        false => format!("these are: {}{more}", known.join(", ")),
    };
    let message = format!("service <{}> is not configured; {known}", shown(iri));
    QueryError { source_name: Some(iri.to_owned()), ..QueryError::new(Code::PermissionDenied, Fault::Caller, message) }
}

fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

fn parts(
    service: &Service,
    name: Option<(Variable, Term)>,
    endpoint: &Result<GuardedEndpoint, QueryError>,
    shipment: Shipment,
) -> Vec<Call> {
    let limits = match endpoint {
        Ok(endpoint) => endpoint.select_limits(),
        Err(_) => SelectLimits { solutions: usize::MAX, query_bytes: usize::MAX },
    };
    let most = service.block.unwrap_or(usize::MAX).min(limits.solutions).max(1);
    let bare = text::select(&service.variables, &service.pattern).len();
    // The names of the variables, and signs between the terms.
    let overhead = 64 + service.variables.iter().map(|variable| 3 * variable.as_str().len() + 32).sum::<usize>();
    let bytes = limits.query_bytes.saturating_sub(bare + overhead);
    let call = |shipment: Shipment| {
        let (query, statement) = query(service, &shipment);
        Call { name: name.clone(), endpoint: endpoint.clone(), shipment, query, statement }
    };
    shipment.parts(most, bytes).into_iter().map(call).collect()
}

/// The query, and how it is told of.
fn query(service: &Service, shipment: &Shipment) -> (String, String) {
    let select = |shipment: &Shipment| text::select(&service.variables, &shipment.joined_with(service.pattern.clone()));
    let query = select(shipment);
    if shipment.len() <= SHOWN {
        return (query.clone(), query);
    }
    let statement = format!("{} # {SHOWN} of {} shipped solutions", select(&shipment.first(SHOWN)), shipment.len());
    (query, statement)
}

impl Call {
    fn answer(self, run: Arc<Run>, rows: Arc<Rows>) -> impl Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let opened = async move {
            let endpoint = self.endpoint?;
            let request = SelectRequest {
                id: run.next_scan(),
                query: self.query,
                statement: self.statement,
                variables: rows.asked.iter().map(text::name).collect(),
                batch_rows: run.limits.batch_rows,
                batch_bytes: run.limits.batch_bytes,
            };
            let (begun, shipped) = (std::time::Instant::now(), self.shipment.len() as u64);
            let scan = endpoint.select(&run.context, request).await.map_err(failed)?;
            run.report.call(SourceCall {
                node: rows.node,
                source: endpoint.iri().clone(),
                scan: scan.report(),
                keys: rows.ships.then_some(shipped),
                shape: None,
                first_rows: begun.elapsed(),
            });
            let name = self.name;
            Ok::<_, DataFusionError>(scan.map(move |batch| {
                let batch = batch.map_err(failed)?;
                rows.of_answer(&batch, name.as_ref(), endpoint.iri())
            }))
        };
        stream::once(opened).try_flatten()
    }

    /// All of the answer, or else the shipped solutions as they are: a failure is one solution without bindings for each.
    fn answer_or_shipped(
        self,
        run: Arc<Run>,
        rows: Arc<Rows>,
        context: Arc<TaskContext>,
    ) -> impl Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let batches = async move {
            let shipped = rows.of_shipment(&self.shipment, self.name.as_ref())?;
            let held = MemoryConsumer::new("silent service").register(context.memory_pool());
            let answer = self.answer(run.clone(), rows);
            match whole(answer, held).await {
                Ok(answer) => Ok(answer),
                Err(error) => hide(&run, error).map(|()| (vec![shipped], None)),
            }
        };
        let batches = stream::once(batches).map_ok(|(batches, held)| {
            stream::iter(batches).map(move |batch| {
                let _accounted = &held;
                Ok(batch)
            })
        });
        batches.try_flatten()
    }
}

/// Reads an answer to its end, with the memory it takes accounted for.
async fn whole(
    answer: impl Stream<Item = StreamResult<RecordBatch>>,
    held: MemoryReservation,
) -> StreamResult<(Vec<RecordBatch>, Option<MemoryReservation>)> {
    let mut answer = pin!(answer);
    let mut batches = Vec::new();
    while let Some(batch) = answer.next().await.transpose()? {
        held.try_grow(batch.get_array_memory_size())?;
        batches.push(batch);
    }
    Ok((batches, Some(held)))
}

/// SILENT hides what went wrong with the endpoint, and nothing else.
fn hide(run: &Run, error: DataFusionError) -> StreamResult<()> {
    let error = QueryError::from(error);
    let Some(service) = error.source_name.clone().filter(|_| error.code != Code::Internal) else {
        return Err(error.into());
    };
    if Instant::now() >= run.context.deadline {
        return Err(error.into());
    }
    let detail = error.detail.as_deref().unwrap_or_default();
    tracing::warn!(code = %error.code, detail, "SERVICE SILENT goes on without solutions: {error}");
    run.report.failed(service.into());
    Ok(())
}

fn failed(error: SourceError) -> DataFusionError {
    let message = format!("service <{}>: {}", error.source_name, error.error);
    let source_name = Some(error.source_name.to_string());
    DataFusionError::External(Box::new(QueryError { message, source_name, ..error.error.into() }))
}

/// The variables a query asks for: never none, or its solutions could not be counted.
fn asked(service: &Service) -> Vec<Variable> {
    if service.variables.is_empty() {
        return vec![text::row_variable(&service.pattern)];
    }
    service.variables.clone()
}

/// How answers become rows.
struct Rows {
    /// The operator whose rows they are.
    node: usize,
    /// Whether requests bring solutions.
    ships: bool,
    layout: Layout,
    /// Which variables of the layout no answer leaves unbound.
    bound: Vec<bool>,
    /// The columns of an answer.
    asked: Vec<Variable>,
}

impl Rows {
    fn of_answer(
        &self,
        batch: &RecordBatch,
        name: Option<&(Variable, Term)>,
        service: &Arc<str>,
    ) -> StreamResult<RecordBatch> {
        let rows = batch.num_rows();
        let rows = self.batch(rows, |variable| {
            let own = name.filter(|(named, _)| named == variable).map(|(_, term)| encode(term));
            match (self.asked.iter().position(|asked| asked == variable), own) {
                (None, None) => Ok(None),
                (None, Some(name)) => Ok(Some(repeated(&name, rows))),
                (Some(column), None) => Ok(Some(batch.column(column).clone())),
                (Some(column), Some(name)) => {
                    let terms = batch.column(column).as_string_view();
                    let named = terms.iter().map(|term| Some(term.unwrap_or(&name).to_owned()));
                    Ok(Some(Arc::new(named.collect::<StringViewArray>())))
                }
            }
        })?;
        for (column, (variable, bound)) in self.layout.variables().iter().zip(&self.bound).enumerate() {
            if *bound && rows.column(column).null_count() > 0 {
                let message = format!("its answer leaves {variable} unbound, which the pattern binds");
                let error = ContractError::new(Code::InvalidData, Fault::Source, message);
                return Err(failed(SourceError { source_name: service.clone(), error }));
            }
        }
        Ok(rows)
    }

    fn of_shipment(&self, shipment: &Shipment, name: Option<&(Variable, Term)>) -> StreamResult<RecordBatch> {
        let solutions: Vec<Vec<Option<Term>>> = shipment.rows(self.layout.variables()).collect();
        let mut column = 0;
        self.batch(solutions.len(), |variable| {
            let own = name.filter(|(named, _)| named == variable).map(|(_, term)| encode(term));
            let terms = solutions.iter().map(|solution| {
                let shipped = solution[column].as_ref().map(encode);
                own.clone().or(shipped)
            });
            let terms = Arc::new(terms.collect::<StringViewArray>());
            column += 1;
            Ok(Some(terms))
        })
    }

    /// A batch of these rows; columns that are not given are unbound.
    fn batch(
        &self,
        rows: usize,
        mut terms: impl FnMut(&Variable) -> StreamResult<Option<ArrayRef>>,
    ) -> StreamResult<RecordBatch> {
        let mut columns = Vec::new();
        for (variable, field) in self.layout.variables().iter().zip(self.layout.schema().fields()) {
            // The column that stands in for none is not of terms.
            let given = if *field.data_type() == DataType::Utf8View { terms(variable)? } else { None };
            columns.push(given.unwrap_or_else(|| new_null_array(field.data_type(), rows)));
        }
        Ok(RecordBatch::try_new(self.layout.schema().clone(), columns)?)
    }
}

fn repeated(term: &str, rows: usize) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(term, rows)))
}
