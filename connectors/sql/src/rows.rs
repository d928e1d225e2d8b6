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

/// A value where the database has left it; decimals have the scale of their column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Boolean(bool),
    Int64(i64),
    Decimal(i128),
    Float64(f64),
    Text(&'a str),
    Date(i32),
    Timestamp(i64),
    Binary(&'a [u8]),
}

impl Cell<'_> {
    /// As a value of its own, of a column of `data_type`.
    pub(crate) fn to_value(self, data_type: DataType) -> Value {
        match self {
            Self::Boolean(b) => Value::Boolean(b),
            Self::Int64(i) => Value::Int64(i),
            Self::Decimal(unscaled) => {
                let scale = if let DataType::Decimal { scale, .. } = data_type { scale } else { 0 };
                Value::Decimal { unscaled, scale }
            }
            Self::Float64(f) => Value::Float64(f),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Date(days) => Value::Date(days),
            Self::Timestamp(micros) => Value::Timestamp(micros),
            Self::Binary(bytes) => Value::Binary(bytes.to_vec()),
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Text(text) => 16 + text.len(),
            Self::Binary(bytes) => 16 + bytes.len(),
            Self::Boolean(_) => 1,
            Self::Date(_) => 4,
            Self::Decimal(_) => 16,
            Self::Int64(_) | Self::Float64(_) | Self::Timestamp(_) => 8,
        }
    }
}

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
        let columns = fields.iter().map(|f| ColumnBuilder::new(f.data_type, 0)).collect();
        Self { schema, fields, columns, limits, rows: 0, bytes: 0, total: 0 }
    }

    /// Appends a cell of the current row.
    pub(crate) fn push(&mut self, column: usize, cell: Option<Cell<'_>>, label: &dyn Fn() -> String) -> Result<()> {
        let Some(cell) = cell else {
            return self.push_null(column, label);
        };
        let size = cell.size();
        if size > self.limits.cell_bytes {
            return Err(limit_exceeded(format!("a value of {} has {size} bytes (limits.cell_bytes)", label())));
        }
        self.bytes += size;
        self.columns[column].push(cell)
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
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(&self.fields) {
            // The next batch is about as large.
            let next = ColumnBuilder::new(field.data_type, self.rows);
            arrays.push(std::mem::replace(column, next).finish());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(internal)
    }
}

impl ColumnBuilder {
    fn new(data_type: DataType, capacity: usize) -> Self {
        let arrow = data_type.to_arrow();
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(capacity)),
            DataType::Int64 => Self::Int64(Int64Builder::with_capacity(capacity)),
            DataType::Decimal { .. } => Self::Decimal(Decimal128Builder::with_capacity(capacity).with_data_type(arrow)),
            DataType::Float64 => Self::Float64(Float64Builder::with_capacity(capacity)),
            DataType::Text => Self::Text(StringViewBuilder::with_capacity(capacity)),
            DataType::Date => Self::Date(Date32Builder::with_capacity(capacity)),
            DataType::Timestamp { .. } => {
                Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(capacity).with_data_type(arrow))
            }
            DataType::Binary => Self::Binary(BinaryViewBuilder::with_capacity(capacity)),
        }
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<()> {
        match (self, cell) {
            (Self::Boolean(b), Cell::Boolean(v)) => b.append_value(v),
            (Self::Int64(b), Cell::Int64(v)) => b.append_value(v),
            (Self::Decimal(b), Cell::Decimal(v)) => b.append_value(v),
            (Self::Float64(b), Cell::Float64(v)) => b.append_value(v),
            (Self::Text(b), Cell::Text(v)) => b.try_append_value(v).map_err(internal)?,
            (Self::Date(b), Cell::Date(v)) => b.append_value(v),
            (Self::Timestamp(b), Cell::Timestamp(v)) => b.append_value(v),
            (Self::Binary(b), Cell::Binary(v)) => b.try_append_value(v).map_err(internal)?,
            _ => return Err(internal("a value was read for another type")),
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

    fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut b) => Arc::new(b.finish()),
            Self::Int64(mut b) => Arc::new(b.finish()),
            Self::Decimal(mut b) => Arc::new(b.finish()),
            Self::Float64(mut b) => Arc::new(b.finish()),
            Self::Text(mut b) => Arc::new(b.finish()),
            Self::Date(mut b) => Arc::new(b.finish()),
            Self::Timestamp(mut b) => Arc::new(b.finish()),
            Self::Binary(mut b) => Arc::new(b.finish()),
        }
    }
}
