//! One consistent set of certificate, key and trust bundle, and the TLS configurations made from it.

use super::peer::{PeerIdentityError, peer_identity};
use super::spiffe::SpiffeId;
use super::verify::{ClientVerifier, ServerVerifier};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::parse_x509_certificate;

pub(crate) const ALPN_HTTP2: &[u8] = b"h2";

/// No certificate, key or bundle is larger; reading stops there.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where the PEM files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFiles {
    /// Our certificate, followed by intermediate ones.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The certificates of the authorities whose peers are believed.
    pub trust: PathBuf,
}

/// Why credentials cannot be used. Never shows what is in a key file.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is larger than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}: {reason}", path.display())]
    Content { path: PathBuf, reason: String },
    #[error("{}: not the certificate of a workload", path.display())]
    Identity { path: PathBuf, source: PeerIdentityError },
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("the certificate in {} expired {} seconds ago", path.display(), since.as_secs())]
    Expired { path: PathBuf, since: Duration },
    #[error("the certificate in {} becomes valid in {} seconds", path.display(), wait.as_secs())]
    NotYetValid { path: PathBuf, wait: Duration },
    #[error("no TLS configuration can be made of the credentials")]
    Tls(#[source] rustls::Error),
}

/// A certificate with its key, and whom to trust.
#[derive(Clone)]
pub struct Credentials {
    id: SpiffeId,
    expires_at: SystemTime,
    own: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The bytes of the three files, as read at one moment.
#[derive(PartialEq, Eq)]
pub(crate) struct CredentialBytes {
    certificate: Vec<u8>,
    key: Vec<u8>,
    trust: Vec<u8>,
}

impl CredentialBytes {
    pub(crate) fn read(files: &CredentialFiles) -> Result<Self, CredentialError> {
        let bytes = Self { certificate: read(&files.certificate)?, key: read(&files.key)?, trust: read(&files.trust)? };
        warn_if_readable_by_others(&files.key);
        Ok(bytes)
    }
}

impl Credentials {
    /// Reads and checks all three files: they parse, the key fits, the certificate is valid now and has one identity.
    pub fn load(files: &CredentialFiles) -> Result<Self, CredentialError> {
        Self::parse(files, &CredentialBytes::read(files)?)
    }

    pub(crate) fn parse(files: &CredentialFiles, bytes: &CredentialBytes) -> Result<Self, CredentialError> {
        let chain = certificates(&files.certificate, &bytes.certificate)?;
        let id = peer_identity(&chain[0])
            .map_err(|source| CredentialError::Identity { path: files.certificate.clone(), source })?;
        let expires_at = check_validity(&files.certificate, &chain[0], SystemTime::now())?;
        let own = CertifiedKey::new(chain, signing_key(&files.key, &bytes.key)?);
        own.keys_match().map_err(|_| CredentialError::KeyMismatch {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        })?;
        let roots = roots(&files.trust, certificates(&files.trust, &bytes.trust)?)?;
        Ok(Self { id, expires_at, own: Arc::new(own), roots: Arc::new(roots) })
    }

    /// Who we are.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.id
    }

    /// When our certificate ends.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// A server that lets in exactly these clients.
    pub(crate) fn server_config(&self, allow: Arc<[SpiffeId]>) -> Result<ServerConfig, CredentialError> {
        let provider = provider();
        let chain = WebPkiClientVerifier::builder_with_provider(self.roots.clone(), provider.clone())
            .build()
            .map_err(|error| CredentialError::Tls(rustls::Error::General(error.to_string())))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(CredentialError::Tls)?
            .with_client_cert_verifier(Arc::new(ClientVerifier { chain, allow }))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.own.clone())));
        // A resumed session would skip the checks above.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        Ok(config)
    }

    /// A client that talks to exactly this server.
    pub(crate) fn client_config(&self, expected: SpiffeId) -> Result<ClientConfig, CredentialError> {
        let provider = provider();
        let verifier = ServerVerifier {
            roots: self.roots.clone(),
            expected,
            algorithms: provider.signature_verification_algorithms,
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(CredentialError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.own.clone())));
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let read = || -> io::Result<(u64, Vec<u8>)> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        let length = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((length as u64, bytes))
    };
    let (length, bytes) = read().map_err(|source| CredentialError::Read { path: path.to_owned(), source })?;
    if length > MAX_FILE_BYTES {
        return Err(CredentialError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.permissions().mode() & 0o007 != 0 {
        tracing::warn!(path = %path.display(), "the private key can be read by everyone on this machine");
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_path: &Path) {}

fn content(path: &Path, reason: impl Into<String>) -> CredentialError {
    CredentialError::Content { path: path.to_owned(), reason: reason.into() }
}

/// At least one.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CredentialError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| content(path, format!("not a PEM file: {error}")))?;
    if found.is_empty() {
        return Err(content(path, "holds no certificate (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(found)
}

/// The causes are left out: they may quote the file.
fn signing_key(path: &Path, pem: &[u8]) -> Result<Arc<dyn rustls::sign::SigningKey>, CredentialError> {
    use rustls_pki_types::pem::Error;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => content(path, "holds no private key (-----BEGIN PRIVATE KEY-----)"),
        _ => content(path, "not a PEM file"),
    })?;
    provider()
        .key_provider
        .load_private_key(key)
        .map_err(|_| content(path, "the private key is of a kind that is not supported, or damaged"))
}

fn roots(path: &Path, certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, CredentialError> {
    let mut roots = RootCertStore::empty();
    for (i, certificate) in certificates.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| content(path, format!("certificate {} cannot be a trust anchor: {error}", i + 1)))?;
    }
    Ok(roots)
}

/// Returns the end of the validity.
fn check_validity(
    path: &Path,
    certificate: &CertificateDer<'_>,
    now: SystemTime,
) -> Result<SystemTime, CredentialError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|error| content(path, error.to_string()))?;
    let start = system_time(parsed.validity().not_before.timestamp());
    let end = system_time(parsed.validity().not_after.timestamp());
    if let Ok(wait) = start.duration_since(now)
        && !wait.is_zero()
    {
        return Err(CredentialError::NotYetValid { path: path.to_owned(), wait });
    }
    if let Ok(since) = now.duration_since(end) {
        return Err(CredentialError::Expired { path: path.to_owned(), since });
    }
    Ok(end)
}

fn system_time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
