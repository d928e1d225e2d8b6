//! A mapping against the tables of its source.

use super::computed::{MeasuredColumn, measured};
use super::table::{Tables, column, missing_column};
use super::{
    Build, GraphMap, InvalidValues, Join, MappedTerm, Required, Requirement, TripleMap, VirtualGraph, WrittenTerm,
};
use crate::r2rml::{
    Location, Mapping, MappingError, MappingLimits, ObjectMap, SqlName, TermMap, TriplesMap, ordered, within,
};
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, Term};
use std::collections::HashSet;
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
        let mut resolver = Resolver {
            source,
            graph: &graph,
            base,
            mapping,
            tables: Tables::new(&description.tables),
            current: None,
            written: Vec::new(),
            units: Vec::new(),
            errors: Vec::new(),
        };
        let mut triples = Vec::new();
        let mut seen = HashSet::new();
        for map in &mapping.triples_maps {
            resolver.current = Some(map.name.clone());
            let found = resolver.triples_map(map);
            resolver.current = None;
            // The text of a triple map tells all of it, and unlike the map itself it can be hashed.
            triples.extend(found.into_iter().filter(|triple| seen.insert(format!("{triple:?}"))));
        }
        if !resolver.errors.is_empty() {
            return Err(ordered(resolver.errors, MappingLimits::default().errors));
        }
        let named_by_rows = triples.iter().any(|triple| matches!(triple.graph, GraphMap::Term(_)));
        let column_graphs = (!named_by_rows).then(Vec::new);
        let (written, units) = (resolver.written, resolver.units);
        let description = measured(description.clone(), units);
        Ok(Self {
            source: source.into(),
            graph,
            description,
            triples,
            column_graphs,
            invalid_values: InvalidValues::default(),
            written,
        })
    }
}

/// Collects what is wrong while terms are mapped.
pub(super) struct Resolver<'a> {
    pub(super) source: &'a str,
    graph: &'a NamedNode,
    pub(super) base: &'a str,
    pub(super) mapping: &'a Mapping,
    tables: Tables<'a>,
    /// The name of the triples map that is resolved.
    pub(super) current: Option<String>,
    written: Vec<WrittenTerm>,
    pub(super) units: Vec<MeasuredColumn>,
    errors: Vec<MappingError>,
}

impl<'a> Resolver<'a> {
    fn triples_map(&mut self, map: &TriplesMap) -> Vec<TripleMap> {
        let Some(table) = self.table(map) else { return Vec::new() };
        let subject = self.subject(&map.subject, table);
        let graphs = self.graphs(&map.graphs, table);
        let in_default_graph = map.in_default_graph;
        let source_graph = self.graph;
        let mut triples = Vec::new();
        let row = |predicate: MappedTerm, (object, join): (MappedTerm, Option<Join>)| {
            let graph = GraphMap::Constant(source_graph.clone());
            let (table, subject) = (table.name.clone(), subject.clone()?);
            let requires = Vec::new();
            Some(TripleMap { table, subject, predicate, object, graph, in_default_graph, join, requires })
        };
        for class in &map.classes {
            let triple = row(constant(rdf::TYPE.into_owned()), (constant(class.clone()), None));
            triples.extend(triple.iter().flat_map(|triple| in_graphs(triple, [&graphs, &[]], table, source_graph)));
        }
        for found in &map.predicate_objects {
            let predicate = self.iri_term(&found.predicate, table);
            let object = self.object(&found.object, table);
            let further = self.graphs(&found.graphs, table);
            let Some((predicate, object)) = predicate.zip(object) else { continue };
            let Some(triple) = row(predicate, object) else { continue };
            let found = self.with_quantity(&found.object, triple, table);
            triples.extend(found.iter().flat_map(|triple| in_graphs(triple, [&graphs, &further], table, source_graph)));
        }
        triples
    }

    fn graphs(&mut self, maps: &[TermMap], table: &'a Table) -> Vec<GraphMap> {
        let mut graphs = Vec::new();
        for map in maps {
            graphs.extend(match map.iri() {
                Some(iri) if iri.as_str() == DEFAULT_GRAPH => Some(GraphMap::Constant(self.graph.clone())),
                Some(iri) => Some(GraphMap::Constant(iri.clone())),
                None => self.iri_term(map, table).map(GraphMap::Term),
            });
        }
        graphs
    }

    fn object(&mut self, map: &ObjectMap, table: &'a Table) -> Option<(MappedTerm, Option<Join>)> {
        match map {
            ObjectMap::Term(term) => self.term(term, table).map(|object| (object, None)),
            ObjectMap::Reference { parent, conditions, location } => {
                self.reference(table, *parent, conditions, location)
            }
        }
    }

    /// The table whose rows a triples map is about.
    pub(super) fn table(&mut self, map: &TriplesMap) -> Option<&'a Table> {
        let found = self.tables.find(&map.table, self.source, &map.name);
        found.map_err(|message| self.error(&map.table_location, message)).ok()
    }

    pub(super) fn column(&mut self, table: &'a Table, name: &SqlName, location: &Location) -> Option<&'a Column> {
        let found = column(table, name);
        if found.is_none() {
            let message = format!("table {:?} has no column {}", table.name, missing_column(table, name));
            self.error(location, message);
        }
        found
    }

    /// Remembers where a term is written that some values would not make.
    pub(super) fn note(&mut self, table: &Table, term: &MappedTerm, location: &Location) {
        let types: Option<Vec<_>> =
            term.columns.iter().map(|name| table.column(name).map(|column| column.data_type)).collect();
        if types.is_none_or(|types| term.is_total(&types)) {
            return;
        }
        let triples_map = self.current.clone().unwrap_or_default();
        let (table, term, location) = (table.name.clone(), term.clone(), location.clone());
        self.written.push(WrittenTerm { table, term, triples_map, location });
    }

    /// The columns in the given order, or nothing when one is unknown. All unknown ones are reported.
    pub(super) fn columns(
        &mut self,
        table: &'a Table,
        names: &[SqlName],
        location: &Location,
    ) -> Option<Vec<&'a Column>> {
        let columns: Vec<_> = names.iter().map(|name| self.column(table, name, location)).collect();
        columns.into_iter().collect()
    }

    pub(super) fn error(&mut self, location: &Location, message: String) {
        let message = within(self.current.as_deref(), message);
        self.errors.push(MappingError { location: location.clone(), message });
    }
}

/// R2RML section 11.1: a triple is in all graphs of its subject map and its predicate-object map, and in the default
/// graph (here that of the source) when there is none.
///
/// A graph map that gives no term for a row puts nothing anywhere, the default graph of queries included. A row may name the
/// default graph like any other, where its graph is the text of a column.
fn in_graphs(triple: &TripleMap, graphs: [&[GraphMap]; 2], table: &Table, own: &NamedNode) -> Vec<TripleMap> {
    let graphs = graphs.concat();
    if graphs.is_empty() {
        return vec![triple.clone()];
    }
    let default = NamedNode::new_unchecked(DEFAULT_GRAPH);
    let mut found = Vec::with_capacity(graphs.len());
    for graph in graphs {
        let mut within = |graph: &GraphMap, term: &MappedTerm, is: Option<Required>| {
            let mut map = TripleMap { graph: graph.clone(), ..triple.clone() };
            map.requires.extend(is.map(|is| Requirement { term: term.clone(), joined: false, is }));
            found.push(map);
        };
        match &graph {
            GraphMap::Constant(node) => within(&graph, &constant(node.clone()), None),
            GraphMap::Term(term) if may_be_text(term) => {
                within(&graph, term, Some(Required::OtherThan(default.clone())));
                within(&GraphMap::Constant(own.clone()), term, Some(Required::Iri(default.clone())));
            }
            GraphMap::Term(term) => within(&graph, term, (!is_always_named(term, table)).then_some(Required::Bound)),
        }
    }
    found
}

/// Whether the term can be any IRI.
fn may_be_text(term: &MappedTerm) -> bool {
    match &term.build {
        Build::IriTemplate(shape) => shape.may_build(DEFAULT_GRAPH),
        Build::IriColumn { .. } => true,
        _ => false,
    }
}

/// Whether every row names a graph. A source of encoded terms promises that each is what its column is for.
fn is_always_named(term: &MappedTerm, table: &Table) -> bool {
    let columns: Option<Vec<&Column>> = term.columns.iter().map(|name| table.column(name)).collect();
    columns.is_some_and(|columns| {
        let types: Vec<_> = columns.iter().map(|column| column.data_type).collect();
        columns.iter().all(|column| !column.nullable) && (term.build == Build::EncodedIri || term.is_total(&types))
    })
}

pub(super) fn constant(term: impl Into<Term>) -> MappedTerm {
    MappedTerm { term_type: TermType::Constant(term.into()), columns: Vec::new(), build: Build::Columns }
}
