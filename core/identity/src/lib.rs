//! Who is who: certificates, the SPIFFE identities in them, and TLS between the parts of a mesh.
//!
//! TLS 1.3 only, HTTP/2 only, mutual, no session resumption, *ring* passed explicitly. A peer is its SPIFFE id, the one
//! URI in its certificate: host names decide where to connect, never whom to trust. Files are re-read while running; a bad
//! reload keeps what was good. Private keys never appear in `Debug`.
//!
//! This crate knows no gRPC, no HTTP and no configuration format.

mod authority;
mod credentials;
mod live;
mod peer;
mod spiffe;
mod tls;
mod verify;

#[cfg(test)]
mod tests;

pub use authority::{AuthorityError, CertificateRequest, IssuedFiles, create_authority, issue};
pub use credentials::{CredentialError, CredentialFiles, Credentials};
pub use live::LiveCredentials;
pub use peer::{PeerIdentityError, peer_identity};
pub use spiffe::{InvalidSpiffeId, SpiffeId};
pub use tls::{ClientStream, HandshakeError, ServerStream, TlsAcceptor, TlsConnector};
pub use verify::{PeerRefusal, UnexpectedPeer};
