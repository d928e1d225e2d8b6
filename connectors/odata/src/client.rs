//! Requests to the service, and what its answers mean.

use crate::config::Config;
use crate::url::{follow, path_segment};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use weft_guest::http::{Header, Method, Request, Response, send};
use weft_guest::{Code, Error, Result};

/// The longest message of a service that is passed on.
const MESSAGE_CHARS: usize = 500;

pub struct Client<'a> {
    config: &'a Config,
}

/// A page of an entity set.
pub struct Page {
    pub rows: Vec<Map<String, Json>>,
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct PageBody {
    value: Vec<Map<String, Json>>,
    #[serde(rename = "@odata.nextLink", alias = "@nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorText,
}

#[derive(Deserialize)]
struct ErrorText {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl<'a> Client<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self { config }
    }

    pub fn metadata(&self) -> Result<String> {
        let url = format!("{}$metadata", self.config.url);
        let response = self.get(&url, "application/xml")?;
        String::from_utf8(response.body)
            .map_err(|_| Error::new(Code::InvalidData, "the $metadata of the service is not utf-8"))
    }

    pub fn count(&self, set: &str) -> Result<u64> {
        let url = format!("{}{}/$count", self.config.url, path_segment(set));
        let response = self.get(&url, "text/plain")?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        // Some services send a byte order mark.
        let digits = text.trim().trim_start_matches('\u{feff}');
        digits.parse().map_err(|_| Error::new(Code::InvalidData, format!("entity set {set}: $count is {digits:?}")))
    }

    pub fn page(&self, set: &str, url: &str) -> Result<Page> {
        // Numbers beyond a double come as strings where the service knows how.
        let response = self.get(url, "application/json;odata.metadata=minimal;IEEE754Compatible=true")?;
        let body: PageBody = serde_json::from_slice(&response.body).map_err(|error| {
            let message = format!("entity set {set}: the answer is not a page of entities");
            Error::new(Code::InvalidData, message).with_detail(error.to_string())
        })?;
        let next = body.next.map(|link| follow(&self.config.url, url, &link)).transpose()?;
        if next.as_deref() == Some(url) {
            return Err(Error::new(Code::InvalidData, format!("entity set {set}: the next page is the same page")));
        }
        Ok(Page { rows: body.value, next })
    }

    fn get(&self, url: &str, accept: &str) -> Result<Response> {
        let header = |name: &str, value: String| Header { name: name.to_owned(), value };
        let mut headers = vec![header("accept", accept.to_owned()), header("odata-maxversion", "4.01".to_owned())];
        if let Some(size) = self.config.page_size {
            headers.push(header("prefer", format!("odata.maxpagesize={size}")));
        }
        let request = Request { method: Method::Get, url: url.to_owned(), headers, body: Vec::new() };
        let response = send(&request)?;
        match response.status {
            200 => Ok(response),
            _ => Err(self.failure(url, &response)),
        }
    }

    /// A status other than success as an error that names the resource and says what the service said.
    fn failure(&self, url: &str, response: &Response) -> Error {
        let path = url.split('?').next().unwrap_or(url);
        let resource = path.strip_prefix(self.config.url.as_str()).unwrap_or(path);
        let said = said(&response.body);
        let status = response.status;
        let message = |what: &str| format!("{resource}: {what} (status {status}){said}");
        match status {
            401 => Error::new(Code::Unauthenticated, message("the service does not accept the credentials")),
            403 => Error::new(Code::PermissionDenied, message("the service does not permit this")),
            404 | 410 => Error::new(Code::SchemaChanged, message("the service has no such resource")),
            408 | 502 | 504 => Error::new(Code::SourceUnavailable, message("the service is not available")),
            429 => Error::new(Code::RateLimited, message("the service asks for fewer requests"))
                .retry_after(retry_after(response).unwrap_or(5_000)),
            503 => Error::new(Code::SourceUnavailable, message("the service is not available"))
                .retry_after(retry_after(response).unwrap_or(5_000)),
            500..=599 => Error::new(Code::SourceFailed, message("the service failed")).retry_after(1_000),
            _ => Error::new(Code::SourceFailed, message("the service refuses the request")),
        }
    }
}

/// The message of an OData error body.
fn said(body: &[u8]) -> String {
    let Ok(ErrorBody { error }) = serde_json::from_slice(body) else { return String::new() };
    let message: String = error.message.chars().take(MESSAGE_CHARS).collect();
    match (error.code.as_str(), message.as_str()) {
        (_, "") => String::new(),
        ("", message) => format!(": {message}"),
        (code, message) => format!(": {} {message}", code.chars().take(60).collect::<String>()),
    }
}

/// Seconds, in milliseconds; a date is too much to ask of a clock.
fn retry_after(response: &Response) -> Option<u64> {
    let header = response.headers.iter().find(|header| header.name == "retry-after")?;
    header.value.trim().parse::<u64>().ok()?.checked_mul(1_000)
}
