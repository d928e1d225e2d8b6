//! The server side: any connector, for the clients that may use it.

mod deadline;
mod service;

use self::service::Service;
use crate::convert::Limits;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use weft_connector::Connector;
use weft_identity::{HandshakeError, LiveCredentials, ServerStream, SpiffeId, TlsAcceptor};
use weft_proto::v1::connector_server::ConnectorServer;

/// What a connector's server needs to know.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Followed on disk while serving.
    pub credentials: Arc<LiveCredentials>,
    /// The clients that are let in. Not empty.
    pub allow: Vec<SpiffeId>,
    pub limits: ServeLimits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once, including those that shake hands; more are closed.
    pub connections: usize,
    /// Calls at once on one connection.
    pub streams: u32,
    pub handshake_timeout: Duration,
    /// The longest a call may last, whatever deadline it brings.
    pub call_timeout: Duration,
    /// Bytes of the headers of one call.
    pub header_bytes: u32,
    /// A client that does not answer a ping is gone.
    pub keep_alive: Duration,
    pub keep_alive_timeout: Duration,
    /// How long running calls may go on after the shutdown began.
    pub drain: Duration,
    /// How often the credential files are looked at.
    pub reload: Duration,
    pub messages: Limits,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            streams: 128,
            handshake_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(600),
            header_bytes: 16 << 10,
            keep_alive: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            reload: Duration::from_secs(10),
            messages: Limits::default(),
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("no client is allowed: the allow list is empty")]
    NobodyAllowed,
}

/// A server that listens, and does not yet answer.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServeOptions,
}

/// Listens and serves until `shutdown`; then finishes what runs, within the drain time.
pub async fn serve(
    connector: Arc<dyn Connector>,
    options: ServeOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    Server::bind(options).await?.run(connector, shutdown).await;
    Ok(())
}

impl Server {
    pub async fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        if options.allow.is_empty() {
            return Err(ServeError::NobodyAllowed);
        }
        let listen = |source| ServeError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then finishes what runs, within the drain time.
    pub async fn run(self, connector: Arc<dyn Connector>, shutdown: impl Future<Output = ()> + Send) {
        let Self { listener, address, options } = self;
        let limits = options.limits.clone();
        let (stop, stopped) = watch::channel(false);
        let connection = Arc::new(Acceptance {
            tls: TlsAcceptor::new(options.credentials.clone(), options.allow, limits.handshake_timeout),
            connector,
            limits: limits.clone(),
            stopped,
        });
        let mut follower = JoinSet::new();
        follower.spawn(options.credentials.follow(limits.reload));
        let mut connections = JoinSet::new();
        let room = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        tracing::info!(%address, "serving");
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((tcp, peer)) => match room.clone().try_acquire_owned() {
                        Ok(place) => drop(connections.spawn(connection.clone().serve(tcp, peer, place))),
                        Err(_) => tracing::warn!(%peer, limit = limits.connections, "refused a connection over the limit"),
                    },
                    Err(error) => {
                        // Such as too many open files: they may become fewer.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(listener);
        stop.send_replace(true);
        let drained = tokio::time::timeout(limits.drain, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(open = connections.len(), "closing connections that did not finish in time");
        }
    }
}

/// What every connection needs.
struct Acceptance {
    tls: TlsAcceptor,
    connector: Arc<dyn Connector>,
    limits: ServeLimits,
    stopped: watch::Receiver<bool>,
}

impl Acceptance {
    async fn serve(self: Arc<Self>, tcp: TcpStream, address: SocketAddr, _place: OwnedSemaphorePermit) {
        // Small answers must not wait for more to come; a connection that cannot be told so still works.
        let _ = tcp.set_nodelay(true);
        match self.tls.accept(tcp).await {
            Ok((stream, peer)) => self.speak(stream, peer).await,
            Err(error) => log_refusal(address, &error),
        }
    }

    async fn speak(&self, stream: ServerStream, peer: SpiffeId) {
        let messages = self.limits.messages;
        let service = Service::new(self.connector.clone(), peer.clone(), messages, self.limits.call_timeout);
        let grpc = ConnectorServer::new(service)
            .max_decoding_message_size(messages.message_bytes)
            .max_encoding_message_size(messages.message_bytes);
        let grpc = grpc.map_request(|request: http::Request<Incoming>| request.map(tonic::body::Body::new));
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(self.limits.header_bytes)
            .max_pending_accept_reset_streams(Some(self.limits.streams as usize))
            .max_local_error_reset_streams(Some(1024))
            .keep_alive_interval(Some(self.limits.keep_alive))
            .keep_alive_timeout(self.limits.keep_alive_timeout)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(grpc));
        tokio::pin!(connection);
        let mut stopped = self.stopped.clone();
        let stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = stopped => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%peer, error = &error as &dyn Error, "connection ended");
        }
    }
}

fn log_refusal(address: SocketAddr, error: &HandshakeError) {
    tracing::warn!(peer = %address, error = error as &dyn Error, "refused a connection");
}
