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
fn a_refusal_names_what_is_offered() {
    let problem = negotiate(&headers(&["text/html"]), EXPLANATIONS).unwrap_err();
    assert_eq!(problem.code, Code::NotAcceptable);
    assert!(problem.message.ends_with("offered are text/plain, application/json"), "{}", problem.message);
}
