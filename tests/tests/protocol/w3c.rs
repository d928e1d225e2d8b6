//! The SPARQL Protocol tests of the W3C, read from their manifest. Updates are refused, for Weft only reads.

use oxigraph::io::{RdfFormat, RdfParser};
use oxrdf::vocab::rdf;
use oxrdf::{Graph, NamedNodeRef, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef};
use sparesults::{QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput};
use std::path::{Path, PathBuf};

const MF: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#";
const HT: &str = "http://www.w3.org/2011/http#";
const CNT: &str = "http://www.w3.org/2011/content#";
const BASE: &str = "https://manifest.example/";

pub(crate) struct Manifest(Graph);

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) requests: Vec<Request>,
}

pub(crate) struct Request {
    pub(crate) method: String,
    /// Behind the path of the endpoint.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    expected: Expected,
}

struct Expected {
    /// First digits.
    statuses: Vec<char>,
    boolean: Option<bool>,
    format: Option<String>,
}

/// Nothing where the suite is not there.
pub(crate) fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("WEFT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    Some(shared.join("suites/sparql/sparql/sparql11/protocol")).filter(|folder| folder.join("manifest.ttl").is_file())
}

impl Manifest {
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join("manifest.ttl")).unwrap();
        let parser = RdfParser::from_format(RdfFormat::Turtle).with_base_iri(BASE).unwrap();
        Self(parser.for_slice(&text).map(|quad| oxrdf::Triple::from(quad.unwrap())).collect())
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        let manifest = self.0.subject_for_predicate_object(rdf::TYPE, node(&format!("{MF}Manifest"))).unwrap();
        let entries = self.list(&self.object(manifest, MF, "entries").unwrap());
        entries.iter().map(|entry| self.case(entry)).collect()
    }

    fn case(&self, entry: &Term) -> Case {
        let action = self.object(subject(entry).as_ref(), MF, "action").unwrap();
        let requests = self.list(&self.object(subject(&action).as_ref(), HT, "requests").unwrap());
        let Term::NamedNode(name) = entry else { panic!("{entry}") };
        let name = name.as_str().rsplit('#').next().unwrap().to_owned();
        Case { name, requests: requests.iter().map(|request| self.request(subject(request).as_ref())).collect() }
    }

    fn request(&self, request: NamedOrBlankNodeRef<'_>) -> Request {
        let headers = self.object(request, HT, "headers").map(|headers| self.list(&headers)).unwrap_or_default();
        let headers = headers.iter().map(|header| {
            let text = |name| self.text(subject(header).as_ref(), HT, name).unwrap();
            (text("fieldName"), text("fieldValue"))
        });
        let body = self.object(request, HT, "body").map(|body| {
            let text = |name| self.text(subject(&body).as_ref(), CNT, name).unwrap();
            encode(&text("chars"), &text("characterEncoding"))
        });
        let path = self.text(request, HT, "absolutePath").unwrap();
        let response = self.object(request, HT, "resp").unwrap();
        Request {
            method: self.text(request, HT, "methodName").unwrap(),
            target: path.strip_prefix("/sparql/").unwrap().to_owned(),
            headers: headers.collect(),
            body,
            expected: self.expected(subject(&response).as_ref()),
        }
    }

    fn expected(&self, response: NamedOrBlankNodeRef<'_>) -> Expected {
        let status = format!("{MF}expectedStatus");
        let statuses = self.0.objects_for_subject_predicate(response, node(&status)).map(|status| {
            let TermRef::NamedNode(status) = status else { panic!("{status}") };
            status.as_str().rsplit("StatusCode").next().unwrap().chars().next().unwrap()
        });
        Expected {
            statuses: statuses.collect(),
            boolean: self.text(response, MF, "expectedBoolean").map(|text| text == "true"),
            format: self.text(response, MF, "expectedFormat"),
        }
    }

    fn object(&self, subject: NamedOrBlankNodeRef<'_>, namespace: &str, name: &str) -> Option<Term> {
        let predicate = format!("{namespace}{name}");
        self.0.object_for_subject_predicate(subject, node(&predicate)).map(TermRef::into_owned)
    }

    fn text(&self, subject: NamedOrBlankNodeRef<'_>, namespace: &str, name: &str) -> Option<String> {
        let Term::Literal(literal) = self.object(subject, namespace, name)? else { panic!("{name} is no text") };
        Some(literal.value().to_owned())
    }

    fn list(&self, head: &Term) -> Vec<Term> {
        let (mut items, mut rest) = (Vec::new(), head.clone());
        while rest != Term::from(rdf::NIL) {
            let cell = subject(&rest);
            items.push(self.0.object_for_subject_predicate(&cell, rdf::FIRST).unwrap().into_owned());
            rest = self.0.object_for_subject_predicate(&cell, rdf::REST).unwrap().into_owned();
        }
        items
    }
}

impl Expected {
    fn check(&self, status: u16, content_type: &str, body: &[u8]) -> Result<(), String> {
        let first = status.to_string().chars().next();
        if !self.statuses.iter().any(|expected| Some(*expected) == first) {
            return Err(format!("status {status}: {}", String::from_utf8_lossy(body)));
        }
        match self.format.as_deref() {
            None => Ok(()),
            Some("RDF") => rdf(content_type, body),
            Some(kind) => self.results(kind, content_type, body),
        }
    }

    fn results(&self, kind: &str, content_type: &str, body: &[u8]) -> Result<(), String> {
        let format = QueryResultsFormat::from_media_type(content_type).ok_or_else(|| content_type.to_owned())?;
        match QueryResultsParser::from_format(format).for_slice(body).map_err(|error| error.to_string())? {
            SliceQueryResultsParserOutput::Boolean(found) if kind == "boolean" => match self.boolean {
                Some(expected) if expected != found => Err(format!("the answer is {found}")),
                _ => Ok(()),
            },
            SliceQueryResultsParserOutput::Solutions(mut solutions) if kind == "tabular" => {
                solutions.try_for_each(|row| row.map(|_| ()).map_err(|error| error.to_string()))
            }
            _ => Err(format!("the answer is not {kind}")),
        }
    }
}

impl Request {
    pub(crate) fn check(&self, status: u16, content_type: &str, body: &[u8]) -> Result<(), String> {
        self.expected.check(status, content_type, body)
    }
}

fn rdf(content_type: &str, body: &[u8]) -> Result<(), String> {
    let format = RdfFormat::from_media_type(content_type).ok_or_else(|| content_type.to_owned())?;
    RdfParser::from_format(format)
        .for_slice(body)
        .try_for_each(|quad| quad.map(|_| ()).map_err(|error| error.to_string()))
}

fn encode(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "UTF-8" => text.as_bytes().to_vec(),
        "UTF-16" => std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        other => panic!("encoding {other}"),
    }
}

fn node(iri: &str) -> NamedNodeRef<'_> {
    NamedNodeRef::new_unchecked(iri)
}

fn subject(term: &Term) -> NamedOrBlankNode {
    match term {
        Term::NamedNode(node) => node.clone().into(),
        Term::BlankNode(node) => node.clone().into(),
        other => panic!("{other} is no subject"),
    }
}
