//! What is allowed in a mapping, and probably not meant.
//!
//! What a mapping gets wrong is an error where it is read ([`crate::Mapping::parse`]) or meets its tables
//! ([`crate::VirtualGraph::new`]). Here is what a careful reader would ask about.

mod coverage;
mod vocabulary;

pub use coverage::Coverage;

use crate::r2rml::{
    Location, Mapping, MappingError, MappingLimits, ObjectMap, SqlName, TermKind, TermMap, TriplesMap, ordered,
};
use crate::suggest::OntologyTerms;
use crate::virtual_graph::{Tables, column};
use std::collections::BTreeSet;
use weft_model::contract::{Column, Description, Table};

/// What was found, in the order of lines, and how much of the source is mapped.
#[derive(Clone, Debug)]
pub struct Review {
    pub remarks: Vec<MappingError>,
    pub coverage: Coverage,
}

/// Reads a mapping that fits the tables of its source, as a careful person would. What does not fit is left to
/// [`crate::VirtualGraph::new`].
pub fn review(mapping: &Mapping, description: &Description, ontology: &OntologyTerms) -> Review {
    let tables = Tables::new(&description.tables);
    let tables = mapping.triples_maps.iter().map(|map| tables.find(&map.table, "", &map.name).ok()).collect();
    let mut reviewer = Reviewer { tables, ontology, remarks: Vec::new() };
    for (number, map) in mapping.triples_maps.iter().enumerate() {
        reviewer.triples_map(number, map);
    }
    let coverage = Coverage::new(mapping, &reviewer.tables, description);
    Review { remarks: ordered(reviewer.remarks, MappingLimits::default().errors), coverage }
}

/// Collects remarks.
struct Reviewer<'a> {
    /// The table of each triples map.
    tables: Vec<Option<&'a Table>>,
    ontology: &'a OntologyTerms,
    remarks: Vec<MappingError>,
}

impl<'a> Reviewer<'a> {
    fn triples_map(&mut self, number: usize, map: &'a TriplesMap) {
        let Some(table) = self.table(number) else { return };
        self.subject(&map.subject, table);
        self.classes(map);
        for found in &map.predicate_objects {
            self.predicate(&found.predicate, &found.object, table);
            match &found.object {
                ObjectMap::Term(term) => self.template(term),
                ObjectMap::Reference { parent, conditions, location } => {
                    self.join(table, *parent, conditions, location);
                }
            }
        }
    }

    /// A row whose key is null is nothing.
    fn subject(&mut self, subject: &TermMap, table: &Table) {
        self.template(subject);
        let (columns, location) = match subject {
            TermMap::Template { columns, location, .. } => (columns.as_slice(), location),
            TermMap::Column { column, location, .. } => (std::slice::from_ref(column), location),
            TermMap::Constant { .. } => return,
        };
        let nullable: BTreeSet<&str> = columns
            .iter()
            .filter_map(|name| column(table, name))
            .filter(|column| column.nullable)
            .map(|column| column.name.as_str())
            .collect();
        if !nullable.is_empty() {
            let names: Vec<String> = nullable.iter().map(|name| format!("{name:?}")).collect();
            let (names, is) = (names.join(" or "), if nullable.len() == 1 { "it is" } else { "they are" });
            self.remark(location, format!("rows in which {names} is null give no triples: {is} part of the subject"));
        }
    }

    fn template(&mut self, term: &TermMap) {
        let TermMap::Template { shape, kind, location, .. } = term else { return };
        if *kind.of_terms() == TermKind::Iri && !shape.is_injective() {
            let message = format!(
                "the template \"{shape}\" may give one IRI for different values: put a character such as / between its columns"
            );
            self.remark(location, message);
        }
    }

    fn join(&mut self, child: &Table, parent: usize, conditions: &[(SqlName, SqlName)], location: &Location) {
        let Some(parent) = self.table(parent) else { return };
        for (own, other) in conditions {
            let (Some(own), Some(other)) = (column(child, own), column(parent, other)) else { continue };
            if own.data_type.kind() != other.data_type.kind() {
                let (own, other) = (typed(child, own), typed(parent, other));
                self.remark(location, format!("the join compares values of different types: {own} and {other}"));
            }
        }
    }

    fn table(&self, triples_map: usize) -> Option<&'a Table> {
        self.tables.get(triples_map).copied().flatten()
    }

    fn remark(&mut self, location: &Location, message: String) {
        self.remarks.push(MappingError { location: location.clone(), message });
    }
}

fn typed(table: &Table, column: &Column) -> String {
    format!("column {:?} of table {:?} is {}", column.name, table.name, column.data_type)
}
