#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::deadline::in_time;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch};
use datafusion_common::{DataFusionError, Result};
use futures::Stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Rows in a batch of [`numbers`]: five batches are no short answer any more.
const BATCH: i64 = 1_000;

fn batch(start: i64, rows: i64) -> RecordBatch {
    let column = Int64Array::from_iter_values(start..start + rows);
    RecordBatch::try_from_iter([("n", Arc::new(column) as _)]).unwrap()
}

/// 0, 1, 2 ... without end, made when they are wanted.
fn numbers() -> impl Stream<Item = Result<RecordBatch>> + Send + 'static {
    stream::iter(0..).map(|i| Ok(batch(i * BATCH, BATCH)))
}

fn long(rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> SendableRecordBatchStream {
    let rows = RecordBatchStreamAdapter::new(batch(0, 0).schema(), rows);
    apart(Box::pin(rows), Instant::now() + Duration::from_secs(60))
}

fn read(batch: &RecordBatch) -> Vec<i64> {
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}

#[tokio::test]
async fn the_rows_are_the_same_in_the_same_order() {
    for sizes in [vec![], vec![7], vec![4_095], vec![4_096], vec![4_095, 1, 1], vec![1_000, 0, 3_097, 0, 9, 5_000, 1]] {
        let mut start = 0;
        let batches: Vec<_> = sizes
            .iter()
            .map(|rows| {
                start += rows;
                Ok(batch(start - rows, *rows))
            })
            .collect();
        let found: Vec<_> = long(stream::iter(batches)).map(|batch| read(&batch.unwrap())).collect().await;
        let lengths: Vec<_> = found.iter().map(|rows| rows.len() as i64).collect();
        assert_eq!(lengths, sizes);
        assert_eq!(found.concat(), (0..start).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_error_comes_after_the_rows_before_it_and_ends_them() {
    for before in [0, 1, 4, 5, 6, 9] {
        let failing = numbers()
            .take(before)
            .chain(stream::once(async { Err(DataFusionError::Execution("the source is gone".to_owned())) }));
        let mut rows = long(failing);
        for i in 0..before {
            assert_eq!(read(&rows.next().await.unwrap().unwrap())[0], i as i64 * BATCH);
        }
        let error = rows.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("the source is gone"), "{error}");
        assert!(rows.next().await.is_none());
    }
}

#[tokio::test]
async fn only_a_few_batches_are_computed_before_they_are_wanted() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let mut rows = long(numbers().inspect(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    for wanted in 1..=20 {
        rows.next().await.unwrap().unwrap();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        // Those that wait to be read, and the one that waits for room.
        let most = if wanted * BATCH as usize <= SHORT { wanted } else { wanted + AHEAD + 1 };
        let made = made.load(Ordering::Relaxed);
        assert!((wanted..=most).contains(&made), "{made} made, {wanted} read");
    }
    assert!(made.load(Ordering::Relaxed) > 20, "nothing was computed ahead");
}

#[tokio::test]
async fn what_computes_them_ends_when_they_are_dropped() {
    for read in [1, 5, 8] {
        let held = Arc::new(());
        let seen = Arc::downgrade(&held);
        let mut rows = long(numbers().inspect(move |_| drop(held.clone())));
        for _ in 0..read {
            rows.next().await.unwrap().unwrap();
        }
        assert!(seen.upgrade().is_some());
        drop(rows);
        let gone = async {
            while seen.upgrade().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    }
}

#[tokio::test]
async fn the_deadline_goes_with_the_task() {
    let checked = numbers().map(|batch| in_time().and(batch));
    let rows = RecordBatchStreamAdapter::new(batch(0, 0).schema(), checked);
    let mut rows = apart(Box::pin(rows), Instant::now());
    // Here the one who reads minds it.
    for _ in 0..5 {
        rows.next().await.unwrap().unwrap();
    }
    let error = rows.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("longer than its timeout"), "{error}");
}
