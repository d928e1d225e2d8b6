//! The connector contract over gRPC: a client that is a [`weft_connector::Connector`], and a server for any of them.
//!
//! [`convert`] is the wire form of the model, in both directions. Foreign bytes are checked before they become values:
//! no message makes this crate panic, recurse or allocate without a limit. With `weft-identity` it is the only crate that
//! knows TLS; it knows neither what a connector reads nor what the broker does with it.

mod batch;
mod client;
pub mod convert;
mod server;
mod status;

pub use client::{ClientLimits, ClientOptions, GrpcConnector, InvalidEndpoint};
pub use server::{ServeError, ServeLimits, ServeOptions, Server, serve};
