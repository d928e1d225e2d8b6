//! Rows to Arrow batches of odd sizes, and key blocks back to rows.

use super::value::Row;
use super::{below, invalid};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    RecordBatch, RecordBatchOptions, StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema, TimeUnit};
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;
use weft_model::contract::{ColumnRef, ContractError, DataType, Field, ProjectColumn, Relation, Value};
use weft_model::{Code, Fault};

/// Cuts rows into batches of random size, empty ones among them.
pub(super) struct Batching {
    fields: Vec<(ColumnRef, Field)>,
    schema: Arc<Schema>,
    batch_rows: u32,
    rng: StdRng,
}

impl Batching {
    pub(super) fn new(fields: Vec<(ColumnRef, Field)>, batch_rows: u32, rng: StdRng) -> Self {
        let arrow = |(name, field): &(ColumnRef, Field)| {
            ArrowField::new(&name.name, field.data_type.to_arrow(), field.nullable)
        };
        let schema = Arc::new(Schema::new(fields.iter().map(arrow).collect::<Vec<_>>()));
        Self { fields, schema, batch_rows, rng }
    }

    pub(super) fn split(mut self, rows: &[Row]) -> Result<Vec<RecordBatch>, ContractError> {
        let mut batches = Vec::new();
        let mut rest = rows;
        while !rest.is_empty() {
            if self.rng.random_bool(0.1) {
                batches.push(self.batch(&[])?);
            }
            let size = (1 + below(&mut self.rng, self.batch_rows)).min(rest.len());
            let (head, tail) = rest.split_at(size);
            batches.push(self.batch(head)?);
            rest = tail;
        }
        if self.rng.random_bool(0.2) {
            batches.push(self.batch(&[])?);
        }
        Ok(batches)
    }

    fn batch(&self, rows: &[Row]) -> Result<RecordBatch, ContractError> {
        let arrays = self.fields.iter().enumerate().map(|(i, (_, field))| {
            let values: Vec<Option<&Value>> = rows.iter().map(|row| row[i].as_ref()).collect();
            array_of(&values, field)
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| ContractError::new(Code::InvalidData, Fault::Connector, error.to_string()))
    }
}

fn array_of(values: &[Option<&Value>], field: &Field) -> Result<ArrayRef, ContractError> {
    if let Some(value) = values.iter().flatten().find(|value| value.kind() != field.data_type.kind()) {
        let message = format!("{value:?} in column {:?} of type {}", field.name, field.data_type);
        return Err(ContractError::new(Code::InvalidData, Fault::Source, message));
    }
    macro_rules! pick {
        ($variant:ident) => {
            values.iter().map(|value| match value {
                Some(Value::$variant(v)) => Some(v.clone()),
                _ => None,
            })
        };
    }
    Ok(match field.data_type {
        DataType::Boolean => Arc::new(pick!(Boolean).collect::<BooleanArray>()),
        DataType::Int64 => Arc::new(pick!(Int64).collect::<Int64Array>()),
        DataType::Decimal { precision, scale } => decimals(values, precision, scale)?,
        DataType::Float64 => Arc::new(pick!(Float64).collect::<Float64Array>()),
        DataType::Text => Arc::new(pick!(Text).collect::<StringViewArray>()),
        DataType::Date => Arc::new(pick!(Date).collect::<Date32Array>()),
        DataType::Timestamp { zoned: false } => Arc::new(pick!(Timestamp).collect::<TimestampMicrosecondArray>()),
        DataType::Timestamp { zoned: true } => {
            Arc::new(pick!(Timestamp).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Binary => Arc::new(pick!(Binary).collect::<BinaryViewArray>()),
    })
}

fn decimals(values: &[Option<&Value>], precision: u8, scale: u8) -> Result<ArrayRef, ContractError> {
    let unscaled = values.iter().map(|value| match value {
        Some(Value::Decimal { unscaled, scale: own }) => Some(rescale(*unscaled, *own, scale)),
        _ => None,
    });
    let array: Decimal128Array = unscaled.collect();
    let arrow_scale = i8::try_from(scale).unwrap_or(i8::MAX);
    let array = array
        .with_precision_and_scale(precision, arrow_scale)
        .map_err(|error| ContractError::new(Code::InvalidData, Fault::Source, error.to_string()))?;
    Ok(Arc::new(array))
}

/// The columns of one table hold decimals of the column's scale, so that nothing is ever cut off.
fn rescale(unscaled: i128, from: u8, to: u8) -> i128 {
    if from <= to {
        return unscaled * 10_i128.pow(u32::from(to - from));
    }
    unscaled / 10_i128.pow(u32::from(from - to))
}

/// The rows of a batch of contract types.
pub fn rows_of(batch: &RecordBatch) -> Result<Vec<Row>, ContractError> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|array| cell(array, row)).collect()).collect()
}

fn cell(array: &ArrayRef, row: usize) -> Result<Option<Value>, ContractError> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        ArrowType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        ArrowType::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::Decimal128(_, scale) => Value::Decimal {
            unscaled: array.as_primitive::<Decimal128Type>().value(row),
            scale: u8::try_from(*scale).unwrap_or(0),
        },
        ArrowType::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        ArrowType::Utf8View => Value::Text(array.as_string_view().value(row).to_owned()),
        ArrowType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        ArrowType::BinaryView => Value::Binary(array.as_binary_view().value(row).to_vec()),
        other => return Err(invalid(format!("{other} is not a type of the contract"))),
    }))
}

/// The relation in one line, for reports.
pub(super) fn statement(relation: &Relation) -> String {
    match relation {
        Relation::Read(read) => {
            let mut text = format!("read {} as {:?} {:?}", read.table, read.alias, read.columns);
            if let Some(filter) = &read.filter {
                text.push_str(&format!(" where {filter:?}"));
            }
            if let Some(block) = &read.keys {
                text.push_str(&format!(" with {} keys of {:?}", block.keys.num_rows(), block.columns));
            }
            if let Some(limit) = read.limit {
                text.push_str(&format!(" limit {limit}"));
            }
            text
        }
        Relation::Filter { input, predicate } => format!("filter({predicate:?}, {})", statement(input)),
        Relation::Project { input, columns } => {
            let part = |c: &ProjectColumn| c.part.map_or(String::new(), |part| format!("{part} of "));
            let names: Vec<String> =
                columns.iter().map(|c| format!("{}{:?} as {}", part(c), c.column, c.name)).collect();
            format!("project({names:?}, {})", statement(input))
        }
        Relation::Join { left, right, kind, on } => {
            format!("{kind:?} join({}, {}, {on:?})", statement(left), statement(right))
        }
        Relation::Aggregate { input, group, aggregates } => {
            format!("aggregate({group:?}, {aggregates:?}, {})", statement(input))
        }
        Relation::Distinct { input } => format!("distinct({})", statement(input)),
        Relation::Sort { input, keys } => format!("sort({keys:?}, {})", statement(input)),
        Relation::Limit { input, offset, count } => format!("limit({offset}, {count:?}, {})", statement(input)),
        Relation::Recurse { step, from, to, start } => {
            let start = start.as_ref().map(|block| block.keys.num_rows());
            format!("recurse({from:?}, {to:?}, starting at {start:?} keys, {})", statement(step))
        }
    }
}
