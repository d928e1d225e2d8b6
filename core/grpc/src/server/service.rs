//! The calls of the contract, handed to the connector.

use super::deadline::timeout;
use crate::convert::{self, ConvertError, Limits};
use crate::status::to_status;
use futures::stream::{BoxStream, iter, try_unfold};
use futures::{StreamExt as _, TryStreamExt as _};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_identity::SpiffeId;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_proto::v1;
use weft_proto::v1::scan_response::Event;

/// Names in requests are logged up to this many bytes.
const MAX_LOGGED: usize = 128;

/// The contract's calls from one peer.
pub(super) struct Service {
    connector: Arc<dyn Connector>,
    peer: SpiffeId,
    messages: Limits,
    call_timeout: Duration,
}

impl Service {
    pub(super) fn new(connector: Arc<dyn Connector>, peer: SpiffeId, messages: Limits, call_timeout: Duration) -> Self {
        Self { connector, peer, messages, call_timeout }
    }

    fn context(&self, metadata: &MetadataMap) -> Result<CallContext, Status> {
        let brought = timeout(metadata)
            .map_err(|error| to_status(&ContractError::new(Code::InvalidRequest, Fault::Caller, error.to_string())))?;
        let allowed = brought.map_or(self.call_timeout, |brought| brought.min(self.call_timeout));
        let traceparent = metadata.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(CallContext { deadline: Instant::now() + allowed, traceparent })
    }

    fn span(&self, method: &'static str, context: &CallContext) -> tracing::Span {
        let traceparent = context.traceparent.as_deref().unwrap_or_default();
        tracing::info_span!(
            "call",
            method,
            peer = %self.peer,
            traceparent = convert::cut(traceparent, MAX_LOGGED),
            scan = tracing::field::Empty,
        )
    }
}

async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, ContractError>>,
) -> Result<T, ContractError> {
    timeout_at(deadline, call).await.unwrap_or_else(|_| {
        Err(ContractError::new(
            Code::DeadlineExceeded,
            Fault::Source,
            "the connector did not finish within its deadline",
        ))
    })
}

#[tonic::async_trait]
impl v1::connector_server::Connector for Service {
    type ScanStream = BoxStream<'static, Result<v1::ScanResponse, Status>>;

    async fn describe(&self, request: Request<v1::DescribeRequest>) -> Result<Response<v1::Description>, Status> {
        let context = self.context(request.metadata())?;
        let answer = async {
            let description = within(context.deadline, self.connector.describe(&context)).await;
            description.map_err(|error| to_status(&error))
        };
        let description = answer.instrument(self.span("Describe", &context)).await?;
        Ok(Response::new(convert::encode_description(&description)))
    }

    async fn check(&self, request: Request<v1::CheckRequest>) -> Result<Response<v1::CheckResponse>, Status> {
        let context = self.context(request.metadata())?;
        let tables = request.into_inner().tables;
        let answer = async {
            let check = within(context.deadline, self.connector.check(&context, &tables)).await;
            check.map_err(|error| to_status(&error))
        };
        let check = answer.instrument(self.span("Check", &context)).await?;
        Ok(Response::new(convert::encode_check(&check)))
    }

    async fn scan(&self, request: Request<v1::ScanRequest>) -> Result<Response<Self::ScanStream>, Status> {
        let context = self.context(request.metadata())?;
        let span = self.span("Scan", &context);
        let answer = async {
            let request =
                convert::decode_scan_request(request.into_inner(), &self.messages).map_err(ConvertError::in_request)?;
            tracing::Span::current().record("scan", convert::cut(&request.id, MAX_LOGGED));
            // A relation that does not fit together is the caller's error, not one of the connector.
            request.relation.fields().map_err(|error| {
                ContractError::new(Code::InvalidRequest, Fault::Caller, format!("the relation is not valid: {error}"))
            })?;
            within(context.deadline, self.connector.scan(&context, request)).await
        };
        let events = answer.instrument(span.clone()).await.map_err(|error| span.in_scope(|| to_status(&error)))?;
        Ok(Response::new(responses(events, context.deadline, self.messages, span)))
    }
}

/// The messages of an answer. Dropping them drops the connector's stream.
fn responses(
    events: ScanStream,
    deadline: Instant,
    messages: Limits,
    span: tracing::Span,
) -> BoxStream<'static, Result<v1::ScanResponse, Status>> {
    let failed = span.clone();
    let next = move |mut events: ScanStream| {
        let span = span.clone();
        async move {
            let next = async { events.next().await.transpose() };
            let event = within(deadline, next).instrument(span).await?;
            Ok(event.map(|event| (event, events)))
        }
    };
    try_unfold(events, next)
        .and_then(move |event| std::future::ready(encode_event(&event, messages)))
        .map_ok(|events| iter(events.into_iter().map(|event| Ok(v1::ScanResponse { event: Some(event) }))))
        .try_flatten()
        .map_err(move |error: ContractError| failed.in_scope(|| to_status(&error)))
        .boxed()
}

fn encode_event(event: &ScanEvent, messages: Limits) -> Result<Vec<Event>, ContractError> {
    match event {
        ScanEvent::Batch(batch) => {
            // Some room for the envelope.
            let limit = messages.message_bytes.saturating_sub(1024);
            let batches =
                convert::encode_batch(batch, limit).map_err(|error| ConvertError::from(error).in_encoding())?;
            Ok(batches.into_iter().map(Event::Batch).collect())
        }
        ScanEvent::End(end) => Ok(vec![Event::End(convert::encode_end(end))]),
    }
}
