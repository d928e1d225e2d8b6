//! The identity in a certificate.

use super::spiffe::{InvalidSpiffeId, SpiffeId};
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Why a certificate says not exactly one identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerIdentityError {
    #[error("the certificate cannot be parsed: {0}")]
    Malformed(String),
    #[error("the certificate is one of an authority, not of a workload")]
    Authority,
    #[error("the certificate has no URI among its subject alternative names")]
    NoUri,
    #[error("the certificate has more than one URI among its subject alternative names")]
    SeveralUris,
    #[error("the URI in the certificate is not a SPIFFE id: {0}")]
    NotSpiffe(#[from] InvalidSpiffeId),
}

/// The one SPIFFE id of a workload's certificate (X.509-SVID, section 2). Says nothing of who signed it.
pub fn peer_identity(certificate: &CertificateDer<'_>) -> Result<SpiffeId, PeerIdentityError> {
    let (_, parsed) =
        parse_x509_certificate(certificate).map_err(|error| PeerIdentityError::Malformed(error.to_string()))?;
    if parsed.is_ca() {
        return Err(PeerIdentityError::Authority);
    }
    let names = parsed.subject_alternative_name().map_err(|error| PeerIdentityError::Malformed(error.to_string()))?;
    let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let uri = uris.next().ok_or(PeerIdentityError::NoUri)?;
    if uris.next().is_some() {
        return Err(PeerIdentityError::SeveralUris);
    }
    Ok(uri.parse()?)
}
