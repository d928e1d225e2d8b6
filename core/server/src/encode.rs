//! Answers as bytes, piece by piece.

mod buffer;
mod xml;

use crate::{Graph, GraphFormat, Problem, ResultFormat, Solutions};
use buffer::Buffer;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use oxrdf::{Term, Triple, Variable};
use oxrdfio::{RdfSerializer, WriterQuadSerializer};
use sparesults::{QueryResultsSerializer, WriterSolutionsSerializer};
use std::io;
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

/// A piece is handed out once it has this many bytes, or when a batch is written.
const PIECE: usize = 32 * 1024;

/// Triples that are written before a piece is handed out, at most.
const TRIPLES: usize = 512;

type Row = Vec<Option<Term>>;

/// Writes an answer as it comes. Holds one batch of it and one piece of text, however long it is.
pub struct Encoder(Kind);

#[allow(clippy::large_enum_variant, reason = "there is one of them for each answer")]
enum Kind {
    Rows(Pieces<Row, RowWriter>),
    Triples(Pieces<Triple, TripleWriter>),
}

impl Encoder {
    pub fn solutions(solutions: Solutions, format: ResultFormat) -> Result<Self, Problem> {
        let buffer = if format == ResultFormat::Xml { Buffer::xml() } else { Buffer::plain() };
        let writer = QueryResultsSerializer::from_format(format.serializer())
            .serialize_solutions_to_writer(buffer.clone(), solutions.variables.clone())
            .map_err(|error| unwritable(&error))?;
        let writer = RowWriter { variables: solutions.variables, writer };
        Ok(Self(Kind::Rows(Pieces::new(solutions.rows, writer, buffer))))
    }

    pub fn graph(graph: Graph, format: GraphFormat) -> Self {
        let is_xml = format == GraphFormat::RdfXml;
        let buffer = if is_xml { Buffer::xml() } else { Buffer::plain() };
        let mut serializer = RdfSerializer::from_format(format.serializer());
        // Elsewhere they are not used, or names of XML are narrower.
        let prefixes = if format == GraphFormat::Turtle { graph.prefixes } else { Vec::new() };
        for (name, namespace) in prefixes {
            // A prefix that cannot be one is only not used.
            if let Ok(with_prefix) = serializer.clone().with_prefix(name, namespace) {
                serializer = with_prefix;
            }
        }
        let writer = TripleWriter { writer: serializer.for_writer(buffer.clone()), is_xml };
        let batches = graph.triples.ready_chunks(TRIPLES).map(|chunk| chunk.into_iter().collect());
        Self(Kind::Triples(Pieces::new(batches.boxed(), writer, buffer)))
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
        match &mut self.0 {
            Kind::Rows(pieces) => pieces.next().await,
            Kind::Triples(pieces) => pieces.next().await,
        }
    }

    /// Rows or triples written so far.
    pub fn written(&self) -> u64 {
        match &self.0 {
            Kind::Rows(pieces) => pieces.written,
            Kind::Triples(pieces) => pieces.written,
        }
    }
}

/// Writes items of an answer, and what stands around them.
trait Writer {
    type Item;

    fn write(&mut self, item: &Self::Item) -> Result<(), Problem>;

    fn finish(self) -> io::Result<()>;
}

/// From batches of items to pieces of text.
struct Pieces<T, W> {
    batches: BoxStream<'static, Result<Vec<T>, Problem>>,
    pending: std::vec::IntoIter<T>,
    buffer: Buffer,
    /// Taken when the last byte is written.
    writer: Option<W>,
    written: u64,
}

impl<T, W: Writer<Item = T>> Pieces<T, W> {
    fn new(batches: BoxStream<'static, Result<Vec<T>, Problem>>, writer: W, buffer: Buffer) -> Self {
        Self { batches, pending: Vec::new().into_iter(), buffer, writer: Some(writer), written: 0 }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.writer.is_none() {
            return Ok(None);
        }
        loop {
            if self.write_pending()? {
                return Ok(Some(self.buffer.take()));
            }
            match self.batches.next().await {
                Some(batch) => self.pending = batch?.into_iter(),
                None => return self.finish().map(Some),
            }
        }
    }

    /// Writes items until the piece is full or the batch is done. Tells whether there is something to hand out.
    fn write_pending(&mut self) -> Result<bool, Problem> {
        let before = self.written;
        let Some(writer) = &mut self.writer else { return Ok(false) };
        for item in self.pending.by_ref() {
            writer.write(&item)?;
            self.written += 1;
            if self.buffer.len() >= PIECE {
                return Ok(true);
            }
        }
        // A writer may keep back what it has of the last item.
        Ok(self.written > before && self.buffer.len() > 0)
    }

    fn finish(&mut self) -> Result<Bytes, Problem> {
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(|error| unwritable(&error))?;
        }
        Ok(self.buffer.take())
    }
}

struct RowWriter {
    variables: Vec<Variable>,
    writer: WriterSolutionsSerializer<Buffer>,
}

impl Writer for RowWriter {
    type Item = Row;

    fn write(&mut self, row: &Row) -> Result<(), Problem> {
        if row.len() != self.variables.len() {
            let message = format!("a row has {} cells for {} variables", row.len(), self.variables.len());
            return Err(Problem::new(Code::Internal, Fault::Broker, message));
        }
        let cells = self.variables.iter().zip(row);
        let bound = cells.filter_map(|(variable, cell)| Some((variable, cell.as_ref()?)));
        self.writer.serialize(bound).map_err(|error| unwritable(&error))
    }

    fn finish(self) -> io::Result<()> {
        self.writer.finish().map(|_| ())
    }
}

struct TripleWriter {
    writer: WriterQuadSerializer<Buffer>,
    is_xml: bool,
}

impl Writer for TripleWriter {
    type Item = Triple;

    fn write(&mut self, triple: &Triple) -> Result<(), Problem> {
        if self.is_xml {
            xml::check(triple)?;
        }
        self.writer.serialize_triple(triple).map_err(|error| unwritable(&error))
    }

    fn finish(self) -> io::Result<()> {
        self.writer.finish().map(|_| ())
    }
}

fn unwritable(error: &io::Error) -> Problem {
    match error.kind() {
        // The format has no way to say it.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => no_way(error),
        _ => Problem::new(Code::Internal, Fault::Broker, format!("the answer cannot be written: {error}")),
    }
}

fn no_way(why: impl std::fmt::Display) -> Problem {
    let message = format!("the answer cannot be written in this format: {why}; ask for another one");
    Problem::new(Code::NotAcceptable, Fault::Caller, message)
}
