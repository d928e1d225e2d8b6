//! Strings that grow, within bounds.
//!
//! A short query can ask for a string of any length (`REPLACE` in `REPLACE`), so the functions that lengthen a string
//! check while they build it.

use super::ExpressionContext;
use crate::columns::{in_stream, limit_exceeded};
use crate::deadline::in_time;
use arrow_array::{ArrayRef, StringViewArray};
use datafusion_common::Result;
use regex::Regex;
use std::sync::Arc;

/// The most bytes of one computed string, and of all in one column of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) value: usize,
    column: usize,
}

/// A string would be longer than allowed.
#[derive(Debug)]
pub(crate) struct TooLong;

impl Bounds {
    pub(crate) fn of(context: &ExpressionContext) -> Self {
        Self { value: context.max_value_bytes, column: context.max_column_bytes }
    }

    /// Fails the query.
    pub(crate) fn exceeded(self) -> datafusion_common::DataFusionError {
        in_stream(limit_exceeded("a computed string", self.value))
    }

    /// A column of computed strings.
    pub(crate) fn column(self, texts: impl Iterator<Item = Result<Option<String>>>) -> Result<ArrayRef> {
        let mut total = 0_usize;
        let counted = texts.map(|text| {
            in_time()?;
            let text = text?;
            let length = text.as_ref().map_or(0, String::len);
            total = total.saturating_add(length);
            if length > self.value {
                return Err(self.exceeded());
            }
            if total > self.column {
                return Err(in_stream(limit_exceeded("a column of computed strings", self.column)));
            }
            Ok(text)
        });
        Ok(Arc::new(counted.collect::<Result<StringViewArray>>()?))
    }

    pub(super) fn concat<'a>(self, parts: impl IntoIterator<Item = &'a str>) -> Result<String, TooLong> {
        let mut text = String::new();
        for part in parts {
            self.push(&mut text, part)?;
        }
        Ok(text)
    }

    pub(crate) fn push(self, text: &mut String, part: &str) -> Result<(), TooLong> {
        if text.len().saturating_add(part.len()) > self.value {
            return Err(TooLong);
        }
        text.push_str(part);
        Ok(())
    }

    /// `Regex::replace_all`.
    pub(super) fn replace_all(self, regex: &Regex, text: &str, replacement: &str) -> Result<String, TooLong> {
        // A reference in the replacement gives at most the whole match; what one match may give is looked at before it
        // is built, with some room because this is not exact.
        const ROOM: usize = 16;
        let references = replacement.bytes().filter(|byte| *byte == b'$').count();
        let mut result = String::new();
        let mut end = 0;
        for captures in regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            self.push(&mut result, &text[end..whole.start()])?;
            let most = whole.len().saturating_mul(references).saturating_add(replacement.len());
            if most > self.value.saturating_mul(ROOM) {
                return Err(TooLong);
            }
            captures.expand(replacement, &mut result);
            if result.len() > self.value {
                return Err(TooLong);
            }
            end = whole.end();
        }
        self.push(&mut result, &text[end..])?;
        Ok(result)
    }

    pub(super) fn encode_for_uri(self, text: &str) -> Result<String, TooLong> {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut result = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                result.push(char::from(byte));
            } else {
                result.push('%');
                result.push(char::from(HEX[usize::from(byte >> 4)]));
                result.push(char::from(HEX[usize::from(byte & 15)]));
            }
            if result.len() > self.value {
                return Err(TooLong);
            }
        }
        Ok(result)
    }
}
