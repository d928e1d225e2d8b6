//! SPARQL 1.1 Protocol section 2.1: the three ways to send a query.

use crate::{Problem, QueryCall, ServerOptions, parse_duration};
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use oxrdf::NamedNode;
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::timeout;
use weft_exec::AskedView;
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

const MAX_GRAPHS: usize = 256;

/// Reads the query of a request, whichever way it was sent.
pub(crate) async fn read_query(parts: &Parts, body: Body, options: &ServerOptions) -> Result<QueryCall, Problem> {
    let parameters = read_parameters(parts, body, options).await?;
    if parameters.explain.is_some() {
        let message = "parameter explain is for /explain; here the query is answered";
        return Err(Problem::invalid_request(message));
    }
    parameters.into_call(&parts.headers, options)
}

/// Reads a query that is to be explained, sent the same way.
pub(crate) async fn read_explained(parts: &Parts, body: Body, options: &ServerOptions) -> Result<QueryCall, Problem> {
    read_parameters(parts, body, options).await?.into_call(&parts.headers, options)
}

async fn read_parameters(parts: &Parts, body: Body, options: &ServerOptions) -> Result<Parameters, Problem> {
    let mut parameters = Parameters::default();
    parameters.add_encoded(parts.uri.query().unwrap_or_default().as_bytes())?;
    if parts.method == Method::POST {
        match media_type(&parts.headers)?.as_str() {
            "application/x-www-form-urlencoded" => {
                // Percent-encoding makes three bytes of one.
                let body = read_body(body, options, options.query_bytes.saturating_mul(3)).await?;
                parameters.add_encoded(&body)?;
            }
            "application/sparql-query" => {
                let body = read_body(body, options, options.query_bytes).await?;
                let text = String::from_utf8(body)
                    .map_err(|_| Problem::invalid_request("the query in the body is not UTF-8"))?;
                parameters.set_query(text)?;
            }
            "application/sparql-update" => return Err(read_only()),
            other => return Err(unknown_body(other)),
        }
    }
    Ok(parameters)
}

#[derive(Default)]
struct Parameters {
    query: Option<String>,
    default_graphs: Vec<String>,
    named_graphs: Vec<String>,
    timeout: Option<Duration>,
    explain: Option<Explain>,
    view: AskedView,
}

/// What is to be told of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Explain {
    Plan,
    Analyze,
}

impl Parameters {
    /// Adds `application/x-www-form-urlencoded` pairs. Parameters that are not of the protocol are left alone.
    fn add_encoded(&mut self, encoded: &[u8]) -> Result<(), Problem> {
        for (name, value) in pairs(encoded) {
            match decode("the name of a parameter", name)?.as_str() {
                "query" => self.set_query(decode("parameter query", value)?)?,
                "default-graph-uri" => add_graph(&mut self.default_graphs, "default-graph-uri", value)?,
                "named-graph-uri" => add_graph(&mut self.named_graphs, "named-graph-uri", value)?,
                "timeout" => self.timeout = Some(read_timeout(&decode("parameter timeout", value)?)?),
                "explain" => self.explain = Some(read_explain(&decode("parameter explain", value)?)?),
                "view" => once(&mut self.view.name, "view", value)?,
                "as-of" => once(&mut self.view.time.as_of, "as-of", value)?,
                "valid-at" => once(&mut self.view.time.valid_at, "valid-at", value)?,
                "thread" => self.view.thread = Some(read_switch("thread", value)?),
                "update" | "using-graph-uri" | "using-named-graph-uri" => return Err(read_only()),
                _ => {}
            }
        }
        Ok(())
    }

    fn set_query(&mut self, text: String) -> Result<(), Problem> {
        match self.query.replace(text) {
            None => Ok(()),
            Some(_) => Err(Problem::invalid_request("the request has more than one query")),
        }
    }

    fn into_call(self, headers: &HeaderMap, options: &ServerOptions) -> Result<QueryCall, Problem> {
        let Some(text) = self.query else {
            return Err(Problem::invalid_request(
                "the request has no query: give one as parameter query, or as the body",
            ));
        };
        if text.len() > options.query_bytes {
            return Err(too_large(options.query_bytes));
        }
        let timeout = self.timeout.map_or(options.query_timeout, |asked| asked.min(options.query_timeout));
        Ok(QueryCall {
            text,
            base_iri: options.base_iri.clone(),
            default_graphs: self.default_graphs,
            named_graphs: self.named_graphs,
            timeout: Some(timeout),
            analyze: self.explain == Some(Explain::Analyze),
            traceparent: read_traceparent(headers),
            view: self.view,
        })
    }
}

fn once(known: &mut Option<String>, parameter: &str, encoded: &[u8]) -> Result<(), Problem> {
    match known.replace(decode(&format!("parameter {parameter}"), encoded)?) {
        None => Ok(()),
        Some(_) => Err(Problem::invalid_request(format!("the request has more than one parameter {parameter}"))),
    }
}

fn read_switch(parameter: &str, encoded: &[u8]) -> Result<bool, Problem> {
    match decode(&format!("parameter {parameter}"), encoded)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => {
            let shown: String = other.chars().take(80).collect();
            Err(Problem::invalid_request(format!("parameter {parameter}: {shown:?} is neither \"true\" nor \"false\"")))
        }
    }
}

fn add_graph(graphs: &mut Vec<String>, parameter: &str, encoded: &[u8]) -> Result<(), Problem> {
    if graphs.len() >= MAX_GRAPHS {
        return Err(Problem::invalid_request(format!("the request names more than {MAX_GRAPHS} graphs")));
    }
    graphs.push(read_iri(parameter, encoded)?.into_string());
    Ok(())
}

fn read_iri(parameter: &str, encoded: &[u8]) -> Result<NamedNode, Problem> {
    let text = decode(&format!("parameter {parameter}"), encoded)?;
    NamedNode::new(&text).map_err(|error| {
        let shown: String = text.chars().take(200).collect();
        Problem::invalid_request(format!("parameter {parameter}: {shown:?} is not an absolute IRI: {error}"))
    })
}

/// A graph of the Graph Store Protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GraphName {
    Default,
    Named(NamedNode),
}

/// The graph the parameters of a request name, if there are any: Graph Store HTTP Protocol section 4.2.
pub(crate) fn read_graph_name(parts: &Parts) -> Result<Option<GraphName>, Problem> {
    let mut found = None;
    for (name, value) in pairs(parts.uri.query().unwrap_or_default().as_bytes()) {
        let graph = match decode("the name of a parameter", name)?.as_str() {
            "default" if value.is_empty() => GraphName::Default,
            "default" => return Err(Problem::invalid_request("parameter default has no value")),
            "graph" => GraphName::Named(read_iri("graph", value)?),
            other => {
                let shown: String = other.chars().take(80).collect();
                return Err(Problem::invalid_request(format!(
                    "parameter {shown:?} is not known: graph and default are"
                )));
            }
        };
        if found.replace(graph).is_some() {
            return Err(Problem::invalid_request("the request names more than one graph"));
        }
    }
    Ok(found)
}

/// The pairs of `application/x-www-form-urlencoded`, still encoded.
fn pairs(encoded: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    encoded.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        (&pair[..equals], pair.get(equals + 1..).unwrap_or_default())
    })
}

fn decode(what: &str, encoded: &[u8]) -> Result<String, Problem> {
    let spaced: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        encoded.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect::<Vec<u8>>().into()
    } else {
        encoded.into()
    };
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| Problem::invalid_request(format!("{what} is not UTF-8")))
}

fn read_explain(text: &str) -> Result<Explain, Problem> {
    match text {
        "plan" => Ok(Explain::Plan),
        "analyze" => Ok(Explain::Analyze),
        other => {
            let shown: String = other.chars().take(80).collect();
            Err(Problem::invalid_request(format!("parameter explain: {shown:?} is neither \"plan\" nor \"analyze\"")))
        }
    }
}

/// A number alone counts seconds.
fn read_timeout(text: &str) -> Result<Duration, Problem> {
    let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let parsed = if bare { parse_duration(&format!("{text}s")) } else { parse_duration(text) };
    parsed.map_err(|error| Problem::invalid_request(format!("parameter timeout: {error}")))
}

fn media_type(headers: &HeaderMap) -> Result<String, Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset =
        parameters.split(';').filter_map(|p| p.split_once('=')).find(|(n, _)| n.trim().eq_ignore_ascii_case("charset"));
    match charset.map(|(_, value)| value.trim().trim_matches('"')) {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("us-ascii") => {
            let message = format!("charset {charset:?} is not supported; send UTF-8");
            Err(Problem::new(Code::UnsupportedMediaType, Fault::Caller, message))
        }
        _ => Ok(media_type.trim().to_ascii_lowercase()),
    }
}

async fn read_body(body: Body, options: &ServerOptions, limit: usize) -> Result<Vec<u8>, Problem> {
    match timeout(options.body_timeout, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large(options.query_bytes)),
        Ok(Err(_)) => Err(Problem::invalid_request("the body of the request broke off")),
        Err(_) => {
            let message = format!("the body of the request did not arrive within {:?}", options.body_timeout);
            Err(Problem::new(Code::DeadlineExceeded, Fault::Caller, message))
        }
    }
}

/// The limit hides behind two wrappers, whose types are not public.
fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string() == "length limit exceeded" {
            return true;
        }
        cause = error.source();
    }
    false
}

/// W3C Trace Context section 3.2.2: two, 32, 16 and two hexadecimal digits; ids are not all zero.
pub(crate) fn read_traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    (lengths == [2, 32, 16, 2] && hex && parts[0] != "ff" && !zero(parts[1]) && !zero(parts[2]))
        .then(|| value.to_owned())
}

fn too_large(limit: usize) -> Problem {
    let message = format!("the query has more than {limit} bytes (limits.query_bytes)");
    Problem::new(Code::QueryTooLarge, Fault::Caller, message)
}

fn read_only() -> Problem {
    let message = "this endpoint answers queries only: the data belongs to the sources, updates are made there";
    Problem::new(Code::ReadOnly, Fault::Caller, message)
}

fn unknown_body(media_type: &str) -> Problem {
    let shown: String = media_type.chars().take(80).collect();
    let message =
        format!("a POST body is application/x-www-form-urlencoded or application/sparql-query, not {shown:?}");
    Problem::new(Code::UnsupportedMediaType, Fault::Caller, message)
}
