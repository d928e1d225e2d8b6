//! Solutions as JSON, XML, CSV and TSV, straight from the columns of the answer.

use super::escape::{Escape, NoCharacter};
use super::frame::{Frame, Frames};
use super::{PIECE, no_way};
use crate::{Problem, ResultFormat, Solutions};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use oxrdf::Variable;
use weft_exec::{AnswerBatch, AnswerColumn, MixedTerms, Texts};
use weft_model::{Code, Fault};

/// Room that a piece has beyond its size, for the row that fills it.
const LAST_ROW: usize = 4 * 1024;

/// About what a cell takes.
const CELL: usize = 64;

/// From batches of rows to pieces of text.
pub(super) struct SolutionPieces {
    batches: BoxStream<'static, Result<AnswerBatch, Problem>>,
    /// A batch and the first row of it that is not written yet.
    pending: Option<(AnswerBatch, usize)>,
    bytes: Vec<u8>,
    /// Taken when the last byte is written.
    writer: Option<Writer>,
    written: u64,
}

/// What a format has between and around cells and rows.
struct Punctuation {
    row_start: &'static str,
    row_end: &'static str,
    between_rows: &'static str,
    between_cells: &'static str,
    /// Whether an unbound cell has a place of its own.
    has_places: bool,
    end: &'static str,
}

struct Writer {
    punctuation: &'static Punctuation,
    /// One for each variable.
    columns: Vec<Frames>,
    rows: u64,
}

/// A column of a batch with what is around its texts.
enum Column<'a> {
    /// The cell of every row, written.
    Constant(Option<Vec<u8>>),
    Uniform(&'a Frame, Texts<'a>),
    Mixed(&'a mut Frames, MixedTerms<'a>),
}

impl SolutionPieces {
    pub(super) fn new(solutions: Solutions, format: ResultFormat) -> Result<Self, Problem> {
        let mut bytes = Vec::with_capacity(LAST_ROW);
        head(format, &solutions.variables, &mut bytes).map_err(missing)?;
        let columns = solutions.variables.into_iter().map(|variable| Frames::new(format, variable)).collect();
        let writer = Some(Writer { punctuation: punctuation(format), columns, rows: 0 });
        Ok(Self { batches: solutions.rows, pending: None, bytes, writer, written: 0 })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if self.write_pending()? {
                return Ok(Some(self.take()));
            }
            if self.writer.is_none() {
                return Ok(None);
            }
            match self.batches.next().await {
                Some(batch) => self.pending = Some((batch?, 0)),
                None => return Ok(self.finish()),
            }
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes rows until the piece is full or the batch is done. Tells whether there is something to hand out.
    fn write_pending(&mut self) -> Result<bool, Problem> {
        let Some((batch, first)) = self.pending.take() else { return Ok(false) };
        let Some(writer) = &mut self.writer else { return Ok(false) };
        let expected = (batch.len() - first).saturating_mul(writer.columns.len() * CELL);
        self.bytes.reserve(expected.min(PIECE) + LAST_ROW);
        let next = writer.rows(&batch, first, &mut self.bytes)?;
        self.written += (next - first) as u64;
        if next < batch.len() {
            self.pending = Some((batch, next));
        }
        Ok(next > first)
    }

    fn finish(&mut self) -> Option<Bytes> {
        let writer = self.writer.take()?;
        self.bytes.extend_from_slice(writer.punctuation.end.as_bytes());
        Some(self.take())
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).into()
    }
}

impl Writer {
    /// Writes the rows of a batch from `first` until it ends or the piece is full; returns the row to go on with.
    fn rows(&mut self, batch: &AnswerBatch, first: usize, out: &mut Vec<u8>) -> Result<usize, Problem> {
        let columns = batch.columns();
        if columns.len() != self.columns.len() {
            let message = format!("a row has {} cells for {} variables", columns.len(), self.columns.len());
            return Err(Problem::new(Code::Internal, Fault::Broker, message));
        }
        let columns = columns.zip(&mut self.columns).map(|(column, frames)| Column::new(column, frames));
        let mut columns = columns.collect::<Result<Vec<_>, _>>().map_err(missing)?;
        for row in first..batch.len() {
            if self.rows > 0 {
                out.extend_from_slice(self.punctuation.between_rows.as_bytes());
            }
            self.punctuation.row(&mut columns, row, out).map_err(missing)?;
            self.rows += 1;
            if out.len() >= PIECE {
                return Ok(row + 1);
            }
        }
        Ok(batch.len())
    }
}

impl Punctuation {
    fn row(&self, columns: &mut [Column<'_>], row: usize, out: &mut Vec<u8>) -> Result<(), NoCharacter> {
        out.extend_from_slice(self.row_start.as_bytes());
        let mut is_first = true;
        for column in columns {
            let before = out.len();
            if !is_first {
                out.extend_from_slice(self.between_cells.as_bytes());
            }
            if column.write(row, out)? || self.has_places {
                is_first = false;
            } else {
                out.truncate(before);
            }
        }
        out.extend_from_slice(self.row_end.as_bytes());
        Ok(())
    }
}

impl<'a> Column<'a> {
    fn new(column: AnswerColumn<'a>, frames: &'a mut Frames) -> Result<Self, NoCharacter> {
        Ok(match column {
            AnswerColumn::Constant(None) => Self::Constant(None),
            AnswerColumn::Constant(Some(cell)) => {
                let mut bytes = Vec::new();
                frames.write(cell, &mut bytes)?;
                Self::Constant(Some(bytes))
            }
            AnswerColumn::Uniform(kind, texts) => Self::Uniform(frames.get(kind)?, texts),
            AnswerColumn::Mixed(terms) => Self::Mixed(frames, terms),
        })
    }

    /// Writes a cell. Tells whether it is bound.
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> Result<bool, NoCharacter> {
        match self {
            Self::Constant(None) => return Ok(false),
            Self::Constant(Some(bytes)) => out.extend_from_slice(bytes),
            Self::Uniform(frame, texts) => {
                let Some(text) = texts.get(row) else { return Ok(false) };
                frame.write(text, out)?;
            }
            Self::Mixed(frames, terms) => {
                let Some(cell) = terms.get(row) else { return Ok(false) };
                frames.write(cell, out)?;
            }
        }
        Ok(true)
    }
}

fn missing(NoCharacter(name): NoCharacter) -> Problem {
    no_way(format_args!("XML has no character {name}"))
}

fn punctuation(format: ResultFormat) -> &'static Punctuation {
    match format {
        ResultFormat::Json => &Punctuation {
            row_start: "{",
            row_end: "}",
            between_rows: ",",
            between_cells: ",",
            has_places: false,
            end: "]}}",
        },
        ResultFormat::Xml => &Punctuation {
            row_start: "<result>",
            row_end: "</result>",
            between_rows: "",
            between_cells: "",
            has_places: false,
            end: "</results></sparql>",
        },
        ResultFormat::Csv => &Punctuation {
            row_start: "",
            row_end: "\r\n",
            between_rows: "",
            between_cells: ",",
            has_places: true,
            end: "",
        },
        ResultFormat::Tsv => &Punctuation {
            row_start: "",
            row_end: "\n",
            between_rows: "",
            between_cells: "\t",
            has_places: true,
            end: "",
        },
    }
}

/// What comes before the rows: the names of the variables.
fn head(format: ResultFormat, variables: &[Variable], out: &mut Vec<u8>) -> Result<(), NoCharacter> {
    let (start, before, between, after, end, escape) = match format {
        ResultFormat::Json => {
            ("{\"head\":{\"vars\":[", "\"", ",", "\"", "]},\"results\":{\"bindings\":[", Escape::Json)
        }
        ResultFormat::Xml => (
            "<?xml version=\"1.0\"?><sparql xmlns=\"http://www.w3.org/2005/sparql-results#\"><head>",
            "<variable name=\"",
            "",
            "\"/>",
            "</head><results>",
            Escape::Xml,
        ),
        ResultFormat::Csv => ("", "", ",", "", "\r\n", Escape::None),
        ResultFormat::Tsv => ("", "?", "\t", "", "\n", Escape::None),
    };
    out.extend_from_slice(start.as_bytes());
    for (i, variable) in variables.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        out.extend_from_slice(before.as_bytes());
        escape.write(variable.as_str(), out)?;
        out.extend_from_slice(after.as_bytes());
    }
    out.extend_from_slice(end.as_bytes());
    Ok(())
}
