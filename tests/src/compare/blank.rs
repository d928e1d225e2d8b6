//! Blank nodes by what rows say of them: their labels mean nothing.

use super::Cells;
use super::term::canonical_cell;
use oxrdf::{BlankNode, Term};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rounds of looking at the neighbours of neighbours; rows are no deep structure.
const ROUNDS: usize = 3;

/// What the rows are of which all right answers have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    /// The rows and how often each is there.
    Multiset,
    /// The rows, but not how often (REDUCED).
    Set,
    /// Any part of them (LIMIT).
    Nothing,
}

/// The rows with each blank node called after the rows it is in, as far as these are the `same` in every right answer.
pub(super) fn rename(rows: &[Cells], same: Same) -> Vec<Cells> {
    let labels = rows.iter().flatten().filter_map(|cell| match cell {
        Some(Term::BlankNode(node)) => Some(node.as_str()),
        _ => None,
    });
    let mut colours: HashMap<&str, u64> = labels.map(|label| (label, 0)).collect();
    if colours.is_empty() {
        return rows.to_vec();
    }
    for _ in 0..if same == Same::Nothing { 0 } else { ROUNDS } {
        colours = refine(rows, &colours, same);
    }
    let rename = |cell: &Option<Term>| match cell {
        Some(Term::BlankNode(node)) => {
            let colour = colours.get(node.as_str()).copied().unwrap_or(0);
            Some(BlankNode::new_from_unique_id(u128::from(colour)).into())
        }
        other => other.clone(),
    };
    rows.iter().map(|row| row.iter().map(rename).collect()).collect()
}

/// A node's next colour is made of the rows it is in, seen with the present colours, and of its places in them.
fn refine<'r>(rows: &'r [Cells], colours: &HashMap<&'r str, u64>, same: Same) -> HashMap<&'r str, u64> {
    let mut seen: HashMap<&str, Vec<u64>> = colours.keys().map(|label| (*label, Vec::new())).collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Some(Term::BlankNode(node)) => format!("_:{:?}", colours.get(node.as_str())),
                other => canonical_cell(other),
            })
            .collect();
        for label in colours.keys() {
            let is_it = |cell: &Option<Term>| matches!(cell, Some(Term::BlankNode(node)) if node.as_str() == *label);
            let places: Vec<usize> = row.iter().enumerate().filter(|(_, cell)| is_it(cell)).map(|(i, _)| i).collect();
            if let Some(rows) = seen.get_mut(label).filter(|_| !places.is_empty()) {
                rows.push(hash(&(&cells, places)));
            }
        }
    }
    let colour = |mut rows: Vec<u64>| {
        rows.sort_unstable();
        if same == Same::Set {
            rows.dedup();
        }
        hash(&rows)
    };
    seen.into_iter().map(|(label, rows)| (label, colour(rows))).collect()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
