//! The rows of an operator with other columns.
//!
//! The engine has a projection of its own, which works out for an optimizer what it keeps of orders and constants. There is
//! no optimizer here, and for a union of hundreds of sources that is more work than their rows are.

use super::stream_exec::StreamExec;
use crate::columns::ColumnExpr;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion_common::Result;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, stream};
use std::sync::Arc;

/// `input` itself where it has just these columns.
pub(super) fn projected(
    input: &Arc<dyn ExecutionPlan>,
    columns: Vec<ColumnExpr>,
    schema: &SchemaRef,
) -> Arc<dyn ExecutionPlan> {
    if are_all(&columns) && input.schema().fields() == schema.fields() {
        return input.clone();
    }
    let (input, schema, columns): (_, _, Arc<[ColumnExpr]>) = (input.clone(), schema.clone(), columns.into());
    StreamExec::new("Projection", schema.clone(), move |context| {
        let (columns, target) = (columns.clone(), schema.clone());
        let rows = match input.execute(0, context) {
            Ok(rows) => rows.map(move |batch| project(&batch?, &columns, &target)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}

/// Whether these are the columns of a batch from the first on.
fn are_all(columns: &[ColumnExpr]) -> bool {
    let is_at = |(i, column): (usize, &ColumnExpr)| column.downcast_ref::<Column>().is_some_and(|c| c.index() == i);
    columns.iter().enumerate().all(is_at)
}

/// A batch of these columns.
pub(super) fn project(batch: &RecordBatch, columns: &[ColumnExpr], schema: &SchemaRef) -> Result<RecordBatch> {
    let evaluate = |column: &ColumnExpr| column.evaluate(batch)?.into_array(batch.num_rows());
    let columns = columns.iter().map(evaluate).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
