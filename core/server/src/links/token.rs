//! Who may see and change links.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::fmt;
use subtle::ConstantTimeEq;

/// The names of people and programs, and the secrets they show. None: nobody.
#[derive(Clone, Default)]
pub struct LinkTokens(Vec<(String, Box<[u8]>)>);

impl LinkTokens {
    /// Adds a secret. An empty one would be shown by anybody, and is not taken.
    pub fn add(&mut self, name: &str, secret: &str) {
        if !secret.is_empty() {
            self.0.push((name.to_owned(), secret.as_bytes().into()));
        }
    }

    /// The name of whoever shows one of the secrets. All are compared, whichever fits, each in a time that does not depend on
    /// how much of it does.
    pub(crate) fn who(&self, headers: &HeaderMap) -> Option<&str> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, shown) = value.as_bytes().split_at_checked(7)?;
        let shown = shown.trim_ascii();
        if !scheme.eq_ignore_ascii_case(b"Bearer ") || shown.is_empty() {
            return None;
        }
        let mut found = None;
        for (name, secret) in &self.0 {
            if bool::from(secret.as_ref().ct_eq(shown)) {
                found = Some(name.as_str());
            }
        }
        found
    }
}

impl fmt::Debug for LinkTokens {
    /// Never the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn who<'a>(tokens: &'a LinkTokens, values: &[&str]) -> Option<&'a str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        tokens.who(&headers)
    }

    #[test]
    fn only_a_whole_secret_says_who_it_is() {
        let mut tokens = LinkTokens::default();
        tokens.add("ann", "s3cret");
        tokens.add("bob", "other");
        tokens.add("nobody", "");
        assert_eq!(who(&tokens, &["Bearer s3cret"]), Some("ann"));
        assert_eq!(who(&tokens, &["bearer  other"]), Some("bob"));
        for wrong in ["Bearer s3cre", "Bearer s3cret2", "Bearer ", "Bearer", "Basic s3cret", "s3cret", ""] {
            assert_eq!(who(&tokens, &[wrong]), None, "{wrong}");
        }
        assert_eq!(who(&tokens, &["Bearer s3cret", "Bearer other"]), None);
        assert_eq!(who(&LinkTokens::default(), &["Bearer s3cret"]), None);
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }
}
