//! The thread view by its definition: the graph in which every name of a thing, as subject or object, is replaced by the
//! first of its names, and the query with the same done to it.

use crate::union::Union;
use oxrdf::{NamedNode, NamedOrBlankNode, Quad, Term};
use std::collections::BTreeMap;

/// The vocabulary of scenarios, whose IRIs are written with a prefix.
const VOCABULARY: &str = "http://example.com/vocab#";

/// The name that stands for each other name.
pub fn first_names(things: &[Vec<String>]) -> BTreeMap<String, String> {
    let mut first = BTreeMap::new();
    for names in things {
        let Some(least) = names.iter().min() else { continue };
        first.extend(names.iter().filter(|name| *name != least).map(|name| (name.clone(), least.clone())));
    }
    first
}

/// The data with one name for each thing.
pub fn quotient(union: &Union, things: &[Vec<String>]) -> Union {
    let first = first_names(things);
    if first.is_empty() {
        return union.clone();
    }
    let node = |node: NamedNode| match first.get(node.as_str()) {
        Some(name) => NamedNode::new_unchecked(name),
        None => node,
    };
    let quads: Vec<Quad> = union
        .named()
        .into_iter()
        .map(|quad| Quad {
            subject: match quad.subject {
                NamedOrBlankNode::NamedNode(subject) => node(subject).into(),
                blank => blank,
            },
            object: match quad.object {
                Term::NamedNode(object) => node(object).into(),
                other => other,
            },
            ..quad
        })
        .collect();
    union.with(quads, first)
}

/// The text of a query with the first name for every name. No name is a predicate or a graph.
pub fn over_first_names(text: &str, first: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, least) in first {
        text = text.replace(&format!("<{name}>"), &format!("<{least}>"));
        if let Some(local) = name.strip_prefix(VOCABULARY) {
            text = replace_word(&text, &format!("ex:{local}"), &format!("<{least}>"));
        }
    }
    text
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut parts = text.split(word);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let goes_on = part.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
        replaced.push_str(if goes_on { word } else { by });
        replaced.push_str(part);
    }
    replaced
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn constants_get_the_first_name() {
        let things = vec![
            vec!["http://e/b".to_owned(), "http://e/a".to_owned()],
            vec![format!("{VOCABULARY}Part"), "http://e/p".into()],
        ];
        let first = first_names(&things);
        let text = "SELECT * { <http://e/b> a ex:Part , ex:PartOf . FILTER(?x = <http://e/bb>) }";
        let expected = "SELECT * { <http://e/a> a <http://e/p> , ex:PartOf . FILTER(?x = <http://e/bb>) }";
        assert_eq!(over_first_names(text, &first), expected);
        let things = vec![vec![format!("{VOCABULARY}Part"), "http://a/p".into()]];
        assert_eq!(over_first_names("{ ?x a ex:Part }", &first_names(&things)), "{ ?x a <http://a/p> }");
    }
}
