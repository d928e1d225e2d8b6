//! Two sides of a join that are read at the same time: one is held, and what comes of the other meanwhile is kept.
//!
//! The other side begins when all requests of the held side have their permits. So it never has a source's permit that
//! the held side still waits for, and a query whose held side waits has none but those that others wait for in turn.

use super::stream_exec::StreamExec;
use arrow_array::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Counts the requests of a side until all of them have their permits.
#[derive(Debug, Default)]
pub(super) struct Begun {
    waiting: AtomicUsize,
    /// The same for a side that this one is a part of.
    outer: Option<Arc<Begun>>,
}

impl Begun {
    pub(super) fn within(outer: Option<&Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { waiting: AtomicUsize::new(0), outer: outer.cloned() })
    }

    /// One more request, that of a side being built.
    pub(super) fn expect(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.outer.iter().for_each(|outer| outer.expect());
    }

    /// A request has its permit, or is not made at all.
    pub(super) fn tell(&self) {
        self.waiting.fetch_sub(1, Ordering::Release);
        self.outer.iter().for_each(|outer| outer.tell());
    }

    fn is_whole(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }
}

/// The held side and the other one, of which at most so many rows are kept until the held side is complete.
pub(super) fn at_once(
    held: &Arc<dyn ExecutionPlan>,
    other: &Arc<dyn ExecutionPlan>,
    begun: Arc<Begun>,
    most_rows: usize,
) -> [Arc<dyn ExecutionPlan>; 2] {
    let ahead: Arc<Mutex<Option<Ahead>>> = Arc::default();
    let (plan, schema, shared) = (held.clone(), held.schema(), ahead.clone());
    let held = StreamExec::new("Held", schema.clone(), move |context| {
        let rows = plan.execute(0, context);
        let (ahead, begun) = (shared.clone(), begun.clone());
        let mut rows = rows.unwrap_or_else(|error| failed(plan.schema(), error));
        let rows = stream::poll_fn(move |context| {
            let polled = rows.as_mut().poll_next(context);
            if begun.is_whole()
                && let Some(ahead) = lock(&ahead).as_mut()
            {
                ahead.read(most_rows, context);
            }
            polled
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    });
    let (plan, schema) = (other.clone(), other.schema());
    let other = StreamExec::new("Other", schema.clone(), move |context| {
        let rows = plan.execute(0, context.clone()).unwrap_or_else(|error| failed(plan.schema(), error));
        *lock(&ahead) = Some(Ahead::new(rows, &context));
        let ahead = ahead.clone();
        let rows = stream::poll_fn(move |context| match lock(&ahead).as_mut() {
            Some(ahead) => ahead.poll_next(context),
            None => Poll::Ready(None),
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    });
    [held, other]
}

/// The rows as they are, of which `told` learns how many they were.
pub(super) fn counted(
    rows: Arc<dyn ExecutionPlan>,
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Arc<dyn ExecutionPlan> {
    let (schema, told) = (rows.schema(), Arc::new(told));
    StreamExec::new("Count", schema.clone(), move |context| {
        let mut rows = rows.execute(0, context).unwrap_or_else(|error| failed(rows.schema(), error));
        let (told, mut count) = (told.clone(), 0);
        let rows = stream::poll_fn(move |context| {
            let next = ready!(rows.as_mut().poll_next(context));
            match &next {
                Some(Ok(batch)) => count += batch.num_rows() as u64,
                Some(Err(_)) => {}
                None => told(count),
            }
            Poll::Ready(next)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
    })
}

fn failed(schema: arrow_schema::SchemaRef, error: datafusion_common::DataFusionError) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Err(error)])))
}

fn lock(ahead: &Mutex<Option<Ahead>>) -> std::sync::MutexGuard<'_, Option<Ahead>> {
    ahead.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows, some of which are read before they are wanted.
struct Ahead {
    rows: SendableRecordBatchStream,
    read: VecDeque<Result<RecordBatch>>,
    read_rows: usize,
    /// Whether there is no memory for more.
    is_full: bool,
    /// Whether there are no more rows.
    ended: bool,
    reservation: MemoryReservation,
}

impl Ahead {
    fn new(rows: SendableRecordBatchStream, context: &TaskContext) -> Self {
        let reservation = MemoryConsumer::new("rows read ahead").register(context.memory_pool());
        Self { rows, read: VecDeque::new(), read_rows: 0, is_full: false, ended: false, reservation }
    }

    /// Keeps what comes without waiting.
    fn read(&mut self, most_rows: usize, context: &mut Context<'_>) {
        while !self.ended && !self.is_full && self.read_rows < most_rows {
            let Poll::Ready(next) = self.rows.as_mut().poll_next(context) else { return };
            match next {
                None => self.ended = true,
                Some(batch) => self.keep(batch),
            }
        }
    }

    fn keep(&mut self, batch: Result<RecordBatch>) {
        match &batch {
            Ok(batch) => {
                // No number of empty batches is read ahead without end.
                self.read_rows += batch.num_rows().max(1);
                // What is here already is kept, whether or not there is room for more.
                self.is_full = self.reservation.try_grow(batch.get_array_memory_size()).is_err();
            }
            // An operator that has failed may fail each time it is polled.
            Err(_) => self.ended = true,
        }
        self.read.push_back(batch);
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        if let Some(batch) = self.read.pop_front() {
            if let Ok(batch) = &batch {
                self.reservation.shrink(batch.get_array_memory_size().min(self.reservation.size()));
            }
            return Poll::Ready(Some(batch));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.rows.as_mut().poll_next(context));
        self.ended = next.is_none();
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::physical::batches;
    use datafusion_common::DataFusionError;
    use futures::StreamExt as _;

    /// The rows that come of the other side when so many may be kept of an endless one.
    async fn other_side(batch: fn() -> Result<RecordBatch>, most_rows: usize) -> (usize, Option<Result<RecordBatch>>) {
        let polls = Arc::new(AtomicUsize::new(0));
        let (schema, counted) = (batches::unit().plan.schema(), polls.clone());
        let endless = StreamExec::new("Endless", schema.clone(), move |_| {
            let counted = counted.clone();
            let rows = stream::repeat_with(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                batch()
            });
            Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
        });
        let context = Arc::new(TaskContext::default());
        let [held, other] = at_once(&batches::unit().plan, &endless, Arc::default(), most_rows);
        let mut other = other.execute(0, context.clone()).unwrap();
        assert!(held.execute(0, context).unwrap().all(|batch| async move { batch.is_ok() }).await);
        (polls.load(Ordering::Relaxed), other.next().await)
    }

    #[tokio::test]
    async fn an_endless_side_is_read_ahead_to_its_bound_or_its_first_failure() {
        let failing = || Err(DataFusionError::Internal("again and again".to_owned()));
        let (polls, first) = other_side(failing, 100).await;
        assert!(polls == 1 && first.unwrap().is_err());
        let empty = || Ok(RecordBatch::new_empty(batches::unit().plan.schema()));
        let (polls, first) = other_side(empty, 100).await;
        assert!((100..200).contains(&polls), "{polls}");
        assert_eq!(first.unwrap().unwrap().num_rows(), 0);
    }
}
