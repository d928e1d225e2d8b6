//! Which headers cross the border, and how many.

use http::{HeaderMap, HeaderName, HeaderValue};

const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Headers that name the target, carry identity, frame the message, or say where it came from: the host's business.
fn is_reserved(name: &str) -> bool {
    let reserved = [
        "host",
        "authorization",
        "cookie",
        "cookie2",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "expect",
        "via",
        "forwarded",
        "origin",
        "referer",
        "accept-encoding",
        "traceparent",
        "tracestate",
        "baggage",
    ];
    reserved.contains(&name) || ["proxy-", "x-forwarded-", "sec-"].iter().any(|prefix| name.starts_with(prefix))
}

/// Checks what a guest sets. Errors name the header.
pub(super) fn request_headers(headers: Vec<(String, String)>, injected: &[&HeaderName]) -> Result<HeaderMap, String> {
    if headers.len() > MAX_HEADERS {
        return Err(format!("{} headers, {MAX_HEADERS} are allowed", headers.len()));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(format!("{bytes} bytes of headers, {MAX_HEADER_BYTES} are allowed"));
    }
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let shown: String = name.chars().take(60).collect();
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{shown:?} is not a header name"))?;
        if is_reserved(name.as_str()) || injected.contains(&&name) {
            return Err(format!("a guest cannot set the header {name}"));
        }
        let value = HeaderValue::from_str(&value).map_err(|_| format!("the header {name} has an invalid value"))?;
        map.append(name, value);
    }
    Ok(map)
}

/// The headers that follow a redirect to another origin: those that say which form of answer is wanted.
pub(super) fn across_origins(headers: &HeaderMap) -> HeaderMap {
    let kept = ["accept", "accept-language", "odata-version", "odata-maxversion"];
    let kept = headers.iter().filter(|(name, _)| kept.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What a guest is told: nothing that sets or asks for credentials, and text only.
pub(super) fn response_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let told = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        !(name.starts_with("set-cookie") || name == "www-authenticate" || name.starts_with("proxy-"))
    });
    let mut left = MAX_HEADER_BYTES;
    told.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        left = left.checked_sub(name.as_str().len() + value.len())?;
        Some((name.as_str().to_owned(), value.to_owned()))
    })
    .take(4 * MAX_HEADERS)
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_guest_sets_no_header_of_the_host() {
        let injected = HeaderName::from_static("x-api-key");
        let try_one = |name: &str, value: &str| request_headers(vec![(name.into(), value.into())], &[&injected]);
        for name in
            ["Host", "AUTHORIZATION", "cookie", "Proxy-Authorization", "Content-Length", "X-API-Key", "traceparent"]
        {
            assert!(try_one(name, "x").is_err(), "{name}");
        }
        assert!(try_one("accept", "a\r\nhost: b").is_err());
        assert!(try_one("bad name", "x").is_err());
        assert_eq!(try_one("Accept", "application/json").unwrap().len(), 1);
        assert!(request_headers(vec![("a".into(), "b".into()); 33], &[]).is_err());
        assert!(request_headers(vec![("a".into(), "b".repeat(20_000))], &[]).is_err());
    }

    #[test]
    fn a_guest_hears_nothing_of_credentials() {
        let mut headers = HeaderMap::new();
        for name in ["set-cookie", "www-authenticate", "proxy-authenticate", "etag"] {
            headers.append(name, HeaderValue::from_static("x"));
        }
        assert_eq!(response_headers(&headers), [("etag".to_owned(), "x".to_owned())]);
    }
}
