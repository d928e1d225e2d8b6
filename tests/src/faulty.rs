//! A connector that goes wrong at a chosen moment.

use async_trait::async_trait;
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_model::contract::{Check, ContractError, Description, Outcome, ScanRequest};
use weft_model::{Code, Fault};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// An error in the place of the end, after all rows.
    ErrorAtEnd,
    /// An error after the first batch.
    ErrorAfterFirstBatch,
    /// The stream stops without its end.
    NoEnd,
    /// The end says that rows are missing.
    Truncated,
    /// The end counts a row that never came.
    WrongCount,
    /// The first batch does not come at all, and the end counts it.
    LostBatch,
    /// The scan is refused.
    Refused,
    /// Nothing comes any more after the first batch.
    Silence,
}

impl Mishap {
    /// All that show themselves without waiting.
    pub const ALL: &[Self] = &[
        Self::ErrorAtEnd,
        Self::ErrorAfterFirstBatch,
        Self::NoEnd,
        Self::Truncated,
        Self::WrongCount,
        Self::LostBatch,
        Self::Refused,
    ];
}

/// Passes every call on, and spoils the scans from a number on.
#[derive(Debug)]
pub struct FaultyConnector {
    inner: Arc<dyn Connector>,
    mishap: Mishap,
    first: u64,
    scans: AtomicU64,
}

impl FaultyConnector {
    /// `first`: how many scans go well before.
    pub fn new(inner: Arc<dyn Connector>, mishap: Mishap, first: u64) -> Self {
        Self { inner, mishap, first, scans: AtomicU64::new(0) }
    }

    /// How many scans were spoilt.
    pub fn spoilt(&self) -> u64 {
        self.scans.load(Ordering::Relaxed).saturating_sub(self.first)
    }
}

#[async_trait]
impl Connector for FaultyConnector {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.inner.describe(context).await
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.inner.check(context, tables).await
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let explain = request.explain;
        let stream = self.inner.scan(context, request).await?;
        if explain || self.scans.fetch_add(1, Ordering::Relaxed) < self.first {
            return Ok(stream);
        }
        if self.mishap == Mishap::Refused {
            return Err(broken());
        }
        let events: Vec<Result<ScanEvent, ContractError>> = stream.collect().await;
        let spoilt = futures::stream::iter(spoil(events, self.mishap));
        if self.mishap == Mishap::Silence {
            return Ok(spoilt.chain(futures::stream::pending()).boxed());
        }
        Ok(spoilt.boxed())
    }
}

fn broken() -> ContractError {
    ContractError::new(Code::SourceFailed, Fault::Source, "the disk is on fire")
}

fn spoil(mut events: Vec<Result<ScanEvent, ContractError>>, mishap: Mishap) -> Vec<Result<ScanEvent, ContractError>> {
    let Some(Ok(ScanEvent::End(mut end))) = events.pop() else { return vec![Err(broken())] };
    match mishap {
        Mishap::ErrorAtEnd | Mishap::Refused => events.push(Err(broken())),
        Mishap::ErrorAfterFirstBatch => {
            events.truncate(1);
            events.push(Err(broken()));
        }
        Mishap::NoEnd => {}
        Mishap::Silence => events.truncate(1),
        Mishap::Truncated => {
            end.outcome = Outcome::Truncated("enough is enough".into());
            events.push(Ok(ScanEvent::End(end)));
        }
        Mishap::WrongCount => {
            end.rows += 1;
            events.push(Ok(ScanEvent::End(end)));
        }
        Mishap::LostBatch => {
            let lost = events.iter().position(|e| matches!(e, Ok(ScanEvent::Batch(batch)) if batch.num_rows() > 0));
            match lost {
                Some(position) => {
                    drop(events.remove(position));
                }
                // Nothing to lose: say that there was.
                None => end.rows += 1,
            }
            events.push(Ok(ScanEvent::End(end)));
        }
    }
    events
}
