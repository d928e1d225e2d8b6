//! Solutions as bytes, piece by piece.

use crate::{Problem, ResultFormat, Solutions};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use oxrdf::{Term, Variable};
use sparesults::{QueryResultsSerializer, WriterSolutionsSerializer};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use weft_model::{Code, Fault};

/// A piece is handed out once it has this many bytes, or when a batch of rows is written.
const PIECE: usize = 32 * 1024;

type Row = Vec<Option<Term>>;

/// Writes solutions as they come. Holds one batch of rows and one piece of text, however long the answer is.
pub struct Encoder {
    variables: Vec<Variable>,
    rows: BoxStream<'static, Result<Vec<Row>, Problem>>,
    pending: std::vec::IntoIter<Row>,
    buffer: Buffer,
    /// Taken when the last byte is written.
    writer: Option<WriterSolutionsSerializer<Buffer>>,
    written: u64,
}

impl Encoder {
    pub fn new(solutions: Solutions, format: ResultFormat) -> Result<Self, Problem> {
        let buffer = Buffer::default();
        let writer = QueryResultsSerializer::from_format(format.serializer())
            .serialize_solutions_to_writer(buffer.clone(), solutions.variables.clone())
            .map_err(|error| unwritable(&error))?;
        Ok(Self {
            variables: solutions.variables,
            rows: solutions.rows,
            pending: Vec::new().into_iter(),
            buffer,
            writer: Some(writer),
            written: 0,
        })
    }

    /// A document that says only yes or no.
    pub fn boolean(value: bool, format: ResultFormat) -> Result<Bytes, Problem> {
        QueryResultsSerializer::from_format(format.serializer())
            .serialize_boolean_to_writer(Vec::new(), value)
            .map(Bytes::from)
            .map_err(|error| unwritable(&error))
    }

    /// The next bytes; nothing after the end. What was handed out before an error is not a whole document.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.writer.is_none() {
            return Ok(None);
        }
        loop {
            if self.write_pending()? {
                return Ok(Some(self.buffer.take()));
            }
            match self.rows.next().await {
                Some(batch) => self.pending = batch?.into_iter(),
                None => return self.finish().map(Some),
            }
        }
    }

    /// Rows written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes rows until the piece is full or the batch is done. Tells whether there is something to hand out.
    fn write_pending(&mut self) -> Result<bool, Problem> {
        let before = self.written;
        while let Some(row) = self.pending.next() {
            self.write(&row)?;
            if self.buffer.len() >= PIECE {
                return Ok(true);
            }
        }
        Ok(self.written > before)
    }

    fn write(&mut self, row: &Row) -> Result<(), Problem> {
        if row.len() != self.variables.len() {
            let message = format!("a row has {} cells for {} variables", row.len(), self.variables.len());
            return Err(Problem::new(Code::Internal, Fault::Broker, message));
        }
        let cells = self.variables.iter().zip(row);
        let bound = cells.filter_map(|(variable, cell)| Some((variable, cell.as_ref()?)));
        if let Some(writer) = &mut self.writer {
            writer.serialize(bound).map_err(|error| unwritable(&error))?;
        }
        self.written += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<Bytes, Problem> {
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(|error| unwritable(&error))?;
        }
        Ok(self.buffer.take())
    }
}

fn unwritable(error: &io::Error) -> Problem {
    Problem::new(Code::Internal, Fault::Broker, format!("the answer cannot be written: {error}"))
}

/// The serializer owns its writer and does not give it back before the end, so the bytes are shared with it.
#[derive(Clone, Default)]
struct Buffer {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Buffer {
    fn len(&self) -> usize {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
