//! Builds record batches from single values, within the limits of a scan.

use crate::error::{Result, internal, invalid_data, limit_exceeded};
use arrow_array::builder::{
    BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use std::sync::Arc;
use weft_model::contract::{DataType, Field, Value};

/// The limits of one scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLimits {
    pub(crate) rows: u64,
    pub(crate) batch_rows: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) cell_bytes: usize,
}

enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Int64(Int64Builder),
    Decimal(Decimal128Builder),
    Float64(Float64Builder),
    Text(StringViewBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Binary(BinaryViewBuilder),
}

pub(crate) struct BatchBuilder {
    schema: SchemaRef,
    fields: Vec<Field>,
    columns: Vec<ColumnBuilder>,
    limits: RowLimits,
    rows: usize,
    bytes: usize,
    total: u64,
}

impl BatchBuilder {
    pub(crate) fn new(fields: Vec<Field>, limits: RowLimits) -> Self {
        let arrow = fields.iter().map(|f| ArrowField::new(&f.name, f.data_type.to_arrow(), f.nullable));
        let schema = Arc::new(Schema::new(arrow.collect::<Vec<_>>()));
        let columns = fields.iter().map(|f| ColumnBuilder::new(f.data_type)).collect();
        Self { schema, fields, columns, limits, rows: 0, bytes: 0, total: 0 }
    }

    /// Appends a cell of the current row; decimals already have the scale of their column.
    pub(crate) fn push(&mut self, column: usize, value: Option<Value>, label: &dyn Fn() -> String) -> Result<()> {
        let Some(value) = value else {
            return self.push_null(column, label);
        };
        let size = cell_size(&value);
        if size > self.limits.cell_bytes {
            return Err(limit_exceeded(format!("a value of {} has {size} bytes (limits.cell_bytes)", label())));
        }
        self.bytes += size;
        self.columns[column].push(value)
    }

    fn push_null(&mut self, column: usize, label: &dyn Fn() -> String) -> Result<()> {
        if !self.fields[column].nullable {
            return Err(invalid_data(format!("{} is null in a row, and was declared never to be", label())));
        }
        self.bytes += 1;
        self.columns[column].push_null();
        Ok(())
    }

    /// Ends the current row.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        self.rows += 1;
        self.total += 1;
        if self.total > self.limits.rows {
            return Err(limit_exceeded(format!("the answer has more than {} rows (limits.rows)", self.limits.rows)));
        }
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= self.limits.batch_rows || self.bytes >= self.limits.batch_bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows of all batches so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(internal)
    }
}

fn cell_size(value: &Value) -> usize {
    match value {
        Value::Text(text) => 16 + text.len(),
        Value::Binary(bytes) => 16 + bytes.len(),
        Value::Boolean(_) => 1,
        Value::Date(_) => 4,
        Value::Decimal { .. } => 16,
        Value::Int64(_) | Value::Float64(_) | Value::Timestamp(_) => 8,
    }
}

impl ColumnBuilder {
    fn new(data_type: DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Decimal { .. } => Self::Decimal(Decimal128Builder::new().with_data_type(data_type.to_arrow())),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Text => Self::Text(StringViewBuilder::new()),
            DataType::Date => Self::Date(Date32Builder::new()),
            DataType::Timestamp { .. } => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(data_type.to_arrow()))
            }
            DataType::Binary => Self::Binary(BinaryViewBuilder::new()),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        match (self, value) {
            (Self::Boolean(b), Value::Boolean(v)) => b.append_value(v),
            (Self::Int64(b), Value::Int64(v)) => b.append_value(v),
            (Self::Decimal(b), Value::Decimal { unscaled, .. }) => b.append_value(unscaled),
            (Self::Float64(b), Value::Float64(v)) => b.append_value(v),
            (Self::Text(b), Value::Text(v)) => b.append_value(v),
            (Self::Date(b), Value::Date(v)) => b.append_value(v),
            (Self::Timestamp(b), Value::Timestamp(v)) => b.append_value(v),
            (Self::Binary(b), Value::Binary(v)) => b.append_value(v),
            (_, value) => return Err(internal(format!("a {:?} was read for another type", value.kind()))),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Boolean(b) => b.append_null(),
            Self::Int64(b) => b.append_null(),
            Self::Decimal(b) => b.append_null(),
            Self::Float64(b) => b.append_null(),
            Self::Text(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Timestamp(b) => b.append_null(),
            Self::Binary(b) => b.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(b) => Arc::new(b.finish()),
            Self::Int64(b) => Arc::new(b.finish()),
            Self::Decimal(b) => Arc::new(b.finish()),
            Self::Float64(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Timestamp(b) => Arc::new(b.finish()),
            Self::Binary(b) => Arc::new(b.finish()),
        }
    }
}
