//! The files of the suites, and the IRIs they have.

use anyhow::{Context, bail};
use oxrdf::{Graph, Triple};
use oxrdfxml::RdfXmlParser;
use oxttl::{NTriplesParser, TurtleParser};
use std::path::{Path, PathBuf};

/// Where the suites are on the web. The files have relative references to each other.
const WEB: &str = "https://w3c.github.io/rdf-tests/sparql/";

/// The folder with `sparql10`, `sparql11` and `sparql12`.
#[derive(Clone, Debug)]
pub struct Suites {
    folder: PathBuf,
}

impl Suites {
    /// In the shared test data, `WEFT_SHARED`; none where that is absent.
    pub fn find() -> Option<Self> {
        let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("WEFT_SHARED").map_or_else(default, PathBuf::from);
        let folder = shared.join("suites/sparql/sparql");
        folder.is_dir().then_some(Self { folder })
    }

    /// The IRI of a file of the suites, by its path in them.
    pub fn iri(&self, path: &str) -> String {
        format!("{WEB}{path}")
    }

    /// The file an IRI is about, if it is one of the suites.
    pub fn path(&self, iri: &str) -> Option<PathBuf> {
        let path = iri.strip_prefix(WEB)?;
        let path = path.split('#').next().unwrap_or(path);
        (!path.split('/').any(|part| part == "..")).then(|| self.folder.join(path))
    }

    pub fn text(&self, iri: &str) -> anyhow::Result<String> {
        let path = self.path(iri).with_context(|| format!("{iri} is no file of the suites"))?;
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// The statements of an RDF document, whose blank nodes are its own.
    pub fn triples(&self, iri: &str) -> anyhow::Result<Vec<Triple>> {
        let text = self.text(iri)?;
        let triples: Result<Vec<Triple>, String> = match Path::new(iri).extension().and_then(|e| e.to_str()) {
            Some("ttl" | "n3") => {
                let parser = TurtleParser::new().with_base_iri(iri)?;
                parser.for_slice(&text).map(|triple| triple.map_err(|error| error.to_string())).collect()
            }
            Some("nt") => {
                NTriplesParser::new().for_slice(&text).map(|triple| triple.map_err(|error| error.to_string())).collect()
            }
            Some("rdf") => {
                let parser = RdfXmlParser::new().with_base_iri(iri)?;
                parser.for_slice(&text).map(|triple| triple.map_err(|error| error.to_string())).collect()
            }
            _ => bail!("{iri}: no RDF document by its name"),
        };
        triples.map_err(|error| anyhow::anyhow!("{iri}: {error}"))
    }

    pub fn graph(&self, iri: &str) -> anyhow::Result<Graph> {
        Ok(self.triples(iri)?.iter().collect())
    }
}
