//! Relations that are known when the plan is made.

use super::stream_exec::StreamExec;
use super::{Relation, layout};
use crate::columns::Layout;
use crate::error::QueryError;
use arrow_array::{ArrayRef, RecordBatch, StringViewArray, new_null_array};
use arrow_schema::SchemaRef;
use datafusion_common::DataFusionError;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use oxrdf::Term;
use std::sync::Arc;
use weft_model::term::{TermType, encode};
use weft_plan::Node;

/// An operator that gives these batches.
pub(crate) fn exec(schema: SchemaRef, batches: Vec<RecordBatch>) -> Arc<dyn ExecutionPlan> {
    StreamExec::new("Batches", schema.clone(), move |_| {
        let rows = stream::iter(batches.clone().into_iter().map(Ok));
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}

/// One row without variables.
pub(crate) fn unit() -> Relation {
    let mut optional = Vec::new();
    let layout = layout(Vec::new(), &mut optional);
    let columns: Vec<ArrayRef> =
        layout.schema().fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let batch = RecordBatch::try_new(layout.schema().clone(), columns).ok();
    Relation { plan: exec(layout.schema().clone(), batch.into_iter().collect()), layout, optional }
}

/// No rows, no variables.
pub(crate) fn unit_empty() -> Relation {
    let unit = unit();
    Relation { plan: exec(unit.layout.schema().clone(), Vec::new()), ..unit }
}

/// No rows.
pub(crate) fn empty(node: &Node) -> Relation {
    let (layout, optional) = shape(node);
    Relation { plan: exec(layout.schema().clone(), Vec::new()), layout, optional }
}

/// How the rows of an operator are laid out, as planned, and which variables can be unbound.
pub(crate) fn shape(node: &Node) -> (Layout, Vec<bool>) {
    let mut optional: Vec<bool> = node.bindings.iter().map(|binding| binding.optional).collect();
    let variables = node.bindings.iter().map(|b| (b.variable.clone(), b.term_type.clone())).collect();
    let layout = layout(variables, &mut optional);
    (layout, optional)
}

/// The rows of a VALUES block.
pub(crate) fn values(node: &Node, rows: &[Vec<Option<Term>>]) -> Result<Relation, QueryError> {
    if node.bindings.is_empty() {
        return Ok(repeat_unit(rows.len()));
    }
    let mut optional: Vec<bool> = node.bindings.iter().map(|binding| binding.optional).collect();
    let variables = node.bindings.iter().map(|b| (b.variable.clone(), TermType::General)).collect();
    let layout = layout(variables, &mut optional);
    let columns = (0..node.bindings.len())
        .map(|i| {
            let cells = rows.iter().map(|row| row[i].as_ref().map(encode));
            Arc::new(cells.collect::<StringViewArray>()) as ArrayRef
        })
        .collect();
    let batch = RecordBatch::try_new(layout.schema().clone(), columns).map_err(DataFusionError::from)?;
    Ok(Relation { plan: exec(layout.schema().clone(), vec![batch]), layout, optional })
}

/// `VALUES () { () () }`: rows without variables still count.
fn repeat_unit(rows: usize) -> Relation {
    let mut relation = unit();
    let schema = relation.layout.schema().clone();
    let columns: Vec<ArrayRef> = schema.fields().iter().map(|field| new_null_array(field.data_type(), rows)).collect();
    relation.plan = exec(schema.clone(), RecordBatch::try_new(schema, columns).into_iter().collect());
    relation
}
