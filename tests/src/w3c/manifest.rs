//! Manifests: which tests there are.

use super::files::Suites;
use anyhow::Context;
use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{Graph, NamedNodeRef, NamedOrBlankNode, NamedOrBlankNodeRef, Term, TermRef};
use std::collections::HashSet;

const MF: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#";
const QT: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#";

/// What a test asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Evaluation,
    /// The answer as CSV, which has no terms.
    Csv,
    PositiveSyntax,
    NegativeSyntax,
}

/// One test about queries.
#[derive(Clone, Debug)]
pub struct Test {
    pub iri: String,
    pub kind: Kind,
    /// The IRI of the file with the query.
    pub query: String,
    /// Files of the default graph.
    pub data: Vec<String>,
    /// Named graphs: IRI and file.
    pub graph_data: Vec<(String, String)>,
    /// Endpoints: IRI and files of its default graph.
    pub service_data: Vec<(String, Vec<String>)>,
    pub result: Option<String>,
    /// Whether duplicates do not count (REDUCED).
    pub lax: bool,
}

impl Suites {
    /// The tests about queries of a manifest and those it includes, in their order.
    pub fn tests(&self, manifest: &str) -> anyhow::Result<Vec<Test>> {
        let mut tests = Vec::new();
        self.collect(&self.iri(manifest), &mut HashSet::new(), &mut tests)?;
        Ok(tests)
    }

    fn collect(&self, manifest: &str, seen: &mut HashSet<String>, tests: &mut Vec<Test>) -> anyhow::Result<()> {
        if !seen.insert(manifest.to_owned()) {
            return Ok(());
        }
        let reader = Reader { graph: self.graph(manifest)? };
        for list in reader.objects_of(&mf("include")) {
            for included in reader.list(&list) {
                self.collect(iri(&included)?, seen, tests)?;
            }
        }
        for list in reader.objects_of(&mf("entries")) {
            for entry in reader.list(&list) {
                tests.extend(reader.test(&entry).with_context(|| format!("{manifest}: {entry}"))?);
            }
        }
        Ok(())
    }
}

fn mf(name: &str) -> String {
    format!("{MF}{name}")
}

fn qt(name: &str) -> String {
    format!("{QT}{name}")
}

fn iri(term: &Term) -> anyhow::Result<&str> {
    match term {
        Term::NamedNode(node) => Ok(node.as_str()),
        other => anyhow::bail!("{other} is no IRI"),
    }
}

struct Reader {
    graph: Graph,
}

impl Reader {
    fn objects_of(&self, predicate: &str) -> Vec<Term> {
        let predicate = NamedNodeRef::new_unchecked(predicate);
        self.graph.triples_for_predicate(predicate).map(|triple| triple.object.into_owned()).collect()
    }

    fn objects(&self, subject: &Term, predicate: &str) -> Vec<Term> {
        let subject: NamedOrBlankNode = match subject {
            Term::NamedNode(node) => node.clone().into(),
            Term::BlankNode(node) => node.clone().into(),
            _ => return Vec::new(),
        };
        let predicate = NamedNodeRef::new_unchecked(predicate);
        let objects = self.graph.objects_for_subject_predicate(NamedOrBlankNodeRef::from(&subject), predicate);
        objects.map(TermRef::into_owned).collect()
    }

    fn object(&self, subject: &Term, predicate: &str) -> Option<Term> {
        self.objects(subject, predicate).into_iter().next()
    }

    fn iris(&self, subject: &Term, predicate: &str) -> anyhow::Result<Vec<String>> {
        self.objects(subject, predicate).iter().map(|term| iri(term).map(str::to_owned)).collect()
    }

    fn list(&self, head: &Term) -> Vec<Term> {
        let mut members = Vec::new();
        let mut rest = Some(head.clone());
        while let Some(node) = rest {
            members.extend(self.object(&node, rdf::FIRST.as_str()));
            rest = self.object(&node, rdf::REST.as_str());
        }
        members
    }

    /// None for tests about something else than queries.
    fn test(&self, entry: &Term) -> anyhow::Result<Option<Test>> {
        let types = self.iris(entry, rdf::TYPE.as_str())?;
        let kind = types.iter().find_map(|class| match class.strip_prefix(MF)? {
            "QueryEvaluationTest" => Some(Kind::Evaluation),
            "CSVResultFormatTest" => Some(Kind::Csv),
            "PositiveSyntaxTest" | "PositiveSyntaxTest11" => Some(Kind::PositiveSyntax),
            "NegativeSyntaxTest" | "NegativeSyntaxTest11" => Some(Kind::NegativeSyntax),
            _ => None,
        });
        let Some(kind) = kind else { return Ok(None) };
        let action = self.object(entry, &mf("action")).context("no action")?;
        let query = match self.object(&action, &qt("query")) {
            Some(query) => iri(&query)?.to_owned(),
            None => iri(&action)?.to_owned(),
        };
        let graph_data = self.objects(&action, &qt("graphData"));
        let service_data = self.objects(&action, &qt("serviceData"));
        let lax = self.object(entry, &mf("resultCardinality"));
        Ok(Some(Test {
            iri: iri(entry)?.to_owned(),
            kind,
            query,
            data: self.iris(&action, &qt("data"))?,
            graph_data: graph_data.iter().map(|node| self.named_graph(node)).collect::<anyhow::Result<_>>()?,
            service_data: service_data.iter().map(|node| self.service(node)).collect::<anyhow::Result<_>>()?,
            result: self.object(entry, &mf("result")).as_ref().map(iri).transpose()?.map(str::to_owned),
            lax: lax.is_some_and(|term| term.to_string().contains("LaxCardinality")),
        }))
    }

    /// A file under its own IRI, or under the one that is its label.
    fn named_graph(&self, node: &Term) -> anyhow::Result<(String, String)> {
        let Some(file) = self.object(node, &qt("graph")) else {
            let file = iri(node)?.to_owned();
            return Ok((file.clone(), file));
        };
        let name = match self.object(node, rdfs::LABEL.as_str()) {
            Some(Term::Literal(label)) => label.value().to_owned(),
            _ => iri(&file)?.to_owned(),
        };
        Ok((name, iri(&file)?.to_owned()))
    }

    fn service(&self, node: &Term) -> anyhow::Result<(String, Vec<String>)> {
        let endpoint = self.object(node, &qt("endpoint")).context("service data without endpoint")?;
        Ok((iri(&endpoint)?.to_owned(), self.iris(node, &qt("data"))?))
    }
}
