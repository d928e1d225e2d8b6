//! Typed columns and Arrow.

use super::{ColumnProblem, ConvertError};
use crate::wit::weft::connector::types as w;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{Field as ArrowField, Schema};
use std::sync::Arc;
use weft_model::contract::{DataType, Field};

/// Checks everything about a batch and builds Arrow from it: one array a field, of exactly the field's Arrow type.
/// Nothing is allocated for rows that are only claimed.
pub fn batch_from_wit(batch: w::Batch, fields: &[Field]) -> Result<RecordBatch, ConvertError> {
    if batch.columns.len() != fields.len() {
        return Err(ConvertError::ColumnCount { expected: fields.len(), found: batch.columns.len() });
    }
    let rows = usize::try_from(batch.rows).map_err(|e| ConvertError::Batch(e.to_string()))?;
    let mut arrays = Vec::with_capacity(fields.len());
    for (column, field) in batch.columns.into_iter().zip(fields) {
        let array = column_from_wit(column, field, rows)
            .map_err(|problem| ConvertError::Column { column: field.name.clone(), problem })?;
        arrays.push(array);
    }
    let schema = Schema::new(fields.iter().map(arrow_field).collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
        .map_err(|e| ConvertError::Batch(e.to_string()))
}

fn arrow_field(field: &Field) -> ArrowField {
    ArrowField::new(&field.name, field.data_type.to_arrow(), field.nullable)
}

fn column_from_wit(column: w::ColumnValues, field: &Field, rows: usize) -> Result<ArrayRef, ColumnProblem> {
    let nulls = validity(column.validity, rows)?;
    if let Some(nulls) = nulls.as_ref().filter(|nulls| !field.nullable && nulls.null_count() > 0) {
        let row = (0..rows).find(|row| nulls.is_null(*row)).unwrap_or_default();
        return Err(ColumnProblem::Null { row });
    }
    Ok(match (field.data_type, column.values) {
        (DataType::Boolean, w::Values::Booleans(bits)) => {
            Arc::new(BooleanArray::new(bitmap("booleans", bits, rows)?, nulls))
        }
        (DataType::Int64, w::Values::Int64s(values)) => {
            Arc::new(PrimitiveArray::<Int64Type>::new(scalars("int64s", values, rows)?, nulls))
        }
        (DataType::Float64, w::Values::Float64s(values)) => {
            Arc::new(PrimitiveArray::<Float64Type>::new(scalars("float64s", values, rows)?, nulls))
        }
        (DataType::Date, w::Values::Dates(values)) => {
            Arc::new(PrimitiveArray::<Date32Type>::new(scalars("dates", values, rows)?, nulls))
        }
        (DataType::Timestamp { zoned }, w::Values::Timestamps(values)) => {
            let array = TimestampMicrosecondArray::new(scalars("timestamps", values, rows)?, nulls);
            Arc::new(array.with_timezone_opt(zoned.then_some("UTC")))
        }
        (DataType::Decimal { .. }, w::Values::Decimals(bytes)) => decimals(&bytes, field.data_type, rows, nulls)?,
        (DataType::Text, w::Values::Texts(values)) => texts(&values, rows, nulls.as_ref())?,
        (DataType::Binary, w::Values::Binaries(values)) => binaries(&values, rows, nulls.as_ref())?,
        (expected, found) => {
            return Err(ColumnProblem::Type { expected: expected.to_string(), found: kind_of(&found) });
        }
    })
}

fn kind_of(values: &w::Values) -> &'static str {
    match values {
        w::Values::Booleans(_) => "booleans",
        w::Values::Int64s(_) => "int64s",
        w::Values::Decimals(_) => "decimals",
        w::Values::Float64s(_) => "float64s",
        w::Values::Texts(_) => "texts",
        w::Values::Dates(_) => "dates",
        w::Values::Timestamps(_) => "timestamps",
        w::Values::Binaries(_) => "binaries",
    }
}

fn expect_length(what: &'static str, expected: usize, found: usize) -> Result<(), ColumnProblem> {
    if expected == found { Ok(()) } else { Err(ColumnProblem::Length { what, expected, found }) }
}

fn validity(bits: Vec<u8>, rows: usize) -> Result<Option<NullBuffer>, ColumnProblem> {
    if bits.is_empty() {
        return Ok(None);
    }
    let nulls = NullBuffer::new(bitmap("validity", bits, rows)?);
    Ok(Some(nulls).filter(|nulls| nulls.null_count() > 0))
}

fn bitmap(what: &'static str, bits: Vec<u8>, rows: usize) -> Result<BooleanBuffer, ColumnProblem> {
    expect_length(what, rows.div_ceil(8), bits.len())?;
    Ok(BooleanBuffer::new(Buffer::from_vec(bits), 0, rows))
}

fn scalars<T: arrow_buffer::ArrowNativeType>(
    what: &'static str,
    values: Vec<T>,
    rows: usize,
) -> Result<ScalarBuffer<T>, ColumnProblem> {
    expect_length(what, rows, values.len())?;
    Ok(ScalarBuffer::from(values))
}

fn decimals(
    bytes: &[u8],
    data_type: DataType,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ColumnProblem> {
    let DataType::Decimal { precision, .. } = data_type else {
        return Err(ColumnProblem::Type { expected: data_type.to_string(), found: "decimals" });
    };
    expect_length("decimals (in bytes)", rows.saturating_mul(16), bytes.len())?;
    let bound = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    let mut values = Vec::with_capacity(rows);
    for (row, chunk) in bytes.chunks_exact(16).enumerate() {
        let value = i128::from_le_bytes(std::array::from_fn(|i| chunk.get(i).copied().unwrap_or_default()));
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let fits = value > -bound && value < bound;
        if !fits && !is_null {
            return Err(ColumnProblem::Precision { row, data_type: data_type.to_string() });
        }
        values.push(if fits { value } else { 0 });
    }
    let array = PrimitiveArray::<Decimal128Type>::new(ScalarBuffer::from(values), nulls);
    Ok(Arc::new(array.with_data_type(data_type.to_arrow())))
}

/// The byte range of each row. Everything in it was checked against the bytes there are.
fn ranges(values: &w::ByteValues, rows: usize) -> Result<Vec<std::ops::Range<usize>>, ColumnProblem> {
    if rows == 0 && values.offsets.is_empty() && values.bytes.is_empty() {
        return Ok(Vec::new());
    }
    expect_length("offsets", rows + 1, values.offsets.len())?;
    let bytes = values.bytes.len();
    let mut ranges = Vec::with_capacity(rows);
    let mut before = 0;
    for (index, value) in values.offsets.iter().copied().enumerate() {
        let offset = usize::try_from(value).unwrap_or(usize::MAX);
        let is_wrong_end = (index == 0 && offset != 0) || (index == rows && offset != bytes);
        if offset < before || offset > bytes || is_wrong_end {
            return Err(ColumnProblem::Offset { index, value, bytes });
        }
        if index > 0 {
            ranges.push(before..offset);
        }
        before = offset;
    }
    Ok(ranges)
}

fn texts(values: &w::ByteValues, rows: usize, nulls: Option<&NullBuffer>) -> Result<ArrayRef, ColumnProblem> {
    let ranges = ranges(values, rows)?;
    let mut texts: Vec<Option<&str>> = Vec::with_capacity(ranges.len());
    for (row, range) in ranges.into_iter().enumerate() {
        let is_null = nulls.is_some_and(|nulls| nulls.is_null(row));
        let bytes = values.bytes.get(range).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| ColumnProblem::Text { row })?;
        texts.push((!is_null).then_some(text));
    }
    Ok(Arc::new(StringViewArray::from(texts)))
}

fn binaries(values: &w::ByteValues, rows: usize, nulls: Option<&NullBuffer>) -> Result<ArrayRef, ColumnProblem> {
    let ranges = ranges(values, rows)?;
    let mut binaries: Vec<Option<&[u8]>> = Vec::with_capacity(ranges.len());
    for (row, range) in ranges.into_iter().enumerate() {
        let is_null = nulls.is_some_and(|nulls| nulls.is_null(row));
        binaries.push((!is_null).then(|| values.bytes.get(range).unwrap_or_default()));
    }
    Ok(Arc::new(BinaryViewArray::from(binaries)))
}

/// Turns a batch into typed columns. Its arrays must have exactly the Arrow types of the fields.
pub fn batch_to_wit(batch: &RecordBatch, fields: &[Field]) -> Result<w::Batch, ConvertError> {
    if batch.num_columns() != fields.len() {
        return Err(ConvertError::ColumnCount { expected: fields.len(), found: batch.num_columns() });
    }
    let mut columns = Vec::with_capacity(fields.len());
    for (array, field) in batch.columns().iter().zip(fields) {
        let values = values_to_wit(array, field.data_type)
            .map_err(|problem| ConvertError::Column { column: field.name.clone(), problem })?;
        let validity = array.nulls().filter(|n| n.null_count() > 0).map(|n| packed(n.inner())).unwrap_or_default();
        columns.push(w::ColumnValues { validity, values });
    }
    let rows = u32::try_from(batch.num_rows()).map_err(|e| ConvertError::Batch(e.to_string()))?;
    Ok(w::Batch { rows, columns })
}

fn values_to_wit(array: &ArrayRef, data_type: DataType) -> Result<w::Values, ColumnProblem> {
    if array.data_type() != &data_type.to_arrow() {
        return Err(ColumnProblem::Type { expected: data_type.to_string(), found: "another arrow type" });
    }
    let any = array.as_any();
    let values = match data_type {
        DataType::Boolean => any.downcast_ref().map(|a: &BooleanArray| w::Values::Booleans(packed(a.values()))),
        DataType::Int64 => {
            any.downcast_ref().map(|a: &PrimitiveArray<Int64Type>| w::Values::Int64s(a.values().to_vec()))
        }
        DataType::Float64 => {
            any.downcast_ref().map(|a: &PrimitiveArray<Float64Type>| w::Values::Float64s(a.values().to_vec()))
        }
        DataType::Date => {
            any.downcast_ref().map(|a: &PrimitiveArray<Date32Type>| w::Values::Dates(a.values().to_vec()))
        }
        DataType::Timestamp { .. } => any
            .downcast_ref()
            .map(|a: &PrimitiveArray<TimestampMicrosecondType>| w::Values::Timestamps(a.values().to_vec())),
        DataType::Decimal { .. } => any.downcast_ref().map(|a: &PrimitiveArray<Decimal128Type>| {
            w::Values::Decimals(a.values().iter().flat_map(|value| value.to_le_bytes()).collect())
        }),
        DataType::Text => {
            let array: Option<&StringViewArray> = any.downcast_ref();
            array.map(|a| joined(a.iter().map(|v| v.unwrap_or_default().as_bytes()))).transpose()?.map(w::Values::Texts)
        }
        DataType::Binary => {
            let array: Option<&BinaryViewArray> = any.downcast_ref();
            array.map(|a| joined(a.iter().map(Option::unwrap_or_default))).transpose()?.map(w::Values::Binaries)
        }
    };
    values.ok_or_else(|| ColumnProblem::Type { expected: data_type.to_string(), found: "another array" })
}

fn packed(bits: &BooleanBuffer) -> Vec<u8> {
    let mut bytes = vec![0; bits.len().div_ceil(8)];
    for row in bits.set_indices() {
        if let Some(byte) = bytes.get_mut(row / 8) {
            *byte |= 1 << (row % 8);
        }
    }
    bytes
}

fn joined<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<w::ByteValues, ColumnProblem> {
    let mut bytes = Vec::new();
    let mut offsets = vec![0];
    for value in values {
        bytes.extend_from_slice(value);
        let found = bytes.len();
        let expected = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        offsets.push(u32::try_from(found).map_err(|_| ColumnProblem::Length { what: "bytes", expected, found })?);
    }
    Ok(w::ByteValues { offsets, bytes })
}
