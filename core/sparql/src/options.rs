//! What the configuration says of an endpoint, checked once.

use http::{HeaderName, HeaderValue};
use url::{Host, Url};

/// One endpoint, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    pub url: String,
    /// Whether plain `http` may leave this machine.
    pub insecure: bool,
    pub request: RequestForm,
    pub credentials: Vec<Credential>,
    /// Certificates (PEM) of authorities to trust besides the system's.
    pub trust: Option<String>,
    pub limits: EndpointLimits,
}

/// How a query is sent (SPARQL 1.1 Protocol, section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestForm {
    /// POST with URL-encoded parameters: every endpoint takes it.
    Form,
    /// POST of the query itself.
    Direct,
}

/// Limits of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointLimits {
    /// The most solutions one query ships.
    pub shipped_solutions: usize,
    /// The most bytes of the text of one query.
    pub query_bytes: usize,
    /// The most bytes of one answer, as it comes over the wire.
    pub response_bytes: u64,
}

impl Default for EndpointLimits {
    fn default() -> Self {
        Self { shipped_solutions: 1_000, query_bytes: 128 << 10, response_bytes: 256 << 20 }
    }
}

/// A header that is sent with every request. Its value cannot be printed.
#[derive(Clone, Debug)]
pub struct Credential {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

impl Credential {
    /// `value` is the whole value, such as `Bearer ...`.
    ///
    /// # Errors
    /// When this is no header, or one that belongs to the protocol.
    pub fn new(header: &str, value: &str) -> Result<Self, InvalidEndpoint> {
        let refused = || InvalidEndpoint::Header { header: header.to_owned() };
        let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| refused())?;
        let reserved =
            ["host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "traceparent"];
        if reserved.contains(&name.as_str()) {
            return Err(InvalidEndpoint::Reserved { header: header.to_owned() });
        }
        let mut value =
            HeaderValue::from_str(value).map_err(|_| InvalidEndpoint::Value { header: header.to_owned() })?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

/// An endpoint that cannot be asked as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEndpoint {
    #[error("url: {0}")]
    Url(String),
    #[error("credentials: {header:?} is not a header name")]
    Header { header: String },
    #[error("credentials: the value for {header} cannot be sent in a header")]
    Value { header: String },
    #[error("credentials: the header {header} belongs to the protocol")]
    Reserved { header: String },
    #[error("trust: no certificate can be read")]
    Trust(#[source] rustls::pki_types::pem::Error),
    #[error("trust: there is no certificate in it")]
    NoCertificate,
    #[error("the certificates of trusted authorities cannot be used")]
    Tls(#[source] rustls::Error),
    #[error("the http client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// The URL of an endpoint, when it is one that may be asked; with `insecure`, also without TLS beyond this machine.
///
/// # Errors
/// With the reason. A URL that is refused is not shown: it may hold a password.
pub fn check_url(url: &str, insecure: bool) -> Result<Url, InvalidEndpoint> {
    let refuse = |reason: &str| InvalidEndpoint::Url(reason.to_owned());
    let url = Url::parse(url).map_err(|error| InvalidEndpoint::Url(format!("it cannot be parsed: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user name or a password; use credentials"));
    }
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if insecure || is_loopback(&url) => Ok(url),
        "http" => Err(refuse("plain http leaves this machine; use https, or set insecure = true")),
        _ => Err(refuse("it begins neither with https:// nor with http://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_it_is_allowed_out() {
        let table = [
            ("https://partner.example/sparql?default-graph-uri=urn:x", true, true),
            ("http://127.0.0.1:3030/ds", true, true),
            ("http://[::1]:3030/ds", true, true),
            ("http://localhost/ds", true, true),
            ("http://partner.example/sparql", false, true),
            ("http://10.0.0.1/sparql", false, true),
            ("ftp://partner.example/", false, false),
            ("file:///etc/passwd", false, false),
            ("https://user:secret@partner.example/", false, false),
            ("https://partner.example/#x", false, false),
            ("partner.example/sparql", false, false),
        ];
        for (url, plain, insecure) in table {
            assert_eq!(check_url(url, false).is_ok(), plain, "{url}");
            assert_eq!(check_url(url, true).is_ok(), insecure, "{url}, insecure");
        }
        let error = check_url("https://user:secret@partner.example/", false).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn credentials_are_headers_and_never_shown() {
        let credential = Credential::new("authorization", "Bearer s3cret").unwrap();
        assert!(!format!("{credential:?}").contains("s3cret"));
        for (name, value) in [("a b", "x"), ("x", "a\nb"), ("Host", "x"), ("Accept", "x")] {
            let error = Credential::new(name, value).unwrap_err();
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
