//! Scans: one request to a source, its columns turned into variables.

use super::keys::KeySource;
use super::stream_exec::StreamExec;
use super::{Relation, Run, batches, layout};
use crate::columns::{Layout, mapped_columns};
use crate::error::QueryError;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow_select::filter::filter_record_batch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::sync::Arc;
use weft_connector::{Guarded, SourceError};
use weft_model::contract::{KeyBlock, ScanRequest};
use weft_model::{Code, Fault};
use weft_plan::{Node, Scan, ScanOutput};

/// The request of a scan, with the keys of a bind join if it takes any.
pub(crate) fn request(run: &Run, scan: &Scan, keys: Option<KeyBlock>) -> ScanRequest {
    let mut relation = scan.relation.clone();
    if let (Some(keys), Some(slot)) = (keys, &scan.slot)
        && let Some(read) = relation.read_mut(&slot.alias)
    {
        read.keys = Some(keys);
    }
    ScanRequest {
        id: run.next_scan(),
        relation,
        batch_rows: run.limits.batch_rows,
        batch_bytes: run.limits.batch_bytes,
        explain: false,
    }
}

pub(super) fn scan(run: &Arc<Run>, node: &Node, scan: &Scan, keys: Option<&KeySource>) -> Result<Relation, QueryError> {
    let source = run.sources.get(&scan.source).cloned().ok_or_else(|| {
        QueryError::new(Code::Internal, Fault::Broker, format!("source {} is planned for and not there", scan.source))
    })?;
    let mut optional: Vec<bool> = node.bindings.iter().map(|binding| binding.optional).collect();
    let variables = node.bindings.iter().map(|b| (b.variable.clone(), b.term_type.clone())).collect();
    let layout = layout(variables, &mut optional);
    let block = match (keys, &scan.slot) {
        (Some(keys), Some(slot)) => match keys.block(slot)? {
            Some(block) => Some(block),
            // No key of the left can be one of this table.
            None => return Ok(Relation { plan: batches::exec(layout.schema().clone(), Vec::new()), layout, optional }),
        },
        _ => None,
    };
    let outputs: Arc<[ScanOutput]> = scan.outputs.clone().into();
    let request = request(run, scan, block);
    let (run, rows_layout) = (run.clone(), layout.clone());
    let plan = StreamExec::new("Scan", layout.schema().clone(), move |_| {
        let rows = start(run.clone(), source.clone(), request.clone(), outputs.clone(), rows_layout.clone());
        Box::pin(RecordBatchStreamAdapter::new(rows_layout.schema().clone(), rows))
    });
    Ok(Relation { plan, layout, optional })
}

/// Runs the scan when first polled.
fn start(
    run: Arc<Run>,
    source: Guarded,
    request: ScanRequest,
    outputs: Arc<[ScanOutput]>,
    layout: Layout,
) -> impl futures::Stream<Item = StreamResult<RecordBatch>> + Send + 'static {
    let name = source.name().clone();
    let opened = async move {
        let scan = source.scan(&run.context, request).await.map_err(failed)?;
        run.report.scan(source.name().clone(), scan.report());
        Ok::<_, DataFusionError>(scan.map_err(failed))
    };
    stream::once(opened).try_flatten().map(move |batch| {
        let batch = batch?;
        variables(&batch, &outputs, &layout).map_err(|error| {
            let named = SourceError { source_name: name.clone(), error };
            DataFusionError::External(Box::new(named))
        })
    })
}

fn failed(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Turns source columns into the columns of the variables, leaving out rows that match no pattern.
fn variables(
    batch: &RecordBatch,
    outputs: &[ScanOutput],
    layout: &Layout,
) -> Result<RecordBatch, weft_model::contract::ContractError> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut matching: Option<BooleanArray> = None;
    for output in outputs {
        let inputs: Vec<ArrayRef> = output.inputs.iter().map(|input| batch.column(*input).clone()).collect();
        let terms = mapped_columns(&output.term, &inputs)?;
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
        weft_model::contract::ContractError::new(Code::Internal, Fault::Broker, "columns do not fit their layout")
            .with_detail(error)
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
