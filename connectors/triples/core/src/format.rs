//! The syntaxes that are read.

use std::fmt;

/// A syntax of RDF documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Turtle,
    TriG,
    NTriples,
    NQuads,
    RdfXml,
}

/// A name, file extension or media type of no syntax that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of turtle (ttl), trig, n-triples (nt), n-quads (nq), rdf-xml (rdf, owl, xml)")]
pub struct UnknownFormat(String);

impl Format {
    /// By name or file extension.
    pub fn parse(name: &str) -> Result<Self, UnknownFormat> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "turtle" | "ttl" => Self::Turtle,
            "trig" => Self::TriG,
            "n-triples" | "ntriples" | "nt" => Self::NTriples,
            "n-quads" | "nquads" | "nq" => Self::NQuads,
            "rdf-xml" | "rdfxml" | "rdf" | "owl" | "xml" => Self::RdfXml,
            _ => return Err(UnknownFormat(name.to_owned())),
        })
    }

    /// By the extension at the end of a path or URL.
    pub fn of_path(path: &str) -> Result<Self, UnknownFormat> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = name.split(['?', '#']).next().unwrap_or(name);
        Self::parse(name.rsplit_once('.').map_or(name, |(_, extension)| extension))
    }

    /// By media type, whose parameters do not count.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Some(match media_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "text/turtle" | "application/x-turtle" => Self::Turtle,
            "application/trig" => Self::TriG,
            "application/n-triples" => Self::NTriples,
            "application/n-quads" => Self::NQuads,
            "application/rdf+xml" => Self::RdfXml,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turtle => "Turtle",
            Self::TriG => "TriG",
            Self::NTriples => "N-Triples",
            Self::NQuads => "N-Quads",
            Self::RdfXml => "RDF/XML",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn formats_are_known_by_extension_and_media_type() {
        assert_eq!(Format::of_path("/data/a.b/parts.TTL"), Ok(Format::Turtle));
        assert_eq!(Format::of_path("https://ex/dump.nq?version=3"), Ok(Format::NQuads));
        assert!(Format::of_path("/data.ttl/parts").unwrap_err().to_string().contains("\"parts\""));
        assert!(Format::of_path("parts.csv").unwrap_err().to_string().contains("\"csv\""));
        assert_eq!(Format::of_media_type("application/rdf+xml; charset=utf-8"), Some(Format::RdfXml));
        assert_eq!(Format::of_media_type("text/html"), None);
    }
}
