//! What RDF/XML can say: predicates, and classes where they become elements, need a name of XML at their end, and labels
//! of blank nodes are names.

use super::no_way;
use crate::Problem;
use oxrdf::vocab::rdf;
use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};

/// Namespaces that are XML's own and are no default namespace.
const RESERVED: [&str; 2] = ["http://www.w3.org/2000/xmlns/", "http://www.w3.org/XML/1998/namespace"];

pub(super) fn check(triple: &Triple) -> Result<(), Problem> {
    if let NamedOrBlankNode::BlankNode(node) = &triple.subject {
        label(node.as_str())?;
    }
    element(&triple.predicate)?;
    match &triple.object {
        Term::BlankNode(node) => label(node.as_str()),
        Term::NamedNode(class) if triple.predicate == rdf::TYPE => element(class),
        _ => Ok(()),
    }
}

fn element(node: &NamedNode) -> Result<(), Problem> {
    let iri = node.as_str();
    let last = iri.rsplit(|c: char| !is_name_char(c)).next().unwrap_or_default();
    if last.chars().any(is_name_start) && !RESERVED.iter().any(|reserved| iri.starts_with(reserved)) {
        return Ok(());
    }
    Err(no_way(format_args!("RDF/XML makes elements of predicates and classes, and {node} does not end like a name")))
}

fn label(label: &str) -> Result<(), Problem> {
    if label.starts_with(is_name_start) && label.chars().all(is_name_char) {
        return Ok(());
    }
    Err(no_way(format_args!("_:{label} is no name of XML")))
}

/// `NameStartChar` of XML 1.0 without the colon, as in Namespaces in XML section 4.
fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
