//! The functions of SPARQL that are not left to spareval; `None` is an error.

use super::super::bounded::{Bounds, TooLong};
use super::super::pattern;
use oxiri::Iri;
use oxrdf::vocab::xsd;
use oxrdf::{Literal, NamedNode, Term};
use regex::Regex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Functions whose results can be longer than their arguments.
#[derive(Clone)]
pub(super) struct Growth {
    bounds: Bounds,
    too_long: Arc<AtomicBool>,
}

impl Growth {
    pub(super) fn new(bounds: Bounds, too_long: Arc<AtomicBool>) -> Self {
        Self { bounds, too_long }
    }

    pub(super) fn concat(&self, terms: &[Term]) -> Option<Term> {
        let parts = terms.iter().map(string_and_language).collect::<Option<Vec<_>>>()?;
        let language = parts.first().and_then(|(_, language)| *language);
        let is_shared = parts.iter().all(|(_, other)| *other == language);
        let text = self.checked(self.bounds.concat(parts.iter().map(|(text, _)| *text)))?;
        Some(string(text, language.filter(|_| is_shared)))
    }

    pub(super) fn encode_for_uri(&self, terms: &[Term]) -> Option<Term> {
        let (text, _) = string_and_language(terms.first()?)?;
        Some(string(self.checked(self.bounds.encode_for_uri(text))?, None))
    }

    pub(super) fn replace_all(&self, regex: &Regex, text: &Term, replacement: &Term) -> Option<Term> {
        let (text, language) = string_and_language(text)?;
        let result = self.bounds.replace_all(regex, text, plain(replacement)?);
        Some(string(self.checked(result)?, language))
    }

    /// REPLACE whose pattern or flags are computed: text, pattern, replacement and perhaps flags.
    pub(super) fn replace(&self, terms: &[Term]) -> Option<Term> {
        let [text, pattern, replacement, flags @ ..] = terms else {
            return None;
        };
        let flags = flags.first().map_or(Some(""), plain)?;
        self.replace_all(&pattern::compile(plain(pattern)?, flags)?, text, replacement)
    }

    fn checked(&self, result: Result<String, TooLong>) -> Option<String> {
        if result.is_err() {
            self.too_long.store(true, Ordering::Relaxed);
        }
        result.ok()
    }
}

pub(super) fn is_match(regex: &Regex, terms: &[Term]) -> Option<Term> {
    let (text, _) = string_and_language(terms.first()?)?;
    Some(Literal::from(regex.is_match(text)).into())
}

pub(super) fn iri(base: &Iri<String>, terms: &[Term]) -> Option<Term> {
    let term = terms.first()?;
    if let Term::NamedNode(node) = term {
        return Some(node.clone().into());
    }
    Some(NamedNode::from(base.resolve(plain(term)?).ok()?).into())
}

fn string_and_language(term: &Term) -> Option<(&str, Option<&str>)> {
    let Term::Literal(literal) = term else {
        return None;
    };
    let is_string = literal.language().is_some() || literal.datatype() == xsd::STRING;
    is_string.then(|| (literal.value(), literal.language()))
}

fn plain(term: &Term) -> Option<&str> {
    string_and_language(term).filter(|(_, language)| language.is_none()).map(|(text, _)| text)
}

fn string(text: String, language: Option<&str>) -> Term {
    match language {
        Some(tag) => Literal::new_language_tagged_literal_unchecked(text, tag).into(),
        None => Literal::from(text).into(),
    }
}
