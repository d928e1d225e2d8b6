//! What the tests that cross crates share: random meshes and queries with an oracle beside them, connectors that are
//! strict, counted or broken, generators of contract messages, and small servers.
//!
//! Nothing that ships depends on this crate.

pub mod arbitrary;
pub mod case;
pub mod closure;
pub mod compare;
pub mod faulty;
pub mod guests;
pub mod http_server;
pub mod memory;
pub mod mesh;
pub mod oracle;
pub mod ports;
pub mod query_gen;
pub mod relation_gen;
pub mod scenario;
pub mod shop;
pub mod shrink;
pub mod thread;
pub mod union;
pub mod w3c;
