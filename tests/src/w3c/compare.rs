//! Whether two answers are the same up to the labels of blank nodes.

use oxrdf::{BlankNode, Term};
use std::collections::{BTreeMap, HashMap};

/// One row: a solution, or the three terms of a triple.
pub(super) type Row = Vec<Option<Term>>;

/// Rows tried before the comparison is given up.
const MOST_STEPS: u64 = 2_000_000;

/// How rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    InOrder,
    Multiset,
    /// Duplicates do not count.
    Set,
}

/// What is wrong with the found rows, if anything.
pub(super) fn difference(expected: &[Row], found: &[Row], rows: Rows) -> Option<String> {
    let (expected, found) = match rows {
        Rows::Set => (distinct(expected), distinct(found)),
        _ => (expected.to_vec(), found.to_vec()),
    };
    if expected.len() != found.len() {
        return Some(format!("{} rows instead of {}", found.len(), expected.len()));
    }
    if rows == Rows::InOrder {
        let mut matching = Matching::default();
        let differs = expected.iter().zip(&found).position(|(a, b)| !matching.unify(a, b));
        return differs.map(|at| format!("row {at} is {} instead of {}", show(&found[at]), show(&expected[at])));
    }
    let (ours, theirs) = (by_signature(&expected), by_signature(&found));
    for (signature, rows) in &ours {
        let there = theirs.get(signature).map_or(0, Vec::len);
        if there != rows.len() {
            let stranger = theirs.iter().find(|(signature, _)| !ours.contains_key(*signature));
            let stranger = stranger.map(|(_, rows)| format!(", but {}", show(rows[0]))).unwrap_or_default();
            return Some(format!(
                "a row is there {there} times instead of {}: {}{stranger}",
                rows.len(),
                show(rows[0])
            ));
        }
    }
    let ordered: Vec<&Row> = ours.values().flatten().copied().collect();
    let mut search = Search { candidates: &theirs, used: HashMap::new(), steps: 0 };
    match search.place(&ordered, &mut Matching::default()) {
        Some(true) => None,
        Some(false) => Some("the blank nodes are connected in another way".to_owned()),
        None => Some("the comparison of blank nodes was given up".to_owned()),
    }
}

fn distinct(rows: &[Row]) -> Vec<Row> {
    let mut seen = Vec::new();
    for row in rows {
        if !seen.contains(row) {
            seen.push(row.clone());
        }
    }
    seen
}

/// A row as text without the labels of its blank nodes, but with which of them are the same.
fn signature(row: &Row) -> String {
    let mut nodes: Vec<&BlankNode> = Vec::new();
    let mut text = String::new();
    for cell in row {
        match cell {
            None => text.push_str("UNDEF"),
            Some(Term::BlankNode(node)) => {
                let number = nodes.iter().position(|known| *known == node).unwrap_or(nodes.len());
                if number == nodes.len() {
                    nodes.push(node);
                }
                text.push_str(&format!("_:{number}"));
            }
            Some(term) => text.push_str(&term.to_string()),
        }
        text.push('\u{1}');
    }
    text
}

fn by_signature(rows: &[Row]) -> BTreeMap<String, Vec<&Row>> {
    let mut found: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        found.entry(signature(row)).or_default().push(row);
    }
    found
}

pub(super) fn show(row: &Row) -> String {
    let cells: Vec<String> =
        row.iter().map(|cell| cell.as_ref().map_or_else(|| "UNDEF".to_owned(), ToString::to_string)).collect();
    format!("({})", cells.join(", "))
}

/// Which blank node stands for which.
#[derive(Clone, Default)]
struct Matching {
    forward: HashMap<BlankNode, BlankNode>,
    backward: HashMap<BlankNode, BlankNode>,
}

impl Matching {
    /// Whether the rows are the same under the matching, which grows where it must.
    fn unify(&mut self, expected: &Row, found: &Row) -> bool {
        expected.len() == found.len()
            && expected.iter().zip(found).all(|pair| match pair {
                (Some(Term::BlankNode(a)), Some(Term::BlankNode(b))) => {
                    self.forward.entry(a.clone()).or_insert_with(|| b.clone()) == b
                        && self.backward.entry(b.clone()).or_insert_with(|| a.clone()) == a
                }
                (a, b) => a == b,
            })
    }
}

struct Search<'a> {
    candidates: &'a BTreeMap<String, Vec<&'a Row>>,
    used: HashMap<*const Row, ()>,
    steps: u64,
}

impl Search<'_> {
    /// Whether the rest of the rows find partners; none when that takes too long.
    fn place(&mut self, rest: &[&Row], matching: &mut Matching) -> Option<bool> {
        let Some((row, rest)) = rest.split_first() else { return Some(true) };
        let candidates = self.candidates.get(&signature(row)).map_or(&[][..], Vec::as_slice);
        for candidate in candidates {
            let candidate: &Row = candidate;
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return None;
            }
            if self.used.contains_key(&std::ptr::from_ref(candidate)) {
                continue;
            }
            let mut extended = matching.clone();
            if !extended.unify(row, candidate) {
                continue;
            }
            self.used.insert(std::ptr::from_ref(candidate), ());
            if self.place(rest, &mut extended)? {
                return Some(true);
            }
            self.used.remove(&std::ptr::from_ref(candidate));
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxrdf::Literal;

    fn row(words: &[&str]) -> Row {
        words
            .iter()
            .map(|word| match word.strip_prefix("_:") {
                Some(label) => Some(BlankNode::new_unchecked(label).into()),
                None => Some(Literal::new_simple_literal(*word).into()),
            })
            .collect()
    }

    #[test]
    fn labels_do_not_count_and_connections_do() {
        let chain = [row(&["_:a", "_:b"]), row(&["_:b", "_:c"])];
        let same = [row(&["_:z", "_:x"]), row(&["_:y", "_:z"])];
        let fork = [row(&["_:a", "_:b"]), row(&["_:a", "_:c"])];
        assert_eq!(difference(&chain, &same, Rows::Multiset), None);
        assert!(difference(&chain, &fork, Rows::Multiset).is_some());
        assert!(difference(&chain, &same, Rows::InOrder).is_some());
        let merged = [row(&["_:a", "_:a"]), row(&["_:b", "_:c"])];
        assert!(difference(&chain, &merged, Rows::Multiset).is_some());
    }

    #[test]
    fn duplicates_count_unless_they_need_not() {
        let (one, two) = ([row(&["x"])], [row(&["x"]), row(&["x"])]);
        assert!(difference(&one, &two, Rows::Multiset).is_some());
        assert_eq!(difference(&one, &two, Rows::Set), None);
        assert!(difference(&one, &[row(&["y"])], Rows::Set).is_some());
    }
}
