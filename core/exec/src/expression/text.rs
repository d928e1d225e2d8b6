//! Functions on strings, plain or of one language.

use super::Compiler;
use super::bounded::{Bounds, TooLong};
use super::pattern::constant_pattern;
use super::typed::{Typed, boolean_literal};
use crate::columns::{ColumnExpr, Kernel};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StringViewArray};
use arrow_schema::DataType;
use datafusion_common::Result as StreamResult;
use spargebra::algebra::{Expression, Function};
use std::fmt::Display;
use std::sync::Arc;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};

/// A string operand: its language, if it has one, and its column.
type Text<'a> = (Option<&'a str>, &'a ColumnExpr);

fn as_text(typed: &Typed) -> Option<Text<'_>> {
    match (&typed.term_type, typed.columns.as_slice()) {
        (TermType::Literal(LiteralType::String), [column]) => Some((None, column)),
        (TermType::LangString(tag), [column]) => Some((Some(tag), column)),
        _ => None,
    }
}

impl Compiler<'_> {
    /// REGEX and REPLACE with a constant pattern.
    pub(super) fn pattern_function(
        &self,
        function: &Function,
        arguments: &[Expression],
    ) -> Result<Option<Typed>, ContractError> {
        let is_regex = *function == Function::Regex;
        let flags = arguments.get(if is_regex { 2 } else { 3 });
        let Some((name, regex)) = constant_pattern(&arguments[1], flags) else {
            return Ok(None);
        };
        let text = self.value(&arguments[0])?.valued()?;
        let Some((language, column)) = as_text(&text) else {
            return Ok(None);
        };
        if is_regex {
            let matches = move |texts: &[&str]| regex.is_match(texts[0]);
            return Ok(Some(booleans(format!("regex[{name}]"), vec![column.clone()], matches)));
        }
        let replacement = self.value(&arguments[2])?.valued()?;
        let Some((None, replacement)) = as_text(&replacement) else {
            return Ok(None);
        };
        let bounds = Bounds::of(self.context);
        let columns = vec![column.clone(), replacement.clone()];
        let replace = move |texts: &[&str]| bounds.replace_all(&regex, texts[0], texts[1]);
        let column = strings(format!("replace[{name}]"), bounds, columns, replace);
        Ok(Some(Typed::string(language.map(str::to_owned), column)))
    }
}

/// `None` when the operands are not strings of known languages.
pub(super) fn function(function: &Function, arguments: &[Typed], bounds: Bounds) -> Option<Typed> {
    if *function == Function::SubStr {
        return substring(arguments, bounds);
    }
    let texts = arguments.iter().map(as_text).collect::<Option<Vec<_>>>()?;
    match (function, texts.as_slice()) {
        (Function::StrLen, [text]) => Some(length(text)),
        (Function::UCase, [text]) => Some(same_language(function, bounds, text, |text| Ok(text.to_uppercase()))),
        (Function::LCase, [text]) => Some(same_language(function, bounds, text, |text| Ok(text.to_lowercase()))),
        (Function::EncodeForUri, [(_, column)]) => {
            let encode = move |texts: &[&str]| bounds.encode_for_uri(texts[0]);
            Some(Typed::string(None, strings(function, bounds, vec![(*column).clone()], encode)))
        }
        (Function::Contains, [a, b]) => Some(compatible(function, a, b, |a, b| a.contains(b))),
        (Function::StrStarts, [a, b]) => Some(compatible(function, a, b, |a, b| a.starts_with(b))),
        (Function::StrEnds, [a, b]) => Some(compatible(function, a, b, |a, b| a.ends_with(b))),
        (Function::StrBefore, [a, b]) => part(function, bounds, a, b, |text, at, _| &text[..at]),
        (Function::StrAfter, [a, b]) => part(function, bounds, a, b, |text, at, length| &text[at + length..]),
        (Function::LangMatches, [(None, tag), (None, range)]) => {
            let columns = vec![(*tag).clone(), (*range).clone()];
            Some(booleans(function, columns, |texts| lang_matches(texts[0], texts[1])))
        }
        (Function::Concat, [(language, _), ..]) => {
            let is_shared = texts.iter().all(|(other, _)| other == language);
            let language = if is_shared { language.map(str::to_owned) } else { None };
            let columns = texts.iter().map(|(_, column)| (*column).clone()).collect();
            let concat = move |texts: &[&str]| bounds.concat(texts.iter().copied());
            Some(Typed::string(language, strings(function, bounds, columns, concat)))
        }
        _ => None,
    }
}

fn length((_, column): &Text<'_>) -> Typed {
    let apply = |columns: &[ArrayRef], _: usize| -> StreamResult<ArrayRef> {
        let lengths = columns[0].as_string_view().iter().map(|text| i64::try_from(text?.chars().count()).ok());
        Ok(Arc::new(lengths.collect::<Int64Array>()))
    };
    let column = Kernel::new("strlen", vec![(*column).clone()], DataType::Int64, apply).expr();
    Typed::literal(LiteralType::Integer, column)
}

fn same_language(
    name: impl Display,
    bounds: Bounds,
    (language, column): &Text<'_>,
    function: fn(&str) -> Result<String, TooLong>,
) -> Typed {
    let column = strings(name, bounds, vec![(*column).clone()], move |texts| function(texts[0]));
    Typed::string(language.map(str::to_owned), column)
}

/// SPARQL 17.4.3.1.2: the second argument is plain, or of the language of the first.
fn are_compatible((a, _): &Text<'_>, (b, _): &Text<'_>) -> bool {
    b.is_none() || a == b
}

fn compatible(name: &Function, a: &Text<'_>, b: &Text<'_>, function: fn(&str, &str) -> bool) -> Typed {
    if !are_compatible(a, b) {
        return Typed::boolean(boolean_literal(None));
    }
    booleans(name, vec![a.1.clone(), b.1.clone()], move |texts| function(texts[0], texts[1]))
}

/// STRBEFORE and STRAFTER of plain strings. Those of a language give a plain string when nothing is found, so their
/// type is not known.
fn part(
    name: &Function,
    bounds: Bounds,
    a: &Text<'_>,
    b: &Text<'_>,
    part: for<'a> fn(&'a str, usize, usize) -> &'a str,
) -> Option<Typed> {
    let ((None, text), (None, found)) = (a, b) else {
        return None;
    };
    let cut = move |texts: &[&str]| {
        let at = texts[0].find(texts[1]);
        Ok(at.map_or("", |at| part(texts[0], at, texts[1].len())).to_owned())
    };
    Some(Typed::string(None, strings(name, bounds, vec![(*text).clone(), (*found).clone()], cut)))
}

fn substring(arguments: &[Typed], bounds: Bounds) -> Option<Typed> {
    let (text, positions) = arguments.split_first()?;
    let (language, column) = as_text(text)?;
    let mut columns = vec![column.clone()];
    for position in positions {
        match position.as_literal() {
            Some((LiteralType::Integer, position)) => columns.push(position.clone()),
            _ => return None,
        }
    }
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let texts = columns[0].as_string_view();
        let positions: Vec<&Int64Array> = columns[1..].iter().map(|c| c.as_primitive::<Int64Type>()).collect();
        bounds.column((0..rows).map(|row| {
            if texts.is_null(row) || positions.iter().any(|p| p.is_null(row)) {
                return Ok(None);
            }
            let length = positions.get(1).map(|p| p.value(row));
            Ok(substr(texts.value(row), positions[0].value(row), length))
        }))
    };
    let column = Kernel::new("substr", columns, DataType::Utf8View, apply).expr();
    Some(Typed::string(language.map(str::to_owned), column))
}

/// The characters at positions `start` to `start + length`, counted from 1; positions outside the text are passed over.
fn substr(text: &str, start: i64, length: Option<i64>) -> Option<String> {
    let start = start.checked_sub(1)?;
    let end = match length {
        Some(length) => start.checked_add(length)?,
        None => i64::MAX,
    };
    let skip = usize::try_from(start.max(0)).ok()?;
    let take = usize::try_from(end.saturating_sub(start.max(0)).max(0)).ok()?;
    Some(text.chars().skip(skip).take(take).collect())
}

/// RFC 4647 basic filtering, as spareval does it.
fn lang_matches(tag: &str, range: &str) -> bool {
    let (tag, range) = (tag.to_ascii_lowercase(), range.to_ascii_lowercase());
    if range == "*" {
        return !tag.is_empty();
    }
    let mut subtags = tag.split('-');
    range.split('-').all(|wanted| subtags.next() == Some(wanted))
}

/// The strings of a row in which there is no null.
fn row_texts<'a>(columns: &[&'a StringViewArray], row: usize) -> Option<Vec<&'a str>> {
    columns.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect()
}

fn booleans(
    name: impl Display,
    columns: Vec<ColumnExpr>,
    function: impl Fn(&[&str]) -> bool + Send + Sync + 'static,
) -> Typed {
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let texts: Vec<&StringViewArray> = columns.iter().map(|column| column.as_string_view()).collect();
        let cell = |row| row_texts(&texts, row).map(|texts| function(&texts));
        Ok(Arc::new((0..rows).map(cell).collect::<BooleanArray>()))
    };
    Typed::boolean(Kernel::new(name.to_string(), columns, DataType::Boolean, apply).expr())
}

fn strings(
    name: impl Display,
    bounds: Bounds,
    columns: Vec<ColumnExpr>,
    function: impl Fn(&[&str]) -> Result<String, TooLong> + Send + Sync + 'static,
) -> ColumnExpr {
    let apply = move |columns: &[ArrayRef], rows: usize| -> StreamResult<ArrayRef> {
        let texts: Vec<&StringViewArray> = columns.iter().map(|column| column.as_string_view()).collect();
        bounds.column((0..rows).map(|row| {
            let text = row_texts(&texts, row).map(|texts| function(&texts));
            text.transpose().map_err(|TooLong| bounds.exceeded())
        }))
    };
    Kernel::new(name.to_string(), columns, DataType::Utf8View, apply).expr()
}
