//! Where clients find this server, for the IRIs it writes about itself.

use crate::{Problem, ServerOptions};
use http::header::HOST;
use http::request::Parts;
use url::Url;

/// The configured address, or else the one the client used. Ends with a slash.
pub(crate) fn public_url(parts: &Parts, options: &ServerOptions) -> Result<Url, Problem> {
    if let Some(url) = &options.public_url {
        return Ok(url.clone());
    }
    let header = || parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let Some(host) = parts.uri.authority().map(|authority| authority.as_str()).or_else(header) else {
        return Err(Problem::invalid_request("the request does not say which host it is for (header Host)"));
    };
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'));
    let url = plain.then(|| Url::parse(&format!("http://{host}/")).ok()).flatten();
    url.ok_or_else(|| Problem::invalid_request("the host the request is for (header Host) is none"))
}
