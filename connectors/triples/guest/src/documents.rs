//! Documents from the network or the configuration, parsed.

use crate::config::{Config, DocumentConfig};
use weft_guest::http::{Header, Method, Request, Response, send};
use weft_guest::{Code, Error, Result};
use weft_triples::{Dataset, Document, Format, LoadError, Loader};

const ACCEPT: &str =
    "text/turtle, application/n-triples, application/trig, application/n-quads, application/rdf+xml;q=0.9";

pub fn load(config: &Config) -> Result<Dataset> {
    let mut loader = Loader::new(config.limits());
    for (number, document) in config.documents.iter().enumerate() {
        let wrong = |what: &str| Error::new(Code::InvalidConfig, format!("documents[{number}]: {what}"));
        let (name, content, format) = match (&document.url, &document.text) {
            (Some(url), None) => {
                let response = fetch(url)?;
                let format = format_of(document, url, &response).map_err(|error| wrong(&error))?;
                (url.clone(), response.body, format)
            }
            (None, Some(text)) => {
                let format = document.format.as_deref().ok_or_else(|| wrong("a text needs its format"))?;
                let format = Format::parse(format).map_err(|error| wrong(&error.to_string()))?;
                (format!("documents[{number}]"), text.clone().into_bytes(), format)
            }
            _ => return Err(wrong("exactly one of url and text is needed")),
        };
        let base = document.base.as_deref().or(document.url.as_deref());
        let document = Document { name: &name, content: &content, format, base, graph: document.graph.as_deref() };
        loader.add(&document).map_err(refused)?;
    }
    Ok(loader.finish())
}

fn format_of(document: &DocumentConfig, url: &str, response: &Response) -> std::result::Result<Format, String> {
    if let Some(name) = &document.format {
        return Format::parse(name).map_err(|error| error.to_string());
    }
    let header = response.headers.iter().find(|header| header.name == "content-type");
    match header.and_then(|header| Format::of_media_type(&header.value)) {
        Some(format) => Ok(format),
        None => Format::of_path(url).map_err(|error| format!("format is needed: {error}")),
    }
}

fn fetch(url: &str) -> Result<Response> {
    let accept = Header { name: "accept".to_owned(), value: ACCEPT.to_owned() };
    let response =
        send(&Request { method: Method::Get, url: url.to_owned(), headers: vec![accept], body: Vec::new() })?;
    let code = match response.status {
        200 => return Ok(response),
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 410 => Code::NotFound,
        408 | 429 | 502..=504 => Code::SourceUnavailable,
        _ => Code::SourceFailed,
    };
    Err(Error::new(code, format!("{url}: the server answers with status {}", response.status)))
}

fn refused(error: LoadError) -> Error {
    let code = match error {
        LoadError::Limit { .. } => Code::LimitExceeded,
        _ => Code::InvalidData,
    };
    Error::new(code, error.to_string())
}
