//! What a query is planned against: the virtual graphs of all sources, indexed by predicate and namespace.

mod maps;

pub(crate) use maps::{Keys, Maps, Place};

use crate::PlanError;
use crate::namespace::{Namespace, Namespaces};
use crate::pattern::{PatternTerm, QuadPattern};
use crate::thread::KnownAliases;
use hashbrown::{HashMap, HashSet};
use oxrdf::{NamedNode, Term};
use std::sync::Arc;
use weft_mapping::{Build, GraphMap, MappedTerm, TripleMap, VirtualGraph};
use weft_model::contract::{JoinSupport, Table};
use weft_model::term::{IriShape, TermType};
use weft_model::{Aliases, Code};

/// A snapshot of all sources. Cheap to share; never changes while a query uses it.
#[derive(Debug)]
pub struct Catalogue {
    graphs: Vec<VirtualGraph>,
    tables: Vec<HashMap<String, usize>>,
    by_source: HashMap<Arc<str>, usize>,
    by_predicate: HashMap<NamedNode, Maps>,
    /// Triple maps whose predicate is not one constant.
    other_predicates: Maps,
    all: Maps,
    namespaces: Namespaces,
    /// Those of each triple map, by graph.
    places: Vec<Vec<[Namespace; 4]>>,
    /// Its terms, by [`Place`]; terms of many plans are these.
    terms: Vec<Vec<[Arc<MappedTerm>; 4]>>,
    named_graphs: NamedGraphs,
    prefixes: Vec<(String, String)>,
    names: Names,
}

/// What things are called.
#[derive(Debug, Default)]
enum Names {
    /// Nothing has more than one name.
    #[default]
    Single,
    Known(KnownAliases),
    /// Why the thread view cannot be had.
    Refused(String),
}

/// Names one triple map of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TripleId {
    pub(crate) graph: usize,
    pub(crate) triple: usize,
}

/// The named graphs triples can be in.
#[derive(Debug, Default)]
struct NamedGraphs {
    found: Vec<NamedNode>,
    known: HashSet<NamedNode>,
    /// A source that names graphs nobody knows before it is asked.
    unknown_in: Option<Arc<str>>,
    /// What those can be.
    unknown: Vec<MappedTerm>,
}

impl Catalogue {
    /// `prefixes` are declared for every query.
    pub fn new(graphs: Vec<VirtualGraph>, prefixes: Vec<(String, String)>) -> Self {
        let mut namespaces = Namespaces::default();
        let mut by_source = HashMap::with_capacity(graphs.len());
        let mut places = Vec::with_capacity(graphs.len());
        let mut terms = Vec::with_capacity(graphs.len());
        for (position, graph) in graphs.iter().enumerate() {
            by_source.entry(graph.source.clone()).or_insert(position);
            let own = terms_of(graph);
            places.push(own.iter().map(|terms| terms.each_ref().map(|term| namespaces.add(term))).collect());
            terms.push(own);
        }
        namespaces.finish();
        let mut catalogue = Self {
            tables: graphs.iter().map(table_positions).collect(),
            by_source,
            by_predicate: HashMap::new(),
            other_predicates: Maps::default(),
            all: Maps::default(),
            namespaces,
            places,
            terms,
            named_graphs: named_graphs(&graphs),
            graphs: Vec::new(),
            prefixes,
            names: Names::default(),
        };
        for (graph, virtual_graph) in graphs.iter().enumerate() {
            for (triple, map) in virtual_graph.triples.iter().enumerate() {
                catalogue.add(TripleId { graph, triple }, map);
            }
        }
        let predicates = catalogue.by_predicate.values_mut();
        predicates.chain([&mut catalogue.other_predicates, &mut catalogue.all]).for_each(Maps::finish);
        catalogue.graphs = graphs;
        catalogue
    }

    fn add(&mut self, id: TripleId, map: &TripleMap) {
        let places = &self.places[id.graph][id.triple];
        self.all.push(id, places);
        match &map.predicate.term_type {
            TermType::Constant(Term::NamedNode(predicate)) => match self.by_predicate.get_mut(predicate) {
                Some(known) => known.push(id, places),
                None => self.by_predicate.entry(predicate.clone()).or_default().push(id, places),
            },
            _ => self.other_predicates.push(id, places),
        }
    }

    /// With the names things have in the thread view, or why it cannot be had. Looks at each name.
    #[must_use]
    pub fn with_aliases(mut self, aliases: Result<Arc<dyn Aliases>, String>) -> Self {
        self.names = match aliases {
            Err(reason) => Names::Refused(reason),
            Ok(aliases) if aliases.things() == 0 => Names::Single,
            Ok(aliases) => Names::Known(KnownAliases::new(aliases, &self.namespaces)),
        };
        self
    }

    /// The names of things, where some thing has several.
    pub fn aliases(&self) -> Option<&Arc<dyn Aliases>> {
        match &self.names {
            Names::Known(known) => Some(known.aliases()),
            Names::Single | Names::Refused(_) => None,
        }
    }

    /// What is known of names for the thread view, where some thing has several.
    pub(crate) fn known_aliases(&self) -> Result<Option<&KnownAliases>, PlanError> {
        match &self.names {
            Names::Single => Ok(None),
            Names::Known(known) => Ok(Some(known)),
            Names::Refused(reason) => {
                Err(PlanError::new(Code::LimitExceeded, format!("there is no thread view: {reason}")))
            }
        }
    }

    pub fn graphs(&self) -> &[VirtualGraph] {
        &self.graphs
    }

    pub fn prefixes(&self) -> &[(String, String)] {
        &self.prefixes
    }

    /// The triple maps that can give triples with this predicate, or with any.
    pub(crate) fn with_predicate(&self, predicate: Option<&NamedNode>) -> impl Iterator<Item = TripleId> {
        self.maps(predicate).flat_map(Maps::all)
    }

    /// Those that have one of the keys at each place where keys are given, and perhaps others.
    pub(crate) fn candidates(&self, predicate: Option<&NamedNode>, keys: &Keys) -> Vec<TripleId> {
        let mut found: Vec<TripleId> = self.maps(predicate).flat_map(|maps| maps.matching(keys)).collect();
        if !self.other_predicates.is_empty() {
            found.sort_unstable();
        }
        found
    }

    /// How many [`Self::candidates`] gives.
    pub(crate) fn count(&self, predicate: Option<&NamedNode>, keys: &Keys) -> usize {
        self.maps(predicate).map(|maps| maps.count(keys)).sum()
    }

    /// The keys that the constants of a pattern can have.
    pub(crate) fn keys(&self, pattern: &QuadPattern) -> Keys {
        let keys = |term: &PatternTerm| match term {
            PatternTerm::Constant(constant) => Some(self.namespaces.keys_of(constant)),
            PatternTerm::Variable(_) => None,
        };
        Keys { subject: keys(&pattern.subject), object: keys(&pattern.object) }
    }

    fn maps(&self, predicate: Option<&NamedNode>) -> impl Iterator<Item = &Maps> {
        let lists = match predicate {
            None => [Some(&self.all), None],
            Some(predicate) => [self.by_predicate.get(predicate), Some(&self.other_predicates)],
        };
        lists.into_iter().flatten()
    }

    pub(crate) fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    /// The namespaces of a triple map, in the order of [`Place`].
    pub(crate) fn places(&self, id: TripleId) -> &[Namespace; 4] {
        &self.places[id.graph][id.triple]
    }

    /// The terms of a triple map, in the order of [`Place`].
    pub(crate) fn terms(&self, id: TripleId) -> &[Arc<MappedTerm>; 4] {
        &self.terms[id.graph][id.triple]
    }

    /// The named graphs triples can be in, or the source that names graphs nobody knows before it is asked.
    pub(crate) fn named_graphs(&self) -> Result<&[NamedNode], Arc<str>> {
        match &self.named_graphs.unknown_in {
            Some(source) => Err(source.clone()),
            None => Ok(&self.named_graphs.found),
        }
    }

    /// Whether triples can be in the graph, as far as that is known before sources are asked.
    pub(crate) fn may_have_graph(&self, graph: &NamedNode) -> bool {
        let graphs = &self.named_graphs;
        let may_be = |term: &MappedTerm| match &term.build {
            Build::IriTemplate(shape) => shape.may_build(graph.as_str()),
            _ => term.term_type.may_hold(&graph.clone().into()),
        };
        graphs.known.contains(graph) || graphs.unknown.iter().any(may_be)
    }

    pub(crate) fn graph(&self, graph: usize) -> &VirtualGraph {
        &self.graphs[graph]
    }

    /// A number for the request that reads the table: one for all tables of a source that joins them.
    pub(crate) fn request(&self, graph: usize, table: &str) -> u64 {
        let joins = self.graphs[graph].description.relational.join == JoinSupport::Any;
        let table = if joins { None } else { self.tables[graph].get(table) };
        (graph as u64) << 32 | table.map_or(u64::from(u32::MAX), |position| *position as u64)
    }

    /// The position of the virtual graph of a source.
    pub(crate) fn position(&self, source: &str) -> Option<usize> {
        self.by_source.get(source).copied()
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

/// The terms of each triple map. Maps that follow each other are mostly about the same subject, and of a template there is
/// one shape: what is one needs no comparison.
fn terms_of(graph: &VirtualGraph) -> Vec<[Arc<MappedTerm>; 4]> {
    let mut shapes: HashSet<IriShape> = HashSet::new();
    let mut own = |term: &MappedTerm| {
        let mut term = term.clone();
        if let TermType::Iri { shape, .. } = &mut term.term_type {
            *shape = shapes.get_or_insert_with(shape, IriShape::clone).clone();
        }
        Arc::new(term)
    };
    let mut terms: Vec<[Arc<MappedTerm>; 4]> = Vec::with_capacity(graph.triples.len());
    for triple in &graph.triples {
        let known = terms.last().map(|[subject, ..]| subject).filter(|subject| ***subject == triple.subject);
        let subject = known.cloned().unwrap_or_else(|| own(&triple.subject));
        terms.push([subject, own(&triple.predicate), own(&triple.object), own(&graph_term(&triple.graph))]);
    }
    terms
}

/// The graph of a triple as a term.
fn graph_term(graph: &GraphMap) -> MappedTerm {
    match graph {
        GraphMap::Constant(node) => MappedTerm {
            term_type: TermType::Constant(node.clone().into()),
            columns: Vec::new(),
            build: Build::Columns,
        },
        GraphMap::Term(term) => term.clone(),
    }
}

fn named_graphs(graphs: &[VirtualGraph]) -> NamedGraphs {
    let mut named = NamedGraphs::default();
    for graph in graphs {
        let mut last = None;
        for triple in &graph.triples {
            let constants = match (&triple.graph, &graph.column_graphs) {
                // Most triples of a source are in one graph.
                (GraphMap::Constant(node), _) if last == Some(node) => continue,
                (GraphMap::Constant(node), _) => std::slice::from_ref(node),
                (GraphMap::Term(_), Some(known)) => known.as_slice(),
                (GraphMap::Term(term), None) => {
                    named.unknown_in.get_or_insert_with(|| graph.source.clone());
                    if !named.unknown.contains(term) {
                        named.unknown.push(term.clone());
                    }
                    continue;
                }
            };
            last = constants.last();
            for node in constants {
                if named.known.insert(node.clone()) {
                    named.found.push(node.clone());
                }
            }
        }
    }
    named
}
