//! The classes and properties of an ontology, with what is known of them.

use super::words::{Words, compared};
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const OWL: &str = "http://www.w3.org/2002/07/owl#";
const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";

/// Languages and vocabularies about terms: their own terms are no content.
const ABOUT_TERMS: [&str; 6] = [
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    OWL,
    "http://www.w3.org/2001/XMLSchema#",
    "http://www.w3.org/ns/shacl#",
    "http://www.w3.org/ns/r2rml#",
];

/// What an ontology declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TermClass {
    Class,
    /// Of literals.
    DatatypeProperty,
    /// Of things.
    ObjectProperty,
    /// Of either.
    Property,
}

/// A class or property.
#[derive(Clone, Debug)]
pub(crate) struct OntologyTerm {
    pub(crate) iri: NamedNode,
    pub(crate) class: TermClass,
    /// The words of its names with how much each counts: the local name, labels, and other labels.
    pub(super) names: Vec<(Words, f64)>,
    /// The words of its definition.
    pub(super) definition: BTreeSet<String>,
    pub(crate) domains: BTreeSet<NamedNode>,
    pub(crate) ranges: BTreeSet<NamedNode>,
}

/// The classes and properties that ontologies declare, as candidates for mappings and to find what is misspelt.
#[derive(Clone, Debug, Default)]
pub struct OntologyTerms {
    pub(crate) terms: Vec<OntologyTerm>,
    /// The classes above each class, at any distance.
    above: HashMap<NamedNode, BTreeSet<NamedNode>>,
}

/// What the statements say of one IRI.
#[derive(Default)]
struct Said {
    class: Option<TermClass>,
    labels: BTreeSet<String>,
    other_labels: BTreeSet<String>,
    comments: BTreeSet<String>,
    domains: BTreeSet<NamedNode>,
    ranges: BTreeSet<NamedNode>,
    parents: BTreeSet<NamedNode>,
    deprecated: bool,
}

impl OntologyTerms {
    /// Reads what the statements of ontologies declare. Deprecated terms are left out.
    pub fn new<'a>(statements: impl IntoIterator<Item = &'a Triple>) -> Self {
        let mut said: BTreeMap<NamedNode, Said> = BTreeMap::new();
        for triple in statements {
            let NamedOrBlankNode::NamedNode(subject) = &triple.subject else { continue };
            if !ABOUT_TERMS.iter().any(|namespace| subject.as_str().starts_with(namespace)) {
                said.entry(subject.clone()).or_default().add(triple);
            }
        }
        let parents: HashMap<&NamedNode, &BTreeSet<NamedNode>> =
            said.iter().map(|(iri, s)| (iri, &s.parents)).collect();
        let above = said.keys().map(|iri| (iri.clone(), ancestors(iri, &parents))).collect();
        let terms = said.iter().filter(|(_, said)| !said.deprecated);
        Self { terms: terms.filter_map(|(iri, said)| said.term(iri)).collect(), above }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The number of classes and properties.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    pub(crate) fn get(&self, iri: &str) -> Option<&OntologyTerm> {
        let found = self.terms.binary_search_by(|term| term.iri.as_str().cmp(iri)).ok()?;
        self.terms.get(found)
    }

    /// Whether every instance of the class is one of the other, as far as is said.
    pub(crate) fn is_below(&self, class: &NamedNode, other: &NamedNode) -> bool {
        class == other || self.above.get(class).is_some_and(|above| above.contains(other))
    }
}

fn ancestors(iri: &NamedNode, parents: &HashMap<&NamedNode, &BTreeSet<NamedNode>>) -> BTreeSet<NamedNode> {
    let mut found = BTreeSet::new();
    let mut open = vec![iri];
    while let Some(next) = open.pop() {
        for parent in parents.get(next).into_iter().flat_map(|parents| parents.iter()) {
            if found.insert(parent.clone()) {
                open.push(parent);
            }
        }
    }
    found
}

impl Said {
    fn add(&mut self, triple: &Triple) {
        let predicate = triple.predicate.as_str();
        let (owl, skos) = (predicate.strip_prefix(OWL), predicate.strip_prefix(SKOS));
        match &triple.object {
            Term::NamedNode(object) => self.add_iri(triple.predicate.as_ref(), object),
            Term::Literal(literal) => {
                let text = literal.value().to_owned();
                match (skos, owl) {
                    (Some("prefLabel"), _) => _ = self.labels.insert(text),
                    (Some("altLabel" | "hiddenLabel"), _) => _ = self.other_labels.insert(text),
                    (Some("definition"), _) => _ = self.comments.insert(text),
                    (_, Some("deprecated")) => self.deprecated = matches!(literal.value(), "true" | "1"),
                    _ if triple.predicate == rdfs::LABEL => _ = self.labels.insert(text),
                    _ if triple.predicate == rdfs::COMMENT => _ = self.comments.insert(text),
                    _ => {}
                }
            }
            Term::BlankNode(_) => self.add_structure(triple.predicate.as_ref()),
        }
    }

    fn add_iri(&mut self, predicate: NamedNodeRef<'_>, object: &NamedNode) {
        match predicate {
            rdf::TYPE => self.declare(class_of(object)),
            rdfs::SUB_CLASS_OF => {
                self.declare(Some(TermClass::Class));
                self.parents.insert(object.clone());
            }
            rdfs::SUB_PROPERTY_OF => self.declare(Some(TermClass::Property)),
            rdfs::DOMAIN => {
                self.declare(Some(TermClass::Property));
                self.domains.insert(object.clone());
            }
            rdfs::RANGE => {
                self.declare(Some(if is_datatype(object) { TermClass::DatatypeProperty } else { TermClass::Property }));
                self.ranges.insert(object.clone());
            }
            _ => {}
        }
    }

    /// Unions and restrictions say what a term is, but not simply which classes it is about.
    fn add_structure(&mut self, predicate: NamedNodeRef<'_>) {
        match predicate {
            rdfs::SUB_CLASS_OF => self.declare(Some(TermClass::Class)),
            rdfs::DOMAIN | rdfs::RANGE => self.declare(Some(TermClass::Property)),
            _ => {}
        }
    }

    /// What is said more exactly stands.
    fn declare(&mut self, class: Option<TermClass>) {
        if let (None | Some(TermClass::Property), Some(class)) = (self.class, class) {
            self.class = Some(class);
        }
    }

    fn term(&self, iri: &NamedNode) -> Option<OntologyTerm> {
        let mut names = vec![(compared(local_name(iri.as_str())), 1.0)];
        names.extend(self.labels.iter().map(|label| (compared(label), 1.0)));
        names.extend(self.other_labels.iter().map(|label| (compared(label), 0.97)));
        names.retain(|(words, _)| !words.is_empty());
        names.dedup_by(|a, b| a.0 == b.0);
        Some(OntologyTerm {
            iri: iri.clone(),
            class: self.class?,
            names,
            definition: self.comments.iter().flat_map(|comment| compared(comment)).collect(),
            domains: self.domains.clone(),
            ranges: self.ranges.clone(),
        })
    }
}

fn class_of(kind: &NamedNode) -> Option<TermClass> {
    if *kind == rdfs::CLASS {
        return Some(TermClass::Class);
    }
    if *kind == rdf::PROPERTY {
        return Some(TermClass::Property);
    }
    match kind.as_str().strip_prefix(OWL)? {
        "Class" => Some(TermClass::Class),
        "DatatypeProperty" => Some(TermClass::DatatypeProperty),
        "ObjectProperty" => Some(TermClass::ObjectProperty),
        "AnnotationProperty" => Some(TermClass::Property),
        _ => None,
    }
}

/// Whether values of this range are literals.
pub(crate) fn is_datatype(range: &NamedNode) -> bool {
    let about_text = [rdfs::LITERAL, rdf::LANG_STRING];
    about_text.contains(&range.as_ref()) || range.as_str().starts_with("http://www.w3.org/2001/XMLSchema#")
}

/// What follows the namespace of an IRI.
pub(crate) fn local_name(iri: &str) -> &str {
    iri.rsplit(['#', '/', ':']).next().unwrap_or(iri)
}
