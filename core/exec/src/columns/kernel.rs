//! The one physical expression of this crate: a named function over columns.

use super::ColumnExpr;
use crate::deadline::in_time;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use datafusion_common::{Result, internal_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Computes one column from the argument columns, given the number of rows. Must not look at anything else, except
/// where the kernel is volatile.
pub(crate) type Apply = dyn Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync;

/// A function over columns. Two kernels are equal when their names, result types and arguments are, so a name must tell
/// everything that the function captured.
#[derive(Clone)]
pub(crate) struct Kernel {
    name: Arc<str>,
    arguments: Vec<ColumnExpr>,
    return_type: DataType,
    volatile: bool,
    apply: Arc<Apply>,
}

impl Kernel {
    pub(crate) fn new(
        name: impl Into<Arc<str>>,
        arguments: Vec<ColumnExpr>,
        return_type: DataType,
        apply: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), arguments, return_type, volatile: false, apply: Arc::new(apply) }
    }

    /// Marks a function that gives another answer each time.
    pub(crate) fn volatile(mut self, volatile: bool) -> Self {
        self.volatile = volatile;
        self
    }

    pub(crate) fn expr(self) -> ColumnExpr {
        Arc::new(self)
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (i, argument) in self.arguments.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{argument}")?;
        }
        f.write_str(")")
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.return_type == other.return_type
            && self.arguments.as_slice().eq(&other.arguments)
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.return_type.hash(state);
        self.arguments.hash(state);
    }
}

impl PhysicalExpr for Kernel {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.return_type.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        in_time()?;
        let rows = batch.num_rows();
        let arguments = self
            .arguments
            .iter()
            .map(|argument| argument.evaluate(batch)?.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let result = (self.apply)(&arguments, rows)?;
        if result.len() != rows || result.data_type() != &self.return_type {
            return internal_err!(
                "{} gave {} rows of {} for {rows} of {}",
                self.name,
                result.len(),
                result.data_type(),
                self.return_type
            );
        }
        Ok(ColumnarValue::Array(result))
    }

    fn children(&self) -> Vec<&ColumnExpr> {
        self.arguments.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<ColumnExpr>) -> Result<ColumnExpr> {
        if children.len() != self.arguments.len() {
            return internal_err!("{} takes {} arguments", self.name, self.arguments.len());
        }
        Ok(Arc::new(Self { arguments: children, ..Arc::unwrap_or_clone(self) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn is_volatile_node(&self) -> bool {
        self.volatile
    }
}
