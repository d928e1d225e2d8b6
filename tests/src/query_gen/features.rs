//! What of the language a query uses, read from its algebra.

use spargebra::{Query, SparqlParser};
use std::collections::BTreeSet;

/// Words of the algebra that every query has, or that say nothing.
const PLAIN: &[&str] = &[
    "base",
    "bgp",
    "triple",
    "project",
    "table",
    "row",
    "vars",
    "unit",
    "_",
    "ask",
    "construct",
    "describe",
    "dataset",
    "named",
    "desc",
    "asc",
];

/// The features of a query's text; none when it does not parse.
pub fn features(text: &str) -> BTreeSet<String> {
    let Ok(query) = SparqlParser::new().parse_query(text) else { return BTreeSet::new() };
    let form = match &query {
        Query::Select { .. } => "SELECT",
        Query::Ask { .. } => "ASK",
        Query::Construct { .. } => "CONSTRUCT",
        Query::Describe { .. } => "DESCRIBE",
    };
    let mut features = BTreeSet::from([form.to_owned()]);
    if let Some(dataset) = query.dataset() {
        features.extend((!dataset.default.is_empty()).then(|| "FROM".to_owned()));
        features.extend(dataset.named.as_ref().is_some_and(|named| !named.is_empty()).then(|| "FROM NAMED".to_owned()));
    }
    // The algebra leaves out what is not bound.
    features.extend(text.contains("UNDEF").then(|| "VALUES with UNDEF".to_owned()));
    read(&query.to_sse(), &mut features);
    features
}

/// The first word after each bracket, with what it is in.
fn read(algebra: &str, features: &mut BTreeSet<String>) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = algebra;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest),
            '<' if !rest[1..].starts_with([' ', '=']) => rest.find('>').map_or(1, |end| end + 1),
            '(' => {
                let inner = rest[1..].trim_start();
                let word: String = inner.chars().take_while(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
                name(&word, &inner[word.len()..], &open, features);
                let length = rest.len() - inner.len() + word.len();
                open.push(word);
                length
            }
            ')' => {
                open.pop();
                1
            }
            c => c.len_utf8(),
        };
        rest = &rest[length.min(rest.len())..];
    }
}

fn name(word: &str, after: &str, open: &[String], features: &mut BTreeSet<String>) {
    let depth = |word: &str| open.iter().filter(|other| *other == word).count();
    if word.starts_with(['?', '"']) || word.is_empty() {
        return;
    }
    let second = after.trim_start();
    let is_inside_exists = depth("exists") + depth("notexists") > 0;
    match word {
        "project" if depth("project") > 0 => drop(features.insert("sub-query".to_owned())),
        "graph" => {
            let kind = if second.starts_with('?') { "GRAPH ?g" } else { "GRAPH <g>" };
            features.insert(kind.to_owned());
        }
        "table" => drop(features.insert("VALUES".to_owned())),
        word if word.contains("XMLSchema#") => {
            let datatype = word.trim_end_matches('>').rsplit('#').next().unwrap_or(word);
            features.insert(format!("cast {datatype}"));
        }
        word if PLAIN.contains(&word) || word.starts_with('<') && word.len() > 2 => {}
        word => {
            let distinct = if second.starts_with("distinct") { " distinct" } else { "" };
            features.insert(format!("{word}{distinct}"));
        }
    }
    let is_path = word.starts_with("path") || matches!(word, "alt" | "seq" | "notoneof");
    for (around, inside) in [("graph", "in GRAPH"), ("project", "in sub-query")] {
        let enough = depth(around) > usize::from(around == "project");
        if enough && (is_path || word == "exists" || word == "minus") {
            let what = if is_path { "path" } else { word };
            features.insert(format!("{what} {inside}"));
        }
    }
    if is_inside_exists && (is_path || matches!(word, "exists" | "filter" | "leftjoin" | "union" | "graph")) {
        features.insert(format!("{} in EXISTS", if is_path { "path" } else { word }));
    }
}

/// A string with its escapes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::features;

    fn has(query: &str, feature: &str) -> bool {
        features(query).contains(feature)
    }

    #[test]
    fn what_a_query_uses_is_named() {
        for (query, feature) in [
            ("ASK { ?s <urn:p>/<urn:q>* ?o }", "path*"),
            ("SELECT * { ?s !(<urn:p>|^<urn:q>) ?o }", "notoneof"),
            ("SELECT * { { SELECT ?s { ?s ?p ?o } } }", "sub-query"),
            ("SELECT * { ?s ?p ?o FILTER NOT EXISTS { ?o ?q ?r FILTER EXISTS { ?r ?s ?o } } }", "exists in EXISTS"),
            ("SELECT * { GRAPH ?g { ?s <urn:p>+ ?o } }", "path in GRAPH"),
            ("SELECT * { GRAPH <urn:g> { ?s ?p ?o } }", "GRAPH <g>"),
            ("SELECT * FROM NAMED <urn:g> { VALUES (?a ?b) { (1 UNDEF) } }", "VALUES with UNDEF"),
            ("SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }", "count distinct"),
            ("SELECT (<http://www.w3.org/2001/XMLSchema#integer>(\"1\") AS ?n) {}", "cast integer"),
            ("SELECT (STRLEN(STR(?s)) AS ?n) { ?s ?p \"(exists\" }", "strlen"),
        ] {
            assert!(has(query, feature), "{query}: {:?}", features(query));
        }
        assert!(!has("SELECT * { ?s ?p \"(exists (\" }", "exists"));
        assert!(!has("SELECT * { ?s ?p ?o }", "sub-query"));
    }
}
