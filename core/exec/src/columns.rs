//! Variables in record batches: how they are laid out, filled from source columns, widened, and read back as terms.

mod computed;
mod encoded;
mod error;
mod kernel;
mod mapped;
mod native;
mod reader;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod widen;
mod written;

pub(crate) use computed::own_codes;
pub(crate) use encoded::own_labels;
pub(crate) use error::{in_stream, internal, limit_exceeded, unsupported};
pub(crate) use kernel::Kernel;
pub(crate) use mapped::{LeftOut, mapped_columns};
pub(crate) use native::{decimal, native_scalar, native_type, one_nan, unscaled, value_scalar, value_type};
pub(crate) use reader::TermReader;
pub(crate) use text::TextColumn;
#[cfg(test)]
pub(crate) use text::encoded_terms;
pub(crate) use weft_plan::term_of;
pub(crate) use widen::{convert, null_columns, widen};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion_common::Result;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use oxrdf::{Term, Variable};
use std::sync::Arc;
use weft_model::term::TermType;

/// One column of an expression over the batches of a layout.
pub(crate) type ColumnExpr = Arc<dyn PhysicalExpr>;

/// Which columns of a batch hold which variable.
///
/// The columns of a variable stand together, in the order of [`TermType::columns`]; all are null where it is unbound. A
/// constant has none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    variables: Arc<[Variable]>,
    types: Arc<[TermType]>,
    /// The first column of each variable, and last the number of all columns.
    starts: Arc<[usize]>,
    schema: SchemaRef,
}

impl Layout {
    /// Lays the variables out from left to right. No variable may be named twice.
    pub(crate) fn new(variables: Vec<(Variable, TermType)>) -> Self {
        let mut fields = Vec::new();
        let mut starts = vec![0];
        for (variable, term_type) in &variables {
            let columns = term_type.columns();
            let lone = columns.len() == 1;
            for (k, data_type) in columns.into_iter().enumerate() {
                let name = if lone { variable.as_str().to_owned() } else { format!("{}.{k}", variable.as_str()) };
                fields.push(Field::new(name, data_type, true));
            }
            starts.push(fields.len());
        }
        let (variables, types): (Vec<_>, Vec<_>) = variables.into_iter().unzip();
        Self {
            variables: variables.into(),
            types: types.into(),
            starts: starts.into(),
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// One nullable field a column: the variable's name, followed by `.k` where it has several.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The types of [`Self::variables`], in the same order.
    pub(crate) fn types(&self) -> &[TermType] {
        &self.types
    }

    /// The first column of a variable, and its type.
    pub(crate) fn get(&self, variable: &Variable) -> Option<(usize, &TermType)> {
        let index = self.variables.iter().position(|v| v == variable)?;
        Some((self.starts[index], &self.types[index]))
    }

    /// References to the columns of a variable; none for a constant, and none for a variable that is not laid out.
    pub(crate) fn columns(&self, variable: &Variable) -> Vec<ColumnExpr> {
        let Some(index) = self.variables.iter().position(|v| v == variable) else {
            return Vec::new();
        };
        (self.starts[index]..self.starts[index + 1])
            .map(|column| Arc::new(Column::new(self.schema.field(column).name(), column)) as ColumnExpr)
            .collect()
    }
}

/// The terms of a batch: one row a row, one entry a variable of the layout, `None` where it is unbound.
pub(crate) fn rows(batch: &RecordBatch, layout: &Layout) -> Result<Vec<Vec<Option<Term>>>> {
    let readers = layout
        .types
        .iter()
        .zip(layout.starts.windows(2))
        .map(|(term_type, range)| TermReader::new(term_type, &batch.columns()[range[0]..range[1]]))
        .collect::<Result<Vec<_>>>()?;
    (0..batch.num_rows()).map(|row| readers.iter().map(|reader| reader.term(row)).collect()).collect()
}
