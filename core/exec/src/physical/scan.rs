//! Scans: one request to a source, its columns turned into variables.

use super::first_rows::FirstRows;
use super::narrow::{Given, Narrowed, Sideways, narrowed, restrict};
use super::operators::{aligned, select};
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, layout};
use crate::columns::{ColumnExpr, Layout, mapped_columns};
use crate::error::QueryError;
use crate::report::SourceCall;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::sync::Arc;
use std::time::Instant;
use weft_connector::{Guarded, SourceError};
use weft_mapping::InvalidValues;
use weft_model::contract::{ContractError, KeyBlock, Relation as SourceRelation, ScanRequest};
use weft_model::term::TermType;
use weft_model::{Code, Fault};
use weft_plan::{KeyPlace, NarrowedColumn, Node, Scan, ScanOutput, Unpivot, shape_of};

/// The request of a scan, with the keys of a bind join if it takes any.
pub(crate) fn request(run: &Run, scan: &Scan, keys: Option<KeyBlock>) -> ScanRequest {
    let mut relation = scan.relation.clone();
    match scan.slot.as_ref().map(|slot| &slot.place) {
        Some(KeyPlace::Read(alias)) => {
            if let Some(read) = relation.read_mut(alias) {
                read.keys = keys;
            }
        }
        Some(KeyPlace::Start) => {
            if let SourceRelation::Recurse { start, .. } = &mut relation {
                *start = keys;
            }
        }
        None => {}
    }
    ScanRequest {
        id: run.next_scan(),
        relation,
        batch_rows: run.limits.batch_rows,
        batch_bytes: run.limits.batch_bytes,
        explain: false,
    }
}

/// How many keys a request brings.
fn keys_of(request: &ScanRequest) -> Option<u64> {
    let start = match &request.relation {
        SourceRelation::Recurse { start, .. } => start.as_ref(),
        _ => None,
    };
    let keys = request.relation.reads().into_iter().find_map(|read| read.keys.as_ref()).or(start)?;
    Some(keys.keys.num_rows() as u64)
}

pub(super) fn scan(run: &Arc<Run>, node: &Node, scan: &Scan, given: Given<'_>) -> Result<Relation, QueryError> {
    let shape = batches::empty(node);
    let Some(rows) = SourceRows::new(run, node.id, scan, &scan.outputs, given)? else { return Ok(shape) };
    let outputs: Arc<[ScanOutput]> = scan.outputs.clone().into();
    let layout = shape.layout.clone();
    let plan = StreamExec::new("Scan", layout.schema().clone(), move |_| {
        let (rows, outputs, rows_layout) = (rows.clone(), outputs.clone(), layout.clone());
        let read = rows.clone().start().map(move |batch| rows.variables(&batch?, &outputs, &rows_layout));
        Box::pin(RecordBatchStreamAdapter::new(layout.schema().clone(), read))
    });
    Ok(Relation { plan, ..shape })
}

/// A way to read source rows: first as the variables of a scan by itself, then as those of the union of all ways.
struct Way {
    outputs: Vec<ScanOutput>,
    layout: Layout,
    columns: Vec<ColumnExpr>,
}

pub(super) fn unpivot(run: &Arc<Run>, node: &Node, plan: &Unpivot, given: Given<'_>) -> Result<Relation, QueryError> {
    let shown: Vec<Variable> = node.bindings.iter().map(|binding| binding.variable.clone()).collect();
    let shapes = plan.ways.iter().map(|outputs| shape_of_way(outputs)).collect::<Vec<_>>();
    let aligned = aligned(&shapes, &shown)?;
    let mut ways = Vec::with_capacity(shapes.len());
    let mut result = None;
    for ((outputs, shape), selected) in plan.ways.iter().zip(&shapes).zip(aligned) {
        let columns = selected.iter().flat_map(|selected| selected.columns.clone()).collect();
        ways.push(Way { outputs: outputs.clone(), layout: shape.layout.clone(), columns });
        result.get_or_insert(select(&shape.plan, selected)?);
    }
    let Some(result) = result else { return Ok(batches::unit_empty()) };
    let empty = batches::exec(result.layout.schema().clone(), Vec::new());
    let outputs = plan.ways.first().map_or(&[] as &[_], Vec::as_slice);
    let Some(rows) = SourceRows::new(run, node.id, &plan.scan, outputs, given)? else {
        return Ok(Relation { plan: empty, ..result });
    };
    let (ways, schema): (Arc<[Way]>, _) = (ways.into(), result.layout.schema().clone());
    let plan = StreamExec::new("Unpivot", schema.clone(), move |_| {
        let (rows, ways, target) = (rows.clone(), ways.clone(), schema.clone());
        let read = rows.clone().start().map(move |batch| {
            let batch = batch?;
            let read = ways.iter().map(|way| way.read(&rows, &batch, &target)).collect::<Vec<_>>();
            Ok::<_, DataFusionError>(stream::iter(read))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), read.try_flatten()))
    });
    Ok(Relation { plan, ..result })
}

fn shape_of_way(outputs: &[ScanOutput]) -> Relation {
    let mut optional: Vec<bool> = outputs.iter().map(|output| !output.required).collect();
    let variables = outputs.iter().map(|o| (o.variable.clone(), o.term.term_type.clone())).collect();
    let layout = layout(variables, &mut optional);
    Relation { plan: batches::exec(layout.schema().clone(), Vec::new()), layout, optional }
}

impl Way {
    fn read(&self, source: &SourceRows, batch: &RecordBatch, target: &SchemaRef) -> StreamResult<RecordBatch> {
        let rows = source.variables(batch, &self.outputs, &self.layout)?;
        let evaluate = |column: &ColumnExpr| column.evaluate(&rows)?.into_array(rows.num_rows());
        let mut columns = self.columns.iter().map(evaluate).collect::<StreamResult<Vec<_>>>()?;
        for field in &target.fields()[columns.len()..] {
            columns.push(new_null_array(field.data_type(), rows.num_rows()));
        }
        Ok(RecordBatch::try_new(target.clone(), columns)?)
    }
}

/// One request to a source, made when its rows are first polled.
#[derive(Clone)]
pub(super) struct SourceRows {
    run: Arc<Run>,
    /// The operator whose rows they are.
    node: usize,
    source: Guarded,
    pub(super) request: ScanRequest,
    first: Option<FirstRows>,
    invalid: InvalidValues,
    /// What joins tell of the rows they need, once they know.
    narrowed: Arc<[(NarrowedColumn, Arc<Sideways>)]>,
    /// How the variables are laid out that joins tell of.
    types: Arc<[(Variable, TermType)]>,
}

impl SourceRows {
    /// `None` where no key of the left can be one of the table.
    fn new(
        run: &Arc<Run>,
        node: usize,
        scan: &Scan,
        outputs: &[ScanOutput],
        given: Given<'_>,
    ) -> Result<Option<Self>, QueryError> {
        let source = run.sources.get(&scan.source).cloned().ok_or_else(|| {
            let message = format!("source {} is planned for and not there", scan.source);
            QueryError::new(Code::Internal, Fault::Broker, message)
        })?;
        let block = match (given.keys, &scan.slot) {
            (Some(keys), Some(slot)) => match keys.block(slot)? {
                Some(block) => Some(block),
                None => return Ok(None),
            },
            _ => None,
        };
        let narrowed: Arc<[_]> = given.narrowings(scan).into();
        let told =
            outputs.iter().filter(|output| narrowed.iter().any(|(column, _)| column.variable == output.variable));
        let request = request(run, scan, block);
        Ok(Some(Self {
            run: run.clone(),
            node,
            source,
            first: FirstRows::new(run, node, &request, scan),
            request,
            invalid: scan.invalid_values,
            types: told.map(|output| (output.variable.clone(), output.term.term_type.clone())).collect(),
            narrowed,
        }))
    }

    fn start(mut self) -> BoxStream<'static, StreamResult<RecordBatch>> {
        match self.first.take() {
            Some(first) => first.of(self).boxed(),
            None => {
                let request = self.request.clone();
                self.ask(request).boxed()
            }
        }
    }

    pub(super) fn ask(
        self,
        request: ScanRequest,
    ) -> impl futures::Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
        let opened = async move {
            let Some((request, is_whole)) = self.narrowed(request) else { return Ok(stream::empty().boxed()) };
            let keys = keys_of(&request);
            // What is narrowed says nothing of the table.
            let shape = if is_whole { shape_of(&request.relation) } else { None };
            let begun = Instant::now();
            let scan = self.source.scan(&self.run.context, request).await.map_err(failed)?;
            self.run.report.call(SourceCall {
                node: self.node,
                source: self.source.name().clone(),
                scan: scan.report(),
                keys,
                shape,
                first_rows: begun.elapsed(),
            });
            Ok::<_, DataFusionError>(scan.map_err(failed).boxed())
        };
        stream::once(opened).try_flatten()
    }

    /// A request for no more than is needed, and whether that is everything; `None` where nothing is.
    fn narrowed(&self, mut request: ScanRequest) -> Option<(ScanRequest, bool)> {
        let type_of = |variable: &Variable| {
            let found = self.types.iter().find(|(known, _)| known == variable);
            found.map(|(_, term_type)| term_type.clone())
        };
        match narrowed(&self.narrowed, type_of) {
            Narrowed::Everything => None,
            Narrowed::Rows(conditions) if conditions.is_empty() => Some((request, true)),
            Narrowed::Rows(conditions) => {
                restrict(&mut request.relation, conditions);
                Some((request, false))
            }
        }
    }

    /// Turns source columns into the columns of the variables, leaving out rows that match no pattern.
    fn variables(&self, batch: &RecordBatch, outputs: &[ScanOutput], layout: &Layout) -> StreamResult<RecordBatch> {
        let mut left_out = 0;
        let rows = mapped(batch, outputs, layout, self.invalid, &mut left_out);
        if left_out > 0 {
            self.run.report.left_out(self.source.name(), left_out);
        }
        rows.map_err(|error| failed(SourceError { source_name: self.source.name().clone(), error }))
    }
}

fn failed(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn mapped(
    batch: &RecordBatch,
    outputs: &[ScanOutput],
    layout: &Layout,
    invalid: InvalidValues,
    left_out: &mut u64,
) -> Result<RecordBatch, ContractError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut matching: Option<BooleanArray> = None;
    for output in outputs {
        let inputs: Vec<ArrayRef> = output.inputs.iter().map(|input| batch.column(*input).clone()).collect();
        let terms = mapped_columns(&output.term, &inputs, invalid, left_out)?;
        if output.required {
            for column in terms.iter().filter(|column| column.null_count() > 0) {
                matching = Some(both(matching, column));
            }
        }
        columns.extend(terms);
    }
    for field in &layout.schema().fields()[columns.len()..] {
        columns.push(new_null_array(field.data_type(), batch.num_rows()));
    }
    let internal = |error: arrow_schema::ArrowError| {
        ContractError::new(Code::Internal, Fault::Broker, "columns do not fit their layout").with_detail(error)
    };
    let rows = RecordBatch::try_new(layout.schema().clone(), columns).map_err(internal)?;
    match matching {
        None => Ok(rows),
        Some(mask) => filter_record_batch(&rows, &mask).map_err(internal),
    }
}

fn both(known: Option<BooleanArray>, column: &ArrayRef) -> BooleanArray {
    (0..column.len())
        .map(|row| Some(column.is_valid(row) && known.as_ref().is_none_or(|mask| mask.value(row))))
        .collect()
}
