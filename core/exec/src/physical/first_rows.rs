//! The first rows of a scan by a request of their own, and the others only when they are wanted.
//!
//! The second request is for all rows: those that came first are known by their key and left out of it. So the rows are
//! those of one request, whatever the source does between the two; those that are not wanted are never asked for.

use super::Run;
use super::key_set::KeySet;
use super::requests::SourceRows;
use arrow_array::RecordBatch;
use arrow_select::filter::filter_record_batch;
use datafusion_common::{DataFusionError, Result};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_model::contract::ScanRequest;
use weft_plan::Scan;

/// What is asked for first.
#[derive(Clone)]
pub(super) struct FirstRows {
    request: ScanRequest,
    count: u64,
    /// Positions of the key.
    key: Vec<usize>,
    /// Told when the others are asked for.
    goes_on: Arc<AtomicBool>,
}

/// The request for the first rows of one for all rows, where the plan wants them so.
pub(crate) fn first_request(whole: &ScanRequest, scan: &Scan) -> Option<ScanRequest> {
    let mut request = whole.clone();
    request.relation.limit(scan.first.as_ref()?.count);
    Some(request)
}

impl FirstRows {
    pub(super) fn new(run: &Run, node: usize, whole: &ScanRequest, scan: &Scan) -> Option<Self> {
        let first = scan.first.as_ref()?;
        let fields = whole.relation.fields().ok()?;
        let position = |key| fields.iter().position(|(column, _)| column == key);
        let key = first.key.iter().map(position).collect::<Option<Vec<_>>>()?;
        Some(Self { request: first_request(whole, scan)?, count: first.count, key, goes_on: run.goes_on(node) })
    }

    /// The rows of `source`, these first. They have all come, and their call is over, before the first of them is handed on.
    pub(super) fn of(self, source: Arc<SourceRows>) -> impl Stream<Item = Result<RecordBatch>> + Send + 'static {
        let begin = async move {
            let first: Vec<RecordBatch> = source.clone().ask(self.request).try_collect().await?;
            let rows: u64 = first.iter().map(|batch| batch.num_rows() as u64).sum();
            let others = match first.first() {
                Some(batch) if rows >= self.count => {
                    let mut known = KeySet::new(&batch.schema(), self.key)?;
                    first.iter().try_for_each(|batch| known.add(batch))?;
                    let whole = async move {
                        self.goes_on.store(true, Ordering::Relaxed);
                        let request = source.request.clone();
                        Ok::<_, DataFusionError>(source.ask(request))
                    };
                    let whole = stream::once(whole).try_flatten();
                    whole.map(move |batch| without(&batch?, &mut known)).boxed()
                }
                _ => stream::empty().boxed(),
            };
            Ok::<_, DataFusionError>(stream::iter(first.into_iter().map(Ok)).chain(others))
        };
        stream::once(begin).try_flatten()
    }
}

/// The rows of other keys.
fn without(batch: &RecordBatch, known: &mut KeySet) -> Result<RecordBatch> {
    let is_other = known.others(batch)?;
    Ok(filter_record_batch(batch, &is_other)?)
}
