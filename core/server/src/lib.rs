//! The broker's HTTP side: the SPARQL 1.1 Protocol for queries, the Graph Store Protocol for reading, descriptions of the
//! service, EXPLAIN, links, health.
//!
//! This is the only crate that knows HTTP, as a server and (for `weft query --endpoint`) as a client. It knows nothing of
//! sources and plans: it hands a [`QueryCall`] to a [`QueryEndpoint`] and writes what comes back.
//!
//! What holds here: an answer that looks complete is complete (an error after the first byte breaks the connection); a
//! query ends when its client leaves, when its time is over, or when the drain is; whatever is held (connections, running and
//! waiting queries, bytes) has a limit.

mod address;
mod admission;
mod answer;
mod client;
mod cors;
mod description;
mod duration;
mod encode;
mod endpoint;
mod engine;
mod explain;
mod form;
mod format;
mod graphs;
mod health;
mod links;
mod negotiate;
mod options;
mod pages;
mod problem;
mod request;
mod routes;
mod serve;
mod sparql;

pub use client::{Client, ClientAnswer, Wanted};
pub use duration::{InvalidDuration, parse_duration};
pub use encode::Encoder;
pub use endpoint::{
    Answer, Dataset, Explanation, Graph, NamedGraph, QueryCall, QueryEndpoint, ReportSource, Solutions,
};
pub use format::{GraphFormat, ResultFormat};
pub use health::{Health, SourceHealth, SourceState};
pub use links::{AssertedLink, Decision, LinkAccess, LinkEndpoint, LinkQuery, LinkTokens};
pub use options::ServerOptions;
pub use problem::{Position, Problem};
pub use serve::Server;
