//! Rows to typed columns.

use crate::bindings::weft::connector::types as w;
use crate::contract::{Batch, DataType};
use crate::value::Value;

/// Collects rows. Columns are of the types the relation's output has.
pub struct BatchBuilder {
    types: Vec<DataType>,
    columns: Vec<ColumnBuilder>,
    rows: u32,
    bytes: usize,
}

/// The value is not of the column's type.
#[derive(Clone, Debug)]
pub struct WrongType {
    pub column: usize,
}

struct ColumnBuilder {
    validity: Vec<u8>,
    nulls: bool,
    values: w::Values,
}

impl BatchBuilder {
    pub fn new(types: Vec<DataType>) -> Self {
        let columns = types.iter().map(|data_type| ColumnBuilder::new(*data_type)).collect();
        Self { types, columns, rows: 0, bytes: 0 }
    }

    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Roughly the bytes of the batch so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a row. After an error the batch is of no use.
    ///
    /// # Errors
    /// The number of the first column whose value is of another type; decimals must have the column's scale.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Option<&'a Value>>) -> Result<(), WrongType> {
        let position = self.rows as usize;
        let mut filled = 0;
        for (column, value) in row.into_iter().enumerate() {
            let builder = self.columns.get_mut(column).ok_or(WrongType { column })?;
            let data_type = self.types.get(column).copied().ok_or(WrongType { column })?;
            self.bytes += builder.push(value, data_type, position).ok_or(WrongType { column })?;
            filled += 1;
        }
        if filled != self.columns.len() {
            return Err(WrongType { column: filled });
        }
        self.rows += 1;
        Ok(())
    }

    /// The batch; the builder is empty again.
    pub fn finish(&mut self) -> Batch {
        let fresh = self.types.iter().map(|data_type| ColumnBuilder::new(*data_type)).collect();
        let columns = std::mem::replace(&mut self.columns, fresh);
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        Batch { rows, columns: columns.into_iter().map(ColumnBuilder::finish).collect() }
    }
}

impl ColumnBuilder {
    fn new(data_type: DataType) -> Self {
        let bytes = || w::ByteValues { offsets: vec![0], bytes: Vec::new() };
        let values = match data_type {
            DataType::Boolean => w::Values::Booleans(Vec::new()),
            DataType::Int64 => w::Values::Int64s(Vec::new()),
            DataType::Decimal(_) => w::Values::Decimals(Vec::new()),
            DataType::Float64 => w::Values::Float64s(Vec::new()),
            DataType::Text => w::Values::Texts(bytes()),
            DataType::Date => w::Values::Dates(Vec::new()),
            DataType::Timestamp | DataType::TimestampZoned => w::Values::Timestamps(Vec::new()),
            DataType::Binary => w::Values::Binaries(bytes()),
        };
        Self { validity: Vec::new(), nulls: false, values }
    }

    fn push(&mut self, value: Option<&Value>, data_type: DataType, row: usize) -> Option<usize> {
        set_bit(&mut self.validity, row, value.is_some());
        self.nulls |= value.is_none();
        Some(match (&mut self.values, value) {
            (w::Values::Booleans(bits), None) => {
                set_bit(bits, row, false);
                1
            }
            (w::Values::Booleans(bits), Some(Value::Boolean(v))) => {
                set_bit(bits, row, *v);
                1
            }
            (w::Values::Int64s(values), None) => push_scalar(values, 0),
            (w::Values::Int64s(values), Some(Value::Int64(v))) => push_scalar(values, *v),
            (w::Values::Float64s(values), None) => push_scalar(values, 0.0),
            (w::Values::Float64s(values), Some(Value::Float64(v))) => push_scalar(values, *v),
            (w::Values::Dates(values), None) => push_scalar(values, 0),
            (w::Values::Dates(values), Some(Value::Date(v))) => push_scalar(values, *v),
            (w::Values::Timestamps(values), None) => push_scalar(values, 0),
            (w::Values::Timestamps(values), Some(Value::Timestamp(v))) => push_scalar(values, *v),
            (w::Values::Decimals(bytes), None) => push_bytes(bytes, &[0; 16]),
            (w::Values::Decimals(bytes), Some(Value::Decimal { unscaled, scale })) => {
                if !matches!(data_type, DataType::Decimal(d) if d.scale == *scale) {
                    return None;
                }
                push_bytes(bytes, &unscaled.to_le_bytes())
            }
            (w::Values::Texts(texts), None) => push_slice(texts, &[])?,
            (w::Values::Texts(texts), Some(Value::Text(v))) => push_slice(texts, v.as_bytes())?,
            (w::Values::Binaries(binaries), None) => push_slice(binaries, &[])?,
            (w::Values::Binaries(binaries), Some(Value::Binary(v))) => push_slice(binaries, v)?,
            _ => return None,
        })
    }

    fn finish(self) -> w::ColumnValues {
        let validity = if self.nulls { self.validity } else { Vec::new() };
        w::ColumnValues { validity, values: self.values }
    }
}

fn set_bit(bits: &mut Vec<u8>, row: usize, value: bool) {
    if row / 8 == bits.len() {
        bits.push(0);
    }
    if let Some(byte) = bits.get_mut(row / 8) {
        *byte |= u8::from(value) << (row % 8);
    }
}

fn push_scalar<T>(values: &mut Vec<T>, value: T) -> usize {
    values.push(value);
    size_of::<T>()
}

fn push_bytes(bytes: &mut Vec<u8>, value: &[u8]) -> usize {
    bytes.extend_from_slice(value);
    value.len()
}

fn push_slice(values: &mut w::ByteValues, value: &[u8]) -> Option<usize> {
    values.bytes.extend_from_slice(value);
    values.offsets.push(u32::try_from(values.bytes.len()).ok()?);
    Some(value.len() + 4)
}
