//! What a query is planned against: the virtual graphs of all sources, indexed by predicate.

use oxrdf::{NamedNode, Term};
use std::collections::HashMap;
use std::sync::Arc;
use weft_mapping::{GraphMap, TripleMap, VirtualGraph};
use weft_model::contract::Table;
use weft_model::term::TermType;

/// A snapshot of all sources. Cheap to share; never changes while a query uses it.
#[derive(Debug)]
pub struct Catalogue {
    graphs: Vec<VirtualGraph>,
    tables: Vec<HashMap<String, usize>>,
    by_predicate: HashMap<NamedNode, Vec<TripleId>>,
    /// Triple maps whose predicate is not one constant.
    other_predicates: Vec<TripleId>,
    all: Vec<TripleId>,
    prefixes: Vec<(String, String)>,
}

/// Names one triple map of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TripleId {
    pub(crate) graph: usize,
    pub(crate) triple: usize,
}

impl Catalogue {
    /// `prefixes` are declared for every query.
    pub fn new(graphs: Vec<VirtualGraph>, prefixes: Vec<(String, String)>) -> Self {
        let mut catalogue = Self {
            tables: graphs.iter().map(table_positions).collect(),
            graphs: Vec::new(),
            by_predicate: HashMap::new(),
            other_predicates: Vec::new(),
            all: Vec::new(),
            prefixes,
        };
        for (graph, virtual_graph) in graphs.iter().enumerate() {
            for (triple, map) in virtual_graph.triples.iter().enumerate() {
                catalogue.add(TripleId { graph, triple }, map);
            }
        }
        catalogue.graphs = graphs;
        catalogue
    }

    fn add(&mut self, id: TripleId, map: &TripleMap) {
        self.all.push(id);
        match &map.predicate.term_type {
            TermType::Constant(Term::NamedNode(predicate)) => {
                self.by_predicate.entry(predicate.clone()).or_default().push(id);
            }
            _ => self.other_predicates.push(id),
        }
    }

    pub fn graphs(&self) -> &[VirtualGraph] {
        &self.graphs
    }

    pub fn prefixes(&self) -> &[(String, String)] {
        &self.prefixes
    }

    /// The triple maps that can give triples with this predicate, or with any.
    pub(crate) fn candidates(&self, predicate: Option<&NamedNode>) -> Vec<TripleId> {
        match predicate {
            None => self.all.clone(),
            Some(predicate) => {
                let known = self.by_predicate.get(predicate).map_or(&[][..], Vec::as_slice);
                known.iter().chain(&self.other_predicates).copied().collect()
            }
        }
    }

    /// The named graphs triples can be in, or the source that names graphs nobody knows before it is asked.
    pub(crate) fn named_graphs(&self) -> Result<Vec<NamedNode>, Arc<str>> {
        let mut found = Vec::new();
        for graph in &self.graphs {
            let mut constants: Vec<&NamedNode> = Vec::new();
            for triple in &graph.triples {
                match (&triple.graph, &graph.column_graphs) {
                    (GraphMap::Constant(node), _) => constants.push(node),
                    (GraphMap::Column(_), Some(known)) => constants.extend(known),
                    (GraphMap::Column(_), None) => return Err(graph.source.clone()),
                }
            }
            for node in constants {
                if !found.contains(node) {
                    found.push(node.clone());
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn graph(&self, graph: usize) -> &VirtualGraph {
        &self.graphs[graph]
    }

    pub(crate) fn triple(&self, id: TripleId) -> &TripleMap {
        &self.graphs[id.graph].triples[id.triple]
    }

    /// The described table. A virtual graph names only tables its description has.
    pub(crate) fn table(&self, graph: usize, name: &str) -> Option<&Table> {
        let position = *self.tables[graph].get(name)?;
        self.graphs[graph].description.tables.get(position)
    }

    pub(crate) fn source(&self, graph: usize) -> Arc<str> {
        self.graphs[graph].source.clone()
    }
}

fn table_positions(graph: &VirtualGraph) -> HashMap<String, usize> {
    graph.description.tables.iter().enumerate().map(|(i, table)| (table.name.clone(), i)).collect()
}
