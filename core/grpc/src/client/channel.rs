//! One connection to one connector, made when needed.

use super::ClientOptions;
use super::observe::{Observed, Refusal};
use futures::future::BoxFuture;
use http::{Uri, uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tonic::body::Body;
use tower::Service;
use weft_identity::{Credentials, HandshakeError, LiveCredentials, PeerRefusal, TlsConnector};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

const STREAM_WINDOW: u32 = 1 << 20;
const MAX_WINDOW: u32 = (1 << 31) - 1;
/// Trailers carry errors of at most 4 KiB, twice and encoded.
const MAX_HEADER_LIST: u32 = 32 << 10;
/// How long to wait for a broken connection to say why.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// The endpoint in the configuration is not one.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint:?} is not an endpoint: {reason}; write https://host:port")]
pub struct InvalidEndpoint {
    endpoint: String,
    reason: &'static str,
}

/// A gRPC service over the current connection.
#[derive(Clone)]
pub(super) struct Channel(Arc<Inner>);

struct Inner {
    origin: Uri,
    host: String,
    port: u16,
    tls: TlsConnector,
    options: ClientOptions,
    /// Locked while connecting, so that calls that come together make one connection.
    link: Mutex<Option<Link>>,
}

#[derive(Clone)]
struct Link {
    sender: SendRequest<Body>,
    /// What the connection was made with; when they change, new calls get a new connection.
    credentials: Arc<Credentials>,
    broken: Broken,
}

/// Tells what became of a connection.
#[derive(Clone)]
pub(super) struct Broken {
    refusal: Refusal,
    /// True once the connection has ended.
    ended: watch::Receiver<bool>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Channel {
    pub(super) fn new(options: ClientOptions) -> Result<Self, InvalidEndpoint> {
        let (origin, host, port) = parse_endpoint(&options.endpoint)
            .map_err(|reason| InvalidEndpoint { endpoint: options.endpoint.clone(), reason })?;
        let credentials: Arc<LiveCredentials> = options.credentials.clone();
        let tls = TlsConnector::new(credentials, options.server.clone(), options.limits.handshake_timeout);
        Ok(Self(Arc::new(Inner { origin, host, port, tls, options, link: Mutex::new(None) })))
    }

    pub(super) fn origin(&self) -> &Uri {
        &self.0.origin
    }
}

impl Service<http::Request<Body>> for Channel {
    /// Carries [`Broken`] as an extension.
    type Response = http::Response<Incoming>;
    type Error = ContractError;
    type Future = BoxFuture<'static, Result<Self::Response, ContractError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ContractError>> {
        // Connecting belongs to the call, where the deadline is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move {
            let mut link = inner.link().await?;
            match link.sender.send_request(request).await {
                Ok(mut response) => {
                    response.extensions_mut().insert(link.broken);
                    Ok(response)
                }
                Err(error) => Err(link.broken.explain(&error).await),
            }
        })
    }
}

impl Inner {
    async fn link(&self) -> Result<Link, ContractError> {
        let mut current = self.link.lock().await;
        let credentials = self.options.credentials.current();
        if let Some(link) = &*current
            && !link.sender.is_closed()
            && Arc::ptr_eq(&link.credentials, &credentials)
        {
            return Ok(link.clone());
        }
        let link = self.connect(credentials).await?;
        *current = Some(link.clone());
        Ok(link)
    }

    async fn connect(&self, credentials: Arc<Credentials>) -> Result<Link, ContractError> {
        let limits = &self.options.limits;
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let tcp = match timeout(limits.connect_timeout, connecting).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => return Err(self.unavailable(&error.to_string())),
            Err(_) => return Err(self.unavailable(&format!("no answer within {:?}", limits.connect_timeout))),
        };
        tcp.set_nodelay(true).map_err(|error| self.unavailable(&error.to_string()))?;
        let stream = self.tls.connect(tcp, &self.host).await.map_err(|error| self.handshake_failed(&error))?;
        let refusal = Refusal::default();
        let io = TokioIo::new(Observed { stream, refusal: refusal.clone() });
        // Room for every stream's window: a stream that nobody reads for a while must not stop the others.
        let connection_window = STREAM_WINDOW.saturating_mul(limits.streams.saturating_add(1)).min(MAX_WINDOW);
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(connection_window)
            .max_header_list_size(MAX_HEADER_LIST)
            .initial_max_send_streams(limits.streams as usize)
            .keep_alive_interval(limits.keep_alive)
            .keep_alive_timeout(limits.keep_alive_timeout)
            .keep_alive_while_idle(true)
            .handshake(io)
            .await
            .map_err(|error| self.unavailable(&error.to_string()))?;
        let (end, ended) = watch::channel(false);
        // Ends by itself when the last sender and stream are gone.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn Error, "connection to a connector ended");
            }
            end.send_replace(true);
        });
        Ok(Link { sender, credentials, broken: Broken { refusal, ended } })
    }

    /// The address stays in the detail: whoever asks a question need not learn our network.
    fn unavailable(&self, reason: &str) -> ContractError {
        let message = format!("cannot connect to the connector: {reason}");
        ContractError::new(Code::SourceUnavailable, Fault::Source, message)
            .with_detail(format_args!("{}: {reason}", self.options.endpoint))
    }

    fn handshake_failed(&self, error: &HandshakeError) -> ContractError {
        let refusal = PeerRefusal::find(error);
        match (refusal, error) {
            (Some(refusal), _) => refused(&refusal),
            (None, HandshakeError::Credentials(_)) => {
                ContractError::new(Code::InvalidConfig, Fault::Config, "our own credentials cannot be used")
                    .with_detail(causes(error))
            }
            (None, _) => self.unavailable(&causes(error)),
        }
    }
}

impl Broken {
    /// The reason of a failed request or stream.
    pub(super) async fn explain(&self, error: &(dyn Error + Sync)) -> ContractError {
        let mut ended = self.ended.clone();
        // Either outcome is fine: the connection may live on when only this stream failed.
        let _ = timeout(REASON_TIMEOUT, ended.wait_for(|ended| *ended)).await;
        match self.refusal.get() {
            Some(refusal) => refused(refusal),
            None => {
                ContractError::new(Code::SourceUnavailable, Fault::Source, "the connection to the connector was lost")
                    .with_detail(causes(error))
            }
        }
    }
}

fn refused(refusal: &PeerRefusal) -> ContractError {
    match refusal {
        PeerRefusal::Ours(reason) => ContractError::new(
            Code::Unauthenticated,
            Fault::Config,
            format!("the connector's certificate is not accepted: {reason}"),
        ),
        PeerRefusal::NotAllowed => ContractError::new(
            Code::PermissionDenied,
            Fault::Config,
            "the connector does not allow our identity (its allow list)",
        ),
        PeerRefusal::Theirs(alert) => ContractError::new(
            Code::Unauthenticated,
            Fault::Config,
            format!("the connector does not accept our certificate: {alert}"),
        ),
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn parse_endpoint(text: &str) -> Result<(Uri, String, u16), &'static str> {
    let parts = text.parse::<Uri>().map_err(|_| "it is not a URI")?.into_parts();
    if parts.scheme != Some(uri::Scheme::HTTPS) {
        return Err("its scheme is not https");
    }
    if parts.path_and_query.is_some_and(|path| path != "/") {
        return Err("it has a path or query");
    }
    let authority = parts.authority.ok_or("it has no host")?;
    if authority.as_str().contains('@') {
        return Err("it has user information");
    }
    let port = authority.port_u16().ok_or("it has no port")?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err("it has no host");
    }
    let origin = Uri::builder().scheme(uri::Scheme::HTTPS).authority(authority).path_and_query("/").build();
    Ok((origin.map_err(|_| "it is not a URI")?, host, port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_endpoint_is_https_with_host_and_port() {
        let (origin, host, port) = parse_endpoint("https://[::1]:7101").unwrap();
        assert_eq!((origin.to_string().as_str(), host.as_str(), port), ("https://[::1]:7101/", "::1", 7101));
        assert_eq!(parse_endpoint("https://erp.example:7101/").unwrap().1, "erp.example");
        for bad in [
            "",
            "erp:7101",
            "http://erp:7101",
            "https://erp",
            "https://erp:7101/x",
            "https://me@erp:7101",
            "https://erp:x",
        ] {
            assert!(parse_endpoint(bad).is_err(), "{bad}");
        }
    }
}
