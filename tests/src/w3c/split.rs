//! One dataset over several sources.

use oxrdf::{BlankNode, GraphName, Literal, NamedNode, Quad, Term, Triple};
use std::collections::{HashMap, HashSet};

/// The data of a test: blank nodes of different documents have different labels.
#[derive(Clone, Debug, Default)]
pub struct Data {
    quads: Vec<Quad>,
}

impl Data {
    /// Adds a document. Its blank nodes get new labels.
    pub fn add(&mut self, triples: Vec<Triple>, graph: Option<NamedNode>) {
        let mut labels: HashMap<BlankNode, BlankNode> = HashMap::new();
        let graph: GraphName = graph.map_or(GraphName::DefaultGraph, Into::into);
        for triple in triples {
            let mut quad = triple.in_graph(graph.clone());
            if let oxrdf::NamedOrBlankNode::BlankNode(node) = &mut quad.subject {
                *node = labels.entry(node.clone()).or_default().clone();
            }
            if let Term::BlankNode(node) = &mut quad.object {
                *node = labels.entry(node.clone()).or_default().clone();
            }
            self.quads.push(quad);
        }
    }

    /// The literals, as they are written.
    pub(super) fn literals(&self) -> HashSet<Literal> {
        let literal = |quad: &Quad| match &quad.object {
            Term::Literal(literal) => Some(literal.clone()),
            _ => None,
        };
        self.quads.iter().filter_map(literal).collect()
    }

    /// The statements as N-Quads, one document for each of `parts` sources. Statements that share a blank node stay
    /// together, because labels are local to a source; others are dealt out in turn.
    pub fn split(&self, parts: usize) -> Vec<String> {
        let mut documents = vec![String::new(); parts];
        let mut sets = Sets::default();
        for quad in &self.quads {
            let [subject, object] = blank_nodes(quad);
            if let (Some(a), Some(b)) = (&subject, &object) {
                sets.join(a, b);
            }
        }
        let mut places: HashMap<String, usize> = HashMap::new();
        for (number, quad) in self.quads.iter().enumerate() {
            let node = blank_nodes(quad).into_iter().flatten().next();
            let place = match node {
                None => number % parts,
                Some(node) => *places.entry(sets.root(&node)).or_insert(number % parts),
            };
            documents[place].push_str(&format!("{quad} .\n"));
        }
        documents
    }
}

fn blank_nodes(quad: &Quad) -> [Option<String>; 2] {
    let subject = match &quad.subject {
        oxrdf::NamedOrBlankNode::BlankNode(node) => Some(node.as_str().to_owned()),
        oxrdf::NamedOrBlankNode::NamedNode(_) => None,
    };
    let object = match &quad.object {
        Term::BlankNode(node) => Some(node.as_str().to_owned()),
        _ => None,
    };
    [subject, object]
}

/// Which blank nodes stand in one statement, or in statements that are connected.
#[derive(Default)]
struct Sets(HashMap<String, String>);

impl Sets {
    fn root(&self, node: &str) -> String {
        let mut node = node;
        while let Some(parent) = self.0.get(node) {
            node = parent;
        }
        node.to_owned()
    }

    fn join(&mut self, a: &str, b: &str) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.0.insert(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use oxttl::NTriplesParser;

    #[test]
    fn what_shares_a_blank_node_stays_together_and_nothing_is_lost() {
        let text = "_:a <urn:p> _:b .\n<urn:x> <urn:p> 'x' .\n_:c <urn:p> _:d .\n_:b <urn:p> _:c .\n\
            _:e <urn:p> 'e' .\n<urn:y> <urn:p> _:d .\n<urn:y> <urn:p> 'z' .\n"
            .replace('\'', "\"");
        let triples: Vec<Triple> = NTriplesParser::new().for_slice(&text).collect::<Result<_, _>>().unwrap();
        let mut data = Data::default();
        data.add(triples.clone(), None);
        data.add(triples, Some(NamedNode::new("urn:g").unwrap()));
        let documents = data.split(3);
        assert_eq!(documents.iter().map(|document| document.lines().count()).sum::<usize>(), 14);
        assert!(documents.iter().all(|document| !document.is_empty()));
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, document) in documents.iter().enumerate() {
            for node in document.split_whitespace().filter(|word| word.starts_with("_:")) {
                assert_eq!(*places.entry(node).or_insert(place), place, "{node}");
            }
        }
        assert_eq!(places.len(), 10);
    }
}
