//! Draws which IRIs of a scenario are names of one thing.

use super::BASE;
use super::pools::pick;
use oxrdf::{GraphName, NamedOrBlankNode, Quad, Term};
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

/// Mostly nothing; else some classes of names, most of them of things in the data.
pub fn draw_things(rng: &mut StdRng, quads: &[Quad]) -> Vec<Vec<String>> {
    if !rng.random_bool(0.3) {
        return Vec::new();
    }
    let mut names = names(quads);
    // Names that no source has, before and after all others.
    names.extend(["a/1", "zz/2", "part/none"].map(|name| format!("{BASE}{name}")));
    let mut things = Vec::new();
    for _ in 0..pick(rng, &[1, 2, 4, 8, 16]) {
        let size = pick(rng, &[2, 2, 2, 3, 4]);
        if names.len() < size {
            break;
        }
        things.push((0..size).map(|_| names.swap_remove(rng.random_range(0..names.len()))).collect());
    }
    things
}

/// The IRIs that are subjects or objects, and nothing else.
fn names(quads: &[Quad]) -> Vec<String> {
    let (mut things, mut others) = (BTreeSet::new(), BTreeSet::new());
    for quad in quads {
        if let NamedOrBlankNode::NamedNode(node) = &quad.subject {
            things.insert(node.as_str().to_owned());
        }
        if let Term::NamedNode(node) = &quad.object {
            things.insert(node.as_str().to_owned());
        }
        others.insert(quad.predicate.as_str().to_owned());
        if let GraphName::NamedNode(node) = &quad.graph_name {
            others.insert(node.as_str().to_owned());
        }
    }
    things.into_iter().filter(|name| !others.contains(name) && name.starts_with(BASE)).collect()
}
