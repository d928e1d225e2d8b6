//! The wire form of the connector contract, generated from `weft/connector/v1/connector.proto`.
//!
//! Types and the gRPC client and server skeletons, nothing else: what the messages mean, and which of them are valid, is
//! decided where they are converted.

/// `weft.connector.v1`.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
    tonic::include_proto!("weft.connector.v1");
}
