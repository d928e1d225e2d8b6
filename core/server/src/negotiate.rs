//! Content negotiation, RFC 9110 section 12.5.1.

use crate::form::Shape;
use crate::{GraphFormat, Problem, ResultFormat};
use http::HeaderMap;
use http::header::ACCEPT;
use std::str::FromStr;
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

/// One media type on offer, and what stands for it in the `Content-Type` of the answer.
#[derive(Debug)]
pub(crate) struct Offer<T> {
    pub(crate) value: T,
    media_type: &'static str,
    pub(crate) content_type: &'static str,
}

/// In order of preference among equals.
pub(crate) const RESULTS: &[Offer<ResultFormat>] = &[
    offer(ResultFormat::Json, "application/sparql-results+json", "application/sparql-results+json"),
    offer(ResultFormat::Xml, "application/sparql-results+xml", "application/sparql-results+xml"),
    offer(ResultFormat::Csv, "text/csv", "text/csv; charset=utf-8"),
    offer(ResultFormat::Tsv, "text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
    offer(ResultFormat::Json, "application/json", "application/json"),
    offer(ResultFormat::Xml, "application/xml", "application/xml"),
    offer(ResultFormat::Xml, "text/xml", "text/xml; charset=utf-8"),
];

pub(crate) const GRAPHS: &[Offer<GraphFormat>] = &[
    offer(GraphFormat::Turtle, "text/turtle", "text/turtle; charset=utf-8"),
    offer(GraphFormat::NTriples, "application/n-triples", "application/n-triples"),
    offer(GraphFormat::JsonLd, "application/ld+json", "application/ld+json"),
    offer(GraphFormat::RdfXml, "application/rdf+xml", "application/rdf+xml"),
    offer(GraphFormat::JsonLd, "application/json", "application/json"),
    offer(GraphFormat::RdfXml, "application/xml", "application/xml"),
    offer(GraphFormat::RdfXml, "text/xml", "text/xml; charset=utf-8"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExplainFormat {
    Text,
    Json,
}

pub(crate) const EXPLANATIONS: &[Offer<ExplainFormat>] = &[
    offer(ExplainFormat::Text, "text/plain", "text/plain; charset=utf-8"),
    offer(ExplainFormat::Json, "application/json", "application/json"),
];

const fn offer<T>(value: T, media_type: &'static str, content_type: &'static str) -> Offer<T> {
    Offer { value, media_type, content_type }
}

/// What a client accepts of each shape an answer may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) results: Option<&'static Offer<ResultFormat>>,
    pub(crate) graphs: Option<&'static Offer<GraphFormat>>,
}

impl Accepted {
    /// Refuses at once where the shape is known, and where no shape could be answered.
    pub(crate) fn of(headers: &HeaderMap, shape: Option<Shape>) -> Result<Self, Problem> {
        let graphs = negotiate(headers, GRAPHS).ok().or_else(|| default_graph(headers));
        let accepted = Self { results: negotiate(headers, RESULTS).ok(), graphs };
        match shape {
            Some(Shape::Rows) => accepted.results().map(|_| ())?,
            Some(Shape::Graph) => accepted.graphs().map(|_| ())?,
            None if accepted.results.is_none() => accepted.graphs().map(|_| ())?,
            None => {}
        }
        Ok(accepted)
    }

    pub(crate) fn results(&self) -> Result<&'static Offer<ResultFormat>, Problem> {
        self.results.ok_or_else(|| not_acceptable("an answer of SELECT or ASK", RESULTS))
    }

    pub(crate) fn graphs(&self) -> Result<&'static Offer<GraphFormat>, Problem> {
        self.graphs.ok_or_else(|| not_acceptable("a graph", GRAPHS))
    }
}

/// A client that accepts results of SPARQL by their own types and no graph has one setting for all forms of queries: it
/// is given the default format, as RFC 9110 section 12.4.1 has it, and reads in `Content-Type` what it is.
fn default_graph(headers: &HeaderMap) -> Option<&'static Offer<GraphFormat>> {
    let ranges = ranges(headers);
    let is_sparql = ["application/sparql-results+json", "application/sparql-results+xml"]
        .iter()
        .any(|media_type| quality(&ranges, media_type) > 0);
    GRAPHS.first().filter(|_| is_sparql)
}

/// The offer the client likes best; the first of equals.
pub(crate) fn negotiate<'a, T>(headers: &HeaderMap, offers: &'a [Offer<T>]) -> Result<&'a Offer<T>, Problem> {
    let ranges = ranges(headers);
    let mut best: Option<(&Offer<T>, u16)> = None;
    for offer in offers {
        let quality = quality(&ranges, offer.media_type);
        if quality > best.map_or(0, |(_, best)| best) {
            best = Some((offer, quality));
        }
    }
    best.map(|(offer, _)| offer).ok_or_else(|| not_acceptable("this", offers))
}

fn not_acceptable<T>(what: &str, offers: &[Offer<T>]) -> Problem {
    let types: Vec<&str> = offers.iter().map(|offer| offer.media_type).collect();
    let message = format!("{what} comes in none of the accepted media types; offered are {}", types.join(", "));
    Problem::new(Code::NotAcceptable, Fault::Caller, message)
}

/// A media range of an Accept header.
#[derive(Debug, PartialEq)]
struct Range {
    kind: String,
    subtype: String,
    /// In thousandths.
    quality: u16,
}

/// No Accept header accepts everything. What is not a media range is left out.
fn ranges(headers: &HeaderMap) -> Vec<Range> {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return vec![Range { kind: "*".into(), subtype: "*".into(), quality: 1000 }];
    }
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|t| t.parse().ok())
        .collect()
}

impl FromStr for Range {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(';');
        let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let (kind, subtype) = media_type.split_once('/').ok_or(())?;
        let mut quality = 1000;
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("q") {
                quality = parse_quality(value.trim()).ok_or(())?;
            }
        }
        Ok(Self { kind: kind.into(), subtype: subtype.into(), quality })
    }
}

fn parse_quality(text: &str) -> Option<u16> {
    let valid = text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value: f64 = if valid { text.parse().ok()? } else { return None };
    // At most three digits, so the product is exact enough to be rounded.
    (0.0..=1.0).contains(&value).then(|| (value * 1000.0).round() as u16)
}

/// The quality of the most specific range that matches, 0 when none does.
fn quality(ranges: &[Range], media_type: &str) -> u16 {
    let Some((kind, subtype)) = media_type.split_once('/') else { return 0 };
    let specificity = |range: &Range| match (range.kind.as_str(), range.subtype.as_str()) {
        (k, s) if k == kind && s == subtype => Some(2),
        (k, "*") if k == kind => Some(1),
        ("*", "*") => Some(0),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|range| Some((specificity(range)?, range.quality)))
        .max_by_key(|(specificity, quality)| (*specificity, *quality))
        .map_or(0, |(_, quality)| quality)
}
