//! From the columns a source sends to the columns of a term, as a mapping says.

use super::computed::{coded, normalised, number};
use super::encoded;
use super::error::{internal, invalid_data};
use super::native::{one_nan, storable, unscaled, value_scalar};
use super::source::{Source, rescale};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringViewArray};
use arrow_schema::DataType;
use arrow_select::nullif::nullif;
use datafusion_common::ScalarValue;
use oxrdf::{Literal, NamedNode, Term};
use oxsdatatypes::Decimal;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use weft_mapping::{Build, Conversion, InvalidValues, MappedTerm, blank_node_label};
use weft_model::Code;
use weft_model::contract::ContractError;
use weft_model::term::{IriShape, KeyKind, LiteralType, TermType, encode, encode_iri, integer_range, parse_double};
use weft_plan::value_of;

/// Rows that have no term, though no column is null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The values are none of the term's.
    pub(crate) invalid: u64,
    /// No normaliser or code of the mapping is for the values.
    pub(crate) unmatched: u64,
}

/// The columns of the term in each row, from its source columns in the order of `term.columns`.
///
/// A row in which any source column is null is null in all. A value that does not fit is `invalid-data`, with its
/// column, or null and counted in `left_out`, as are values that match no normaliser or code.
pub(crate) fn mapped_columns(
    term: &MappedTerm,
    inputs: &[ArrayRef],
    invalid: InvalidValues,
    left_out: &mut LeftOut,
) -> Result<Vec<ArrayRef>, ContractError> {
    if let Build::Normalised { values, build } = &term.build {
        let (inputs, unmatched) = normalised(inputs, values)?;
        left_out.unmatched += unmatched;
        let term = MappedTerm { build: (**build).clone(), ..term.clone() };
        return mapped_columns(&term, &inputs, invalid, left_out);
    }
    if let (Build::Coded(list), TermType::General, [input]) = (&term.build, &term.term_type, inputs) {
        let (column, unmatched) = coded(input, list)?;
        left_out.unmatched += unmatched;
        return Ok(vec![column]);
    }
    let Some(first) = inputs.first() else {
        return if term.term_type.columns().is_empty() { Ok(Vec::new()) } else { Err(misfit(term)) };
    };
    if inputs.len() != term.columns.len() || inputs.iter().any(|input| input.len() != first.len()) {
        return Err(misfit(term));
    }
    let rows = Rows {
        count: first.len(),
        names: &term.columns,
        arrays: inputs,
        sources: inputs.iter().map(Source::new).collect::<Result<_, _>>()?,
        invalid,
        left_out: RefCell::default(),
    };
    let columns = columns(term, &rows)?;
    let rows_left_out = rows.left_out.into_inner();
    left_out.invalid += rows_left_out.len() as u64;
    if rows_left_out.is_empty() || columns.len() < 2 {
        return Ok(columns);
    }
    // One key of several does not fit: there is no term.
    let mask: BooleanArray = (0..first.len()).map(|row| Some(rows_left_out.contains(&row))).collect();
    let nulled = columns.iter().map(|column| nullif(column, &mask));
    nulled.collect::<Result<_, _>>().map_err(|error| internal(error.to_string()))
}

fn columns(term: &MappedTerm, rows: &Rows<'_>) -> Result<Vec<ArrayRef>, ContractError> {
    let inputs = rows.arrays;
    match (&term.build, &term.term_type) {
        (_, TermType::Constant(_)) => Ok(Vec::new()),
        (Build::Columns, term_type) => native_columns(term_type, rows).ok_or_else(|| misfit(term))?,
        (Build::Encoded, TermType::General) if inputs.len() == 1 => rows.terms(|rows, row| rows.encoded(row)),
        (Build::EncodedIri, TermType::General) if inputs.len() == 1 => rows.terms(|rows, row| {
            let text = rows.sources[0].lexical(row);
            encoded::iri(&text).map_err(|wanted| invalid_data(&rows.names[0], &text, wanted))
        }),
        (Build::EncodedTerm { labels, literals }, TermType::General) if inputs.len() == 1 => rows.terms(|rows, row| {
            let text = rows.sources[0].lexical(row);
            encoded::term(&text, labels, *literals).map_err(|wanted| invalid_data(&rows.names[0], &text, wanted))
        }),
        (Build::IriColumn { base }, TermType::General) if inputs.len() == 1 => {
            rows.terms(|rows, row| rows.iri_column(base, row))
        }
        (Build::IriTemplate(shape), TermType::General) if shape.keys() == inputs.len() => {
            rows.terms(|rows, row| rows.iri_template(shape, row))
        }
        (Build::BlankNode(shape), TermType::General) if shape.keys() == inputs.len() => {
            rows.terms(|rows, row| Ok(rows.blank_node(shape, row)))
        }
        (Build::Converted(conversion), TermType::Literal(LiteralType::Decimal)) if inputs.len() == 1 => {
            Ok(vec![converted(rows, conversion)?])
        }
        (Build::LiteralTemplate { parts, datatype, language }, term_type) if parts.len() == inputs.len() + 1 => {
            template_literals(rows, parts, datatype.as_ref(), language.as_deref(), term_type)
                .ok_or_else(|| misfit(term))?
        }
        _ => Err(misfit(term)),
    }
}

fn misfit(term: &MappedTerm) -> ContractError {
    internal(format!("columns [{}] cannot be read as {}", term.columns.join(", "), term.term_type))
}

/// The source columns of one term in one batch.
struct Rows<'a> {
    count: usize,
    names: &'a [String],
    arrays: &'a [ArrayRef],
    sources: Vec<Source<'a>>,
    invalid: InvalidValues,
    /// The rows whose values are no term.
    left_out: RefCell<BTreeSet<usize>>,
}

impl Rows<'_> {
    fn is_complete(&self, row: usize) -> bool {
        self.arrays.iter().all(|array| array.is_valid(row))
    }

    /// The same columns, but a row that is null in one is null in all.
    fn map<T, C: FromIterator<Option<T>>>(
        &self,
        mut value: impl FnMut(usize) -> Result<T, ContractError>,
    ) -> Result<C, ContractError> {
        let mut known = |row| match value(row) {
            Err(error) if self.invalid == InvalidValues::LeaveOut && error.code == Code::InvalidData => {
                self.left_out.borrow_mut().insert(row);
                Ok(None)
            }
            found => found.map(Some),
        };
        (0..self.count).map(|row| if self.is_complete(row) { known(row) } else { Ok(None) }).collect()
    }

    fn terms(
        &self,
        term: impl Fn(&Self, usize) -> Result<String, ContractError>,
    ) -> Result<Vec<ArrayRef>, ContractError> {
        let column: StringViewArray = self.map(|row| term(self, row))?;
        Ok(vec![Arc::new(column)])
    }

    fn encoded(&self, row: usize) -> Result<String, ContractError> {
        let text = self.sources[0].lexical(row);
        weft_model::term::decode(&text).map_err(|_| invalid_data(&self.names[0], &text, "a term"))?;
        Ok(text.into_owned())
    }

    /// R2RML section 7.3: an absolute IRI as it is, anything else appended to the base.
    fn iri_column(&self, base: &str, row: usize) -> Result<String, ContractError> {
        let text = self.sources[0].lexical(row);
        if NamedNode::new(text.as_ref()).is_ok() {
            return Ok(encode_iri(&text));
        }
        let iri = format!("{base}{text}");
        NamedNode::new(&iri).map_err(|_| invalid_data(&self.names[0], &text, "an IRI"))?;
        Ok(encode_iri(&iri))
    }

    fn iri_template(&self, shape: &IriShape, row: usize) -> Result<String, ContractError> {
        let iri = self.build(shape, row);
        NamedNode::new(&iri).map_err(|_| invalid_data(&self.names.join(", "), &iri, "an IRI"))?;
        Ok(encode_iri(&iri))
    }

    fn blank_node(&self, shape: &IriShape, row: usize) -> String {
        let keys: Vec<_> = self.sources.iter().map(|source| source.lexical(row)).collect();
        format!("B{}", blank_node_label(shape, keys.iter().map(AsRef::as_ref)))
    }

    fn build(&self, shape: &IriShape, row: usize) -> String {
        let keys: Vec<_> = self.sources.iter().map(|source| source.lexical(row)).collect();
        shape.build(keys.iter().map(AsRef::as_ref))
    }
}

/// `None` when the type needs another build.
fn native_columns(term_type: &TermType, rows: &Rows<'_>) -> Option<Result<Vec<ArrayRef>, ContractError>> {
    let one = || (rows.arrays.len() == 1).then_some(0);
    Some(match term_type {
        TermType::Iri { keys, .. } => {
            if keys.len() != rows.arrays.len() {
                return None;
            }
            keys.iter().enumerate().map(|(i, kind)| key_column(*kind, rows, i)).collect()
        }
        TermType::Literal(literal) => literal_column(literal, rows, one()?).map(|column| vec![column]),
        TermType::LangString(_) => {
            let source = &rows.sources[one()?];
            rows.map(|row| Ok(source.lexical(row))).map(|column: StringViewArray| vec![Arc::new(column) as ArrayRef])
        }
        TermType::Constant(_) | TermType::General => return None,
    })
}

fn key_column(kind: KeyKind, rows: &Rows<'_>, i: usize) -> Result<ArrayRef, ContractError> {
    let source = &rows.sources[i];
    let is_alone = rows.arrays.len() == 1;
    Ok(match (kind, source) {
        (KeyKind::Text, Source::Text(_)) | (KeyKind::Int64, Source::Int64(_)) if is_alone => rows.arrays[i].clone(),
        (KeyKind::Text, _) => Arc::new(rows.map::<_, StringViewArray>(|row| Ok(source.lexical(row)))?),
        (KeyKind::Int64, Source::Int64(numbers)) => Arc::new(rows.map::<_, Int64Array>(|row| Ok(numbers.value(row)))?),
        (KeyKind::Int64, _) => Arc::new(rows.map::<_, Int64Array>(|row| {
            // A key is spelled in the IRI as the source spells it: `007` is not the key 7.
            let text = source.lexical(row);
            let number = text.parse().ok().filter(|n: &i64| n.to_string() == text);
            number.ok_or_else(|| invalid_data(&rows.names[i], &text, "an int64 key"))
        })?),
    })
}

fn literal_column(literal: &LiteralType, rows: &Rows<'_>, i: usize) -> Result<ArrayRef, ContractError> {
    let source = &rows.sources[i];
    Ok(match (literal, source) {
        (LiteralType::Boolean, Source::Boolean(_))
        | (LiteralType::Integer, Source::Int64(_))
        | (LiteralType::Date, Source::Date(_))
        | (LiteralType::String, Source::Text(_)) => rows.arrays[i].clone(),
        (LiteralType::DateTime { zoned: wanted }, Source::Timestamp(_, zoned)) if wanted == zoned => {
            rows.arrays[i].clone()
        }
        (LiteralType::Decimal, _) => decimal_column(rows, i)?,
        (LiteralType::Double, _) => Arc::new(rows.map::<_, Float64Array>(|row| double(rows, i, row))?),
        (LiteralType::String, _) => Arc::new(rows.map::<_, StringViewArray>(|row| Ok(source.lexical(row)))?),
        (LiteralType::Other(_), Source::Text(_)) => rows.arrays[i].clone(),
        (LiteralType::Other(_), _) => Arc::new(rows.map::<_, StringViewArray>(|row| Ok(source.lexical(row)))?),
        (LiteralType::DerivedInteger(datatype), Source::Int64(a)) => derived_column(rows, i, datatype, a)?,
        (literal, _) => parsed_column(literal, rows, |row| date_part(literal, source, row))?,
    })
}

/// A timestamp at midnight is a date where a date is wanted, and a date midnight where a time is.
fn date_part(literal: &LiteralType, source: &Source<'_>, row: usize) -> Result<String, ContractError> {
    let text = source.lexical(row);
    Ok(match (literal, source) {
        (LiteralType::Date, Source::Timestamp(_, false)) => text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned(),
        (LiteralType::DateTime { zoned: false }, Source::Date(_)) => format!("{text}T00:00:00"),
        _ => text.into_owned(),
    })
}

/// R2RML section 7.6: a number outside the range of the datatype would be an ill-typed literal, which is a data error.
fn derived_column(
    rows: &Rows<'_>,
    i: usize,
    datatype: &NamedNode,
    numbers: &Int64Array,
) -> Result<ArrayRef, ContractError> {
    let range = integer_range(datatype.as_ref())
        .ok_or_else(|| internal(format!("{datatype} is not derived from xsd:integer")))?;
    if numbers.iter().flatten().all(|n| range.contains(&n)) {
        return Ok(rows.arrays[i].clone());
    }
    Ok(Arc::new(rows.map::<_, Int64Array>(|row| {
        let n = numbers.value(row);
        let wanted = || TermType::Literal(LiteralType::DerivedInteger(datatype.clone()));
        if range.contains(&n) { Ok(n) } else { Err(invalid_data(&rows.names[i], &n.to_string(), wanted())) }
    })?))
}

fn decimal_column(rows: &Rows<'_>, i: usize) -> Result<ArrayRef, ContractError> {
    let source = &rows.sources[i];
    let value = |row| {
        let value = match source {
            Source::Int64(a) => rescale(a.value(row).into(), 0),
            Source::Decimal(a, scale) => rescale(a.value(row), *scale),
            source => source.lexical(row).parse::<Decimal>().ok().map(unscaled),
        };
        let wanted = "an xsd:decimal of 20 digits before and 18 after the point";
        value.and_then(storable).ok_or_else(|| invalid_data(&rows.names[i], &source.lexical(row), wanted))
    };
    decimals(rows.map::<_, Decimal128Array>(value)?)
}

/// Numbers in another unit.
fn converted(rows: &Rows<'_>, conversion: &Conversion) -> Result<ArrayRef, ContractError> {
    let value = |row| {
        let source = &rows.sources[0];
        let found = match source {
            Source::Int64(a) => Some((a.value(row).into(), 0)),
            Source::Decimal(a, scale) => u8::try_from(*scale).ok().map(|scale| (a.value(row), scale)),
            source => number(&source.lexical(row)),
        };
        let converted = found.and_then(|(unscaled, scale)| conversion.convert(unscaled, scale));
        let value = converted.and_then(|(unscaled, scale)| rescale(unscaled, i8::try_from(scale).ok()?));
        value.and_then(storable).ok_or_else(|| {
            let wanted = format!("a number that has an exact decimal in {}", conversion.to.as_str());
            invalid_data(&rows.names[0], &source.lexical(row), wanted)
        })
    };
    decimals(rows.map::<_, Decimal128Array>(value)?)
}

fn decimals(column: Decimal128Array) -> Result<ArrayRef, ContractError> {
    let DataType::Decimal128(precision, scale) = LiteralType::Decimal.arrow() else {
        return Err(internal("decimals are not laid out as decimals"));
    };
    let column = column.with_precision_and_scale(precision, scale).map_err(|error| internal(error.to_string()))?;
    Ok(Arc::new(column))
}

fn double(rows: &Rows<'_>, i: usize, row: usize) -> Result<f64, ContractError> {
    if let Source::Float64(a) = &rows.sources[i] {
        return Ok(one_nan(a.value(row)));
    }
    let text = rows.sources[i].lexical(row);
    parse_double(&text).map(one_nan).ok_or_else(|| invalid_data(&rows.names[i], &text, "an xsd:double"))
}

/// Values given as lexical forms, in the native column of the type.
fn parsed_column(
    literal: &LiteralType,
    rows: &Rows<'_>,
    lexical: impl Fn(usize) -> Result<String, ContractError>,
) -> Result<ArrayRef, ContractError> {
    let scalars: Vec<Option<ScalarValue>> = rows.map(|row| {
        let lexical = lexical(row)?;
        let parsed = Literal::new_typed_literal(lexical.as_str(), literal.datatype());
        value_scalar(literal, &value_of(&parsed.into())).ok_or_else(|| {
            let names = rows.names.join(", ");
            invalid_data(&names, &lexical, format_args!("{}", TermType::Literal(literal.clone())))
        })
    })?;
    scalar_column(literal, scalars)
}

fn scalar_column(literal: &LiteralType, scalars: Vec<Option<ScalarValue>>) -> Result<ArrayRef, ContractError> {
    let null = ScalarValue::try_from(&literal.arrow()).map_err(|error| internal(error.to_string()))?;
    if scalars.is_empty() {
        return Ok(arrow_array::new_empty_array(&literal.arrow()));
    }
    let scalars = scalars.into_iter().map(|scalar| scalar.unwrap_or_else(|| null.clone()));
    ScalarValue::iter_to_array(scalars).map_err(|error| internal(error.to_string()))
}

/// `None` when the type is not that of the template.
fn template_literals(
    rows: &Rows<'_>,
    parts: &[String],
    datatype: Option<&NamedNode>,
    language: Option<&str>,
    term_type: &TermType,
) -> Option<Result<Vec<ArrayRef>, ContractError>> {
    let text = |row| template_text(rows, parts, row);
    let column = match term_type {
        TermType::General => {
            return Some(rows.terms(|_, row| Ok(encode(&template_term(text(row), datatype, language)))));
        }
        TermType::LangString(tag) if language == Some(tag) => rows.map(|row| Ok(text(row))).map(texts),
        TermType::Literal(literal) if language.is_none() && literal.datatype() == natural(datatype).as_ref() => {
            match literal {
                LiteralType::String | LiteralType::Other(_) => rows.map(|row| Ok(text(row))).map(texts),
                literal => parsed_column(literal, rows, |row| Ok(text(row))),
            }
        }
        _ => return None,
    };
    Some(column.map(|column| vec![column]))
}

fn texts(column: StringViewArray) -> ArrayRef {
    Arc::new(column)
}

fn natural(datatype: Option<&NamedNode>) -> NamedNode {
    datatype.cloned().unwrap_or_else(|| oxrdf::vocab::xsd::STRING.into_owned())
}

fn template_text(rows: &Rows<'_>, parts: &[String], row: usize) -> String {
    let mut text = parts[0].clone();
    for (source, part) in rows.sources.iter().zip(&parts[1..]) {
        text.push_str(&source.lexical(row));
        text.push_str(part);
    }
    text
}

fn template_term(text: String, datatype: Option<&NamedNode>, language: Option<&str>) -> Term {
    match language {
        Some(tag) => Literal::new_language_tagged_literal_unchecked(text, tag).into(),
        None => Literal::new_typed_literal(text, natural(datatype)).into(),
    }
}
