//! The client side: a connector somewhere else, as a connector here.

mod channel;
mod observe;
mod stream;

use self::channel::Channel;
use crate::convert::{self, Limits};
use crate::status::from_status;
use async_trait::async_trait;
use futures::StreamExt as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};
use weft_connector::{CallContext, Connector, ScanStream};
use weft_identity::{LiveCredentials, SpiffeId};
use weft_model::contract::{CONTRACT_VERSION, Check, ContractError, ContractRange, Description, ScanRequest};
use weft_model::{Code, Fault};
use weft_proto::v1;
use weft_proto::v1::connector_client::ConnectorClient;

pub use channel::InvalidEndpoint;

/// Where a connector is and who it must be.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// `https://host:port`.
    pub endpoint: String,
    /// The identity the server has to prove.
    pub server: SpiffeId,
    /// Ours. Whoever owns them keeps them up to date (`LiveCredentials::follow`).
    pub credentials: Arc<LiveCredentials>,
    pub limits: ClientLimits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    pub connect_timeout: Duration,
    pub handshake_timeout: Duration,
    /// Calls at once on the one connection; each may have a window of 1 MiB in flight.
    pub streams: u32,
    /// A connection is given up when a ping is not answered: `keep_alive` after the last, within `keep_alive_timeout`.
    pub keep_alive: Duration,
    pub keep_alive_timeout: Duration,
    pub messages: Limits,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            streams: 64,
            keep_alive: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(10),
            messages: Limits::default(),
        }
    }
}

/// A connector that is reached over gRPC. Connects when first asked, and again after a connection was lost.
#[derive(Clone, Debug)]
pub struct GrpcConnector {
    channel: Channel,
    messages: Limits,
}

impl GrpcConnector {
    /// Opens no connection.
    pub fn new(options: ClientOptions) -> Result<Self, InvalidEndpoint> {
        let messages = options.limits.messages;
        Ok(Self { channel: Channel::new(options)?, messages })
    }

    fn client(&self) -> ConnectorClient<Channel> {
        ConnectorClient::with_origin(self.channel.clone(), self.channel.origin().clone())
            .max_decoding_message_size(self.messages.message_bytes)
            .max_encoding_message_size(self.messages.message_bytes)
    }
}

#[async_trait]
impl Connector for GrpcConnector {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        let request = request(v1::DescribeRequest {}, context)?;
        let mut client = self.client();
        let answer = call(context.deadline, client.describe(request)).await?.into_inner();
        let contract =
            answer.contract.ok_or_else(|| convert::ConvertError::Missing("the contract range").in_answer())?;
        // Before the rest is read: another version may mean something else by it.
        check_version(ContractRange { min: contract.min, max: contract.max })?;
        convert::decode_description(answer).map_err(convert::ConvertError::in_answer)
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        let request = request(v1::CheckRequest { tables: tables.to_vec() }, context)?;
        let mut client = self.client();
        let answer = call(context.deadline, client.check(request)).await?.into_inner();
        convert::decode_check(answer).map_err(convert::ConvertError::in_answer)
    }

    async fn scan(&self, context: &CallContext, scan: ScanRequest) -> Result<ScanStream, ContractError> {
        let scan = convert::encode_scan_request(&scan, &self.messages).map_err(convert::ConvertError::in_encoding)?;
        let request = request(scan, context)?;
        let mut client = self.client();
        let response = call(context.deadline, client.scan(request)).await?;
        Ok(stream::events(response, context.deadline).boxed())
    }
}

fn check_version(range: ContractRange) -> Result<(), ContractError> {
    if (range.min..=range.max).contains(&CONTRACT_VERSION) {
        return Ok(());
    }
    let message = format!(
        "the connector speaks contract versions {} to {}, the broker speaks {CONTRACT_VERSION} to {CONTRACT_VERSION}",
        range.min, range.max
    );
    Err(ContractError::new(Code::ContractViolation, Fault::Connector, message))
}

fn request<T>(message: T, context: &CallContext) -> Result<Request<T>, ContractError> {
    let mut request = Request::new(message);
    let remaining = context.deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Err(deadline_exceeded());
    }
    request.set_timeout(remaining);
    // A trace context that is not one is no reason to fail a call.
    if let Some(value) = context.traceparent.as_ref().and_then(|text| text.parse().ok()) {
        request.metadata_mut().insert("traceparent", value);
    }
    Ok(request)
}

async fn call<T>(
    deadline: Instant,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<Response<T>, ContractError> {
    timeout_at(deadline, call).await.map_err(|_| deadline_exceeded())?.map_err(|status| from_status(&status))
}

fn deadline_exceeded() -> ContractError {
    ContractError::new(Code::DeadlineExceeded, Fault::Source, "the connector did not answer within the time allowed")
}
