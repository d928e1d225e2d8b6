//! Certificate verification: the chain as usual, then the SPIFFE id in place of a host name.

use super::peer::peer_identity;
use super::spiffe::SpiffeId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerIncompatible, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

/// The peer proved an identity, but not the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, but the peer is {presented}")]
pub struct UnexpectedPeer {
    pub expected: SpiffeId,
    pub presented: SpiffeId,
}

/// Which side would not accept the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerRefusal {
    /// We refused the peer's certificate, for this reason.
    Ours(String),
    /// The peer knows who we are and does not let us in.
    NotAllowed,
    /// The peer refused our certificate, for this reason.
    Theirs(String),
}

impl PeerRefusal {
    /// Finds the refusal among the causes of a failed handshake or a broken connection.
    pub fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            // An io::Error made from another error hides it from `source`.
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            let tls = inner.and_then(|e| e.downcast_ref()).or_else(|| error.downcast_ref::<Error>());
            if let Some(refusal) = tls.and_then(Self::of) {
                return Some(refusal);
            }
            cause = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &Error) -> Option<Self> {
        use rustls::AlertDescription as Alert;
        match error {
            Error::InvalidCertificate(reason) => Some(Self::Ours(in_words(reason))),
            Error::NoCertificatesPresented => Some(Self::Ours("the peer presented no certificate".to_owned())),
            Error::AlertReceived(Alert::AccessDenied) => Some(Self::NotAllowed),
            // The second: an authority of the same name with another key.
            Error::AlertReceived(Alert::UnknownCA | Alert::DecryptError) => {
                Some(Self::Theirs("it does not trust the authority that issued it".to_owned()))
            }
            Error::AlertReceived(Alert::CertificateExpired) => {
                Some(Self::Theirs("it is expired, or not valid yet".to_owned()))
            }
            Error::AlertReceived(
                alert @ (Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::CertificateRequired),
            ) => Some(Self::Theirs(format!("{alert:?}"))),
            _ => None,
        }
    }
}

fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::Other(reason) => reason.0.to_string(),
        // The second: an authority of the same name with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "it was not issued by an authority of the trust bundle".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        other => other.to_string(),
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// What a client asks of a server's certificate.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) expected: SpiffeId,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        let presented = peer_identity(end_entity).map_err(other)?;
        if presented != self.expected {
            return Err(other(UnexpectedPeer { expected: self.expected.clone(), presented }));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What a server asks of a client's certificate.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    pub(crate) chain: Arc<dyn ClientCertVerifier>,
    pub(crate) allow: Arc<[SpiffeId]>,
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let presented = peer_identity(end_entity).map_err(other)?;
        if !self.allow.contains(&presented) {
            tracing::warn!(peer = %presented, "refused a client that is not in the allow list");
            // Becomes the alert `access_denied`, which a client can tell from a bad certificate.
            return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
