//! Encoded terms as sources write them. They come from outside: IRIs, language tags and labels are checked here.

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, StringViewArray};
use oxrdf::{Literal, NamedNode, Term};
use std::sync::Arc;
use weft_mapping::{blank_node_label, blank_node_text};
use weft_model::term::{IriShape, decode, encode};

const TERM: &str = "an encoded RDF term";

/// The IRI that a text encodes, encoded; or what was wanted.
pub(super) fn iri(text: &str) -> Result<String, &'static str> {
    let valid = text.strip_prefix('I').is_some_and(|iri| NamedNode::new(iri).is_ok());
    if valid { Ok(text.to_owned()) } else { Err("an encoded IRI") }
}

/// The term that a text encodes, with the label its blank node has here; or what was wanted.
pub(super) fn term(text: &str, labels: &IriShape, literals: bool) -> Result<String, &'static str> {
    if text.starts_with('I') {
        return iri(text);
    }
    match decode(text).map_err(|_| TERM)? {
        Term::BlankNode(node) => Ok(format!("B{}", blank_node_label(labels, [node.as_str()]))),
        Term::Literal(_) if !literals => Err("an encoded IRI or blank node, which is all a subject can be"),
        Term::Literal(literal) => Ok(encode(&checked(literal)?.into())),
        _ => Err(TERM),
    }
}

fn checked(literal: Literal) -> Result<Literal, &'static str> {
    if let Some(tag) = literal.language() {
        return Literal::new_language_tagged_literal(literal.value(), tag).map_err(|_| "a literal with a language tag");
    }
    match NamedNode::new(literal.datatype().as_str()) {
        // These two have no literals without a language.
        Ok(datatype) if datatype == oxrdf::vocab::rdf::LANG_STRING || datatype == DIR_LANG_STRING => Err(TERM),
        Ok(_) => Ok(literal),
        Err(_) => Err("a literal with a datatype"),
    }
}

const DIR_LANG_STRING: oxrdf::NamedNodeRef<'static> =
    oxrdf::NamedNodeRef::new_unchecked("http://www.w3.org/1999/02/22-rdf-syntax-ns#dirLangString");

/// Encoded terms in the words of the source these labels belong to: null for blank nodes of others, which it cannot have.
pub(crate) fn own_labels(terms: &ArrayRef, labels: &IriShape) -> Option<ArrayRef> {
    let terms = terms.as_string_view_opt()?;
    if !terms.iter().flatten().any(|term| term.starts_with('B')) {
        return Some(Arc::new(terms.clone()));
    }
    let own = |term: &str| match term.strip_prefix('B') {
        None => Some(term.to_owned()),
        Some(label) => blank_node_text(labels, label).map(|text| format!("B{text}")),
    };
    let own: StringViewArray = terms.iter().map(|term| term.and_then(own)).collect();
    Some(Arc::new(own))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn labels(source: &str) -> IriShape {
        IriShape::parse(&format!("b{source}-{{key}}")).unwrap().0
    }

    #[test]
    fn terms_are_checked_and_blank_nodes_get_the_label_of_their_source() {
        let read = |text: &str, literals| term(text, &labels("erp"), literals);
        assert_eq!(read("Ihttp://ex/a", false).unwrap(), "Ihttp://ex/a");
        assert_eq!(read("Bx1", true).unwrap(), "Bberp-x1");
        assert_eq!(read("Sx", true).unwrap(), "Sx");
        assert_eq!(read("Len\u{1}x", true).unwrap(), "Len\u{1}x");
        assert_eq!(read("Thttp://ex/t\u{1}x", true).unwrap(), "Thttp://ex/t\u{1}x");
        let bad = ["", "x", "Irelative", "I", "Ihttp://ex/ x", "B", "B x", "Lx", "L1 2\u{1}x", "Trelative\u{1}x", "Tx"];
        for text in bad {
            assert!(read(text, true).is_err(), "{text:?}");
        }
        assert!(read(&format!("T{}\u{1}x", oxrdf::vocab::rdf::LANG_STRING.as_str()), true).is_err());
        assert!(read("Sx", false).unwrap_err().contains("subject"));
        assert!(iri("Bx").is_err() && iri("Sx").is_err() && iri("Ix").is_err());
        assert_eq!(iri("Iurn:x").unwrap(), "Iurn:x");
    }

    #[test]
    fn keys_are_in_the_words_of_the_source() {
        let terms: StringViewArray =
            [Some("Ihttp://ex/a"), Some("Bberp-x_5f_1"), Some("Bbmes-x"), None, Some("SB")].into_iter().collect();
        let own = own_labels(&(Arc::new(terms) as ArrayRef), &labels("erp")).unwrap();
        let own: Vec<_> = own.as_string_view().iter().collect();
        assert_eq!(own, [Some("Ihttp://ex/a"), Some("Bx_1"), None, None, Some("SB")]);
    }
}
