//! What an accumulator knows, as bytes: for partial aggregation and for spilling.

use super::running::Running;
use crate::columns::{in_stream, internal};
use datafusion_common::{DataFusionError, Result};
use oxrdf::Term;
use weft_model::term::{decode, encode};
use weft_plan::{term_of, value_of};

/// A list of texts, each after its length.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// An absent text is one of a length that none has.
    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.extend_from_slice(&u64::MAX.to_le_bytes()),
        }
    }

    pub(super) fn running(&mut self, running: &Running) {
        self.text(if running.has_failed { "1" } else { "0" });
        self.text(&running.count.to_string());
        self.optional(running.number.clone().map(|number| encode(&term_of(number))).as_deref());
        self.optional(running.term.as_ref().map(encode).as_deref());
        self.optional(running.joined.as_deref());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

pub(super) fn decoded(text: &str) -> Result<Term> {
    decode(text).map_err(|_| damaged())
}

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        self.optional()?.ok_or_else(damaged)
    }

    fn optional(&mut self) -> Result<Option<&'a str>> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        let length = u64::from_le_bytes(*length);
        self.0 = rest;
        if length == u64::MAX {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        std::str::from_utf8(text).map(Some).map_err(|_| damaged())
    }

    pub(super) fn running(&mut self) -> Result<Running> {
        let has_failed = self.text()? == "1";
        let count = self.text()?.parse().map_err(|_| damaged())?;
        let number = self.optional()?.map(decoded).transpose()?.map(|term| value_of(&term));
        let term = self.optional()?.map(decoded).transpose()?;
        let joined = self.optional()?.map(str::to_owned);
        Ok(Running { has_failed, count, number, term, joined })
    }
}

fn damaged() -> DataFusionError {
    in_stream(internal("the state of an aggregate is damaged"))
}
