//! Statements of some named graphs, and what is known of them.

use crate::IndexError;
use crate::alias::AliasTable;
use crate::links::LinkTable;
use crate::lookup::{Bound, Pattern};
use oxigraph::store::{StorageError, Store};
use oxrdf::vocab::rdf;
use oxrdf::{GraphNameRef, NamedNode, NamedNodeRef, NamedOrBlankNodeRef, Quad, Term, TermRef};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The columns tables have, in the order of [`encode_quad`]; those that are constant in a table are left out.
pub(crate) const COLUMNS: [&str; 4] = ["subject", "predicate", "object", "graph"];

/// Statements that are complete: nothing is added after the index is built.
pub(crate) enum Statements {
    /// Of any kind.
    Store(Store),
    /// Between IRIs, in one graph.
    Links(LinkTable),
    /// The names of things, in one graph.
    Aliases(Arc<AliasTable>),
}

impl Statements {
    /// The encoded cells of the statements that fit a pattern, and perhaps of some that have the same values in other words.
    pub(crate) fn matching(
        &self,
        pattern: &Pattern,
    ) -> Box<dyn Iterator<Item = Result<[String; 4], StorageError>> + '_> {
        match self {
            Self::Links(links) => Box::new(links.matching(pattern).map(Ok)),
            Self::Aliases(aliases) => Box::new(aliases.matching(pattern).map(Ok)),
            Self::Store(store) => {
                let Some(bound) = Bound::of(pattern) else { return Box::new(std::iter::empty()) };
                let quads = store.quads_for_pattern(
                    bound.subject.as_ref().map(NamedOrBlankNodeRef::from),
                    bound.predicate.as_ref().map(NamedNodeRef::from),
                    bound.object.as_ref().map(TermRef::from),
                    bound.graph.as_ref().map(GraphNameRef::from),
                );
                Box::new(quads.map(|quad| quad.map(|quad| encode_quad(&quad))))
            }
        }
    }
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

/// Rows, and distinct values of each column.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    pub(crate) distinct: [u64; 4],
}

/// Counts by hash.
#[derive(Default)]
struct Counting {
    rows: u64,
    distinct: [HashSet<u64>; 4],
}

impl Counting {
    fn add(&mut self, hashes: [u64; 4]) {
        self.rows += 1;
        for (set, hash) in self.distinct.iter_mut().zip(hashes) {
            set.insert(hash);
        }
    }

    fn finish(self) -> Counts {
        Counts { rows: self.rows, distinct: self.distinct.map(|set| set.len() as u64) }
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
        Ok((Statements::Store(self.store), statistics))
    }
}

impl Statistics {
    fn of(store: &Store) -> Result<Self, IndexError> {
        let mut all = Counting::default();
        let mut predicates: BTreeMap<NamedNode, Counting> = BTreeMap::new();
        let mut classes: BTreeMap<NamedNode, Counting> = BTreeMap::new();
        let mut unnamed_classes = false;
        for quad in store.iter() {
            let quad = quad?;
            let hashes = [hash(&quad.subject), hash(&quad.predicate), hash(&quad.object), hash(&quad.graph_name)];
            all.add(hashes);
            match &quad.object {
                _ if quad.predicate != rdf::TYPE => {}
                Term::NamedNode(class) => classes.entry(class.clone()).or_default().add(hashes),
                _ => unnamed_classes = true,
            }
            predicates.entry(quad.predicate).or_default().add(hashes);
        }
        let finish = |counts: BTreeMap<NamedNode, Counting>| {
            counts.into_iter().map(|(node, counting)| (node, counting.finish())).collect()
        };
        Ok(Self { all: all.finish(), predicates: finish(predicates), classes: finish(classes), unnamed_classes })
    }
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
