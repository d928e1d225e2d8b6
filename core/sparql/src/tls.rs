//! Whom the client trusts.

use crate::InvalidEndpoint;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// The system's authorities and those of `trust`. Without `https` nothing is read: the machine may have no certificates.
pub(crate) fn client_config(trust: Option<&str>, https: bool) -> Result<ClientConfig, InvalidEndpoint> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(InvalidEndpoint::Tls)?;
    if !https {
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    let extra = CertificateDer::pem_slice_iter(trust.unwrap_or_default().as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(InvalidEndpoint::Trust)?;
    if extra.is_empty() && trust.is_some() {
        return Err(InvalidEndpoint::NoCertificate);
    }
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(InvalidEndpoint::Tls)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
