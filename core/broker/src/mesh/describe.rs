//! Asking sources what they have.

use super::MeshSource;
use crate::failure::Failure;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use weft_connector::SourceError;
use weft_model::Code;
use weft_model::contract::Description;

/// Sources described at once.
const CONCURRENCY: usize = 8;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Describes a source, trying again until the time is over where that can help.
pub(crate) async fn describe(source: &MeshSource, until: Instant) -> Result<Arc<Description>, Failure> {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut context = source.context();
        context.deadline = context.deadline.min(until);
        let error = match timeout_at(until, source.plain.describe(&context)).await {
            Ok(Ok(description)) => return Ok(Arc::new(description)),
            Ok(Err(error)) => error,
            Err(_) => {
                let message = format!("source {}: it did not answer in time", source.name);
                return Err(Failure::new(Code::DeadlineExceeded, message));
            }
        };
        if !can_pass(&error) || Instant::now() + pause >= until {
            return Err(error.into());
        }
        tracing::debug!(source = %source.name, "not there yet, trying again: {error}");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Describes all sources, several at a time, in their order.
pub(crate) async fn describe_all(
    sources: &[MeshSource],
    until: Instant,
) -> Vec<(&MeshSource, Result<Arc<Description>, Failure>)> {
    let asked = sources.iter().map(|source| async move { (source, describe(source, until).await) });
    futures::stream::iter(asked).buffered(CONCURRENCY).collect().await
}

/// Whether the error may go away by itself while the broker starts.
fn can_pass(error: &SourceError) -> bool {
    matches!(
        error.error.code,
        Code::SourceUnavailable
            | Code::SourceFailed
            | Code::DeadlineExceeded
            | Code::Overloaded
            | Code::RateLimited
            | Code::StreamTruncated
    )
}
