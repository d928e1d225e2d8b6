//! A mapping against the tables of its source.

use super::{GraphMap, InvalidValues, Join, MappedTerm, TripleMap, VirtualGraph};
use crate::r2rml::{Location, Mapping, MappingError, MappingLimits, ObjectMap, TermMap, TriplesMap, ordered};
use crate::suggestion::nearest_or_all;
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, Term};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use weft_model::contract::{Column, Description, Table};
use weft_model::term::TermType;

const DEFAULT_GRAPH: &str = "http://www.w3.org/ns/r2rml#defaultGraph";

impl VirtualGraph {
    /// Checks a mapping against what its source says of itself. `graph` is the named graph of the source, and `base` is
    /// put before the IRIs of templates and columns that have no scheme. All errors are given, in the order of lines.
    pub fn new(
        source: &str,
        graph: NamedNode,
        mapping: &Mapping,
        description: Arc<Description>,
        base: &str,
    ) -> Result<Self, Vec<MappingError>> {
        let tables = description.tables.iter().map(|table| (table.name.as_str(), table)).collect();
        let mut resolver = Resolver { source, graph: &graph, base, mapping, tables, errors: Vec::new() };
        let mut triples = Vec::new();
        let mut seen = HashSet::new();
        for map in &mapping.triples_maps {
            let found = resolver.triples_map(map);
            // The text of a triple map tells all of it, and unlike the map itself it can be hashed.
            triples.extend(found.into_iter().filter(|triple| seen.insert(format!("{triple:?}"))));
        }
        if !resolver.errors.is_empty() {
            return Err(ordered(resolver.errors, MappingLimits::default().errors));
        }
        let named_by_columns = triples.iter().any(|triple| matches!(triple.graph, GraphMap::Column(_)));
        let column_graphs = (!named_by_columns).then(Vec::new);
        Ok(Self {
            source: source.into(),
            graph,
            description,
            triples,
            column_graphs,
            invalid_values: InvalidValues::default(),
        })
    }
}

/// Collects what is wrong while terms are mapped.
pub(super) struct Resolver<'a> {
    pub(super) source: &'a str,
    graph: &'a NamedNode,
    pub(super) base: &'a str,
    pub(super) mapping: &'a Mapping,
    tables: HashMap<&'a str, &'a Table>,
    errors: Vec<MappingError>,
}

impl<'a> Resolver<'a> {
    fn triples_map(&mut self, map: &TriplesMap) -> Vec<TripleMap> {
        let Some(table) = self.table(&map.table, &map.table_location) else { return Vec::new() };
        let subject = self.subject(&map.subject, table);
        let graphs = self.graphs(&map.graphs, table);
        let in_default_graph = map.in_default_graph;
        let source_graph = self.graph;
        let mut triples = Vec::new();
        let row = |predicate: MappedTerm, (object, join): (MappedTerm, Option<Join>)| {
            let graph = GraphMap::Constant(source_graph.clone());
            let (table, subject) = (table.name.clone(), subject.clone()?);
            Some(TripleMap { table, subject, predicate, object, graph, in_default_graph, join })
        };
        for class in &map.classes {
            let triple = row(constant(rdf::TYPE.into_owned()), (constant(class.clone()), None));
            triples.extend(triple.iter().flat_map(|triple| in_graphs(triple, &graphs, &[])));
        }
        for found in &map.predicate_objects {
            let predicate = self.iri_term(&found.predicate, table);
            let object = self.object(&found.object, table);
            let further = self.graphs(&found.graphs, table);
            let triple = predicate.zip(object).and_then(|(predicate, object)| row(predicate, object));
            triples.extend(triple.iter().flat_map(|triple| in_graphs(triple, &graphs, &further)));
        }
        triples
    }

    fn graphs(&mut self, maps: &[TermMap], table: &'a Table) -> Vec<GraphMap> {
        let mut graphs = Vec::new();
        for map in maps {
            graphs.extend(match map.iri() {
                Some(iri) if iri.as_str() == DEFAULT_GRAPH => Some(GraphMap::Constant(self.graph.clone())),
                Some(iri) => Some(GraphMap::Constant(iri.clone())),
                None => self.graph_column(map, table).map(GraphMap::Column),
            });
        }
        graphs
    }

    /// A column that names a graph in every row: without a name it could not be told whether the row is a triple.
    fn graph_column(&mut self, map: &TermMap, table: &'a Table) -> Option<String> {
        let name = self.iri_term(map, table)?.columns.into_iter().next()?;
        if let (Some(column), TermMap::Column { location, .. }) = (table.column(&name), map)
            && column.nullable
        {
            self.error(location, format!("column {name:?} may be null, and a graph needs its name in every row"));
            return None;
        }
        Some(name)
    }

    fn object(&mut self, map: &ObjectMap, table: &'a Table) -> Option<(MappedTerm, Option<Join>)> {
        match map {
            ObjectMap::Term(term) => self.term(term, table).map(|object| (object, None)),
            ObjectMap::Reference { parent, conditions, location } => {
                self.reference(table, *parent, conditions, location)
            }
        }
    }

    pub(super) fn table(&mut self, name: &str, location: &Location) -> Option<&'a Table> {
        let found = self.tables.get(name).copied();
        if found.is_none() {
            let suggestion = nearest_or_all(name, self.tables.keys().copied());
            let message = format!("source {} has no table {name:?}{suggestion}", self.source);
            self.error(location, message);
        }
        found
    }

    pub(super) fn column(&mut self, table: &'a Table, name: &str, location: &Location) -> Option<&'a Column> {
        let found = table.column(name);
        if found.is_none() {
            let names = table.columns.iter().map(|column| column.name.as_str());
            let suggestion = nearest_or_all(name, names);
            self.error(location, format!("table {:?} has no column {name:?}{suggestion}", table.name));
        }
        found
    }

    /// The columns in the given order, or nothing when one is unknown. All unknown ones are reported.
    pub(super) fn columns(
        &mut self,
        table: &'a Table,
        names: &[String],
        location: &Location,
    ) -> Option<Vec<&'a Column>> {
        let columns: Vec<_> = names.iter().map(|name| self.column(table, name, location)).collect();
        columns.into_iter().collect()
    }

    pub(super) fn error(&mut self, location: &Location, message: String) {
        self.errors.push(MappingError { location: location.clone(), message });
    }
}

/// R2RML section 11.1: a triple is in all graphs of its subject map and its predicate-object map, and in the default
/// graph (here that of the source) when there is none.
fn in_graphs(triple: &TripleMap, subject: &[GraphMap], object: &[GraphMap]) -> Vec<TripleMap> {
    if subject.is_empty() && object.is_empty() {
        return vec![triple.clone()];
    }
    subject.iter().chain(object).map(|graph| TripleMap { graph: graph.clone(), ..triple.clone() }).collect()
}

pub(super) fn constant(term: impl Into<Term>) -> MappedTerm {
    MappedTerm { term_type: TermType::Constant(term.into()), columns: Vec::new(), build: super::Build::Columns }
}
