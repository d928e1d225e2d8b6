//! What a good engineer would write for the one question: the right sources are known, requests that do not wait for each
//! other run at once, keys are shipped once, joins are hash maps over native values, IRIs are built for the answer only.
//!
//! The same connectors are asked over the same connections as Weft asks them, and the same bytes are written.

mod plant;
mod relation;
mod sheet;
mod shop;
mod time;

pub(crate) use plant::{
    aggregate, bom_down, bom_up, entity, filter_date, filter_number, filter_string, group, limit_10, optional, rows_10,
    rows_1000, rows_100000, star, top_10,
};
pub(crate) use sheet::{Sheet, civil};
pub(crate) use shop::{compare, feature, offers_of_one};
pub(crate) use time::{days, hours};

use crate::stage::{Mesh, call};
use anyhow::Result;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use futures::StreamExt as _;
use relation::Reading;
use std::sync::Arc;
use std::time::Instant;
use weft_connector::GuardedScan;
use weft_model::contract::{KeyBlock, Relation, ScanRequest};

/// The sources of a mesh, and the moment the question was asked.
pub(crate) struct Floor<'a> {
    mesh: &'a Mesh,
    pub(crate) begun: Instant,
}

impl<'a> Floor<'a> {
    pub(crate) fn new(mesh: &'a Mesh) -> Self {
        Self { mesh, begun: Instant::now() }
    }

    pub(crate) fn mesh(&self) -> &'a Mesh {
        self.mesh
    }

    /// An answer with these columns.
    fn sheet(&self, header: &str) -> Sheet {
        Sheet::new(header, self.begun)
    }

    /// Starts to read these columns of a table.
    fn read(&self, source: &str, table: &str, columns: &[&str]) -> Result<Reading> {
        Ok(Reading::new(self.mesh.table(source, table)?, columns))
    }

    async fn scan(&self, source: &str, relation: impl Into<Relation>) -> Result<GuardedScan> {
        let limits = self.mesh.engine.limits();
        let request = ScanRequest {
            id: "floor".to_owned(),
            relation: relation.into(),
            batch_rows: limits.batch_rows,
            batch_bytes: limits.batch_bytes,
            explain: false,
        };
        Ok(self.mesh.member(source)?.guarded.scan(&call(), request).await?)
    }

    /// All batches of a scan.
    async fn all(&self, source: &str, relation: impl Into<Relation>) -> Result<Vec<RecordBatch>> {
        let mut scan = self.scan(source, relation).await?;
        let mut batches = Vec::new();
        while let Some(batch) = scan.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }
}

fn integers(batch: &RecordBatch, column: usize) -> &[i64] {
    batch.column(column).as_primitive::<Int64Type>().values()
}

fn doubles(batch: &RecordBatch, column: usize) -> &[f64] {
    batch.column(column).as_primitive::<Float64Type>().values()
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn mean(sum: f64, count: i64) -> f64 {
    sum / count as f64
}

/// Keys for one request, each once.
fn keys(column: &str, keys: impl IntoIterator<Item = i64>) -> Result<KeyBlock> {
    let mut keys: Vec<i64> = keys.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let array: ArrayRef = Arc::new(Int64Array::from(keys));
    Ok(KeyBlock { columns: vec![column.to_owned()], keys: RecordBatch::try_from_iter([(column, array)])? })
}
