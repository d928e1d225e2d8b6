//! From documents to a dataset.

mod entities;

use crate::dataset::{Dataset, Row, Terms};
use crate::format::Format;
use crate::term::encode;
use oxrdf::{GraphName, GraphNameRef, NamedNode, NamedOrBlankNodeRef, Quad, TermRef, Triple};
use oxrdfxml::{RdfXmlParseError, RdfXmlParser};
use oxttl::{NQuadsParser, NTriplesParser, TriGParser, TurtleParser, TurtleSyntaxError};
use std::collections::HashMap;

/// One document, as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What errors call it.
    pub name: &'a str,
    pub content: &'a [u8],
    pub format: Format,
    /// What relative IRIs are resolved against.
    pub base: Option<&'a str>,
    /// The graph of the statements that the document itself puts in none; the default graph when absent.
    pub graph: Option<&'a str>,
}

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// Bytes of one document.
    pub document_bytes: usize,
    /// Statements of all documents together.
    pub statements: usize,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self { document_bytes: 256 << 20, statements: 5_000_000 }
    }
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{document}, line {line}, column {column}: {message}")]
    Syntax { document: String, line: u64, column: u64, message: String },
    #[error("{document}: {message}")]
    Invalid { document: String, message: String },
    #[error("{document}: {message}")]
    Limit { document: String, message: String },
}

/// Reads documents one after the other. Blank nodes are local to their document and get labels in the order in which they
/// come, so that the same documents give the same labels every time.
#[derive(Debug, Default)]
pub struct Loader {
    limits: LoadLimits,
    documents: usize,
    terms: Terms,
    triples: Vec<Row>,
    quads: Vec<Row>,
}

/// The statements of one document.
struct Reading<'l, 'd> {
    loader: &'l mut Loader,
    document: &'d Document<'d>,
    graph: GraphName,
    labels: HashMap<String, String>,
}

impl Loader {
    pub fn new(limits: LoadLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub fn add(&mut self, document: &Document<'_>) -> Result<(), LoadError> {
        let invalid = |message: String| LoadError::Invalid { document: document.name.to_owned(), message };
        if document.content.len() > self.limits.document_bytes {
            let (bytes, most) = (document.content.len(), self.limits.document_bytes);
            let message = format!("the document has {bytes} bytes, {most} are allowed");
            return Err(LoadError::Limit { document: document.name.to_owned(), message });
        }
        let graph = match document.graph {
            None => GraphName::DefaultGraph,
            Some(iri) => NamedNode::new(iri).map_err(|error| invalid(format!("the graph {iri:?}: {error}")))?.into(),
        };
        self.documents += 1;
        let content = document.content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(document.content);
        Reading { loader: self, document, graph, labels: HashMap::new() }.read(content)
    }

    pub fn finish(self) -> Dataset {
        Dataset::new(self.terms, self.triples, self.quads)
    }
}

impl Reading<'_, '_> {
    fn read(mut self, content: &[u8]) -> Result<(), LoadError> {
        let base = self.document.base;
        let bad_base = |error: &dyn std::fmt::Display| LoadError::Invalid {
            document: self.document.name.to_owned(),
            message: format!("the base IRI {:?} is not an absolute IRI: {error}", base.unwrap_or_default()),
        };
        match self.document.format {
            Format::Turtle => {
                let parser = TurtleParser::new();
                let parser = match base {
                    Some(base) => parser.with_base_iri(base).map_err(|error| bad_base(&error))?,
                    None => parser,
                };
                parser.for_slice(content).try_for_each(|triple| self.triple(triple.map_err(|e| self.syntax(&e))?))
            }
            Format::TriG => {
                let parser = TriGParser::new();
                let parser = match base {
                    Some(base) => parser.with_base_iri(base).map_err(|error| bad_base(&error))?,
                    None => parser,
                };
                parser.for_slice(content).try_for_each(|quad| self.quad(&quad.map_err(|e| self.syntax(&e))?))
            }
            Format::NTriples => NTriplesParser::new()
                .for_slice(content)
                .try_for_each(|triple| self.triple(triple.map_err(|e| self.syntax(&e))?)),
            Format::NQuads => NQuadsParser::new()
                .for_slice(content)
                .try_for_each(|quad| self.quad(&quad.map_err(|e| self.syntax(&e))?)),
            Format::RdfXml => {
                let most = self.loader.limits.document_bytes;
                let document = self.document.name.to_owned();
                entities::check(content, most).map_err(|message| LoadError::Limit { document, message })?;
                let parser = RdfXmlParser::new();
                let parser = match base {
                    Some(base) => parser.with_base_iri(base).map_err(|error| bad_base(&error))?,
                    None => parser,
                };
                self.rdf_xml(parser, content)
            }
        }
    }

    /// Its errors have no place; the reader knows how far it has come.
    fn rdf_xml(&mut self, parser: RdfXmlParser, content: &[u8]) -> Result<(), LoadError> {
        let mut parser = parser.for_reader(content);
        while let Some(triple) = parser.next() {
            let triple = triple.map_err(|error| {
                let read = usize::try_from(parser.buffer_position()).unwrap_or(usize::MAX).min(content.len());
                let before = &content[..read];
                let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                LoadError::Syntax {
                    document: self.document.name.to_owned(),
                    line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64,
                    column: 1 + String::from_utf8_lossy(&before[line_start..]).chars().count() as u64,
                    message: match error {
                        RdfXmlParseError::Syntax(error) => error.to_string(),
                        RdfXmlParseError::Io(error) => error.to_string(),
                    },
                }
            })?;
            self.triple(triple)?;
        }
        Ok(())
    }

    fn syntax(&self, error: &TurtleSyntaxError) -> LoadError {
        let start = error.location().start;
        LoadError::Syntax {
            document: self.document.name.to_owned(),
            line: start.line + 1,
            column: start.column + 1,
            message: error.message().to_owned(),
        }
    }

    fn triple(&mut self, triple: Triple) -> Result<(), LoadError> {
        self.quad(&triple.in_graph(GraphName::DefaultGraph))
    }

    fn quad(&mut self, quad: &Quad) -> Result<(), LoadError> {
        let subject = match quad.subject.as_ref() {
            NamedOrBlankNodeRef::NamedNode(node) => self.term(node.into()),
            NamedOrBlankNodeRef::BlankNode(node) => self.term(node.into()),
        }?;
        let (predicate, object) = (self.term(quad.predicate.as_ref().into())?, self.term(quad.object.as_ref())?);
        let own = quad.graph_name.as_ref();
        let graph = if own == GraphNameRef::DefaultGraph { self.graph.clone() } else { quad.graph_name.clone() };
        match graph {
            GraphName::DefaultGraph => self.loader.triples.push([subject, predicate, object, 0]),
            GraphName::NamedNode(node) => {
                let graph = self.term(node.as_ref().into())?;
                self.loader.quads.push([subject, predicate, object, graph]);
            }
            GraphName::BlankNode(node) => {
                let message = format!("not supported: a graph without an IRI ({node})");
                return Err(LoadError::Invalid { document: self.document.name.to_owned(), message });
            }
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), LoadError> {
        let most = self.loader.limits.statements;
        if self.loader.triples.len() + self.loader.quads.len() <= most {
            return Ok(());
        }
        let message = format!("with this document there are more than {most} statements, which is the limit");
        Err(LoadError::Limit { document: self.document.name.to_owned(), message })
    }

    fn term(&mut self, term: TermRef<'_>) -> Result<u32, LoadError> {
        let text = match term {
            TermRef::BlankNode(node) => {
                let (document, number) = (self.loader.documents, self.labels.len());
                let label = self.labels.entry(node.as_str().to_owned());
                format!("B{}", label.or_insert_with(|| format!("d{document}n{number}")))
            }
            term => encode(term).ok_or_else(|| LoadError::Invalid {
                document: self.document.name.to_owned(),
                message: format!("not supported: {term} is no term of RDF 1.1"),
            })?,
        };
        self.loader.terms.intern(text).ok_or_else(|| LoadError::Limit {
            document: self.document.name.to_owned(),
            message: "there are more terms than can be numbered".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
