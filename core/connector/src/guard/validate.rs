//! Whether a batch is what the relation promises.

use super::{broken_request, violation};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema, SchemaRef};
use std::sync::Arc;
use weft_model::contract::{ColumnRef, ContractError, DataType, Field, Relation};
use weft_model::{Code, Fault};

/// The columns a relation promises.
#[derive(Debug)]
pub(super) struct Expected {
    fields: Vec<(ColumnRef, Field)>,
    schema: SchemaRef,
}

impl Expected {
    pub(super) fn of(relation: &Relation) -> Result<Self, ContractError> {
        let fields = relation.fields().map_err(|error| broken_request(error.to_string()))?;
        let arrow =
            |(_, field): &(ColumnRef, Field)| ArrowField::new(&field.name, field.data_type.to_arrow(), field.nullable);
        let schema = Arc::new(Schema::new(fields.iter().map(arrow).collect::<Vec<_>>()));
        Ok(Self { fields, schema })
    }

    /// One column of encoded terms for each variable.
    pub(super) fn terms(variables: &[String]) -> Self {
        let field = |name: &String| {
            let field =
                Field { name: name.clone(), data_type: DataType::Text, nullable: true, native_type: String::new() };
            (ColumnRef::new("", name), field)
        };
        let arrow = |name: &String| ArrowField::new(name, DataType::Text.to_arrow(), true);
        let schema = Arc::new(Schema::new(variables.iter().map(arrow).collect::<Vec<_>>()));
        Self { fields: variables.iter().map(field).collect(), schema }
    }

    /// Named, typed and nullable as the relation says; all batches of a scan have this one schema.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batch under the promised schema.
    pub(super) fn check(&self, batch: RecordBatch) -> Result<RecordBatch, ContractError> {
        let (wanted, came) = (self.fields.len(), batch.num_columns());
        if wanted != came {
            return Err(violation(format!("a batch has {came} columns instead of {wanted}")));
        }
        for (array, (column, field)) in batch.columns().iter().zip(&self.fields) {
            if *array.data_type() != field.data_type.to_arrow() {
                let came = array.data_type();
                return Err(invalid(column, format!("is {}, but {came} came", field.data_type)));
            }
            if !field.nullable && array.null_count() > 0 {
                return Err(invalid(column, "is never null, but nulls came"));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let (_, columns, _) = batch.into_parts();
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(|error| {
            ContractError::new(Code::InvalidData, Fault::Connector, "a batch does not fit together").with_detail(error)
        })
    }
}

fn invalid(column: &ColumnRef, what: impl AsRef<str>) -> ContractError {
    let dot = if column.relation.is_empty() { "" } else { "." };
    let message = format!("column {}{dot}{} {}", column.relation, column.name, what.as_ref());
    ContractError::new(Code::InvalidData, Fault::Connector, message)
}

/// The bytes of the rows themselves: a batch may be a slice of buffers that it shares with others.
pub fn batch_bytes(batch: &RecordBatch) -> u64 {
    let bytes: usize = batch.columns().iter().map(|array| array_bytes(array.as_ref())).sum();
    // So that a flood of empty batches is stopped by the limit too.
    bytes as u64 + 64
}

fn array_bytes(array: &dyn Array) -> usize {
    let rows = array.len();
    let validity = array.nulls().map_or(0, |_| rows.div_ceil(8));
    validity
        + match array.data_type() {
            ArrowType::Boolean => rows.div_ceil(8),
            ArrowType::Utf8View => rows * 16 + array.as_string_view().lengths().map(|l| l as usize).sum::<usize>(),
            ArrowType::BinaryView => rows * 16 + array.as_binary_view().lengths().map(|l| l as usize).sum::<usize>(),
            other => rows * other.primitive_width().unwrap_or(16),
        }
}
