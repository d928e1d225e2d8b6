//! Terms that are computed from values: normalised ones, codes, numbers in other units.

use super::error::internal;
use super::source::Source;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, StringViewArray};
use std::sync::Arc;
use weft_mapping::{CodeList, NormalisedValue};
use weft_model::contract::{ContractError, DataType, Value};
use weft_model::term::encode_iri;
use weft_plan::KeyCodes;

/// The columns with the values that have a normaliser normalised, and how many rows have one that does not match: these are
/// null there. A row with a null is not looked at.
pub(super) fn normalised(
    inputs: &[ArrayRef],
    values: &[Option<NormalisedValue>],
) -> Result<(Vec<ArrayRef>, u64), ContractError> {
    if inputs.len() != values.len() {
        return Err(internal("a normaliser for another number of columns"));
    }
    let sources = inputs.iter().map(Source::new).collect::<Result<Vec<_>, _>>()?;
    let rows = inputs.first().map_or(0, |input| input.len());
    let is_complete = |row: usize| inputs.iter().all(|input| input.is_valid(row));
    let mut unmatched = vec![false; rows];
    let mut columns = Vec::with_capacity(inputs.len());
    for ((input, source), value) in inputs.iter().zip(&sources).zip(values) {
        let Some(value) = value else {
            columns.push(input.clone());
            continue;
        };
        let mut normalised = |row: usize| {
            let text = if is_complete(row) { Some(source.lexical(row)) } else { None }?;
            let found = value.apply(&text).map(|value| value.into_owned());
            unmatched[row] |= found.is_none();
            found
        };
        let column: StringViewArray = (0..rows).map(&mut normalised).collect();
        columns.push(Arc::new(column) as ArrayRef);
    }
    Ok((columns, unmatched.iter().filter(|unmatched| **unmatched).count() as u64))
}

/// The IRIs that the codes of a column stand for, encoded, and how many codes stand for nothing: these are null.
pub(super) fn coded(input: &ArrayRef, list: &CodeList) -> Result<(ArrayRef, u64), ContractError> {
    let source = Source::new(input)?;
    let mut unmatched = 0;
    let mut iri = |row: usize| {
        let code = if input.is_valid(row) { Some(source.lexical(row)) } else { None }?;
        let iri = list.iri(&code).map(|iri| encode_iri(&iri));
        unmatched += u64::from(iri.is_none());
        iri
    };
    let column: StringViewArray = (0..input.len()).map(&mut iri).collect();
    Ok((Arc::new(column), unmatched))
}

/// A decimal number in the words of XML Schema, with or without exponent, as an unscaled number and its places.
pub(super) fn number(text: &str) -> Option<(i128, u8)> {
    const MOST_PLACES: i32 = 38;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() + fraction.len() == 0 || !is_number(digits) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut unscaled: i128 = format!("{digits}{fraction}").parse().ok()?;
    if whole.starts_with('-') {
        unscaled = -unscaled;
    }
    if unscaled == 0 {
        return Some((0, 0));
    }
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if scale >= 0 {
        return u8::try_from(scale).ok().filter(|_| scale <= MOST_PLACES).map(|scale| (unscaled, scale));
    }
    Some((unscaled.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?, 0))
}

/// Encoded terms as the codes that stand for them in a column: null for what has no code there.
pub(crate) fn own_codes(terms: &ArrayRef, codes: &KeyCodes) -> Option<ArrayRef> {
    let terms = terms.as_string_view_opt()?;
    let code = |term: &str| {
        let iri = oxrdf::NamedNode::new_unchecked(term.strip_prefix('I')?);
        codes.list.values_of(&iri, codes.column)?.into_iter().next()
    };
    let codes_of = terms.iter().map(|term| term.and_then(code));
    match codes.column {
        DataType::Int64 => {
            let number = |value| if let Value::Int64(number) = value { Some(number) } else { None };
            Some(Arc::new(codes_of.map(|value| value.and_then(number)).collect::<arrow_array::Int64Array>()))
        }
        DataType::Text => {
            let text = |value| if let Value::Text(text) = value { Some(text) } else { None };
            Some(Arc::new(codes_of.map(|value| value.and_then(text)).collect::<StringViewArray>()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", Some((0, 0))),
            ("-0.00", Some((0, 0))),
            ("12.50", Some((125, 1))),
            ("-.5", Some((-5, 1))),
            ("+5.", Some((5, 0))),
            ("8.025E1", Some((8025, 2))),
            ("1.5E3", Some((1500, 0))),
            ("1E-20", Some((1, 20))),
            ("0E400", Some((0, 0))),
            ("1E39", None),
            ("1E-39", None),
            ("1E999999999999", None),
            ("NaN", None),
            ("INF", None),
            ("", None),
            (".", None),
            ("1 2", None),
            ("--1", None),
            ("999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
