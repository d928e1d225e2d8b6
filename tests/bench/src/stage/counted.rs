//! What goes over the wire, counted the same way for whoever asks.

use async_trait::async_trait;
use futures::StreamExt as _;
use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream, batch_bytes};
use weft_grpc::GrpcConnector;
use weft_model::contract::{Check, ContractError, Description, Relation, ScanRequest};

/// A connector whose scans are counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) inner: GrpcConnector,
    pub(crate) counts: Arc<Counts>,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    key_bytes: AtomicU64,
}

/// Sums over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Traffic {
    /// Scans; the SQL connector sends one statement for each.
    pub(crate) requests: u64,
    pub(crate) rows: u64,
    /// Of the batches that came, as Arrow columns.
    pub(crate) bytes: u64,
    /// Of the keys that were sent, as Arrow columns.
    pub(crate) key_bytes: u64,
}

impl Traffic {
    /// Both directions.
    pub(crate) fn all_bytes(self) -> u64 {
        self.bytes + self.key_bytes
    }
}

impl std::iter::Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            requests: a.requests + b.requests,
            rows: a.rows + b.rows,
            bytes: a.bytes + b.bytes,
            key_bytes: a.key_bytes + b.key_bytes,
        })
    }
}

impl Sub for Traffic {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            rows: self.rows - before.rows,
            bytes: self.bytes - before.bytes,
            key_bytes: self.key_bytes - before.key_bytes,
        }
    }
}

impl Counts {
    pub(crate) fn read(&self) -> Traffic {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic {
            requests: load(&self.requests),
            rows: load(&self.rows),
            bytes: load(&self.bytes),
            key_bytes: load(&self.key_bytes),
        }
    }
}

#[async_trait]
impl Connector for Counted {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.inner.describe(context).await
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.inner.check(context, tables).await
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts.key_bytes.fetch_add(key_bytes(&request.relation), Ordering::Relaxed);
        let counts = self.counts.clone();
        let events = self.inner.scan(context, request).await?;
        let counted = events.inspect(move |event| {
            if let Ok(ScanEvent::Batch(batch)) = event {
                counts.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                counts.bytes.fetch_add(batch_bytes(batch), Ordering::Relaxed);
            }
        });
        Ok(counted.boxed())
    }
}

fn key_bytes(relation: &Relation) -> u64 {
    let start = match relation {
        Relation::Recurse { start, .. } => start.as_ref(),
        _ => None,
    };
    let blocks = relation.reads().into_iter().filter_map(|read| read.keys.as_ref()).chain(start);
    blocks.map(|block| batch_bytes(&block.keys)).sum()
}
