#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! Writing mappings, as a person at a command line does: `weft source add`, `weft mapping suggest`, `preview` and `diff`, and
//! `weft check`. Suggested mappings of the schemas in `cases/mapping` are kept beside them; `UPDATE=1` rewrites them.

#[path = "mapping/check.rs"]
mod check;
#[path = "mapping/commands.rs"]
mod commands;
#[path = "mapping/golden.rs"]
mod golden;
#[path = "mapping/newcomer.rs"]
mod newcomer;
#[path = "mapping/postgres.rs"]
mod postgres;
#[path = "mapping/programs.rs"]
mod programs;
#[path = "mapping/shop.rs"]
mod shop;
