//! SERVICE against real HTTP endpoints: that answers are those of one engine over all the data, how much is asked, and what
//! becomes of endpoints that are down, slow, broken or not configured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "service/answers.rs"]
mod answers;
#[path = "service/broker.rs"]
mod broker;
#[path = "service/endpoint.rs"]
mod endpoint;
#[path = "service/faults.rs"]
mod faults;
#[path = "service/fixture.rs"]
mod fixture;
#[path = "service/requests.rs"]
mod requests;

pub(crate) const BASE: &str = "https://example.com/";
