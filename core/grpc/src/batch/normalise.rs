//! From the Arrow types a connector may send to the one form each contract type has in the broker.

use super::BatchError;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowNativeTypeOp as _, BinaryViewArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringViewArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use std::sync::Arc;

/// Only changes that lose nothing: other layouts of text and binary, narrower numbers, coarser timestamps, other names
/// of UTC.
pub(super) fn batch(batch: &RecordBatch) -> Result<RecordBatch, BatchError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let column = column(array).map_err(|error| BatchError::Column(field.name().clone(), error.to_string()))?;
        fields.push(Field::new(field.name(), column.data_type().clone(), field.is_nullable()));
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

pub(super) fn column(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::Boolean
        | DataType::Int64
        | DataType::Float64
        | DataType::Utf8View
        | DataType::Date32
        | DataType::BinaryView
        | DataType::Timestamp(TimeUnit::Microsecond, None) => array.clone(),
        DataType::Decimal128(precision, _) => {
            array.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision)?;
            array.clone()
        }
        DataType::Timestamp(unit, zone) => {
            let zoned = zone.as_ref().map(|_| "UTC");
            Arc::new(microseconds(array, *unit)?.with_timezone_opt(zoned))
        }
        DataType::Int8 => widen::<Int8Type, Int64Type>(array),
        DataType::Int16 => widen::<Int16Type, Int64Type>(array),
        DataType::Int32 => widen::<Int32Type, Int64Type>(array),
        DataType::UInt8 => widen::<UInt8Type, Int64Type>(array),
        DataType::UInt16 => widen::<UInt16Type, Int64Type>(array),
        DataType::UInt32 => widen::<UInt32Type, Int64Type>(array),
        DataType::Float32 => widen::<Float32Type, Float64Type>(array),
        DataType::Utf8 => Arc::new(StringViewArray::from(array.as_string::<i32>())),
        DataType::LargeUtf8 => Arc::new(StringViewArray::from(array.as_string::<i64>())),
        DataType::Binary => Arc::new(BinaryViewArray::from(array.as_binary::<i32>())),
        DataType::LargeBinary => Arc::new(BinaryViewArray::from(array.as_binary::<i64>())),
        other => return Err(ArrowError::NotYetImplemented(format!("{other} is not a type of the contract"))),
    })
}

fn widen<From, To>(array: &ArrayRef) -> ArrayRef
where
    From: ArrowPrimitiveType,
    To: ArrowPrimitiveType,
    From::Native: Into<To::Native>,
{
    Arc::new(array.as_primitive::<From>().unary::<_, To>(Into::into))
}

fn microseconds(array: &ArrayRef, unit: TimeUnit) -> Result<PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
    match unit {
        TimeUnit::Second => {
            array.as_primitive::<TimestampSecondType>().try_unary(|seconds| seconds.mul_checked(1_000_000))
        }
        TimeUnit::Millisecond => {
            array.as_primitive::<TimestampMillisecondType>().try_unary(|millis| millis.mul_checked(1_000))
        }
        TimeUnit::Microsecond => Ok(array.as_primitive::<TimestampMicrosecondType>().clone()),
        TimeUnit::Nanosecond => {
            Err(ArrowError::NotYetImplemented("nanoseconds are not a type of the contract".to_owned()))
        }
    }
}
