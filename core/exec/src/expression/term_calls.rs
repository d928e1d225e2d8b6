//! The functions of SPARQL 17.4 on terms that are not left to spareval; `None` is an error.

use super::bounded::{Bounds, TooLong};
use super::pattern;
use oxiri::Iri;
use oxrdf::vocab::xsd;
use oxrdf::{BlankNode, Literal, NamedNode, Term};
use regex::Regex;
use std::sync::{Mutex, PoisonError};

type Result<T> = std::result::Result<Option<T>, TooLong>;

pub(super) fn concat(bounds: Bounds, terms: &[Term]) -> Result<Term> {
    let Some(parts) = terms.iter().map(string_and_language).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let language = parts.first().and_then(|(_, language)| *language);
    let is_shared = parts.iter().all(|(_, other)| *other == language);
    let text = bounds.concat(parts.iter().map(|(text, _)| *text))?;
    Ok(Some(string(text, language.filter(|_| is_shared))))
}

pub(super) fn encode_for_uri(bounds: Bounds, term: &Term) -> Result<Term> {
    let Some((text, _)) = string_and_language(term) else { return Ok(None) };
    Ok(Some(string(bounds.encode_for_uri(text)?, None)))
}

/// The pattern compiled last, which is most often the next.
#[derive(Default)]
pub(super) struct Patterns {
    last: Mutex<Option<(String, String, Option<Regex>)>>,
}

impl Patterns {
    fn compile(&self, pattern: &str, flags: &str) -> Option<Regex> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, known_flags, regex)) if known == pattern && known_flags == flags => regex.clone(),
            _ => {
                let regex = pattern::compile(pattern, flags);
                *last = Some((pattern.to_owned(), flags.to_owned(), regex.clone()));
                regex
            }
        }
    }

    /// REGEX: text, pattern and perhaps flags.
    pub(super) fn is_match(&self, terms: &[Term]) -> Option<Term> {
        let [text, pattern, flags @ ..] = terms else { return None };
        let regex = self.compile(plain(pattern)?, flags.first().map_or(Some(""), plain)?)?;
        Some(Literal::from(regex.is_match(string_and_language(text)?.0)).into())
    }

    /// REPLACE: text, pattern, replacement and perhaps flags.
    pub(super) fn replace(&self, bounds: Bounds, terms: &[Term]) -> Result<Term> {
        let [text, pattern, replacement, flags @ ..] = terms else { return Ok(None) };
        let operands = || {
            let regex = self.compile(plain(pattern)?, flags.first().map_or(Some(""), plain)?)?;
            Some((regex, string_and_language(text)?, plain(replacement)?))
        };
        let Some((regex, (text, language), replacement)) = operands() else { return Ok(None) };
        Ok(Some(string(bounds.replace_all(&regex, text, replacement)?, language)))
    }
}

pub(super) fn iri(base: Option<&Iri<String>>, term: &Term) -> Option<Term> {
    if let Term::NamedNode(node) = term {
        return Some(node.clone().into());
    }
    let text = plain(term)?;
    let iri = match base {
        Some(base) => base.resolve(text),
        None => Iri::parse(text.to_owned()),
    };
    Some(NamedNode::from(iri.ok()?).into())
}

/// The literal in the words given, whatever its value.
pub(super) fn typed_literal(lexical: &Term, datatype: &Term) -> Option<Term> {
    let Term::NamedNode(datatype) = datatype else { return None };
    Some(Literal::new_typed_literal(plain(lexical)?, datatype.clone()).into())
}

pub(super) fn language_literal(lexical: &Term, language: &Term) -> Option<Term> {
    Some(Literal::new_language_tagged_literal(plain(lexical)?, plain(language)?).ok()?.into())
}

/// A blank node that is the same for the same text in one solution, and that no source can have: labels of sources
/// start with another letter.
pub(super) fn blank_node(text: &Term, solution: Option<&Term>) -> Option<Term> {
    let mut label = String::from("x");
    for byte in plain(text)?.bytes() {
        label.push_str(&format!("{byte:02x}"));
    }
    if let Some(solution) = solution {
        label.push('s');
        for byte in solution.to_string().bytes() {
            label.push_str(&format!("{byte:02x}"));
        }
    }
    Some(BlankNode::new(label).ok()?.into())
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
