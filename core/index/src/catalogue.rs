//! The catalogue as RDF: what can be asked, in the words of DCAT, VoID and SHACL, so that editors, documentation and agents
//! configure themselves by SPARQL.
//!
//! A source is the `dcat:Dataset` and `void:Dataset` named by its graph; its tables, columns and partitions are fragments
//! of that IRI, so that the same source gives the same statements at every start. Nothing here is secret, and nothing tells
//! where a source is: not its address, its credentials or its configuration.

mod partition;
mod question;
mod source;
mod template;

pub use question::{Question, QuestionForm};

use crate::{LINKS_GRAPH, NAMESPACE, ONTOLOGY_GRAPH};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{BlankNode, Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use weft_links::LinkTime;
use weft_mapping::VirtualGraph;
use weft_model::contract::Statistic;
use weft_model::term::percent_encode;

const VOID: &str = "http://rdfs.org/ns/void#";
const DCAT: &str = "http://www.w3.org/ns/dcat#";
const DCTERMS: &str = "http://purl.org/dc/terms/";
const SH: &str = "http://www.w3.org/ns/shacl#";

/// The catalogue of the broker, and what answers SPARQL. Their IRIs are no addresses.
const CATALOGUE: &str = "urn:weft:catalogue";
const SERVICE: &str = "urn:weft:service";

/// What the catalogue tells beside the sources.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// Prefixes that every query may use.
    pub prefixes: Vec<(String, String)>,
    /// Example questions.
    pub questions: Vec<Question>,
    /// When sources were described, by their names.
    pub described_at: HashMap<Arc<str>, SystemTime>,
}

/// Describes these sources.
pub(crate) fn describe(graphs: &[VirtualGraph], publication: &Publication) -> Vec<Triple> {
    let mut description = Description::default();
    // Where nothing can be asked, nothing is told.
    if graphs.is_empty() && publication.prefixes.is_empty() && publication.questions.is_empty() {
        return description.triples;
    }
    description.whole(graphs, publication);
    for graph in graphs {
        let described_at = publication.described_at.get(&graph.source).copied();
        source::describe(&mut description, graph, described_at);
    }
    partition::linksets(&mut description, graphs);
    for question in &publication.questions {
        question::describe(&mut description, question);
    }
    description.triples
}

/// Statements, each once.
#[derive(Default)]
struct Description {
    triples: Vec<Triple>,
    known: HashSet<Triple>,
}

impl Description {
    /// The catalogue itself, its service, and the graphs of the index.
    fn whole(&mut self, graphs: &[VirtualGraph], publication: &Publication) {
        let (catalogue, service) = (named(CATALOGUE), named(SERVICE));
        self.add(&catalogue, rdf::TYPE, vocabulary(DCAT, "Catalog"));
        self.text(&catalogue, DCTERMS, "title", "What this broker can be asked");
        self.add(&catalogue, vocabulary(DCAT, "service").as_ref(), service.clone());
        self.add(&catalogue, vocabulary(DCTERMS, "issued").as_ref(), time(SystemTime::now()));
        self.add(&service, rdf::TYPE, vocabulary(DCAT, "DataService"));
        self.text(&service, DCTERMS, "title", "SPARQL over all sources");
        let protocol = named("http://www.w3.org/TR/sparql11-protocol/");
        self.add(&service, vocabulary(DCTERMS, "conformsTo").as_ref(), protocol);
        for (name, title) in [(ONTOLOGY_GRAPH, "The ontology"), (LINKS_GRAPH, "The links between sources")] {
            let graph = named(name);
            self.add(&graph, rdf::TYPE, vocabulary(VOID, "Dataset"));
            self.add(&graph, rdf::TYPE, vocabulary(DCAT, "Dataset"));
            self.text(&graph, DCTERMS, "title", title);
            self.served(&graph);
        }
        graphs.iter().for_each(|graph| self.served(&graph.graph));
        for (number, (prefix, namespace)) in publication.prefixes.iter().enumerate() {
            let node = BlankNode::new_unchecked(format!("prefix{number}"));
            self.add(&catalogue, vocabulary(SH, "declare").as_ref(), node.clone());
            self.add(node.clone(), rdf::TYPE, vocabulary(SH, "PrefixDeclaration"));
            self.add(node.clone(), vocabulary(SH, "prefix").as_ref(), Literal::from(prefix.as_str()));
            let namespace = Literal::new_typed_literal(namespace.as_str(), xsd::ANY_URI);
            self.add(node, vocabulary(SH, "namespace").as_ref(), namespace);
        }
    }

    fn served(&mut self, graph: &NamedNode) {
        self.add(&named(CATALOGUE), vocabulary(DCAT, "dataset").as_ref(), graph.clone());
        self.add(&named(SERVICE), vocabulary(DCAT, "servesDataset").as_ref(), graph.clone());
    }

    fn add(&mut self, subject: impl Subject, predicate: NamedNodeRef<'_>, object: impl Into<Term>) {
        let triple = Triple::new(subject.node(), predicate.into_owned(), object);
        if self.known.insert(triple.clone()) {
            self.triples.push(triple);
        }
    }

    fn text(&mut self, subject: &NamedNode, namespace: &str, name: &str, text: &str) {
        self.add(subject, vocabulary(namespace, name).as_ref(), Literal::from(text));
    }

    /// A count by the name of its property, and when it was taken.
    fn count(&mut self, subject: &NamedNode, namespace: &str, name: &str, statistic: Statistic) {
        self.add(subject, vocabulary(namespace, name).as_ref(), Literal::from(statistic.count));
        if let Ok(micros) = u64::try_from(statistic.measured_at) {
            let taken = time(UNIX_EPOCH + Duration::from_micros(micros));
            self.add(subject, vocabulary(NAMESPACE, "countedAt").as_ref(), taken);
        }
    }
}

/// What a statement can be about.
trait Subject {
    fn node(self) -> NamedOrBlankNode;
}

impl Subject for &NamedNode {
    fn node(self) -> NamedOrBlankNode {
        self.clone().into()
    }
}

impl Subject for BlankNode {
    fn node(self) -> NamedOrBlankNode {
        self.into()
    }
}

fn named(iri: &str) -> NamedNode {
    NamedNode::new_unchecked(iri)
}

fn vocabulary(namespace: &str, name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{namespace}{name}"))
}

fn time(time: SystemTime) -> Literal {
    Literal::new_typed_literal(LinkTime::of(time).as_str(), xsd::DATE_TIME)
}

/// Percent-encoded names joined by slashes, below an IRI.
fn fragment(of: &NamedNode, names: &[&str]) -> NamedNode {
    let mut iri = of.as_str().to_owned();
    // It may have a fragment of its own.
    let mut separator = if iri.contains('#') { '/' } else { '#' };
    for name in names {
        iri.push(separator);
        percent_encode(name, &mut iri);
        separator = '/';
    }
    NamedNode::new_unchecked(iri)
}

#[cfg(test)]
mod tests;
