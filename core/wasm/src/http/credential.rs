//! Secrets the host adds to requests.

use std::fmt;

/// Text that cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A header the host adds to every request below a prefix. The guest neither sees nor sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// One of the allowed prefixes. May be left out when there is only one.
    pub prefix: Option<String>,
    /// The header's name, such as `authorization`.
    pub header: String,
    /// The header's whole value, such as `Bearer ...`.
    pub value: Secret,
}
