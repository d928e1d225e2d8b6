//! EXPLAIN: the plan for people and for programs.

mod json;
mod text;

pub use json::explain_json;
pub use text::explain_text;

use std::fmt::Write as _;

/// The parser names blank nodes and aggregates by random numbers; here they are counted, so that the plan of a query is
/// always the same text.
fn stable_names(text: &str) -> String {
    const RANDOM: std::ops::RangeInclusive<usize> = 24..=32;
    let mut names: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let word = from.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(from);
        out.push_str(before);
        let random =
            RANDOM.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if random && (before.ends_with('?') || before.ends_with("_:") || before.ends_with('"')) {
            let number = names.iter().position(|known| *known == word).unwrap_or(names.len());
            if number == names.len() {
                names.push(word);
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "_{}", number + 1);
        } else {
            out.push_str(word);
        }
        rest = &from[word.len()..];
    }
    out.push_str(rest);
    out
}
