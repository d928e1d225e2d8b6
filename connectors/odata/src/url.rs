//! Building request URLs, and following links.

use weft_guest::{Code, Error, Result};

/// Percent-encodes for a query (RFC 3986 section 3.4), leaving what OData's own syntax is made of. The apostrophe is
/// encoded because the host's URL parser would do so (WHATWG URL, special-query percent-encode set).
pub fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$()*,:@/".contains(&byte);
        if is_plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    encode(text, &mut out);
    out
}

/// A name as a segment of the path.
pub fn path_segment(name: &str) -> String {
    encoded(name).replace('/', "%2F")
}

/// Where a `@odata.nextLink` leads, which must be below the configured service root.
pub fn follow(root: &str, from: &str, link: &str) -> Result<String> {
    let first = link.split(['/', '?', '(']).next().unwrap_or_default();
    let target = if first.contains(':') {
        link.to_owned()
    } else if link.starts_with("//") {
        format!("{}:{link}", root.split(':').next().unwrap_or_default())
    } else if link.starts_with('/') {
        format!("{}{link}", origin(root))
    } else {
        let path = from.split('?').next().unwrap_or(from);
        let folder = path.rfind('/').map_or(path, |slash| path.split_at(slash + 1).0);
        match link.starts_with('?') {
            true => format!("{path}{link}"),
            false => format!("{folder}{link}"),
        }
    };
    let is_below = target.strip_prefix(root).is_some_and(|rest| {
        let path = rest.split('?').next().unwrap_or(rest);
        !path.split('/').any(|segment| matches!(segment.to_lowercase().as_str(), "." | ".." | "%2e" | "%2e%2e"))
    });
    if !is_below || target.contains(['\\', ' ']) || target.chars().any(char::is_control) {
        let shown = target.split('?').next().unwrap_or_default();
        let message =
            format!("the next page of {} is said to be at {shown}, outside the service", from_path(root, from));
        return Err(Error::new(Code::InvalidData, message));
    }
    Ok(target)
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

fn from_path<'a>(root: &str, url: &'a str) -> &'a str {
    let path = url.split('?').next().unwrap_or(url);
    path.strip_prefix(root).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place_in_the_query() {
        assert_eq!(encoded("a&b=c#d+e%f g\"é'"), "a%26b%3Dc%23d%2Be%25f%20g%22%C3%A9%27");
        assert_eq!(path_segment("A/B"), "A%2FB");
    }

    #[test]
    fn links_are_followed_inside_the_service_only() {
        let root = "http://h:1/odata/";
        let from = "http://h:1/odata/Parts?$top=1";
        for (link, target) in [
            ("Parts?$skiptoken=2", "http://h:1/odata/Parts?$skiptoken=2"),
            ("?$skiptoken=2", "http://h:1/odata/Parts?$skiptoken=2"),
            ("/odata/Parts?$skiptoken=2", "http://h:1/odata/Parts?$skiptoken=2"),
            ("http://h:1/odata/Parts?$skiptoken='..'", "http://h:1/odata/Parts?$skiptoken='..'"),
        ] {
            assert_eq!(follow(root, from, link).unwrap(), target);
        }
        for link in [
            "http://evil/odata/Parts",
            "http://h:1/other",
            "/other",
            "//evil/odata/Parts",
            "../secret",
            "%2e%2E/secret",
            "http://h:1/odata/../secret",
            "http://h:1@evil/odata/",
            "ftp://h:1/odata/",
            "a\\b",
        ] {
            assert!(follow(root, from, link).is_err(), "{link}: {:?}", follow(root, from, link));
        }
    }
}
