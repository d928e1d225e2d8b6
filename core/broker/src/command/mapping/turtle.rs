//! Statements as people read them: Turtle with prefixes, by subject.

use crate::config::Config;
use crate::failure::Failure;
use crate::mesh::read_text;
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{Literal, NamedNode, Term};
use oxttl::TurtleParser;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use weft_mapping::MappingLimits;
use weft_model::Code;

/// Writes terms, IRIs in known namespaces with their prefix.
pub(super) struct Turtle {
    /// Longest namespace first.
    prefixes: Vec<(String, String)>,
}

/// A statement in Turtle's words. Two are equal exactly when their terms are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    /// Nothing for the graph of the source itself.
    pub(super) graph: Option<String>,
    pub(super) subject: String,
    /// Whether the predicate is not `a`, which comes first.
    follows: bool,
    pub(super) predicate: String,
    pub(super) object: String,
}

impl Turtle {
    /// The prefixes of a configuration, then those that these mappings declare.
    pub(super) fn of(config: &Config, mappings: &[&Path]) -> Result<Self, Failure> {
        let mut prefixes = config.prefix_list();
        for path in mappings {
            let text = read_text(path, MappingLimits::default().document_bytes)?;
            let invalid = |error: &dyn std::error::Error| Failure::caused(Code::InvalidMapping, error);
            let parser = TurtleParser::new().with_base_iri(&config.broker.base).map_err(|error| invalid(&error))?;
            let mut parser = parser.for_slice(&text);
            for triple in parser.by_ref() {
                triple.map_err(|error| invalid(&error))?;
            }
            prefixes.extend(parser.prefixes().map(|(prefix, namespace)| (prefix.to_owned(), namespace.to_owned())));
        }
        Ok(Self::new(prefixes))
    }

    fn new(prefixes: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = [("xsd", "http://www.w3.org/2001/XMLSchema#"), ("rdfs", "http://www.w3.org/2000/01/rdf-schema#")];
        let known = known.map(|(prefix, namespace)| (prefix.to_owned(), namespace.to_owned()));
        let mut by_name: BTreeMap<String, String> = BTreeMap::new();
        for (prefix, namespace) in prefixes.into_iter().chain(known) {
            by_name.entry(prefix).or_insert(namespace);
        }
        let mut prefixes: Vec<(String, String)> = by_name.into_iter().filter(|(_, n)| !n.is_empty()).collect();
        prefixes.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        Self { prefixes }
    }

    /// A row of graph, subject, predicate and object; nothing where one is not bound.
    pub(super) fn statement(&self, row: &[Option<Term>], own_graph: &NamedNode) -> Option<Statement> {
        let [Some(graph), Some(subject), Some(predicate), Some(object)] = row else { return None };
        let is_own = matches!(graph, Term::NamedNode(graph) if graph == own_graph);
        let is_type = matches!(predicate, Term::NamedNode(iri) if *iri == rdf::TYPE);
        Some(Statement {
            graph: (!is_own).then(|| self.term(graph)),
            subject: self.term(subject),
            follows: !is_type,
            predicate: if is_type { "a".to_owned() } else { self.term(predicate) },
            object: self.term(object),
        })
    }

    pub(super) fn term(&self, term: &Term) -> String {
        match term {
            Term::NamedNode(node) => self.iri(node),
            Term::BlankNode(node) => node.to_string(),
            Term::Literal(literal) => self.literal(literal),
        }
    }

    fn iri(&self, node: &NamedNode) -> String {
        let short = self.prefixes.iter().find_map(|(prefix, namespace)| {
            let local = node.as_str().strip_prefix(namespace.as_str())?;
            is_local(local).then(|| format!("{prefix}:{local}"))
        });
        short.unwrap_or_else(|| node.to_string())
    }

    fn literal(&self, literal: &Literal) -> String {
        let value = literal.value();
        let datatype = literal.datatype();
        let bare = (datatype == xsd::INTEGER && is_integer(value))
            || (datatype == xsd::DECIMAL && is_decimal(value))
            || (datatype == xsd::BOOLEAN && matches!(value, "true" | "false"));
        if bare {
            return value.to_owned();
        }
        let text = Literal::from(value).to_string();
        match literal.language() {
            Some(language) => format!("{text}@{language}"),
            None if datatype == xsd::STRING => text,
            None => format!("{text}^^{}", self.iri(&datatype.into_owned())),
        }
    }

    /// The prefixes that the statements use, as declarations.
    pub(super) fn declarations(&self, statements: &BTreeSet<Statement>) -> String {
        let begins = |text: &str, prefix: &str| {
            text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':')) && !text.starts_with("_:")
        };
        let used = |prefix: &str| {
            let datatype = format!("\"^^{prefix}:");
            statements.iter().any(|s| {
                [s.subject.as_str(), s.predicate.as_str(), s.object.as_str()].iter().any(|text| begins(text, prefix))
                    || s.object.contains(&datatype)
            })
        };
        let mut names: Vec<&(String, String)> = self.prefixes.iter().filter(|(prefix, _)| used(prefix)).collect();
        names.sort();
        names.iter().map(|(prefix, namespace)| format!("@prefix {prefix}: <{namespace}> .\n")).collect()
    }
}

/// Statements of one graph, by subject.
pub(super) fn document<'a>(statements: impl Iterator<Item = &'a Statement>) -> String {
    let mut text = String::new();
    let mut subject: Option<&str> = None;
    for statement in statements {
        let (predicate, object) = (&statement.predicate, &statement.object);
        // Writing to a string cannot fail.
        if subject == Some(statement.subject.as_str()) {
            _ = write!(text, " ;\n  {predicate} {object}");
        } else {
            let end = if subject.is_some() { " .\n\n" } else { "" };
            _ = write!(text, "{end}{} {predicate} {object}", statement.subject);
        }
        subject = Some(&statement.subject);
    }
    if subject.is_some() {
        text.push_str(" .\n");
    }
    text
}

fn is_local(local: &str) -> bool {
    !local.is_empty()
        && !local.starts_with('-')
        && local.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(whole, fraction)| is_integer(whole) && is_integer(fraction) && !fraction.starts_with('-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use oxrdf::BlankNode;

    fn sample() -> Vec<Term> {
        let iri = |text: &str| Term::from(NamedNode::new(text).unwrap());
        let typed = |value: &str, datatype: &str| {
            Term::from(Literal::new_typed_literal(value, NamedNode::new(datatype).unwrap()))
        };
        vec![
            iri("https://e/ns#part"),
            iri("https://e/ns#a/b"),
            iri("https://e/ns#"),
            iri("https://e/ns#-x"),
            iri("https://other/x"),
            Literal::from(7).into(),
            Literal::from("7").into(),
            typed("07", xsd::INTEGER.as_str()),
            typed("x", xsd::INTEGER.as_str()),
            typed("+7", xsd::INTEGER.as_str()),
            typed("1.50", xsd::DECIMAL.as_str()),
            typed("1.", xsd::DECIMAL.as_str()),
            typed("1E0", xsd::DOUBLE.as_str()),
            typed("true", xsd::BOOLEAN.as_str()),
            typed("1", xsd::BOOLEAN.as_str()),
            typed("2026-01-01", xsd::DATE.as_str()),
            typed("a \"b\"\n\\", "https://e/ns#t"),
            Literal::new_language_tagged_literal("Teil", "de").unwrap().into(),
            BlankNode::new("bplant-_2f_1").unwrap().into(),
        ]
    }

    /// What is written is read back as it was.
    #[test]
    fn documents_are_turtle() {
        let turtle = Turtle::new([("e".to_owned(), "https://e/ns#".to_owned())]);
        let own = NamedNode::new("urn:g").unwrap();
        let predicates = [rdf::TYPE.into_owned(), NamedNode::new("https://e/ns#p").unwrap()];
        let mut statements = BTreeSet::new();
        let mut expected = BTreeSet::new();
        for (i, object) in sample().into_iter().enumerate() {
            for predicate in &predicates {
                let subject: Term = NamedNode::new(format!("https://e/ns#s{}", i % 3)).unwrap().into();
                let row = [
                    Some(own.clone().into()),
                    Some(subject.clone()),
                    Some(predicate.clone().into()),
                    Some(object.clone()),
                ];
                statements.insert(turtle.statement(&row, &own).unwrap());
                expected.insert(format!("{subject} {predicate} {object}"));
            }
        }
        let text = format!("{}\n{}", turtle.declarations(&statements), document(statements.iter()));
        let read = TurtleParser::new().for_slice(&text).map(|triple| triple.unwrap().to_string());
        assert_eq!(read.collect::<BTreeSet<_>>(), expected, "{text}");
        assert!(text.starts_with("@prefix e: <https://e/ns#> .\n@prefix xsd: "), "{text}");
        assert!(text.contains("\ne:s0 a "), "{text}");
    }

    #[test]
    fn other_graphs_are_told_and_unbound_rows_are_none() {
        let turtle = Turtle::new([]);
        let own = NamedNode::new("urn:g").unwrap();
        let term = |text: &str| Some(Term::from(NamedNode::new(text).unwrap()));
        let other = turtle.statement(&[term("urn:h"), term("urn:s"), term("urn:p"), term("urn:o")], &own).unwrap();
        assert_eq!(other.graph.as_deref(), Some("<urn:h>"));
        assert_eq!(turtle.statement(&[None, term("urn:s"), term("urn:p"), term("urn:o")], &own), None);
        assert_eq!(document(std::iter::empty()), "");
    }
}
