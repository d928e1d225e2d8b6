//! What the configuration grants, checked once, and the decision about each URL.

use super::address::{AddressRefused, CheckedResolver, check_address};
use super::credential::Credential;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// The configuration of the HTTP capability of one source (`sources.NAME.wasm.http`).
#[derive(Clone, Debug)]
pub struct HttpGrant {
    /// URL prefixes, `scheme://host[:port]/path/`. A URL is allowed when scheme, host and port are the same and its
    /// path is the prefix or lies below it.
    pub allow: Vec<String>,
    /// Whether the allowed hosts may be this machine or in private networks. Link-local addresses never are.
    pub allow_private: bool,
    pub credentials: Vec<Credential>,
    /// Certificates (PEM) of authorities to trust besides the system's.
    pub trust: Option<String>,
    /// The most bytes of one response body.
    pub max_response_bytes: usize,
    /// The most bytes of one request body.
    pub max_request_bytes: usize,
    /// The most bytes of one URL.
    pub max_url_bytes: usize,
    /// The most requests of one call, redirects included.
    pub max_requests: u32,
    /// The longest one request may take.
    pub timeout: Duration,
}

impl Default for HttpGrant {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            allow_private: false,
            credentials: Vec::new(),
            trust: None,
            max_response_bytes: 16 << 20,
            max_request_bytes: 1 << 20,
            max_url_bytes: 16 << 10,
            max_requests: 1_000,
            timeout: Duration::from_secs(30),
        }
    }
}

/// A grant that cannot be granted. The fields are those of `sources.NAME.wasm.http`.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGrant {
    #[error("allow: {prefix:?} is not a url prefix: {reason}")]
    Prefix { prefix: String, reason: String },
    #[error("credentials: {header:?} is not a header name")]
    Header { header: String },
    #[error("credentials: the value for {header} cannot be sent in a header")]
    Value { header: String },
    #[error("credentials: the header {header} belongs to the transport")]
    Reserved { header: String },
    #[error("credentials: {header} needs a prefix, because several are allowed")]
    Ambiguous { header: String },
    #[error("credentials: the prefix {prefix:?} is not one of those allowed")]
    Elsewhere { prefix: String },
    #[error("trust: no certificate can be read")]
    Trust(#[source] rustls::pki_types::pem::Error),
    #[error("trust: there is no certificate in it")]
    NoCertificate,
    #[error("the certificates of trusted authorities cannot be used")]
    Tls(#[source] rustls::Error),
    #[error("the http client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Scheme, host and port, and the path below which everything is allowed.
#[derive(Clone, Debug)]
struct Prefix {
    url: Url,
}

/// A grant that was checked, with a client that enforces its addresses.
pub(crate) struct HttpAccess {
    prefixes: Vec<Prefix>,
    credentials: Vec<(Prefix, HeaderName, HeaderValue)>,
    pub(super) client: reqwest::Client,
    pub(super) limits: HttpGrant,
}

impl std::fmt::Debug for HttpAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpAccess").field("prefixes", &self.prefixes).finish_non_exhaustive()
    }
}

/// Why a URL is not requested.
#[derive(Debug)]
pub(super) enum Denial {
    Malformed(String),
    NotAllowed(Url),
    Address(AddressRefused),
}

impl HttpAccess {
    pub(crate) fn new(grant: &HttpGrant) -> Result<Self, InvalidGrant> {
        let prefixes = grant.allow.iter().map(|text| Prefix::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let credentials = grant.credentials.iter().map(|c| credential(c, &prefixes)).collect::<Result<_, _>>()?;
        let client = client(grant, prefixes.iter().any(|prefix| prefix.url.scheme() == "https"))?;
        let limits = HttpGrant { credentials: Vec::new(), trust: None, ..grant.clone() };
        Ok(Self { prefixes, credentials, client, limits })
    }

    /// Parses a URL and decides about it. Names are resolved, and their addresses checked, when they are connected to.
    pub(super) fn check(&self, text: &str) -> Result<Url, Denial> {
        // Characters that parsers disagree about: a URL that needs them must encode them.
        if let Some(c) = text.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
            return Err(Denial::Malformed(format!("the url holds the character {c:?}, which must be encoded")));
        }
        let mut url = Url::parse(text).map_err(|e| Denial::Malformed(format!("the url cannot be parsed: {e}")))?;
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denial::Malformed("the url holds a user name or a password".to_owned()));
        }
        if hides_dot_segments(url.path()) {
            return Err(Denial::Malformed("the path of the url holds an encoded dot segment".to_owned()));
        }
        if !self.prefixes.iter().any(|prefix| prefix.covers(&url)) {
            return Err(Denial::NotAllowed(url));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(v4.into()),
            Some(Host::Ipv6(v6)) => Some(v6.into()),
            _ => None,
        };
        if let Some(address) = literal {
            check_address(url.host_str().unwrap_or_default(), address, self.limits.allow_private)
                .map_err(Denial::Address)?;
        }
        Ok(url)
    }

    pub(super) fn injected_names(&self) -> Vec<&HeaderName> {
        self.credentials.iter().map(|(_, name, _)| name).collect()
    }

    /// The credentials for a URL: those of the prefixes it lies below.
    pub(super) fn injected(&self, url: &Url) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let url = url.clone();
        self.credentials.iter().filter(move |(p, _, _)| p.covers(&url)).map(|(_, name, value)| (name, value))
    }
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, InvalidGrant> {
        let refuse = |reason: &str| InvalidGrant::Prefix { prefix: without_userinfo(text), reason: reason.to_owned() };
        let url = Url::parse(text).map_err(|e| refuse(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("the scheme is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name or a password; use credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a query or a fragment"));
        }
        if text.contains(['*', '\\']) || hides_dot_segments(url.path()) {
            return Err(refuse("wildcards, backslashes and dot segments are not allowed"));
        }
        Ok(Self { url })
    }

    fn covers(&self, url: &Url) -> bool {
        let same_origin = self.url.scheme() == url.scheme()
            && self.url.host() == url.host()
            && self.url.port_or_known_default() == url.port_or_known_default();
        let Some(rest) = url.path().strip_prefix(self.url.path()) else { return false };
        same_origin && (self.url.path().ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    }
}

/// The prefix as it may be shown.
fn without_userinfo(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://...{}", &text[..scheme], &text[at..]),
        _ => text.to_owned(),
    }
}

/// Whether a server that decodes more than it should would climb up: `..` behind encoded slashes, or encoded twice.
/// The parser has already resolved plain dot segments, `%2e` included.
fn hides_dot_segments(path: &str) -> bool {
    let mut text = path.to_owned();
    for _ in 0..4 {
        if text.split(['/', '\\']).any(|segment| matches!(segment, "." | "..")) {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    // Encoded more often than anyone needs.
    true
}

fn credential(credential: &Credential, prefixes: &[Prefix]) -> Result<(Prefix, HeaderName, HeaderValue), InvalidGrant> {
    let header = credential.header.clone();
    let name =
        HeaderName::from_bytes(header.as_bytes()).map_err(|_| InvalidGrant::Header { header: header.clone() })?;
    if matches!(name.as_str(), "host" | "content-length" | "transfer-encoding" | "connection") {
        return Err(InvalidGrant::Reserved { header });
    }
    let mut value =
        HeaderValue::from_str(credential.value.expose()).map_err(|_| InvalidGrant::Value { header: header.clone() })?;
    value.set_sensitive(true);
    let prefix = match (&credential.prefix, prefixes) {
        (None, [only]) => only.clone(),
        (None, _) => return Err(InvalidGrant::Ambiguous { header }),
        (Some(text), _) => {
            let prefix = Prefix::parse(text)?;
            if !prefixes.iter().any(|allowed| allowed.covers(&prefix.url)) {
                return Err(InvalidGrant::Elsewhere { prefix: text.clone() });
            }
            prefix
        }
    };
    Ok((prefix, name, value))
}

fn client(grant: &HttpGrant, https: bool) -> Result<reqwest::Client, InvalidGrant> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(grant, https)?)
        .dns_resolver(CheckedResolver::shared(grant.allow_private))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(grant.timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(InvalidGrant::Client)
}

fn tls(grant: &HttpGrant, https: bool) -> Result<ClientConfig, InvalidGrant> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(InvalidGrant::Tls)?;
    if !https {
        // No allowed URL needs it, and the machine may have no certificates at all.
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    let pem = grant.trust.as_deref().unwrap_or_default();
    let extra =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(InvalidGrant::Trust)?;
    if extra.is_empty() && grant.trust.is_some() {
        return Err(InvalidGrant::NoCertificate);
    }
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(InvalidGrant::Tls)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

#[cfg(test)]
mod tests;
