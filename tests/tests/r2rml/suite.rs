//! The cases, from the manifest of the suite.

use oxrdf::{Graph, NamedNode, NamedOrBlankNode, NamedOrBlankNodeRef, Quad, TermRef};
use oxttl::{NQuadsParser, TurtleParser};
use std::fs;
use std::path::{Path, PathBuf};

const RDB2RDF: &str = "http://purl.org/NET/rdb2rdf-test#";
const DCTERMS: &str = "http://purl.org/dc/terms/";
const MANIFEST: &str = "http://www.w3.org/2001/sw/rdb2rdf/test-cases/";

pub(crate) struct Suite {
    folder: PathBuf,
}

pub(crate) struct Case {
    pub(crate) name: String,
    /// The script that makes the database.
    pub(crate) database: PathBuf,
    /// The name of the mapping, for errors.
    pub(crate) file: String,
    pub(crate) mapping: String,
    /// The quads, where the case is not to fail.
    pub(crate) expected: Option<Vec<Quad>>,
}

impl Suite {
    pub(crate) fn find() -> Option<Self> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("WEFT_SHARED").map_or_else(beside, PathBuf::from);
        let folder = shared.join("suites/r2rml");
        folder.is_dir().then_some(Self { folder })
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        let text = fs::read_to_string(self.folder.join("manifest.ttl")).unwrap();
        let triples = TurtleParser::new().with_base_iri(MANIFEST).unwrap().for_slice(&text);
        let graph: Graph = triples.map(Result::unwrap).collect();
        let kind = NamedNode::new_unchecked(format!("{RDB2RDF}R2RML"));
        let subjects = graph.subjects_for_predicate_object(oxrdf::vocab::rdf::TYPE, &kind);
        let mut cases: Vec<Case> = subjects.map(|subject| self.case(&graph, &subject.into_owned())).collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    fn case(&self, graph: &Graph, subject: &NamedOrBlankNode) -> Case {
        let value = |property: &str| value(graph, subject.as_ref(), property);
        let name = value(&format!("{DCTERMS}identifier")).unwrap();
        let database = NamedNode::new_unchecked(value(&format!("{RDB2RDF}database")).unwrap());
        let script = self::value(graph, database.as_ref().into(), &format!("{RDB2RDF}sqlScriptFile")).unwrap();
        let folder = self.folder.join(&name);
        let document = value(&format!("{RDB2RDF}mappingDocument")).unwrap();
        let has_output = value(&format!("{RDB2RDF}hasExpectedOutput")).unwrap() == "true";
        let output = has_output.then(|| folder.join(value(&format!("{RDB2RDF}output")).unwrap()));
        Case {
            database: self.script(&script),
            mapping: fs::read_to_string(folder.join(&document)).unwrap(),
            expected: output.map(|path| quads(&path)),
            file: format!("{name}/{document}"),
            name,
        }
    }

    /// Some scripts have another one for PostgreSQL.
    fn script(&self, name: &str) -> PathBuf {
        let folder = self.folder.join("databases");
        let own = folder.join(name.replace(".sql", "-postgresql.sql"));
        if own.exists() { own } else { folder.join(name) }
    }
}

fn quads(path: &Path) -> Vec<Quad> {
    let text = fs::read_to_string(path).unwrap();
    NQuadsParser::new().for_slice(&text).map(Result::unwrap).collect()
}

fn value(graph: &Graph, subject: NamedOrBlankNodeRef<'_>, property: &str) -> Option<String> {
    let property = NamedNode::new_unchecked(property);
    graph.object_for_subject_predicate(subject, &property).map(|object| match object {
        TermRef::Literal(literal) => literal.value().to_owned(),
        TermRef::NamedNode(node) => node.as_str().to_owned(),
        other => panic!("{other}"),
    })
}
