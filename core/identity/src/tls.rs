//! Mutual TLS on a connection, within a time.

use super::credentials::{ALPN_HTTP2, CredentialError, Credentials};
use super::live::LiveCredentials;
use super::peer::{PeerIdentityError, peer_identity};
use super::spiffe::SpiffeId;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub type ServerStream = tokio_rustls::server::TlsStream<TcpStream>;
pub type ClientStream = tokio_rustls::client::TlsStream<TcpStream>;

/// After a refusal, how long and how much to keep reading, so that the alert arrives before the connection is reset.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 << 10;

/// Why no secured connection came about.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    #[error("the TLS handshake took longer than {0:?}")]
    Timeout(Duration),
    #[error("the peer does not offer HTTP/2")]
    NoHttp2,
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
    #[error("the peer has no usable identity")]
    Identity(#[from] PeerIdentityError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
}

/// A TLS configuration and the credentials it was made from, made again when those change.
struct Cached<T>(Mutex<Option<(Arc<Credentials>, Arc<T>)>>);

impl<T> Cached<T> {
    fn empty() -> Self {
        Self(Mutex::new(None))
    }

    fn get(
        &self,
        live: &LiveCredentials,
        make: impl FnOnce(&Credentials) -> Result<T, CredentialError>,
    ) -> Result<Arc<T>, CredentialError> {
        let current = live.current();
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, config)) = &*cached
            && Arc::ptr_eq(of, &current)
        {
            return Ok(config.clone());
        }
        let config = Arc::new(make(&current)?);
        *cached = Some((current, config.clone()));
        Ok(config)
    }
}

/// The server side of mutual TLS: lets in clients by SPIFFE id.
pub struct TlsAcceptor {
    credentials: Arc<LiveCredentials>,
    allow: Arc<[SpiffeId]>,
    handshake_timeout: Duration,
    config: Cached<ServerConfig>,
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("credentials", &self.credentials)
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

impl TlsAcceptor {
    pub fn new(credentials: Arc<LiveCredentials>, allow: Vec<SpiffeId>, handshake_timeout: Duration) -> Self {
        Self { credentials, allow: allow.into(), handshake_timeout, config: Cached::empty() }
    }

    /// Shakes hands with a client; the identity returned is proved and in the allow list.
    pub async fn accept(&self, tcp: TcpStream) -> Result<(ServerStream, SpiffeId), HandshakeError> {
        let config = self.config.get(&self.credentials, |c| c.server_config(self.allow.clone()))?;
        let handshake = tokio_rustls::TlsAcceptor::from(config).accept(tcp).into_fallible();
        let stream = match timeout(self.handshake_timeout, handshake).await {
            Err(_) => return Err(HandshakeError::Timeout(self.handshake_timeout)),
            Ok(Err((error, tcp))) => {
                linger(tcp).await;
                return Err(HandshakeError::Failed(error));
            }
            Ok(Ok(stream)) => stream,
        };
        let (_, session) = stream.get_ref();
        let peer = first_identity(session.peer_certificates())?;
        if session.alpn_protocol() != Some(ALPN_HTTP2) {
            return Err(HandshakeError::NoHttp2);
        }
        Ok((stream, peer))
    }
}

/// The client side of mutual TLS: talks to one server, by SPIFFE id.
pub struct TlsConnector {
    credentials: Arc<LiveCredentials>,
    server: SpiffeId,
    handshake_timeout: Duration,
    config: Cached<ClientConfig>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("credentials", &self.credentials)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl TlsConnector {
    pub fn new(credentials: Arc<LiveCredentials>, server: SpiffeId, handshake_timeout: Duration) -> Self {
        Self { credentials, server, handshake_timeout, config: Cached::empty() }
    }

    /// Shakes hands with the server. `host` is only sent as server name, it is not what is trusted.
    ///
    /// In TLS 1.3 a server that refuses *us* says so after this returns: see [`crate::PeerRefusal::find`].
    pub async fn connect(&self, tcp: TcpStream, host: &str) -> Result<ClientStream, HandshakeError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| HandshakeError::Host(host.to_owned()))?;
        let config = self.config.get(&self.credentials, |c| c.client_config(self.server.clone()))?;
        let handshake = tokio_rustls::TlsConnector::from(config).connect(name, tcp);
        let stream = timeout(self.handshake_timeout, handshake)
            .await
            .map_err(|_| HandshakeError::Timeout(self.handshake_timeout))?
            .map_err(HandshakeError::Failed)?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN_HTTP2) {
            return Err(HandshakeError::NoHttp2);
        }
        Ok(stream)
    }
}

fn first_identity(chain: Option<&[CertificateDer<'_>]>) -> Result<SpiffeId, PeerIdentityError> {
    peer_identity(chain.and_then(<[_]>::first).ok_or(PeerIdentityError::NoUri)?)
}

async fn linger(mut tcp: TcpStream) {
    let drain = async {
        tcp.shutdown().await?;
        let mut buffer = [0; 4096];
        let mut seen = 0;
        while seen < LINGER_BYTES {
            match tcp.read(&mut buffer).await? {
                0 => break,
                read => seen += read,
            }
        }
        io::Result::Ok(())
    };
    // The connection is over either way.
    let _ = timeout(LINGER, drain).await;
}
