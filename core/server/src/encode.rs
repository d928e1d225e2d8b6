//! Answers as bytes, piece by piece.

mod buffer;
mod escape;
mod frame;
mod solutions;
mod triples;
mod xml;

use crate::{Graph, GraphFormat, Problem, ResultFormat, Solutions};
use bytes::Bytes;
use solutions::SolutionPieces;
use sparesults::QueryResultsSerializer;
use std::io;
use triples::TriplePieces;
use weft_model::{Code, Fault};

#[cfg(test)]
mod tests;

/// A piece is handed out once it has this many bytes, or when a batch is written.
const PIECE: usize = 64 * 1024;

/// Writes an answer as it comes. Holds one batch of it and one piece of text, however long it is.
pub struct Encoder(Kind);

#[allow(clippy::large_enum_variant, reason = "there is one of them for each answer")]
enum Kind {
    Solutions(SolutionPieces),
    Triples(TriplePieces),
}

impl Encoder {
    pub fn solutions(solutions: Solutions, format: ResultFormat) -> Result<Self, Problem> {
        SolutionPieces::new(solutions, format).map(Kind::Solutions).map(Self)
    }

    pub fn graph(graph: Graph, format: GraphFormat) -> Self {
        Self(Kind::Triples(TriplePieces::new(graph, format)))
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
            Kind::Solutions(pieces) => pieces.next().await,
            Kind::Triples(pieces) => pieces.next().await,
        }
    }

    /// Rows or triples written so far.
    pub fn written(&self) -> u64 {
        match &self.0 {
            Kind::Solutions(pieces) => pieces.written(),
            Kind::Triples(pieces) => pieces.written(),
        }
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
