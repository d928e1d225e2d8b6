//! The lines of keys.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where the keys of a file are.
pub(super) struct Places<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Places<'a> {
    /// Parses the file, or says on which line it is not TOML.
    pub(super) fn parse(text: &'a str) -> Result<Self, (Option<usize>, String)> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root }),
            Err(error) => {
                let line = error.span().map(|span| line_at(text, &span));
                Err((line, error.message().replace('\n', "; ")))
            }
        }
    }

    /// The line of a key such as `sources.erp.limits`; list indexes (`[1]`) give the line of the list.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut rest = path;
        let mut table = Some(self.root.get_ref());
        let mut found = None;
        while !rest.is_empty() {
            // A quoted key may have dots of its own.
            let begun =
                |key: &str| rest.strip_prefix(key).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            let mut keys = table?.iter().filter_map(|(key, value)| Some((key, value, begun(key.get_ref())?)));
            let (key, value, after) = keys.next()?;
            found = Some(key.span());
            rest = after.trim_start_matches(|c| c != '.').trim_start_matches('.');
            table = match value.get_ref() {
                DeValue::Table(inner) => Some(inner),
                _ => None,
            };
        }
        found.map(|span| line_at(self.text, &span))
    }
}

fn line_at(text: &str, span: &Range<usize>) -> usize {
    let start = span.start.min(text.len());
    text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1
}
