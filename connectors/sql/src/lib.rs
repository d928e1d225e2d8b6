//! A connector for SQLite and PostgreSQL: relational trees in, one parameterised SQL statement out, rows streamed back.
//!
//! [`SqlConnector`] implements the connector contract; the binary of this crate serves it over gRPC. Values reach a
//! database as bind parameters only, identifiers through the SQL builder only. This crate knows nothing of RDF, and
//! talks to the one database its configuration names.

mod calendar;
mod catalogue;
mod config;
mod connector;
mod decimal;
mod error;
mod estimate;
mod lower;
mod permits;
mod postgres;
mod rows;
mod span;
mod sqlite;
mod view;

pub use config::{
    ConfigError, Database, Identity, Limits, PasswordSource, Service, SqlConfig, Telemetry, View, ViewColumn,
};
pub use connector::SqlConnector;
pub use error::OpenError;
