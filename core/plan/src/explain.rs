//! EXPLAIN: the plan for people and for programs.

mod analysis;
mod json;
mod outline;
mod reason;
mod sources;
mod text;

pub use analysis::{Analysis, OperatorRun, RequestRun};
pub use json::explain_json;
pub use outline::explain_text;

use crate::{Basis, Catalogue, Node, NodeKind, Plan, Rule, Rules};
use std::fmt::Write as _;

/// A plan and what is to be told of it.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    pub plan: &'a Plan,
    /// What it was planned against.
    pub catalogue: &'a Catalogue,
    /// What each scan would send to its system, in the order of [`Node::requests`], where known.
    pub statements: &'a [Vec<String>],
    /// What running it showed, where it was run.
    pub analysis: Option<&'a Analysis>,
}

/// What the rows expected of a request are taken from.
fn basis(node: &Node) -> Option<&'static str> {
    let basis = match &node.kind {
        NodeKind::Scan(scan) => scan.basis,
        NodeKind::Unpivot(unpivot) => unpivot.scan.basis,
        _ => return None,
    };
    Some(match basis {
        Basis::Guessed => "guessed",
        Basis::Declared => "declared",
        Basis::Observed => "observed",
    })
}

fn rules_off(rules: Rules) -> impl Iterator<Item = &'static str> {
    Rule::ALL.into_iter().filter(move |rule| !rules.allows(*rule)).map(Rule::name)
}

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
