//! What a source has of each class and each property, and what it has in common with others (VoID sections 4.4 and 5).
//!
//! Counts are told only where they follow from those of a table: one triple map, a triple for each of its rows, no two alike.

use super::{DCTERMS, Description, VOID, fragment, template, vocabulary};
use crate::NAMESPACE;
use oxrdf::vocab::rdf;
use oxrdf::{Literal, NamedNode, Term};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use weft_mapping::{MappedTerm, TripleMap, VirtualGraph};
use weft_model::contract::{DataType, Statistic, Table};
use weft_model::term::{IriShape, TermType};

pub(super) fn describe(description: &mut Description, graph: &VirtualGraph) {
    let source = &graph.graph;
    let (mut classes, mut properties) = (BTreeMap::new(), BTreeMap::new());
    let mut is_known = true;
    for map in &graph.triples {
        let Some(property) = constant(&map.predicate) else {
            is_known = false;
            continue;
        };
        properties.entry(property).or_insert_with(Vec::new).push(map);
        if let Some(class) = constant(&map.object).filter(|_| *property == rdf::TYPE) {
            classes.entry(class).or_insert_with(Vec::new).push(map);
        }
    }
    let of_type = || graph.triples.iter().filter(|map| constant(&map.predicate).is_some_and(|p| *p == rdf::TYPE));
    if is_known {
        description.add(source, vocabulary(VOID, "properties").as_ref(), Literal::from(properties.len() as u64));
        if of_type().all(|map| constant(&map.object).is_some()) {
            description.add(source, vocabulary(VOID, "classes").as_ref(), Literal::from(classes.len() as u64));
        }
    }
    vocabularies(description, source, properties.keys().chain(classes.keys()).copied());
    for (class, maps) in &classes {
        let node = fragment(source, &["class", class.as_str()]);
        description.add(source, vocabulary(VOID, "classPartition").as_ref(), node.clone());
        description.add(&node, rdf::TYPE, vocabulary(VOID, "Dataset"));
        description.add(&node, vocabulary(VOID, "class").as_ref(), (*class).clone());
        if let Some(count) = only(maps).and_then(|map| triples_of(graph, map)) {
            description.count(&node, VOID, "entities", count);
        }
        maps.iter().for_each(|map| subjects(description, &node, &map.subject));
    }
    for (property, maps) in &properties {
        let node = fragment(source, &["property", property.as_str()]);
        description.add(source, vocabulary(VOID, "propertyPartition").as_ref(), node.clone());
        description.add(&node, rdf::TYPE, vocabulary(VOID, "Dataset"));
        description.add(&node, vocabulary(VOID, "property").as_ref(), (*property).clone());
        if let Some(count) = only(maps).and_then(|map| triples_of(graph, map)) {
            description.count(&node, VOID, "triples", count);
        }
    }
    graph.triples.iter().for_each(|map| uri_space(description, source, &map.subject));
}

/// The namespaces of the words that are used.
fn vocabularies<'a>(description: &mut Description, source: &NamedNode, words: impl Iterator<Item = &'a NamedNode>) {
    let namespaces: BTreeSet<&str> = words.filter_map(|word| namespace(word.as_str())).collect();
    for namespace in namespaces {
        if let Ok(namespace) = NamedNode::new(namespace) {
            description.add(source, vocabulary(VOID, "vocabulary").as_ref(), namespace);
        }
    }
}

/// Up to the last `#` or `/`.
fn namespace(word: &str) -> Option<&str> {
    word.rfind(['#', '/']).map(|end| &word[..=end])
}

/// How the things of a class are named.
fn subjects(description: &mut Description, node: &NamedNode, subject: &MappedTerm) {
    let Some(shape) = template::shape(subject) else { return };
    uri_space(description, node, subject);
    description.text(node, VOID, "uriRegexPattern", &template::pattern(shape));
    description.text(node, NAMESPACE, "uriTemplate", &template::text(shape, &subject.columns));
}

fn uri_space(description: &mut Description, node: &NamedNode, subject: &MappedTerm) {
    if let Some(prefix) = template::shape(subject).and_then(|shape| shape.parts().first()) {
        description.text(node, VOID, "uriSpace", prefix);
    }
}

fn constant(term: &MappedTerm) -> Option<&NamedNode> {
    match &term.term_type {
        TermType::Constant(Term::NamedNode(node)) => Some(node),
        _ => None,
    }
}

fn only<'a>(maps: &[&'a TripleMap]) -> Option<&'a TripleMap> {
    match maps {
        [map] => Some(map),
        _ => None,
    }
}

/// The triples of a map, where every row is one, and none is repeated.
fn triples_of(graph: &VirtualGraph, map: &TripleMap) -> Option<Statistic> {
    let table = graph.description.tables.iter().find(|table| table.name == map.table)?;
    let subject: Vec<&str> = map.subject.columns.iter().map(String::as_str).collect();
    let is_plain = map.join.is_none() && map.requires.is_empty();
    let is_row = is_plain && table.is_unique(&subject) && is_there(table, &map.subject) && is_there(table, &map.object);
    table.rows.filter(|_| is_row)
}

/// Whether the term is there in every row.
fn is_there(table: &Table, term: &MappedTerm) -> bool {
    let columns: Option<Vec<_>> = term.columns.iter().map(|name| table.column(name)).collect();
    columns.is_some_and(|columns| {
        let types: Vec<DataType> = columns.iter().map(|column| column.data_type).collect();
        columns.iter().all(|column| !column.nullable) && term.is_total(&types)
    })
}

/// A property of one source whose objects are named as the subjects of another are.
pub(super) fn linksets(description: &mut Description, graphs: &[VirtualGraph]) {
    let mut named: HashMap<&IriShape, BTreeSet<usize>> = HashMap::new();
    for (position, graph) in graphs.iter().enumerate() {
        for shape in graph.triples.iter().filter_map(|map| template::shape(&map.subject)) {
            named.entry(shape).or_default().insert(position);
        }
    }
    for (position, graph) in graphs.iter().enumerate() {
        for map in &graph.triples {
            let (Some(property), Some(shape)) = (constant(&map.predicate), template::shape(&map.object)) else {
                continue;
            };
            for other in named.get(shape).into_iter().flatten().filter(|other| **other != position) {
                linkset(description, graph, property, &graphs[*other]);
            }
        }
    }
}

fn linkset(description: &mut Description, from: &VirtualGraph, property: &NamedNode, to: &VirtualGraph) {
    let node = fragment(&from.graph, &["linkset", property.as_str(), &to.source]);
    description.add(&node, rdf::TYPE, vocabulary(VOID, "Linkset"));
    description.text(&node, DCTERMS, "title", &format!("{} to {}", from.source, to.source));
    description.add(&node, vocabulary(VOID, "linkPredicate").as_ref(), property.clone());
    description.add(&node, vocabulary(VOID, "subjectsTarget").as_ref(), from.graph.clone());
    description.add(&node, vocabulary(VOID, "objectsTarget").as_ref(), to.graph.clone());
    description.add(&from.graph, vocabulary(VOID, "subset").as_ref(), node);
}
