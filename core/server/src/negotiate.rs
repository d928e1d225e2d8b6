//! Content negotiation, RFC 9110 section 12.5.1.

use crate::Problem;
use http::HeaderMap;
use http::header::ACCEPT;
use sparesults::QueryResultsFormat;
use std::fmt;
use std::str::FromStr;
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

/// The formats answers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFormat {
    Json,
    Xml,
    Csv,
    Tsv,
}

impl ResultFormat {
    /// The media type of the format.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/sparql-results+json",
            Self::Xml => "application/sparql-results+xml",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
        }
    }

    pub(crate) fn serializer(self) -> QueryResultsFormat {
        match self {
            Self::Json => QueryResultsFormat::Json,
            Self::Xml => QueryResultsFormat::Xml,
            Self::Csv => QueryResultsFormat::Csv,
            Self::Tsv => QueryResultsFormat::Tsv,
        }
    }
}

impl fmt::Display for ResultFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
        })
    }
}

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
    best.map(|(offer, _)| offer).ok_or_else(|| {
        let types: Vec<&str> = offers.iter().map(|offer| offer.media_type).collect();
        let message = format!("none of the accepted media types is offered; offered are {}", types.join(", "));
        Problem::new(Code::NotAcceptable, Fault::Caller, message)
    })
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
