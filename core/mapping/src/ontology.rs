//! What an ontology says that follows from one statement: RDFS, and the part of OWL 2 QL that a mapping can hold.
//!
//! Every rule here has one premise: a statement with some predicate, or with some class. So the closure of a graph is the
//! union of the closures of its statements, and the closure of a mapping is the union of those of its triple maps: it is
//! computed when a source is loaded ([`Ontology::saturate`]), and a query is planned over the result as over any mapping.
//! What would need several statements to conclude one is not concluded, and is told ([`Ontology::notes`]).

mod read;
mod saturate;
mod subsume;

pub use saturate::SaturationError;

use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::{BTreeMap, HashSet};

/// Rules, by what they start from.
#[derive(Clone, Debug, Default)]
pub struct Ontology {
    /// The classes above each class.
    classes: BTreeMap<NamedNode, Vec<NamedNode>>,
    properties: BTreeMap<NamedNode, PropertyRules>,
    notes: Vec<String>,
}

/// What follows from a statement with some predicate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PropertyRules {
    /// The properties above it, or above its inverse.
    supers: Vec<Role>,
    /// Classes of its subjects.
    domain: Vec<NamedNode>,
    /// Classes of its objects, unless these are literals.
    range: Vec<NamedNode>,
}

/// A property in one of its directions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Role {
    name: NamedNode,
    inverse: bool,
}

/// Bounds of what an ontology may make of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct OntologyLimits {
    /// Triple maps of one source, with those that follow from others.
    pub triple_maps: usize,
}

impl Default for OntologyLimits {
    fn default() -> Self {
        Self { triple_maps: 100_000 }
    }
}

impl Ontology {
    /// Whether nothing follows from anything.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.properties.is_empty()
    }

    /// What the ontology says that is not followed, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All statements that follow from this one, without it.
    pub fn entailed(&self, triple: &Triple) -> Vec<Triple> {
        let mut found: Vec<Triple> = Vec::new();
        // What most statements are.
        if triple.predicate != rdf::TYPE && !self.properties.contains_key(&triple.predicate) {
            return found;
        }
        let mut known = HashSet::from([triple.clone()]);
        let mut next = 0;
        let mut current = triple.clone();
        loop {
            for consequence in self.consequences(&current) {
                if known.insert(consequence.clone()) {
                    found.push(consequence);
                }
            }
            let Some(triple) = found.get(next) else { return found };
            current = triple.clone();
            next += 1;
        }
    }

    /// What follows in one step.
    fn consequences(&self, triple: &Triple) -> Vec<Triple> {
        let mut found = Vec::new();
        let resource = match &triple.object {
            Term::NamedNode(node) => Some(NamedOrBlankNode::from(node.clone())),
            Term::BlankNode(node) => Some(node.clone().into()),
            _ => None,
        };
        if let Some(rules) = self.properties.get(&triple.predicate) {
            for role in &rules.supers {
                let name = role.name.clone();
                match (&resource, role.inverse) {
                    (_, false) => found.push(Triple { predicate: name, ..triple.clone() }),
                    (Some(object), true) => found.push(Triple::new(object.clone(), name, triple.subject.clone())),
                    (None, true) => {}
                }
            }
            found.extend(rules.domain.iter().map(|class| is_a(&triple.subject, class)));
            found.extend(resource.iter().flat_map(|object| rules.range.iter().map(|class| is_a(object, class))));
        }
        if let (Term::NamedNode(class), true) = (&triple.object, triple.predicate == rdf::TYPE) {
            let above = self.classes.get(class);
            found.extend(above.into_iter().flatten().map(|class| is_a(&triple.subject, class)));
        }
        found
    }

    /// The predicates that something follows from.
    fn predicates(&self) -> impl Iterator<Item = NamedNodeRef<'_>> {
        let is_type =
            (!self.classes.is_empty() && !self.properties.contains_key(&rdf::TYPE.into_owned())).then_some(rdf::TYPE);
        self.properties.keys().map(NamedNode::as_ref).chain(is_type)
    }
}

fn is_a(subject: &NamedOrBlankNode, class: &NamedNode) -> Triple {
    Triple::new(subject.clone(), rdf::TYPE.into_owned(), class.clone())
}
