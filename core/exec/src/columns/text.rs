//! The columns of a variable as text: what stands for its terms in an answer.

use super::error::{in_stream, internal};
use super::reader::{KeyReader, TermReader};
use super::written::{push_date, push_date_time, push_decimal, push_double, push_integer, push_key};
use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_buffer::NullBuffer;
use datafusion_common::Result;
use oxrdf::Literal;
use weft_model::term::{IriShape, TermType, encode, encode_iri, encode_literal};

/// A text a row: IRIs, labels and lexical forms of one kind, or encoded terms where kinds differ.
#[derive(Clone, Debug)]
pub(crate) enum TextColumn {
    /// The column is text already.
    Own(StringViewArray),
    /// Written from values.
    Written(Written),
}

#[derive(Clone, Debug)]
pub(crate) struct Written {
    text: String,
    /// Where the text of each row ends, and that of the next begins.
    ends: Vec<usize>,
    nulls: Option<NullBuffer>,
}

impl TextColumn {
    /// The text of a variable that is no constant. Fails when the columns are not those of the type.
    pub(crate) fn new(term_type: &TermType, columns: &[ArrayRef], rows: usize) -> Result<Self> {
        let nulls = columns.iter().fold(None, |nulls, column| NullBuffer::union(nulls.as_ref(), column.nulls()));
        let write = |row_bytes: usize, push: &mut dyn FnMut(usize, &mut String)| {
            Self::Written(Written::new(rows, nulls.clone(), row_bytes, push))
        };
        Ok(match TermReader::new(term_type, columns)? {
            TermReader::String(a) | TermReader::Other(_, a) | TermReader::LangString(_, a) | TermReader::General(a) => {
                Self::Own(a.clone())
            }
            TermReader::Constant(term, _) => {
                return Err(in_stream(internal(format!("{term} is a constant, which has no column of text"))));
            }
            TermReader::Iri(shape, keys) => {
                let parts: usize = shape.parts().iter().map(String::len).sum();
                write(parts + 8 * keys.len(), &mut |row, text| push_iri(shape, &keys, row, text))
            }
            TermReader::Boolean(a) => {
                write(5, &mut |row, text| text.push_str(if a.value(row) { "true" } else { "false" }))
            }
            TermReader::Integer(a) | TermReader::DerivedInteger(_, a) => {
                write(8, &mut |row, text| push_integer(a.value(row), text))
            }
            TermReader::Decimal(a) => write(12, &mut |row, text| push_decimal(a.value(row), text)),
            TermReader::Double(a) => write(20, &mut |row, text| push_double(a.value(row), text)),
            TermReader::Date(a) => write(10, &mut |row, text| push_date(a.value(row), text)),
            TermReader::DateTime(a, zoned) => write(27, &mut |row, text| push_date_time(a.value(row), zoned, text)),
        })
    }

    /// Encoded terms, for what is in no columns yet.
    pub(crate) fn encoded(terms: StringViewArray) -> Self {
        Self::Own(terms)
    }

    /// `None` where the variable is unbound.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Own(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Written(written) => written.get(row),
        }
    }

    /// The rows that are bound.
    pub(crate) fn bound(&self) -> usize {
        match self {
            Self::Own(array) => array.len() - array.null_count(),
            Self::Written(written) => written.ends.len() - written.nulls.as_ref().map_or(0, NullBuffer::null_count),
        }
    }

    /// The bytes of all texts.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Own(array) if array.null_count() == 0 => array.lengths().map(u64::from).sum(),
            Self::Own(array) => array.iter().flatten().map(|text| text.len() as u64).sum(),
            Self::Written(written) => written.text.len() as u64,
        }
    }
}

impl Written {
    /// `push` writes the text of a row whose columns are all valid; `row_bytes` is about how long it is.
    fn new(rows: usize, nulls: Option<NullBuffer>, row_bytes: usize, push: &mut dyn FnMut(usize, &mut String)) -> Self {
        let mut text = String::with_capacity(rows * row_bytes);
        let mut ends = Vec::with_capacity(rows);
        for row in 0..rows {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                push(row, &mut text);
            }
            ends.push(text.len());
        }
        Self { text, ends, nulls }
    }

    fn get(&self, row: usize) -> Option<&str> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..self.ends[row]])
    }
}

/// The terms of a variable in the general encoding.
pub(crate) fn encoded_terms(term_type: &TermType, columns: &[ArrayRef], rows: usize) -> Result<StringViewArray> {
    let text = match term_type {
        TermType::Constant(term) => {
            let term = encode(term);
            return Ok((0..rows).map(|_| Some(&term)).collect());
        }
        term_type => TextColumn::new(term_type, columns, rows)?,
    };
    let mut term = match term_type {
        TermType::Iri { .. } => encode_iri(""),
        TermType::Literal(literal) => encode_literal("", literal.datatype().as_str()),
        TermType::LangString(tag) => encode(&Literal::new_language_tagged_literal_unchecked("", tag).into()),
        TermType::Constant(_) | TermType::General => String::new(),
    };
    let before = term.len();
    if before == 0
        && let TextColumn::Own(terms) = text
    {
        return Ok(terms);
    }
    let mut terms = StringViewBuilder::with_capacity(rows);
    for row in 0..rows {
        let Some(text) = text.get(row) else {
            terms.append_null();
            continue;
        };
        term.truncate(before);
        term.push_str(text);
        terms.append_value(&term);
    }
    Ok(terms.finish())
}

fn push_iri(shape: &IriShape, keys: &[KeyReader<'_>], row: usize, text: &mut String) {
    let mut parts = shape.parts().iter();
    parts.next().into_iter().for_each(|first| text.push_str(first));
    for (key, part) in keys.iter().zip(parts) {
        match key {
            KeyReader::Int64(a) => push_integer(a.value(row), text),
            KeyReader::Text(a) => push_key(a.value(row), text),
        }
        text.push_str(part);
    }
}
