//! The requests of one call.

use super::address::AddressRefused;
use super::grant::{Denial, HttpAccess};
use super::headers::{across_origins, request_headers, response_headers};
use http::{HeaderMap, Method, StatusCode, header};
use std::error::Error;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

const MAX_REDIRECTS: u32 = 3;

/// Whether a call may touch the system at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    Allowed,
    /// The call only explains.
    Explain,
}

/// Sends a guest's requests and keeps count of them.
#[derive(Debug)]
pub(crate) struct HttpSession {
    access: Arc<HttpAccess>,
    source: Arc<str>,
    contact: Contact,
    deadline: Instant,
    traceparent: Option<String>,
    /// `METHOD URL` of everything that was sent.
    statements: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why a request has no response. Messages are for the guest and may be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("{0}")]
    NotGranted(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Untrusted(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    Limit(String),
}

impl HttpSession {
    pub(crate) fn new(
        access: Arc<HttpAccess>,
        source: Arc<str>,
        contact: Contact,
        deadline: Instant,
        traceparent: Option<String>,
    ) -> Self {
        Self { access, source, contact, deadline, traceparent, statements: Vec::new() }
    }

    pub(crate) fn statements(&self) -> &[String] {
        &self.statements
    }

    pub(crate) async fn send(&mut self, request: Request) -> Result<Response, RequestError> {
        if self.contact == Contact::Explain {
            return Err(RequestError::NotGranted("explaining a scan does not touch the system".to_owned()));
        }
        let limit = self.access.limits.max_request_bytes;
        if request.body.len() > limit {
            let bytes = request.body.len();
            return Err(self.limit(format!("the body has {bytes} bytes, {limit} are allowed"), "max_request_bytes"));
        }
        let headers = request_headers(request.headers, &self.access.injected_names()).map_err(RequestError::Invalid)?;
        let until = self.deadline.min(Instant::now() + self.access.limits.timeout);
        let exchange = self.exchange(request.method, request.url, headers, request.body);
        match tokio::time::timeout_at(until, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(RequestError::TimedOut("the system did not answer in time".to_owned())),
        }
    }

    /// Sends one request and follows its redirects.
    async fn exchange(
        &mut self,
        method: Method,
        url: String,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, RequestError> {
        let mut url = self.check(&url, None)?;
        let mut headers = headers;
        let mut with_credentials = true;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&method, &url, &headers, &body, with_credentials).await?;
            let Some(target) = redirect_target(&response, &url)? else { return self.read(response).await };
            if method != Method::GET {
                return Err(RequestError::Unavailable(format!("{} redirects a {method}", place(&url))));
            }
            let target = self.check(&target, Some(&url))?;
            let from = std::mem::replace(&mut url, target);
            if from.origin() != url.origin() {
                // What was meant for one system is not told to another, not even on the way back.
                with_credentials = false;
                headers = across_origins(&headers);
            }
        }
        Err(RequestError::Unavailable(format!("{} redirects more than {MAX_REDIRECTS} times", place(&url))))
    }

    fn check(&self, url: &str, redirected_from: Option<&Url>) -> Result<Url, RequestError> {
        let limit = self.access.limits.max_url_bytes;
        if url.len() > limit {
            return Err(self.limit(format!("a url of {} bytes, {limit} are allowed", url.len()), "max_url_bytes"));
        }
        self.access.check(url).map_err(|denial| match denial {
            Denial::Malformed(reason) => RequestError::Invalid(reason),
            Denial::NotAllowed(target) => {
                let redirect = redirected_from.map(|url| format!("{} redirects to ", place(url))).unwrap_or_default();
                RequestError::NotGranted(format!(
                    "{redirect}{} is not allowed by the configuration; sources.{}.wasm.http.allow would grant it",
                    place(&target),
                    self.source
                ))
            }
            Denial::Address(refused) => self.address_refused(&refused),
        })
    }

    fn address_refused(&self, refused: &AddressRefused) -> RequestError {
        let line = format!("sources.{}.wasm.http.allow_private", self.source);
        RequestError::NotGranted(match refused.grantable {
            true => format!("{refused}; {line} = true would grant it"),
            false => format!("{refused}, and none that can be granted"),
        })
    }

    fn limit(&self, message: String, key: &str) -> RequestError {
        RequestError::Limit(format!("{message} by sources.{}.wasm.http.{key}", self.source))
    }

    async fn send_once(
        &mut self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
        with_credentials: bool,
    ) -> Result<reqwest::Response, RequestError> {
        let limit = self.access.limits.max_requests;
        if u32::try_from(self.statements.len()).is_ok_and(|sent| sent >= limit) {
            return Err(self.limit(format!("more than the {limit} requests one call is allowed"), "max_requests"));
        }
        self.statements.push(format!("{method} {url}"));
        let mut request = self.access.client.request(method.clone(), url.clone()).headers(headers.clone());
        if with_credentials {
            for (name, value) in self.access.injected(url) {
                request = request.header(name, value);
            }
        }
        if let Some(traceparent) = &self.traceparent {
            request = request.header("traceparent", traceparent);
        }
        if method != Method::GET {
            request = request.body(body.to_vec());
        }
        request.send().await.map_err(|error| self.failure(url, error))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, RequestError> {
        let limit = self.access.limits.max_response_bytes;
        let url = response.url().clone();
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|value| value != "identity") {
            // Not asked for; and what is not unpacked here cannot grow beyond its limit.
            return Err(RequestError::Unavailable(format!("{} sends a compressed body unasked", place(&url))));
        }
        let too_long = || {
            let message = format!("{} answers with more than the {limit} bytes that are allowed", place(&url));
            self.limit(message, "max_response_bytes")
        };
        let announced = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        if announced > limit {
            return Err(too_long());
        }
        let mut body = Vec::with_capacity(announced.min(1 << 20));
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&url, error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: response.status().as_u16(), headers: response_headers(response.headers()), body })
    }

    /// Finds the cause that matters in reqwest's chain of errors.
    fn failure(&self, url: &Url, error: reqwest::Error) -> RequestError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        let mut last = String::new();
        while let Some(found) = cause {
            if let Some(refused) = found.downcast_ref::<AddressRefused>() {
                return self.address_refused(refused);
            }
            if let Some(tls) = inner_tls(found) {
                return RequestError::Untrusted(format!("{}: {tls}", place(url)));
            }
            last = found.to_string();
            cause = found.source();
        }
        RequestError::Unavailable(format!("{} cannot be reached: {last}", place(url)))
    }
}

/// An I/O error keeps the TLS error inside, not as its source.
fn inner_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref())
}

fn redirect_target(response: &reqwest::Response, url: &Url) -> Result<Option<String>, RequestError> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| url.join(location).ok());
    match target {
        Some(target) => Ok(Some(target.into())),
        None => Err(RequestError::Unavailable(format!("{} redirects to nowhere", place(url)))),
    }
}

/// A URL without its query, which may hold values that are nobody else's business, and without user and password.
fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}
