//! The general form of a term: one tagged text.
//!
//! | term | text |
//! |---|---|
//! | IRI | `I` iri |
//! | blank node | `B` label |
//! | simple literal | `S` value |
//! | language-tagged | `L` tag U+0001 value |
//! | other literal | `T` datatype U+0001 lexical form |
//!
//! Neither a datatype IRI nor a language tag can contain U+0001, so two encodings are equal exactly when the terms are.

use oxrdf::{BlankNode, BlankNodeRef, Literal, NamedNode, Term};

const SEPARATOR: char = '\u{1}';

/// A text that is not the encoding of a term.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} does not encode an RDF term")]
pub struct InvalidTerm(String);

/// Encodes any RDF 1.1 term. A triple term becomes its N-Triples text as a simple literal: queries with triple terms are
/// refused before anything is encoded, and sources have none.
pub fn encode(term: &Term) -> String {
    match term {
        Term::NamedNode(node) => encode_iri(node.as_str()),
        Term::BlankNode(node) => format!("B{}", node.as_str()),
        Term::Literal(literal) => match literal.language() {
            Some(tag) => format!("L{tag}{SEPARATOR}{}", literal.value()),
            None => encode_literal(literal.value(), literal.datatype().as_str()),
        },
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        other => encode_literal(&other.to_string(), oxrdf::vocab::xsd::STRING.as_str()),
    }
}

pub fn encode_iri(iri: &str) -> String {
    format!("I{iri}")
}

pub fn encode_literal(lexical: &str, datatype: &str) -> String {
    if datatype == oxrdf::vocab::xsd::STRING.as_str() {
        return format!("S{lexical}");
    }
    format!("T{datatype}{SEPARATOR}{lexical}")
}

/// The words of an encoded term, as they stand in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedTerm<'a> {
    Iri(&'a str),
    BlankNode(&'a str),
    Simple(&'a str),
    LangString { language: &'a str, value: &'a str },
    Typed { datatype: &'a str, lexical: &'a str },
}

impl<'a> EncodedTerm<'a> {
    /// Reads what [`encode`] wrote. IRIs are not validated again: whoever encoded them did.
    pub fn read(text: &'a str) -> Result<Self, InvalidTerm> {
        let invalid = || InvalidTerm(text.chars().take(80).collect());
        let mut chars = text.chars();
        let tag = chars.next().ok_or_else(invalid)?;
        let rest = chars.as_str();
        let split = || rest.split_once(SEPARATOR).ok_or_else(invalid);
        Ok(match tag {
            'I' => Self::Iri(rest),
            'B' => BlankNodeRef::new(rest).map(|_| Self::BlankNode(rest)).map_err(|_| invalid())?,
            'S' => Self::Simple(rest),
            'L' => split().map(|(language, value)| Self::LangString { language, value })?,
            'T' => split().map(|(datatype, lexical)| Self::Typed { datatype, lexical })?,
            _ => return Err(invalid()),
        })
    }
}

/// The inverse of [`encode`]. IRIs are not validated again: whoever encoded them did.
pub fn decode(text: &str) -> Result<Term, InvalidTerm> {
    Ok(match EncodedTerm::read(text)? {
        EncodedTerm::Iri(iri) => NamedNode::new_unchecked(iri).into(),
        EncodedTerm::BlankNode(label) => BlankNode::new_unchecked(label).into(),
        EncodedTerm::Simple(value) => Literal::new_simple_literal(value).into(),
        EncodedTerm::LangString { language, value } => {
            Literal::new_language_tagged_literal_unchecked(value, language).into()
        }
        EncodedTerm::Typed { datatype, lexical } => {
            Literal::new_typed_literal(lexical, NamedNode::new_unchecked(datatype)).into()
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decoding_gives_back_the_term() {
        let terms: Vec<Term> = vec![
            NamedNode::new_unchecked("http://example.com/a").into(),
            BlankNode::new_unchecked("b1").into(),
            Literal::new_simple_literal("").into(),
            Literal::new_simple_literal("a\u{1}b").into(),
            Literal::new_language_tagged_literal_unchecked("x\u{1}y", "en").into(),
            Literal::from(12).into(),
        ];
        for term in terms {
            assert_eq!(decode(&encode(&term)).unwrap(), term);
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "X", "Lno-separator", "Tno-separator"] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}
