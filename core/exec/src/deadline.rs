//! The deadline of a query, for what computes long without waiting: a batch of costly rows, a list of many constants.

use crate::columns::in_stream;
use datafusion_common::Result;
use std::future::Future;
use tokio::time::Instant;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Polls `work` with this deadline.
pub(crate) async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    DEADLINE.scope(deadline, work).await
}

/// Fails the query when its time is over. Without a deadline there is time.
pub(crate) fn in_time() -> Result<()> {
    if DEADLINE.try_with(|deadline| Instant::now() >= *deadline).unwrap_or(false) {
        let message = "the query took longer than its timeout allows";
        return Err(in_stream(ContractError::new(Code::DeadlineExceeded, Fault::Caller, message)));
    }
    Ok(())
}
