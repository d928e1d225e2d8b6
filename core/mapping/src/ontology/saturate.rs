//! The closure of a mapping: for each triple map those whose triples follow from its own.
//!
//! What follows is in the graph of what it follows from, and in the default graph where that is. A triple map that says no
//! more than another (`subsume.rs`) is left out, and with it what would follow from it: that follows from the other.

use super::Ontology;
use super::subsume::{Subsumption, literals};
use crate::virtual_graph::{Build, GraphMap, Join, MappedTerm, Required, Requirement, TripleMap, VirtualGraph};
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedNodeRef, Term};
use std::collections::HashMap;
use weft_model::term::TermType;

/// What an ontology says of a source cannot be compiled into its mapping.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SaturationError {
    #[error(
        "source {name}: with what the ontology says there would be more than {limit} triple maps (limits.triple_maps)"
    )]
    TooMany { name: String, limit: usize },
    #[error(
        "source {name}, table {table}: the ontology turns {predicate} around, whose graph is a column here and whose objects are rows of table {parent}: set reasoning = \"none\" for this source"
    )]
    GraphColumn { name: String, table: String, parent: String, predicate: String },
}

/// Triple maps found so far.
struct Saturation<'a> {
    ontology: &'a Ontology,
    subsumption: Subsumption<'a>,
    name: &'a str,
    limit: usize,
    maps: Vec<Found>,
    /// Positions by what triple maps must agree on to be compared.
    alike: HashMap<String, Vec<usize>>,
    kept: usize,
}

struct Found {
    map: TripleMap,
    /// Whether the mapping itself has it: then it stays, whatever else says the same.
    asserted: bool,
    /// Whether nothing found later says the same and more.
    kept: bool,
}

impl Ontology {
    /// The virtual graph with all that follows from it, of at most so many triple maps.
    pub fn saturate(&self, graph: VirtualGraph, limit: usize) -> Result<VirtualGraph, SaturationError> {
        if self.is_empty() {
            return Ok(graph);
        }
        let mut saturation = Saturation {
            ontology: self,
            subsumption: Subsumption::new(&graph.description),
            name: &graph.source,
            limit,
            maps: Vec::new(),
            alike: HashMap::new(),
            kept: 0,
        };
        for map in &graph.triples {
            saturation.insert(map.clone(), true)?;
        }
        saturation.run()?;
        let triples = saturation.maps.into_iter().filter(|found| found.kept).map(|found| found.map).collect();
        Ok(VirtualGraph { triples, ..graph })
    }
}

impl Saturation<'_> {
    /// The end is reached: there are only so many predicates, classes and terms, and each triple map is looked at once.
    fn run(&mut self) -> Result<(), SaturationError> {
        let mut next = 0;
        while let Some(found) = self.maps.get(next) {
            next += 1;
            if !found.kept {
                continue;
            }
            for consequence in self.consequences(&found.map)? {
                self.insert(consequence, false)?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, mut map: TripleMap, asserted: bool) -> Result<(), SaturationError> {
        if !asserted {
            self.subsumption.simplify(&mut map);
        }
        let alike = self.alike.entry(key(&map)).or_default();
        if !asserted {
            let subsumption = &self.subsumption;
            if alike.iter().any(|other| self.maps[*other].kept && subsumption.says(&self.maps[*other].map, &map)) {
                return Ok(());
            }
            for other in alike.iter() {
                let found = &mut self.maps[*other];
                if found.kept && !found.asserted && subsumption.says(&map, &found.map) {
                    found.kept = false;
                    self.kept -= 1;
                }
            }
        }
        alike.push(self.maps.len());
        self.maps.push(Found { map, asserted, kept: true });
        self.kept += 1;
        if self.kept > self.limit {
            return Err(SaturationError::TooMany { name: self.name.to_owned(), limit: self.limit });
        }
        Ok(())
    }

    /// What follows in one step.
    fn consequences(&self, map: &TripleMap) -> Result<Vec<TripleMap>, SaturationError> {
        let mut found = Vec::new();
        if let TermType::Constant(Term::NamedNode(name)) = &map.predicate.term_type {
            self.of_predicate(map, name.as_ref(), &mut found)?;
            return Ok(found);
        }
        for name in self.ontology.predicates().filter(|name| may_be(&map.predicate, *name)) {
            let held = requiring(map.clone(), &map.predicate, false, Required::Iri(name.into_owned()));
            self.of_predicate(&held, name, &mut found)?;
        }
        Ok(found)
    }

    /// What follows from a triple map whose predicate is this one.
    fn of_predicate(
        &self,
        map: &TripleMap,
        name: NamedNodeRef<'_>,
        found: &mut Vec<TripleMap>,
    ) -> Result<(), SaturationError> {
        let wrong_way = || self.wrong_way(map, name);
        if let Some(rules) = self.ontology.properties.get(&name.into_owned()) {
            for role in &rules.supers {
                let predicate = constant(role.name.clone());
                if role.inverse {
                    found.extend(inverse(map, wrong_way)?.map(|inverse| TripleMap { predicate, ..inverse }));
                } else {
                    found.push(TripleMap { predicate, ..map.clone() });
                }
            }
            found.extend(rules.domain.iter().map(|class| subject_is_a(map, class)));
            if !rules.range.is_empty()
                && let Some(inverse) = inverse(map, wrong_way)?
            {
                found.extend(rules.range.iter().map(|class| subject_is_a(&inverse, class)));
            }
        }
        if name == rdf::TYPE {
            self.of_class(map, found);
        }
        Ok(())
    }

    fn of_class(&self, map: &TripleMap, found: &mut Vec<TripleMap>) {
        let is_a = |map: &TripleMap, class: &NamedNode| {
            let (predicate, object) = (constant(rdf::TYPE.into_owned()), constant(class.clone()));
            TripleMap { predicate, object, ..map.clone() }
        };
        if let TermType::Constant(class) = &map.object.term_type {
            let Term::NamedNode(class) = class else { return };
            let above = self.ontology.classes.get(class);
            found.extend(above.into_iter().flatten().map(|class| is_a(map, class)));
            return;
        }
        for (class, above) in &self.ontology.classes {
            if may_be(&map.object, class.as_ref()) {
                let held = requiring(map.clone(), &map.object, map.join.is_some(), Required::Iri(class.clone()));
                found.extend(above.iter().map(|class| is_a(&held, class)));
            }
        }
    }

    fn wrong_way(&self, map: &TripleMap, predicate: NamedNodeRef<'_>) -> SaturationError {
        SaturationError::GraphColumn {
            name: self.name.to_owned(),
            table: map.table.clone(),
            parent: map.join.as_ref().map_or_else(String::new, |join| join.table.clone()),
            predicate: predicate.to_string(),
        }
    }
}

/// What triple maps agree on of which one can say all that the other says.
fn key(map: &TripleMap) -> String {
    format!("{:?} {:?} {:?} {:?}", map.graph, map.predicate, map.object, map.subject.term_type)
}

fn constant(node: NamedNode) -> MappedTerm {
    MappedTerm { term_type: TermType::Constant(node.into()), columns: Vec::new(), build: Build::Columns }
}

/// Whether a term can be this IRI, as far as the mapping tells.
fn may_be(term: &MappedTerm, node: NamedNodeRef<'_>) -> bool {
    match (&term.term_type, term.build.of_terms()) {
        (TermType::General, Build::Coded(list)) => !list.codes_of(&node.into_owned()).is_empty(),
        (TermType::General, Build::IriTemplate(shape)) => shape.may_build(node.as_str()),
        (TermType::General, Build::BlankNode(_) | Build::LiteralTemplate { .. }) => false,
        (term_type, _) => term_type.may_hold(&node.into_owned().into()),
    }
}

fn requiring(mut map: TripleMap, term: &MappedTerm, joined: bool, is: Required) -> TripleMap {
    map.requires.push(Requirement { term: term.clone(), joined, is });
    map
}

/// The subjects of a triple map as things of a class. The object must be there still, and the row it is in.
fn subject_is_a(map: &TripleMap, class: &NamedNode) -> TripleMap {
    let held = requiring(map.clone(), &map.object, map.join.is_some(), Required::Bound);
    TripleMap { predicate: constant(rdf::TYPE.into_owned()), object: constant(class.clone()), ..held }
}

/// Objects as subjects and subjects as objects; none where all objects are literals.
fn inverse(map: &TripleMap, wrong_way: impl Fn() -> SaturationError) -> Result<Option<TripleMap>, SaturationError> {
    let may_be_literal = literals(&map.object);
    if may_be_literal == Some(true) {
        return Ok(None);
    }
    let (subject, object) = (map.object.clone(), map.subject.clone());
    let turned = match &map.join {
        None => TripleMap { subject, object, ..map.clone() },
        Some(_) if matches!(map.graph, GraphMap::Term(_)) => return Err(wrong_way()),
        Some(join) => {
            let on = join.on.iter().map(|(child, parent)| (parent.clone(), child.clone())).collect();
            let requires = map
                .requires
                .iter()
                .map(|requirement| Requirement { joined: !requirement.joined, ..requirement.clone() });
            TripleMap {
                table: join.table.clone(),
                subject,
                object,
                join: Some(Join { table: map.table.clone(), on }),
                requires: requires.collect(),
                ..map.clone()
            }
        }
    };
    if may_be_literal == Some(false) {
        return Ok(Some(turned));
    }
    let subject = turned.subject.clone();
    Ok(Some(requiring(turned, &subject, false, Required::Resource)))
}
