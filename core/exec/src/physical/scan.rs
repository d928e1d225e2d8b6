//! Scans: one request to a source, its columns turned into variables.

use super::at_once::Begun;
use super::first_rows::FirstRows;
use super::narrow::{Given, Narrowed, Sideways, narrowed, restrict};
use super::operators::{aligned, select};
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, layout, operator};
use crate::columns::{ColumnExpr, Layout, LeftOut, mapped_columns};
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
use weft_mapping::{InvalidValues, MappedTerm};
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
    if given.keys.is_none()
        && let Some(whole) = &scan.whole
    {
        return operator(run, whole, given);
    }
    let shape = batches::empty(node);
    let rows: Arc<[SourceRows]> = SourceRows::each(run, node.id, scan, &scan.outputs, given)?.into();
    if rows.is_empty() {
        return Ok(shape);
    }
    let outputs: Arc<[ScanOutput]> = scan.outputs.clone().into();
    let layout = shape.layout.clone();
    let plan = StreamExec::new("Scan", layout.schema().clone(), move |_| {
        let (rows, outputs, rows_layout) = (rows.to_vec(), outputs.clone(), layout.clone());
        let read = stream::iter(rows).flat_map(move |rows| {
            let (outputs, rows_layout) = (outputs.clone(), rows_layout.clone());
            rows.clone().start().map(move |batch| rows.variables(&batch?, &outputs, &rows_layout))
        });
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
    let rows: Arc<[SourceRows]> = SourceRows::each(run, node.id, &plan.scan, outputs, given)?.into();
    if rows.is_empty() {
        return Ok(Relation { plan: empty, ..result });
    }
    let (ways, schema): (Arc<[Way]>, _) = (ways.into(), result.layout.schema().clone());
    let plan = StreamExec::new("Unpivot", schema.clone(), move |_| {
        let (rows, ways, target) = (rows.to_vec(), ways.clone(), schema.clone());
        let read = stream::iter(rows).flat_map(move |rows| {
            let (ways, target) = (ways.clone(), target.clone());
            rows.clone().start().map(move |batch| {
                let batch = batch?;
                let read = ways.iter().map(|way| way.read(&rows, &batch, &target)).collect::<Vec<_>>();
                Ok::<_, DataFusionError>(stream::iter(read))
            })
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

/// The keys in blocks of at most this many. A block of a join can become more, where a thing has several names; the rows of
/// different keys are different rows.
fn in_blocks(block: KeyBlock, most: usize) -> Vec<KeyBlock> {
    let (rows, most) = (block.keys.num_rows(), most.max(1));
    let slice = |start: usize| KeyBlock {
        columns: block.columns.clone(),
        keys: block.keys.slice(start, most.min(rows - start)),
    };
    (0..rows).step_by(most).map(slice).collect()
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
    /// Who waits until it has its permit.
    begun: Option<Arc<Begun>>,
}

impl SourceRows {
    /// One for each block of keys; none where no key of the left can be one of the table.
    fn each(
        run: &Arc<Run>,
        node: usize,
        scan: &Scan,
        outputs: &[ScanOutput],
        given: Given<'_>,
    ) -> Result<Vec<Self>, QueryError> {
        let source = run.sources.get(&scan.source).cloned().ok_or_else(|| {
            let message = format!("source {} is planned for and not there", scan.source);
            QueryError::new(Code::Internal, Fault::Broker, message)
        })?;
        let blocks: Vec<Option<KeyBlock>> = match (given.keys, &scan.slot) {
            (Some(keys), Some(slot)) => match keys.block(slot)? {
                Some(block) => in_blocks(block, slot.block).into_iter().map(Some).collect(),
                None => return Ok(Vec::new()),
            },
            _ => vec![None],
        };
        let narrowed: Arc<[_]> = given.narrowings(scan).into();
        let told =
            outputs.iter().filter(|output| narrowed.iter().any(|(column, _)| column.variable == output.variable));
        let types: Arc<[_]> =
            told.map(|output| (output.variable.clone(), output.term.term_type.clone())).collect::<Vec<_>>().into();
        let rows = |block| {
            let request = request(run, scan, block);
            given.begun.iter().for_each(|begun| begun.expect());
            Self {
                begun: given.begun.cloned(),
                run: run.clone(),
                node,
                source: source.clone(),
                first: FirstRows::new(run, node, &request, scan),
                request,
                invalid: scan.invalid_values,
                types: types.clone(),
                narrowed: narrowed.clone(),
            }
        };
        Ok(blocks.into_iter().map(rows).collect())
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
            let Some((request, is_whole)) = self.narrowed(request) else {
                self.begun.iter().for_each(|begun| begun.tell());
                return Ok(stream::empty().boxed());
            };
            let keys = keys_of(&request);
            // What is narrowed says nothing of the table.
            let shape = if is_whole { shape_of(&request.relation) } else { None };
            let begun = Instant::now();
            let told = || self.begun.iter().for_each(|begun| begun.tell());
            let scan = self.source.scan_telling(&self.run.context, request, told).await.map_err(failed)?;
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
        let mut left_out = LeftOut::default();
        let terms = Terms { invalid: self.invalid, place: &|error, term| self.placed(error, term) };
        let rows = mapped(batch, outputs, layout, &terms, &mut left_out);
        if left_out != LeftOut::default() {
            self.run.report.left_out(self.source.name(), left_out);
        }
        rows.map_err(|error| failed(SourceError { source_name: self.source.name().clone(), error }))
    }

    /// An error of a value that is no term, with where the mapping says that it is to be one.
    fn placed(&self, mut error: ContractError, term: &MappedTerm) -> ContractError {
        let graph = self.run.catalogue.graphs().iter().find(|graph| graph.source == *self.source.name());
        let reads = self.request.relation.reads();
        let tables: Vec<&str> = reads.iter().map(|read| read.table.as_str()).collect();
        if let Some(written) = graph.and_then(|graph| graph.written(&tables, term))
            && error.code == Code::InvalidData
        {
            let (map, place) = (&written.triples_map, &written.location);
            error.message = format!("{} ({place}, triples map {map})", error.message);
        }
        error
    }
}

/// How the values of a source become terms.
struct Terms<'a> {
    invalid: InvalidValues,
    /// Adds to an error which term of the mapping it is about.
    place: &'a dyn Fn(ContractError, &MappedTerm) -> ContractError,
}

fn failed(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn mapped(
    batch: &RecordBatch,
    outputs: &[ScanOutput],
    layout: &Layout,
    terms: &Terms<'_>,
    left_out: &mut LeftOut,
) -> Result<RecordBatch, ContractError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut starts: Vec<usize> = Vec::with_capacity(outputs.len());
    let mut matching: Option<BooleanArray> = None;
    for output in outputs {
        // Several variables can be one term, which is computed once.
        let same = |known: &ScanOutput| known.inputs == output.inputs && known.term == output.term;
        let mapped = match outputs[..starts.len()].iter().position(same) {
            Some(known) => columns[starts[known]..][..output.term.term_type.columns().len()].to_vec(),
            None => {
                let inputs: Vec<ArrayRef> = output.inputs.iter().map(|input| batch.column(*input).clone()).collect();
                let mapped = mapped_columns(&output.term, &inputs, terms.invalid, left_out);
                mapped.map_err(|error| (terms.place)(error, &output.term))?
            }
        };
        starts.push(columns.len());
        if output.required {
            for column in mapped.iter().filter(|column| column.null_count() > 0) {
                matching = Some(both(matching, column));
            }
        }
        columns.extend(mapped);
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
