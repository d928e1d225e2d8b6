//! One source: its tables and columns, and what it is as a dataset.

use super::{DCAT, DCTERMS, Description, SERVICE, VOID, fragment, named, partition, time, vocabulary};
use crate::NAMESPACE;
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{Literal, NamedNode, Term};
use std::time::SystemTime;
use weft_mapping::VirtualGraph;
use weft_model::contract::{Column, Table};

pub(super) fn describe(description: &mut Description, graph: &VirtualGraph, described_at: Option<SystemTime>) {
    let source = &graph.graph;
    let connector = &graph.description;
    description.add(source, rdf::TYPE, vocabulary(VOID, "Dataset"));
    description.add(source, rdf::TYPE, vocabulary(DCAT, "Dataset"));
    description.add(source, rdf::TYPE, vocabulary(NAMESPACE, "Source"));
    description.text(source, DCTERMS, "title", &graph.source);
    description.text(source, DCTERMS, "identifier", &graph.source);
    description.text(source, NAMESPACE, "connector", &connector.name);
    description.text(source, NAMESPACE, "connectorVersion", &connector.version);
    if let Some(described_at) = described_at {
        description.add(source, vocabulary(NAMESPACE, "describedAt").as_ref(), time(described_at));
    }
    if let Some(feed) = &connector.change_feed {
        description.text(source, NAMESPACE, "changeFeed", &feed.kind);
    }
    distribution(description, source);
    for table in &connector.tables {
        describe_table(description, source, table);
    }
    partition::describe(description, graph);
}

/// A source is had by asking for its graph.
fn distribution(description: &mut Description, source: &NamedNode) {
    let node = fragment(source, &["distribution"]);
    description.add(source, vocabulary(DCAT, "distribution").as_ref(), node.clone());
    description.add(&node, rdf::TYPE, vocabulary(DCAT, "Distribution"));
    description.text(&node, DCTERMS, "title", "SPARQL, as a named graph");
    description.add(&node, vocabulary(DCAT, "accessService").as_ref(), named(SERVICE));
}

fn describe_table(description: &mut Description, source: &NamedNode, table: &Table) {
    let node = table_node(source, table);
    description.add(source, vocabulary(NAMESPACE, "table").as_ref(), node.clone());
    description.add(&node, rdf::TYPE, vocabulary(NAMESPACE, "Table"));
    description.add(&node, rdfs::LABEL, Literal::from(table.name.as_str()));
    if let Some(rows) = table.rows {
        description.count(&node, NAMESPACE, "rows", rows);
    }
    for column in &table.columns {
        describe_column(description, source, table, column);
    }
    for key in &table.foreign_keys {
        for (own, other) in key.columns.iter().zip(&key.referenced_columns) {
            let own = fragment(source, &["table", &table.name, "column", own]);
            let other = fragment(source, &["table", &key.referenced_table, "column", other]);
            description.add(&own, vocabulary(NAMESPACE, "references").as_ref(), other);
        }
    }
}

fn describe_column(description: &mut Description, source: &NamedNode, table: &Table, column: &Column) {
    let node = fragment(source, &["table", &table.name, "column", &column.name]);
    description.add(&table_node(source, table), vocabulary(NAMESPACE, "column").as_ref(), node.clone());
    description.add(&node, rdf::TYPE, vocabulary(NAMESPACE, "Column"));
    description.add(&node, rdfs::LABEL, Literal::from(column.name.as_str()));
    description.text(&node, NAMESPACE, "dataType", &column.data_type.to_string());
    description.add(&node, vocabulary(NAMESPACE, "nullable").as_ref(), Literal::from(column.nullable));
    let is_key = table.keys.first().is_some_and(|key| key.contains(&column.name));
    description.add(&node, vocabulary(NAMESPACE, "primaryKey").as_ref(), Literal::from(is_key));
    if let Some(unit) = &column.unit {
        // The contract has an IRI of QUDT or a symbol here.
        let unit: Term = match NamedNode::new(unit) {
            Ok(iri) => iri.into(),
            Err(_) => Literal::from(unit.as_str()).into(),
        };
        description.add(&node, vocabulary(NAMESPACE, "unit").as_ref(), unit);
    }
    if let Some(distinct) = column.distinct {
        description.count(&node, NAMESPACE, "distinctValues", distinct);
    }
}

fn table_node(source: &NamedNode, table: &Table) -> NamedNode {
    fragment(source, &["table", &table.name])
}
