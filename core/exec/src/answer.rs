//! The rows of a SELECT: batches of columns, which are read as text or as terms.

mod apart;
mod batch;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use apart::apart;
pub use batch::{AnswerBatch, AnswerColumn, Cell, CellKind, MixedTerms, Texts};
pub(crate) use stream::{AnswerLimits, AnswerStream};

use crate::columns::Layout;
use crate::error::QueryError;
use crate::report::ReportHandle;
use batch::Shown;
use futures::Stream;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use oxrdf::{Term, Variable};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The rows of a SELECT. Dropping them cancels everything below.
pub struct Solutions {
    pub variables: Vec<Variable>,
    /// The answer is whole only when they end without an error.
    pub rows: Rows,
    pub report: ReportHandle,
}

impl fmt::Debug for Solutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solutions").field("variables", &self.variables).field("report", &self.report).finish()
    }
}

/// Batches of rows: as a stream, rows of terms with one entry a variable.
pub struct Rows(BoxStream<'static, Result<AnswerBatch, QueryError>>);

impl Rows {
    /// The variables of an answer, whichever others its plan carries along.
    pub(crate) fn shown(answer: AnswerStream, layout: &Layout, variables: &[Variable]) -> Self {
        let shown = Arc::new(Shown::new(layout, variables));
        Self(answer.read(move |batch| {
            let batch = AnswerBatch::read(&shown, batch)?;
            let bytes = batch.bytes()?;
            Ok((batch, bytes))
        }))
    }

    /// The same rows without terms being made of them.
    pub fn into_batches(self) -> BoxStream<'static, Result<AnswerBatch, QueryError>> {
        self.0
    }
}

impl Stream for Rows {
    type Item = Result<Vec<Vec<Option<Term>>>, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx).map(|next| next.map(|batch| batch.map(|batch| batch.rows())))
    }
}
