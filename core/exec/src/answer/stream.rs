//! The batches of an answer, within what an answer may have.

use crate::deadline::within;
use crate::error::QueryError;
use crate::report::ReportHandle;
use arrow_array::RecordBatch;
use datafusion_execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, timeout_at};
use weft_model::{Code, Fault};

/// What an answer may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerLimits {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Batches until the end, the deadline or a limit of the answer.
pub(crate) struct AnswerStream {
    pub(crate) batches: SendableRecordBatchStream,
    pub(crate) deadline: Instant,
    pub(crate) most: AnswerLimits,
    pub(crate) report: ReportHandle,
}

impl AnswerStream {
    /// What `read` makes of each batch; it tells how many bytes the terms in it have. Nothing follows an error.
    pub(crate) fn read<T: Send + 'static>(
        self,
        read: impl Fn(&RecordBatch) -> Result<(T, u64), QueryError> + Send + 'static,
    ) -> BoxStream<'static, Result<T, QueryError>> {
        let items = stream::unfold((Some(self), read), |(answer, read)| async move {
            let mut answer = answer?;
            let batch = answer.next().await;
            match batch.and_then(|batch| batch.map(|batch| answer.count(&batch, &read)).transpose()) {
                Ok(None) => {
                    answer.report.end(true);
                    None
                }
                Ok(Some(item)) => Some((Ok(item), (Some(answer), read))),
                Err(error) => {
                    answer.report.end(false);
                    Some((Err(error), (None, read)))
                }
            }
        });
        items.boxed()
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let Ok(next) = timeout_at(self.deadline, within(self.deadline, self.batches.next())).await else {
            let message = "the query took longer than its timeout allows";
            return Err(QueryError::new(Code::DeadlineExceeded, Fault::Caller, message));
        };
        Ok(next.transpose()?)
    }

    fn count<T>(
        &self,
        batch: &RecordBatch,
        read: impl Fn(&RecordBatch) -> Result<(T, u64), QueryError>,
    ) -> Result<T, QueryError> {
        if self.report.add_rows(batch.num_rows() as u64) > self.most.rows {
            return Err(exceeded("rows", "result_rows", self.most.rows));
        }
        let (item, bytes) = read(batch)?;
        if self.report.add_bytes(bytes) > self.most.bytes {
            return Err(exceeded("bytes", "result_bytes", self.most.bytes));
        }
        Ok(item)
    }
}

fn exceeded(what: &str, limit: &str, most: u64) -> QueryError {
    let message = format!("the answer has more {what} than limits.{limit} allows ({most})");
    QueryError::new(Code::LimitExceeded, Fault::Caller, message)
}
