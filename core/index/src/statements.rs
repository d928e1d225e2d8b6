//! Statements of some named graphs, and what is known of them.

use crate::IndexError;
use oxigraph::store::Store;
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedNodeRef, Quad, Term};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The columns tables have, in the order of [`encode_quad`]; those that are constant in a table are left out.
pub(crate) const COLUMNS: [&str; 4] = ["subject", "predicate", "object", "graph"];

/// Statements that are complete: nothing is added after the index is built.
pub(crate) struct Statements {
    pub(crate) store: Store,
}

/// Counts taken once, when the index is built.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// Of all statements.
    pub(crate) all: Counts,
    pub(crate) predicates: BTreeMap<NamedNode, Counts>,
    /// Of `rdf:type`, by object.
    pub(crate) classes: BTreeMap<NamedNode, Counts>,
    /// Whether some `rdf:type` has an object that is not an IRI.
    pub(crate) unnamed_classes: bool,
}

/// Rows, and distinct values of each column, counted by hash.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    distinct: [HashSet<u64>; 4],
}

impl Counts {
    fn add(&mut self, hashes: [u64; 4]) {
        self.rows += 1;
        for (set, hash) in self.distinct.iter_mut().zip(hashes) {
            set.insert(hash);
        }
    }

    pub(crate) fn distinct(&self, column: usize) -> u64 {
        self.distinct[column].len() as u64
    }
}

/// Collects statements up to a limit.
pub(crate) struct Builder {
    store: Store,
    limit: u64,
    rows: u64,
}

impl Builder {
    pub(crate) fn new(limit: u64) -> Result<Self, IndexError> {
        Ok(Self { store: Store::new()?, limit, rows: 0 })
    }

    pub(crate) fn add(
        &mut self,
        graph: NamedNodeRef<'_>,
        triples: impl ExactSizeIterator<Item = oxrdf::Triple>,
    ) -> Result<(), IndexError> {
        self.rows += triples.len() as u64;
        if self.rows > self.limit {
            return Err(IndexError::TooManyStatements { limit: self.limit });
        }
        self.store.extend(triples.map(|triple| triple.in_graph(graph)))?;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(Statements, Statistics), IndexError> {
        let statistics = Statistics::of(&self.store)?;
        Ok((Statements { store: self.store }, statistics))
    }
}

impl Statistics {
    fn of(store: &Store) -> Result<Self, IndexError> {
        let mut statistics = Self::default();
        for quad in store.iter() {
            statistics.add(&quad?);
        }
        Ok(statistics)
    }

    fn add(&mut self, quad: &Quad) {
        let hashes = [hash(&quad.subject), hash(&quad.predicate), hash(&quad.object), hash(&quad.graph_name)];
        self.all.add(hashes);
        entry(&mut self.predicates, &quad.predicate).add(hashes);
        match &quad.object {
            _ if quad.predicate != rdf::TYPE => {}
            Term::NamedNode(class) => entry(&mut self.classes, class).add(hashes),
            _ => self.unnamed_classes = true,
        }
    }
}

fn entry<'a>(counts: &'a mut BTreeMap<NamedNode, Counts>, key: &NamedNode) -> &'a mut Counts {
    counts.entry(key.clone()).or_default()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The cells of a quad, encoded, in the order of [`COLUMNS`].
pub(crate) fn encode_quad(quad: &Quad) -> [String; 4] {
    use oxrdf::{GraphName, NamedOrBlankNode};
    use weft_model::term::{encode, encode_iri};
    let subject = match &quad.subject {
        NamedOrBlankNode::NamedNode(node) => encode_iri(node.as_str()),
        NamedOrBlankNode::BlankNode(node) => encode(&Term::BlankNode(node.clone())),
    };
    let graph = match &quad.graph_name {
        GraphName::NamedNode(node) => encode_iri(node.as_str()),
        GraphName::BlankNode(node) => encode(&Term::BlankNode(node.clone())),
        // Nothing is ever put into the default graph of the store.
        GraphName::DefaultGraph => String::new(),
    };
    [subject, encode_iri(quad.predicate.as_str()), encode(&quad.object), graph]
}
