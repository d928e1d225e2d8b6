//! Scans: one request to a source, its columns turned into variables.

use super::narrow::Given;
use super::operators::{LaidOut, aligned, lay_out};
use super::projection::project;
use super::requests::{Requests, SourceRows, failed};
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, layout, operator};
use crate::columns::{ColumnExpr, Layout, LeftOut, mapped_columns};
use crate::error::QueryError;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::sync::Arc;
use weft_connector::SourceError;
use weft_mapping::{InvalidValues, MappedTerm};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_plan::{Node, Scan, ScanOutput, Unpivot};

pub(super) fn scan(run: &Arc<Run>, node: &Node, scan: &Arc<Scan>, given: Given<'_>) -> Result<Relation, QueryError> {
    if given.keys.is_none()
        && let Some(whole) = &scan.whole
    {
        return operator(run, whole, given);
    }
    let (layout, optional) = batches::shape(node);
    let requests = Requests::new(run, node.id, scan, &scan.outputs, given)?;
    let target = layout.clone();
    let plan = read("Scan", requests, &layout, move |rows, batch| {
        stream::iter([rows.variables(batch, &rows.of.scan.outputs, &target)])
    });
    Ok(Relation { plan, layout, optional })
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
        let LaidOut { layout, optional, columns } = lay_out(selected)?;
        ways.push(Way { outputs: outputs.clone(), layout: shape.layout.clone(), columns });
        result.get_or_insert((layout, optional));
    }
    let Some((layout, optional)) = result else { return Ok(batches::unit_empty()) };
    let outputs = plan.ways.first().map_or(&[] as &[_], Vec::as_slice);
    let requests = Requests::new(run, node.id, &plan.scan, outputs, given)?;
    let (ways, target): (Arc<[Way]>, _) = (ways.into(), layout.schema().clone());
    let plan = read("Unpivot", requests, &layout, move |rows, batch| {
        stream::iter(ways.iter().map(|way| way.read(rows, batch, &target)).collect::<Vec<_>>())
    });
    Ok(Relation { plan, layout, optional })
}

/// The rows of some requests, one after the other, each batch of them as `batches` of the layout.
fn read<S>(
    name: &'static str,
    requests: Arc<Requests>,
    layout: &Layout,
    batches: impl Fn(&SourceRows, &RecordBatch) -> S + Clone + Send + Sync + 'static,
) -> Arc<dyn ExecutionPlan>
where
    S: futures::Stream<Item = StreamResult<RecordBatch>> + Send + 'static,
{
    let schema = layout.schema().clone();
    StreamExec::new(name, schema.clone(), move |context| {
        let (requests, batches) = (requests.clone(), batches.clone());
        let begin = async move {
            let rows = stream::iter(requests.of_run(&context)?);
            Ok::<_, DataFusionError>(rows.flat_map(move |rows| {
                let batches = batches.clone();
                rows.clone().start().map_ok(move |batch| batches(&rows, &batch)).try_flatten()
            }))
        };
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), stream::once(begin).try_flatten()))
    })
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
        project(&rows, &self.columns, target)
    }
}

impl SourceRows {
    /// Turns source columns into the columns of the variables, leaving out rows that match no pattern.
    fn variables(&self, batch: &RecordBatch, outputs: &[ScanOutput], layout: &Layout) -> StreamResult<RecordBatch> {
        let mut left_out = LeftOut::default();
        let terms = Terms { invalid: self.of.scan.invalid_values, place: &|error, term| self.placed(error, term) };
        let rows = mapped(batch, outputs, layout, &terms, &mut left_out);
        if left_out != LeftOut::default() {
            self.of.run.report.left_out(self.of.source.name(), left_out);
        }
        rows.map_err(|error| failed(SourceError { source_name: self.of.source.name().clone(), error }))
    }

    /// An error of a value that is no term, with where the mapping says that it is to be one.
    fn placed(&self, mut error: ContractError, term: &MappedTerm) -> ContractError {
        let graph = self.of.run.catalogue.graphs().iter().find(|graph| graph.source == *self.of.source.name());
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
