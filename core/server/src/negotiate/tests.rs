#![allow(clippy::unwrap_used)]
use super::*;

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(ACCEPT, value.parse().unwrap());
    }
    headers
}

#[test]
fn the_best_accepted_format_is_chosen() {
    for (accept, expected) in [
        (&[][..], Some("application/sparql-results+json")),
        (&["*/*"], Some("application/sparql-results+json")),
        (&["text/csv"], Some("text/csv; charset=utf-8")),
        (&["TEXT/CSV"], Some("text/csv; charset=utf-8")),
        (&["text/*"], Some("text/csv; charset=utf-8")),
        (&["text/csv;q=0.5, application/sparql-results+xml;q=0.9"], Some("application/sparql-results+xml")),
        (&["text/csv;q=0.5", "application/sparql-results+xml;q=0.2"], Some("text/csv; charset=utf-8")),
        (&["application/json"], Some("application/json")),
        (&["application/json, application/sparql-results+json"], Some("application/sparql-results+json")),
        (&["*/*;q=0.1, text/tab-separated-values"], Some("text/tab-separated-values; charset=utf-8")),
        // The specific range counts, even where it says less than the general one.
        (&["application/sparql-results+json;q=0, */*"], Some("application/sparql-results+xml")),
        (&["application/*;q=0, */*;q=0.001"], Some("text/csv; charset=utf-8")),
        (&["application/sparql-results+json;charset=utf-8;q=0.3"], Some("application/sparql-results+json")),
        (&["text/html"], None),
        (&["text/csv;q=0"], None),
        (&["text/csv;q=7"], None),
        (&["text/csv;q=none"], None),
        (&["nonsense"], None),
        (&[""], None),
    ] {
        let chosen = negotiate(&headers(accept), RESULTS).ok().map(|offer| offer.content_type);
        assert_eq!(chosen, expected, "{accept:?}");
    }
}

#[test]
fn graphs_have_formats_of_their_own() {
    for (accept, expected) in [
        (&[][..], Some("text/turtle; charset=utf-8")),
        (&["*/*"], Some("text/turtle; charset=utf-8")),
        (&["application/n-triples;q=0.9, application/ld+json"], Some("application/ld+json")),
        (&["application/json"], Some("application/json")),
        (&["text/turtle;q=0.1, application/rdf+xml;q=0.101"], Some("application/rdf+xml")),
        (&["application/*"], Some("application/n-triples")),
        (&["application/sparql-results+json"], None),
    ] {
        let chosen = negotiate(&headers(accept), GRAPHS).ok().map(|offer| offer.content_type);
        assert_eq!(chosen, expected, "{accept:?}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused_before_the_query_runs() {
    let accepts = |accept: &str, shape| Accepted::of(&headers(&[accept]), shape).map_err(|problem| problem.message);
    let both = accepts("*/*", None).unwrap();
    assert!(both.results.is_some() && both.graphs.is_some());
    let graph = accepts("text/csv", Some(Shape::Graph)).unwrap_err();
    assert!(graph.starts_with("a graph comes in none of the accepted media types; offered are text/turtle"), "{graph}");
    let rows = accepts("text/turtle", Some(Shape::Rows)).unwrap_err();
    assert!(rows.starts_with("an answer of SELECT or ASK comes in none"), "{rows}");
    assert!(accepts("image/png", None).is_err());
    for accept in ["application/sparql-results+json", "application/sparql-results+xml;q=0.1, text/csv"] {
        assert_eq!(accepts(accept, Some(Shape::Graph)).unwrap().graphs().unwrap().value, GraphFormat::Turtle);
    }
    assert!(accepts("application/sparql-results+json;q=0, text/csv", Some(Shape::Graph)).is_err());
    assert!(accepts("text/turtle", None).unwrap().results().is_err());
    assert!(accepts("text/csv", None).unwrap().graphs().is_err());
}

#[test]
fn a_refusal_names_what_is_offered() {
    let problem = negotiate(&headers(&["text/html"]), EXPLANATIONS).unwrap_err();
    assert_eq!(problem.code, Code::NotAcceptable);
    assert!(problem.message.ends_with("offered are text/plain, application/json"), "{}", problem.message);
}
