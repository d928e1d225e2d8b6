//! The accumulator behind every aggregate that is not a plain count.

use super::Function;
use super::running::{Running, term_size};
use super::state::{Reader, Writer, decoded, encoded};
use crate::columns::{TermReader, in_stream, internal, native_scalar};
use crate::expression::{Bounds, TooLong};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::Accumulator;
use oxrdf::Term;
use spareval::ExpressionTerm;
use std::collections::HashSet;
use std::sync::Arc;
use weft_model::term::{TermType, encode};

/// What DISTINCT has let pass. As in spareval, terms where an expression is just a term, values where it is computed.
#[derive(Debug)]
enum Seen {
    Anything,
    Texts(HashSet<String>),
    Values(HashSet<ExpressionTermKey>),
}

/// A term under the equality of spareval.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ExpressionTermKey(ExpressionTerm);

impl std::fmt::Debug for ExpressionTermKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encoded(&self.0))
    }
}

pub(super) struct TermAccumulator {
    function: Function,
    inputs: Arc<[TermType]>,
    output: TermType,
    bounds: Bounds,
    seen: Seen,
    seen_size: usize,
    running: Running,
}

impl std::fmt::Debug for TermAccumulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TermAccumulator").field("function", &self.function).finish_non_exhaustive()
    }
}

impl TermAccumulator {
    pub(super) fn new(
        function: Function,
        distinct: bool,
        inputs: Arc<[TermType]>,
        output: TermType,
        bounds: Bounds,
    ) -> Self {
        let seen = match function {
            _ if !distinct => Seen::Anything,
            Function::CountRows | Function::Count { skips_errors: true } => Seen::Texts(HashSet::new()),
            _ => Seen::Values(HashSet::new()),
        };
        let running = Running::new(&function);
        Self { function, inputs, output, bounds, seen, seen_size: 0, running }
    }

    fn add_row(&mut self, readers: &[TermReader<'_>], row: usize) -> Result<()> {
        if let Seen::Texts(_) = self.seen {
            let Some(text) = self.row_text(readers, row)? else {
                return Ok(());
            };
            self.count_text(text);
            return Ok(());
        }
        let Some(reader) = readers.first() else {
            return Err(in_stream(internal("an aggregate has an argument")));
        };
        match reader.value(row)? {
            Some(term) => self.add_term(term),
            None => {
                self.add_error();
                Ok(())
            }
        }
    }

    /// What tells a row from others; `None` where it does not count.
    fn row_text(&self, readers: &[TermReader<'_>], row: usize) -> Result<Option<String>> {
        if let (Function::Count { .. }, [reader]) = (&self.function, readers) {
            return Ok(reader.encoded(row)?.map(|text| text.into_owned()));
        }
        let mut text = String::new();
        for reader in readers {
            match reader.encoded(row)? {
                Some(term) => text.push_str(&format!("{}:{term}", term.len())),
                None => text.push('-'),
            }
        }
        Ok(Some(text))
    }

    fn count_text(&mut self, text: String) {
        if let Seen::Texts(seen) = &mut self.seen {
            let size = text.len() + size_of::<String>();
            if seen.insert(text) {
                self.seen_size += size;
                self.running.count += 1;
            }
        }
    }

    fn add_error(&mut self) {
        let passes_over = matches!(self.function, Function::Sample | Function::Count { skips_errors: true });
        if !passes_over {
            self.running.fail();
        }
    }

    fn add_term(&mut self, term: ExpressionTerm) -> Result<()> {
        if self.running.has_failed {
            return Ok(());
        }
        if let Seen::Values(seen) = &mut self.seen {
            if !seen.insert(ExpressionTermKey(term.clone())) {
                return Ok(());
            }
            self.seen_size += term_size(&term);
        }
        self.running.add(&self.function, term, self.bounds).map_err(|TooLong| self.bounds.exceeded())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let mut reader = Reader(state);
        let running = reader.running()?;
        if running.has_failed {
            self.running.fail();
            return Ok(());
        }
        if let Seen::Anything = self.seen {
            let merged = self.running.merge(&self.function, running, self.bounds);
            return merged.map_err(|TooLong| self.bounds.exceeded());
        }
        while !reader.is_at_end() {
            let text = reader.text()?;
            match self.seen {
                Seen::Texts(_) => self.count_text(text.to_owned()),
                _ => self.add_term(decoded(text)?)?,
            }
        }
        Ok(())
    }

    fn scalar(&self, term: ExpressionTerm) -> Result<ScalarValue> {
        let term = Term::from(term);
        let scalar = match (&self.output, &term) {
            (TermType::General, term) => Some(ScalarValue::Utf8View(Some(encode(term)))),
            (TermType::Literal(literal), Term::Literal(term)) => native_scalar(literal, term),
            (TermType::LangString(_), Term::Literal(term)) => {
                Some(ScalarValue::Utf8View(Some(term.value().to_owned())))
            }
            _ => None,
        };
        scalar.ok_or_else(|| in_stream(internal(format!("{term} is not {}", self.output))))
    }
}

impl Accumulator for TermAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(rows) = values.first().map(|column| column.len()) else {
            return Ok(());
        };
        let inputs = self.inputs.clone();
        let mut readers = Vec::with_capacity(inputs.len());
        let mut start = 0;
        for input in inputs.iter() {
            let end = start + input.columns().len();
            let columns = values.get(start..end).ok_or_else(|| in_stream(internal("an aggregate misses columns")))?;
            readers.push(TermReader::new(input, columns)?);
            start = end;
        }
        (0..rows).try_for_each(|row| self.add_row(&readers, row))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.running.result(&self.function) {
            Some(term) => self.scalar(term),
            None => match self.output.columns().first() {
                Some(data_type) => ScalarValue::try_from(data_type),
                None => Err(in_stream(internal("an aggregate has one column"))),
            },
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.seen_size + self.running.heap_size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut writer = Writer::default();
        writer.running(&self.running);
        match &self.seen {
            Seen::Anything => {}
            Seen::Texts(seen) => seen.iter().for_each(|text| writer.text(text)),
            Seen::Values(seen) => seen.iter().for_each(|ExpressionTermKey(term)| writer.text(&encoded(term))),
        }
        Ok(vec![ScalarValue::Binary(Some(writer.finish()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        states.as_binary::<i32>().iter().flatten().try_for_each(|state| self.merge(state))
    }
}
