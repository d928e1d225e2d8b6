//! The connector contract over the documents.

use crate::config::{Limits, TriplesConfig};
use crate::error::{OpenError, Result, internal, invalid_request};
use crate::files::{Files, Revision};
use crate::request::Request;
use crate::scan::{self, Bounds};
use crate::{describe, error};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use weft_connector::{CallContext, Connector, ScanStream};
use weft_model::contract::{Check, Description, ScanRequest};

/// A connector for the documents its configuration names.
#[derive(Debug)]
pub struct TriplesConnector {
    files: Arc<Files>,
    limits: Limits,
    scans: Arc<Semaphore>,
}

impl TriplesConnector {
    /// Reads the documents.
    pub fn open(config: &TriplesConfig) -> std::result::Result<Self, OpenError> {
        config.limits.validate()?;
        let scans = Arc::new(Semaphore::new(config.limits.scans as usize));
        Ok(Self { files: Arc::new(Files::open(config)?), limits: config.limits, scans })
    }

    /// The call's deadline, or the configured one where that is earlier.
    fn deadline(&self, context: &CallContext) -> Instant {
        context.deadline.min(Instant::now() + self.limits.scan_timeout())
    }

    /// What the documents say now; they are read again when one has changed.
    async fn revision(&self, deadline: Instant) -> Result<Revision> {
        let files = self.files.clone();
        let reading = tokio::task::spawn_blocking(move || files.revision());
        let read = timeout_at(deadline, reading).await.map_err(|_| error::deadline_exceeded())?;
        Ok(read.map_err(internal)??)
    }
}

#[async_trait]
impl Connector for TriplesConnector {
    async fn describe(&self, context: &CallContext) -> Result<Description> {
        Ok(describe::describe(&self.revision(self.deadline(context)).await?, &self.limits))
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check> {
        let revision = self.revision(self.deadline(context)).await?;
        Ok(describe::check(&revision, self.files.names(), tables))
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream> {
        if request.batch_rows == 0 || request.batch_bytes == 0 {
            return Err(invalid_request("a batch must be allowed at least one row and one byte"));
        }
        let deadline = self.deadline(context);
        let dataset = self.revision(deadline).await?.dataset;
        let lookup = Request::new(&request.relation, &dataset, self.limits.keys, self.limits.nodes)?;
        if request.explain {
            return Ok(scan::explain(lookup));
        }
        let permit = timeout_at(deadline, self.scans.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| error::deadline_exceeded())?.map_err(internal)?;
        let bounds = Bounds {
            batch_rows: request.batch_rows.min(self.limits.batch_rows),
            batch_bytes: request.batch_bytes.min(self.limits.batch_bytes),
            deadline,
        };
        Ok(scan::start(dataset, lookup, bounds, permit))
    }
}
