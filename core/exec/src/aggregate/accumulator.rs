//! The accumulator behind every aggregate that is not a plain count.

use super::Function;
use super::running::Running;
use super::state::{Reader, Writer, decoded};
use crate::columns::{TermReader, in_stream, internal, native_scalar};
use crate::expression::{Bounds, TooLong};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::Accumulator;
use oxrdf::Term;
use std::collections::HashSet;
use std::sync::Arc;
use weft_model::term::{TermType, encode};

pub(super) struct TermAccumulator {
    function: Function,
    inputs: Arc<[TermType]>,
    output: TermType,
    bounds: Bounds,
    /// The encoded terms, or rows, that DISTINCT has let pass.
    seen: Option<HashSet<String>>,
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
        let seen = distinct.then(HashSet::new);
        let running = Running::new(&function);
        Self { function, inputs, output, bounds, seen, seen_size: 0, running }
    }

    fn add_row(&mut self, readers: &[TermReader<'_>], row: usize) -> Result<()> {
        if self.function == Function::CountRows {
            let text = row_text(readers, row)?;
            self.running.count += i64::from(self.is_new(text));
            return Ok(());
        }
        let Some(reader) = readers.first() else {
            return Err(in_stream(internal("an aggregate has an argument")));
        };
        if self.function.is_of_numbers() && self.seen.is_none() {
            match reader.value(row)? {
                Some(number) => self.running.add_number(&number),
                None => self.add_error(),
            }
            return Ok(());
        }
        match reader.term(row)? {
            Some(term) => self.add_term(term),
            None => {
                self.add_error();
                Ok(())
            }
        }
    }

    /// Whether this passes DISTINCT.
    fn is_new(&mut self, text: String) -> bool {
        let Some(seen) = &mut self.seen else { return true };
        let size = text.len() + size_of::<String>();
        let is_new = seen.insert(text);
        self.seen_size += if is_new { size } else { 0 };
        is_new
    }

    /// COUNT and SAMPLE pass over errors (sections 18.5.1.2 and 18.5.1.8).
    fn add_error(&mut self) {
        if !matches!(self.function, Function::Sample | Function::Count) {
            self.running.fail();
        }
    }

    fn add_term(&mut self, term: Term) -> Result<()> {
        if self.running.has_failed || self.seen.is_some() && !self.is_new(encode(&term)) {
            return Ok(());
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
        if self.seen.is_none() {
            let merged = self.running.merge(&self.function, running, self.bounds);
            return merged.map_err(|TooLong| self.bounds.exceeded());
        }
        while !reader.is_at_end() {
            let text = reader.text()?;
            if self.function == Function::CountRows {
                self.running.count += i64::from(self.is_new(text.to_owned()));
            } else {
                self.add_term(decoded(text)?)?;
            }
        }
        Ok(())
    }

    fn scalar(&self, term: Term) -> Result<ScalarValue> {
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

/// What tells a row from others.
fn row_text(readers: &[TermReader<'_>], row: usize) -> Result<String> {
    let mut text = String::new();
    for reader in readers {
        match reader.encoded(row)? {
            Some(term) => text.push_str(&format!("{}:{term}", term.len())),
            None => text.push('-'),
        }
    }
    Ok(text)
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
        self.seen.iter().flatten().for_each(|text| writer.text(text));
        Ok(vec![ScalarValue::Binary(Some(writer.finish()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        states.as_binary::<i32>().iter().flatten().try_for_each(|state| self.merge(state))
    }
}
