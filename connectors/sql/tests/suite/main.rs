//! The connector against real databases: SQLite files always, PostgreSQL where the kit of third-party systems is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod closure;
mod evaluator;
mod faults;
mod generator;
mod part;
mod peer;
mod postgres;
mod semantics;
mod service;
mod sqlite;
mod statistics;
mod world;
