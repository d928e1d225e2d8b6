//! Long answers are computed beside being written: their rows come from a task of their own.

#[cfg(test)]
mod tests;

use crate::deadline::within;
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use futures::{StreamExt as _, stream};
use tokio::time::Instant;

/// The rows of a short answer, whose reader waits for them itself: another task would come later than they do.
const SHORT: usize = 4 * 1024;

/// Batches that are computed before the reader wants them.
const AHEAD: usize = 2;

enum Rows {
    /// How many have come of them.
    Here(SendableRecordBatchStream, usize),
    Apart(SendableRecordBatchStream),
}

/// The same rows. Whatever computes them ends when they are dropped.
pub(crate) fn apart(rows: SendableRecordBatchStream, deadline: Instant) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let rows = stream::unfold(Rows::Here(rows, 0), move |rows| async move {
        match rows {
            Rows::Here(mut rows, count) if count < SHORT => {
                let batch = rows.next().await?;
                let count = count + batch.as_ref().map_or(0, |batch| batch.num_rows());
                Some((batch, Rows::Here(rows, count)))
            }
            Rows::Here(rows, _) => next(spawned(rows, deadline)).await,
            Rows::Apart(rows) => next(rows).await,
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

async fn next(
    mut rows: SendableRecordBatchStream,
) -> Option<(datafusion_common::Result<arrow_array::RecordBatch>, Rows)> {
    let batch = rows.next().await?;
    Some((batch, Rows::Apart(rows)))
}

fn spawned(mut rows: SendableRecordBatchStream, deadline: Instant) -> SendableRecordBatchStream {
    let mut apart = RecordBatchReceiverStream::builder(rows.schema(), AHEAD);
    let sender = apart.tx();
    apart.spawn(within(deadline, async move {
        while let Some(batch) = rows.next().await {
            let failed = batch.is_err();
            // Nobody reads any more, or there is nothing more to read for.
            if sender.send(batch).await.is_err() || failed {
                break;
            }
        }
        Ok(())
    }));
    apart.build()
}
