//! Plain columns; the layout is described in the protobuf file.

use super::{BatchError, normalise};
use crate::convert::decode_type;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use std::sync::Arc;
use weft_model::contract::DataType;
use weft_proto::v1;

pub(super) fn decode(wire: v1::Columns) -> Result<RecordBatch, BatchError> {
    let rows = wire.rows as usize;
    let mut fields = Vec::with_capacity(wire.columns.len());
    let mut columns = Vec::with_capacity(wire.columns.len());
    for column in wire.columns {
        let (name, nullable) = (column.name.clone(), column.nullable);
        let array = decode_column(column, rows).map_err(|reason| BatchError::Column(name.clone(), reason))?;
        fields.push(Field::new(name, array.data_type().clone(), nullable));
        columns.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

fn decode_column(column: v1::ColumnData, rows: usize) -> Result<ArrayRef, String> {
    let data_type = decode_type(column.data_type).map_err(|error| error.to_string())?;
    let nulls = decode_validity(column.validity, rows)?;
    let is_variable = matches!(data_type, DataType::Text | DataType::Binary);
    if !is_variable && !column.offsets.is_empty() {
        return Err(format!("a column of type {data_type} has offsets"));
    }
    let values = column.values;
    let array: ArrayRef = match data_type {
        DataType::Boolean => {
            check_length("values", values.len(), rows.div_ceil(8))?;
            Arc::new(BooleanArray::new(BooleanBuffer::new(Buffer::from(values), 0, rows), nulls))
        }
        DataType::Int64 => numbers::<Int64Type, 8>(&values, rows, nulls, i64::from_le_bytes)?,
        DataType::Float64 => numbers::<Float64Type, 8>(&values, rows, nulls, f64::from_le_bytes)?,
        DataType::Date => numbers::<Date32Type, 4>(&values, rows, nulls, i32::from_le_bytes)?,
        DataType::Timestamp { zoned } => {
            let numbers = primitive::<TimestampMicrosecondType, 8>(&values, rows, nulls, i64::from_le_bytes)?;
            Arc::new(numbers.with_timezone_opt(zoned.then_some("UTC")))
        }
        DataType::Decimal { .. } => {
            let numbers = primitive::<Decimal128Type, 16>(&values, rows, nulls, i128::from_le_bytes)?;
            Arc::new(numbers.with_data_type(data_type.to_arrow()))
        }
        DataType::Text => {
            let offsets = decode_offsets(&column.offsets, rows, values.len())?;
            let text = StringArray::try_new(offsets, Buffer::from(values), nulls).map_err(|e| e.to_string())?;
            Arc::new(text)
        }
        DataType::Binary => {
            let offsets = decode_offsets(&column.offsets, rows, values.len())?;
            Arc::new(BinaryArray::try_new(offsets, Buffer::from(values), nulls).map_err(|e| e.to_string())?)
        }
    };
    normalise::column(&array).map_err(|error| error.to_string())
}

fn check_length(what: &str, came: usize, wanted: usize) -> Result<(), String> {
    if came != wanted {
        return Err(format!("{what} has {came} bytes instead of {wanted}"));
    }
    Ok(())
}

fn decode_validity(validity: Bytes, rows: usize) -> Result<Option<NullBuffer>, String> {
    if validity.is_empty() {
        return Ok(None);
    }
    check_length("validity", validity.len(), rows.div_ceil(8))?;
    Ok(Some(NullBuffer::new(BooleanBuffer::new(Buffer::from(validity), 0, rows))))
}

fn numbers<T: ArrowPrimitiveType, const N: usize>(
    values: &[u8],
    rows: usize,
    nulls: Option<NullBuffer>,
    read: fn([u8; N]) -> T::Native,
) -> Result<ArrayRef, String> {
    Ok(Arc::new(primitive::<T, N>(values, rows, nulls, read)?))
}

fn primitive<T: ArrowPrimitiveType, const N: usize>(
    values: &[u8],
    rows: usize,
    nulls: Option<NullBuffer>,
    read: fn([u8; N]) -> T::Native,
) -> Result<PrimitiveArray<T>, String> {
    check_length("values", values.len(), rows.saturating_mul(N))?;
    let (chunks, _) = values.as_chunks::<N>();
    let numbers: ScalarBuffer<T::Native> = chunks.iter().map(|chunk| read(*chunk)).collect();
    PrimitiveArray::try_new(numbers, nulls).map_err(|error| error.to_string())
}

fn decode_offsets(bytes: &[u8], rows: usize, end: usize) -> Result<OffsetBuffer<i32>, String> {
    check_length("offsets", bytes.len(), rows.saturating_add(1).saturating_mul(4))?;
    let (chunks, _) = bytes.as_chunks::<4>();
    let offsets: Vec<i32> = chunks
        .iter()
        .map(|chunk| i32::try_from(u32::from_le_bytes(*chunk)).map_err(|_| "an offset is over 2 GiB".to_owned()))
        .collect::<Result<_, _>>()?;
    let last = offsets.last().and_then(|last| usize::try_from(*last).ok());
    if offsets.first() != Some(&0) || last != Some(end) || !offsets.is_sorted() {
        return Err("the offsets do not rise from 0 to the length of the values".to_owned());
    }
    Ok(OffsetBuffer::new(offsets.into()))
}
