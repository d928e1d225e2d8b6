//! The events of a remote scan.

use super::channel::Broken;
use super::deadline_exceeded;
use crate::convert::{ConvertError, decode_batch, decode_end};
use crate::status::{from_status, is_local};
use futures::Stream;
use futures::stream::try_unfold;
use tokio::time::{Instant, timeout_at};
use tonic::{Response, Status, Streaming};
use weft_connector::ScanEvent;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_proto::v1;
use weft_proto::v1::scan_response::Event;

struct Remote {
    stream: Streaming<v1::ScanResponse>,
    broken: Option<Broken>,
    deadline: Instant,
    ended: bool,
}

/// Dropping the stream resets the call. A stream that stops before its end marker ends in an error.
pub(super) fn events(
    response: Response<Streaming<v1::ScanResponse>>,
    deadline: Instant,
) -> impl Stream<Item = Result<ScanEvent, ContractError>> + Send {
    let broken = response.extensions().get::<Broken>().cloned();
    let remote = Remote { stream: response.into_inner(), broken, deadline, ended: false };
    try_unfold(remote, |mut remote| async move { Ok(remote.next().await?.map(|event| (event, remote))) })
}

impl Remote {
    async fn next(&mut self) -> Result<Option<ScanEvent>, ContractError> {
        let message = timeout_at(self.deadline, self.stream.message()).await.map_err(|_| deadline_exceeded())?;
        let message = match message {
            Ok(message) => message,
            Err(status) => return Err(self.failed(&status).await),
        };
        let Some(message) = message else {
            if self.ended {
                return Ok(None);
            }
            let message = "the answer stopped without its end marker";
            return Err(ContractError::new(Code::StreamTruncated, Fault::Connector, message));
        };
        let event = message.event.ok_or_else(|| ConvertError::Unknown("an event of the scan").in_answer())?;
        Ok(Some(match event {
            Event::Batch(batch) => {
                ScanEvent::Batch(decode_batch(batch).map_err(|error| ConvertError::from(error).in_answer())?)
            }
            Event::End(end) => {
                self.ended = true;
                ScanEvent::End(decode_end(end).map_err(ConvertError::in_answer)?)
            }
        }))
    }

    async fn failed(&self, status: &Status) -> ContractError {
        match &self.broken {
            Some(broken) if is_local(status) => broken.explain(status).await,
            _ => from_status(status),
        }
    }
}
