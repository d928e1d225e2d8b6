//! SPIFFE ids of workloads (SPIFFE-ID specification, sections 2 and 2.1 to 2.3).

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "spiffe://";
const MAX_LENGTH: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;

/// `spiffe://trust-domain/path`, with a path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    text: String,
    /// Where the path's leading slash is.
    path: usize,
}

/// Why a text is not the SPIFFE id of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpiffeId {
    #[error("a SPIFFE id starts with spiffe://")]
    Scheme,
    #[error("a SPIFFE id has at most {MAX_LENGTH} bytes")]
    TooLong,
    #[error("a trust domain has 1 to {MAX_TRUST_DOMAIN} characters out of a-z, 0-9, '.', '-' and '_'")]
    TrustDomain,
    #[error("a SPIFFE id of a workload has a path")]
    NoPath,
    #[error(
        "a path segment of a SPIFFE id has characters out of A-Z, a-z, 0-9, '.', '-' and '_', and is not '.' or '..'"
    )]
    Path,
}

impl SpiffeId {
    /// Puts an id together: `path` without its leading slash.
    pub fn new(trust_domain: &str, path: &str) -> Result<Self, InvalidSpiffeId> {
        check_trust_domain(trust_domain)?;
        format!("{SCHEME}{trust_domain}/{path}").parse()
    }

    pub fn trust_domain(&self) -> &str {
        &self.text[SCHEME.len()..self.path]
    }

    /// With its leading slash.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for SpiffeId {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidSpiffeId::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(InvalidSpiffeId::Scheme)?;
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_trust_domain(domain)?;
        if path.is_empty() {
            return Err(InvalidSpiffeId::NoPath);
        }
        if !path.split('/').all(is_segment) {
            return Err(InvalidSpiffeId::Path);
        }
        Ok(Self { text: text.to_owned(), path: SCHEME.len() + domain.len() })
    }
}

/// The characters allowed leave no room for user information, ports, queries, fragments or percent signs.
pub(crate) fn check_trust_domain(text: &str) -> Result<(), InvalidSpiffeId> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    if text.is_empty() || text.len() > MAX_TRUST_DOMAIN || !text.bytes().all(allowed) {
        return Err(InvalidSpiffeId::TrustDomain);
    }
    Ok(())
}

fn is_segment(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(allowed)
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_workload_id_has_a_trust_domain_and_a_path() {
        let id: SpiffeId = "spiffe://weft.dev/connector/erp_1".parse().unwrap();
        assert_eq!((id.trust_domain(), id.path()), ("weft.dev", "/connector/erp_1"));
        assert_eq!(SpiffeId::new("weft.dev", "connector/erp_1").unwrap(), id);
    }

    #[test]
    fn everything_else_a_uri_may_contain_is_refused() {
        for (text, error) in [
            ("https://weft.dev/a", InvalidSpiffeId::Scheme),
            ("SPIFFE://weft.dev/a", InvalidSpiffeId::Scheme),
            ("spiffe:/weft.dev/a", InvalidSpiffeId::Scheme),
            ("spiffe:///a", InvalidSpiffeId::TrustDomain),
            ("spiffe://Weft.dev/a", InvalidSpiffeId::TrustDomain),
            ("spiffe://weft.dev:443/a", InvalidSpiffeId::TrustDomain),
            ("spiffe://me@weft.dev/a", InvalidSpiffeId::TrustDomain),
            ("spiffe://weft%2edev/a", InvalidSpiffeId::TrustDomain),
            ("spiffe://weft.dev?x/a", InvalidSpiffeId::TrustDomain),
            ("spiffe://weft.dev", InvalidSpiffeId::NoPath),
            ("spiffe://weft.dev/", InvalidSpiffeId::NoPath),
            ("spiffe://weft.dev/a/", InvalidSpiffeId::Path),
            ("spiffe://weft.dev//a", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/a/../b", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/./b", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/a?x", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/a#x", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/a%41", InvalidSpiffeId::Path),
            ("spiffe://weft.dev/é", InvalidSpiffeId::Path),
        ] {
            assert_eq!(text.parse::<SpiffeId>(), Err(error), "{text}");
        }
        let long = format!("spiffe://weft.dev/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(long.parse::<SpiffeId>(), Err(InvalidSpiffeId::TooLong));
        assert!(SpiffeId::new("weft.dev/x", "a").is_err());
    }
}
