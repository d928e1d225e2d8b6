//! Triples as Turtle, N-Triples, JSON-LD and RDF/XML.

use super::buffer::Buffer;
use super::{PIECE, unwritable, xml};
use crate::{Graph, GraphFormat, Problem};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use oxrdf::Triple;
use oxrdfio::{RdfSerializer, WriterQuadSerializer};

/// Triples that are written before a piece is handed out, at most.
const TRIPLES: usize = 512;

/// From batches of triples to pieces of text.
pub(super) struct TriplePieces {
    batches: BoxStream<'static, Result<Vec<Triple>, Problem>>,
    pending: std::vec::IntoIter<Triple>,
    buffer: Buffer,
    is_xml: bool,
    /// Taken when the last byte is written.
    writer: Option<WriterQuadSerializer<Buffer>>,
    written: u64,
}

impl TriplePieces {
    pub(super) fn new(graph: Graph, format: GraphFormat) -> Self {
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
        let writer = Some(serializer.for_writer(buffer.clone()));
        let batches = graph.triples.ready_chunks(TRIPLES).map(|chunk| chunk.into_iter().collect()).boxed();
        Self { batches, pending: Vec::new().into_iter(), buffer, is_xml, writer, written: 0 }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if self.write_pending()? {
                return Ok(Some(self.buffer.take()));
            }
            if self.writer.is_none() {
                return Ok(None);
            }
            match self.batches.next().await {
                Some(batch) => self.pending = batch?.into_iter(),
                None => return self.finish(),
            }
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes triples until the piece is full or the batch is done. Tells whether there is something to hand out.
    fn write_pending(&mut self) -> Result<bool, Problem> {
        let before = self.written;
        let Some(writer) = &mut self.writer else { return Ok(false) };
        for triple in self.pending.by_ref() {
            if self.is_xml {
                xml::check(&triple)?;
            }
            writer.serialize_triple(&triple).map_err(|error| unwritable(&error))?;
            self.written += 1;
            if self.buffer.len() >= PIECE {
                return Ok(true);
            }
        }
        // A writer may keep back what it has of the last triple.
        Ok(self.written > before && self.buffer.len() > 0)
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(writer) = self.writer.take() else { return Ok(None) };
        writer.finish().map_err(|error| unwritable(&error))?;
        Ok(Some(self.buffer.take()))
    }
}
