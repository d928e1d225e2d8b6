//! The connector over documents on disk, and its binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod reads;
mod service;
mod world;
