//! Graphs up to the names of their blank nodes.

use oxrdf::{NamedOrBlankNode, Term, Triple};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What one graph has and the other has not; none when they are the same. Blank nodes are known by what is said of them, and of
/// what they are linked with, as far as there is something to tell them apart by.
pub(super) fn difference(expected: &[Triple], found: &[Triple]) -> Option<String> {
    let (expected, found) = (coloured(expected), coloured(found));
    for (triple, count) in &found {
        let wanted = expected.get(triple).copied().unwrap_or(0);
        if wanted < *count {
            return Some(format!("a triple that should not be, or too often ({count} instead of {wanted}): {triple}"));
        }
    }
    let missing = expected.iter().find(|(triple, count)| found.get(*triple).copied().unwrap_or(0) < **count)?;
    Some(format!("a triple is missing: {}", missing.0))
}

/// The triples with colours for blank nodes, and how many there are of each.
fn coloured(triples: &[Triple]) -> BTreeMap<String, usize> {
    let mut distinct: Vec<&Triple> = triples.iter().collect();
    distinct.sort_by_cached_key(|triple| triple.to_string());
    distinct.dedup();
    let mut colours: HashMap<String, u64> = HashMap::new();
    for triple in &distinct {
        colours.extend([label(&subject(triple)), label(&triple.object)].into_iter().flatten().map(|label| (label, 0)));
    }
    let mut kinds = 0;
    // Each round tells more nodes apart, or it was the last.
    loop {
        colours = refine(&distinct, &colours);
        let mut seen: Vec<u64> = colours.values().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() <= kinds {
            break;
        }
        kinds = seen.len();
    }
    let mut counts = BTreeMap::new();
    for triple in distinct {
        let name = |term: &Term| name(term, &colours);
        *counts
            .entry(format!("{} {} {}", name(&subject(triple)), triple.predicate, name(&triple.object)))
            .or_insert(0) += 1;
    }
    counts
}

fn refine(triples: &[&Triple], colours: &HashMap<String, u64>) -> HashMap<String, u64> {
    let mut said: HashMap<&str, Vec<u64>> = colours.keys().map(|label| (label.as_str(), Vec::new())).collect();
    for triple in triples {
        let ends = [subject(triple), triple.object.clone()];
        for (place, end) in ends.iter().enumerate() {
            let Some(statements) = label(end).and_then(|label| said.get_mut(label.as_str())) else { continue };
            let same = ends[0] == ends[1];
            statements.push(hash(&(place, same, triple.predicate.as_str(), name(&ends[1 - place], colours))));
        }
    }
    let next = |(label, mut statements): (&str, Vec<u64>)| {
        statements.sort_unstable();
        (label.to_owned(), hash(&(colours.get(label), statements)))
    };
    said.into_iter().map(next).collect()
}

fn subject(triple: &Triple) -> Term {
    match &triple.subject {
        NamedOrBlankNode::NamedNode(node) => node.clone().into(),
        NamedOrBlankNode::BlankNode(node) => node.clone().into(),
    }
}

fn label(term: &Term) -> Option<String> {
    match term {
        Term::BlankNode(node) => Some(node.as_str().to_owned()),
        _ => None,
    }
}

fn name(term: &Term, colours: &HashMap<String, u64>) -> String {
    match label(term) {
        Some(label) => format!("_:{:?}", colours.get(&label)),
        None => super::canonical(term),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use oxrdf::{BlankNode, NamedNode};

    /// `_x` is a blank node, anything else a name.
    fn graph(text: &str) -> Vec<Triple> {
        let named = |name: &str| NamedNode::new(format!("urn:{name}")).unwrap();
        let subject = |name: &str| match name.strip_prefix('_') {
            Some(label) => NamedOrBlankNode::from(BlankNode::new(label).unwrap()),
            None => named(name).into(),
        };
        let triple = |text: &str| {
            let names: Vec<&str> = text.trim().split(' ').collect();
            Triple::new(subject(names[0]), named(names[1]), Term::from(subject(names[2])))
        };
        text.split('.').map(triple).collect()
    }

    #[test]
    fn blank_nodes_are_known_by_what_is_said_of_them() {
        let same = |a: &str, b: &str| difference(&graph(a), &graph(b)).is_none();
        assert!(same("_a p x . _a q y . _b p x", "_1 p x . _2 q y . _2 p x"));
        assert!(!same("_a p x . _a q y . _b p x", "_1 p x . _2 q y . _3 p x"));
        assert!(same("_a p _b . _b p _c . _c q x", "_c p _a . _a p _b . _b q x"));
        assert!(!same("_a p _b . _b p _a", "_a p _a . _b p _b"));
        assert!(same("_a p x . _a p x", "_b p x") && !same("_a p x . _b p x", "_b p x"));
        assert!(!same("a p x . a p y", "a p x") && !same("a p x", "a p x . a p y"));
    }
}
