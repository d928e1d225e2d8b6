//! EXPLAIN: the plan for people and for programs.

mod json;
mod text;

pub use json::explain_json;
pub use text::explain_text;
