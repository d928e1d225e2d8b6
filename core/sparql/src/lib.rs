//! The SPARQL endpoints that SERVICE may ask: a client of the SPARQL 1.1 Protocol that is a
//! [`weft_connector::Endpoint`].
//!
//! It sends a query to one URL and nowhere else: redirects are errors, proxies of the environment are not used. Its
//! answer is whole or an error. This crate knows neither plans nor who asks; it does not read the queries it sends.

mod answer;
mod blank_node;
mod body;
mod endpoint;
mod options;
mod refusal;
mod solutions;
mod tls;

pub use endpoint::HttpEndpoint;
pub use options::{Credential, EndpointLimits, EndpointOptions, InvalidEndpoint, RequestForm, check_url};
