//! The engine as an endpoint.
