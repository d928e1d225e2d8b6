//! The catalogue as RDF: what each source has, in the words of DCAT and VoID.
//!
//! A source is the `dcat:Dataset` and `void:Dataset` named by its graph; its tables, columns and partitions are fragments
//! of that IRI, so that the same source gives the same statements at every start.

use crate::NAMESPACE;
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::BTreeSet;
use weft_mapping::{TripleMap, VirtualGraph};
use weft_model::contract::{Column, Table};
use weft_model::term::{TermType, percent_encode};

const VOID: &str = "http://rdfs.org/ns/void#";
const DCAT: &str = "http://www.w3.org/ns/dcat#";
const DCTERMS: &str = "http://purl.org/dc/terms/";

/// Describes these sources.
pub(crate) fn describe(graphs: &[VirtualGraph]) -> Vec<Triple> {
    let mut description = Description::default();
    for graph in graphs {
        description.source(graph);
    }
    description.triples
}

#[derive(Default)]
struct Description {
    triples: Vec<Triple>,
}

impl Description {
    fn source(&mut self, graph: &VirtualGraph) {
        let source = &graph.graph;
        let connector = &graph.description;
        self.add(source, rdf::TYPE, vocabulary(VOID, "Dataset"));
        self.add(source, rdf::TYPE, vocabulary(DCAT, "Dataset"));
        self.add(source, rdf::TYPE, vocabulary(NAMESPACE, "Source"));
        self.add(source, vocabulary(DCTERMS, "title").as_ref(), Literal::from(&*graph.source));
        self.add(source, vocabulary(NAMESPACE, "connector").as_ref(), Literal::from(connector.name.as_str()));
        self.add(source, vocabulary(NAMESPACE, "connectorVersion").as_ref(), Literal::from(connector.version.as_str()));
        for table in &connector.tables {
            self.table(source, table);
        }
        self.partitions(graph);
    }

    fn table(&mut self, source: &NamedNode, table: &Table) {
        let node = fragment(source, &["table", &table.name]);
        self.add(source, vocabulary(NAMESPACE, "table").as_ref(), node.clone());
        self.add(&node, rdf::TYPE, vocabulary(NAMESPACE, "Table"));
        self.add(&node, rdfs::LABEL, Literal::from(table.name.as_str()));
        if let Some(rows) = table.rows {
            self.add(&node, vocabulary(NAMESPACE, "rows").as_ref(), Literal::from(rows.count));
        }
        for column in &table.columns {
            self.column(source, &node, table, column);
        }
    }

    fn column(&mut self, source: &NamedNode, table_node: &NamedNode, table: &Table, column: &Column) {
        let node = fragment(source, &["table", &table.name, "column", &column.name]);
        self.add(table_node, vocabulary(NAMESPACE, "column").as_ref(), node.clone());
        self.add(&node, rdf::TYPE, vocabulary(NAMESPACE, "Column"));
        self.add(&node, rdfs::LABEL, Literal::from(column.name.as_str()));
        self.add(&node, vocabulary(NAMESPACE, "dataType").as_ref(), Literal::from(column.data_type.to_string()));
        self.add(&node, vocabulary(NAMESPACE, "nullable").as_ref(), Literal::from(column.nullable));
        let is_key = table.keys.first().is_some_and(|key| key.contains(&column.name));
        self.add(&node, vocabulary(NAMESPACE, "primaryKey").as_ref(), Literal::from(is_key));
        if let Some(unit) = &column.unit {
            self.add(&node, vocabulary(NAMESPACE, "unit").as_ref(), Literal::from(unit.as_str()));
        }
        if let Some(distinct) = column.distinct {
            self.add(&node, vocabulary(NAMESPACE, "distinctValues").as_ref(), Literal::from(distinct.count));
        }
    }

    /// VoID section 4.4: what a dataset has of each class and each property.
    fn partitions(&mut self, graph: &VirtualGraph) {
        let source = &graph.graph;
        let classes: BTreeSet<&NamedNode> = graph.triples.iter().filter_map(class).collect();
        for class in classes {
            let node = fragment(source, &["class", class.as_str()]);
            self.add(source, vocabulary(VOID, "classPartition").as_ref(), node.clone());
            self.add(&node, vocabulary(VOID, "class").as_ref(), class.clone());
        }
        let properties: BTreeSet<&NamedNode> = graph.triples.iter().filter_map(predicate).collect();
        for property in properties {
            let node = fragment(source, &["property", property.as_str()]);
            self.add(source, vocabulary(VOID, "propertyPartition").as_ref(), node.clone());
            self.add(&node, vocabulary(VOID, "property").as_ref(), property.clone());
        }
    }

    fn add(&mut self, subject: &NamedNode, predicate: NamedNodeRef<'_>, object: impl Into<Term>) {
        let subject = NamedOrBlankNode::from(subject.clone());
        self.triples.push(Triple::new(subject, predicate.into_owned(), object));
    }
}

fn predicate(map: &TripleMap) -> Option<&NamedNode> {
    match &map.predicate.term_type {
        TermType::Constant(Term::NamedNode(node)) => Some(node),
        _ => None,
    }
}

fn class(map: &TripleMap) -> Option<&NamedNode> {
    match &map.object.term_type {
        TermType::Constant(Term::NamedNode(node)) if predicate(map).is_some_and(|p| *p == rdf::TYPE) => Some(node),
        _ => None,
    }
}

fn vocabulary(namespace: &str, name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{namespace}{name}"))
}

/// Percent-encoded names joined by slashes, below the IRI of the source.
fn fragment(source: &NamedNode, names: &[&str]) -> NamedNode {
    let mut iri = source.as_str().to_owned();
    // The graph of a source may have a fragment of its own.
    let mut separator = if iri.contains('#') { '/' } else { '#' };
    for name in names {
        iri.push(separator);
        percent_encode(name, &mut iri);
        separator = '/';
    }
    NamedNode::new_unchecked(iri)
}
