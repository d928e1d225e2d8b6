//! Ontology files: Turtle, with the place of every error.

use crate::IndexError;
use oxrdf::{BlankNode, NamedOrBlankNode, Term, Triple};
use oxttl::{TurtleParser, TurtleSyntaxError};
use std::path::Path;

/// Reads a Turtle file of at most `max_bytes`. `scope` is unique among the files read together: the blank nodes of one
/// file are not those of another.
pub fn read_ontology(path: &Path, base: &str, scope: usize, max_bytes: u64) -> Result<Vec<Triple>, IndexError> {
    let unreadable = |source| IndexError::Read { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > max_bytes {
        return Err(IndexError::OntologyTooLarge { path: path.to_owned(), bytes, limit: max_bytes });
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let parser = TurtleParser::new()
        .with_base_iri(base)
        .map_err(|error| IndexError::Base { base: base.to_owned(), message: error.to_string() })?;
    parser
        .for_slice(&text)
        .map(|triple| triple.map(|triple| scoped(triple, scope)).map_err(|error| located(path, &error)))
        .collect()
}

fn located(path: &Path, error: &TurtleSyntaxError) -> IndexError {
    let start = error.location().start;
    IndexError::Ontology {
        path: path.to_owned(),
        line: start.line + 1,
        column: start.column + 1,
        message: error.message().to_owned(),
    }
}

fn scoped(triple: Triple, scope: usize) -> Triple {
    let rename = |node: &BlankNode| BlankNode::new_unchecked(format!("o{scope}x{}", node.as_str()));
    let subject = match triple.subject {
        NamedOrBlankNode::BlankNode(node) => rename(&node).into(),
        named => named,
    };
    let object = match triple.object {
        Term::BlankNode(node) => rename(&node).into(),
        other => other,
    };
    Triple { subject, predicate: triple.predicate, object }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str, scope: usize) -> Result<Vec<Triple>, IndexError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.ttl");
        std::fs::write(&path, text).unwrap();
        read_ontology(&path, "https://example.com/", scope, 1000)
    }

    #[test]
    fn blank_nodes_of_two_files_stay_apart() {
        let text = "_:a <p> _:a . <s> <p> [ <q> 1 ] .";
        let (first, second) = (read(text, 0).unwrap(), read(text, 1).unwrap());
        assert_eq!(first[0].subject.to_string(), first[0].object.to_string());
        assert_ne!(first[0].subject, second[0].subject);
        assert_eq!(first[0].predicate.as_str(), "https://example.com/p");
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let message = read("<s> <p> <o> .\n<s> <p> ??? .\n", 0).unwrap_err().to_string();
        assert!(message.contains("o.ttl:2:9: "), "{message}");
        let missing = read_ontology(Path::new("/nonexistent/o.ttl"), "https://e/", 0, 10).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read /nonexistent/o.ttl: "), "{missing}");
        let large = read(&"#".repeat(1001), 0).unwrap_err().to_string();
        assert!(large.contains("1001 bytes"), "{large}");
    }
}
