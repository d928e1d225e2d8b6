//! The body of an answer, handed from the runtime to a parser that blocks.

use crate::refusal::truncated;
use bytes::{Buf, Bytes};
use reqwest::Response;
use std::io::{self, Read};
use tokio::sync::mpsc;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

/// Chunks that wait for the parser.
const CHUNKS: usize = 4;
/// What is remembered of the end of a body.
const TAIL_BYTES: usize = 64;

/// A chunk, or nothing at the end of the body.
type Chunk = Result<Option<Bytes>, ContractError>;

/// Reads the body of a response as it comes.
pub(crate) struct Body {
    chunks: mpsc::Receiver<Chunk>,
    current: Bytes,
    ended: bool,
    tail: Vec<u8>,
    failure: Option<ContractError>,
}

/// Sends the chunks of a response to the [`Body`] it makes; ends with the response, the body, or `limit` bytes.
pub(crate) fn split(response: Response, limit: u64) -> (Body, impl Future<Output = ()> + Send + 'static) {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let body = Body { chunks, current: Bytes::new(), ended: false, tail: Vec::new(), failure: None };
    (body, pump(response, limit, sender))
}

async fn pump(mut response: Response, limit: u64, chunks: mpsc::Sender<Chunk>) {
    let mut bytes = 0_u64;
    loop {
        let chunk = match response.chunk().await {
            Ok(None) => Ok(None),
            Ok(Some(chunk)) => {
                bytes = bytes.saturating_add(chunk.len() as u64);
                if bytes > limit { Err(too_long(limit)) } else { Ok(Some(chunk)) }
            }
            Err(error) => Err(truncated("its answer was cut off").with_detail(cause(&error))),
        };
        let over = !matches!(chunk, Ok(Some(_)));
        // The parser may have had enough.
        if chunks.send(chunk).await.is_err() || over {
            return;
        }
    }
}

pub(crate) fn too_long(limit: u64) -> ContractError {
    let message = format!("it answers with more than {limit} bytes (max_response_bytes)");
    ContractError::new(Code::LimitExceeded, Fault::Source, message)
}

fn cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

impl Body {
    /// Why reading failed, when it was not the parser.
    pub(crate) fn failure(&mut self) -> Option<ContractError> {
        self.failure.take()
    }

    /// Reads to the end, and gives the last bytes without the white space behind them.
    pub(crate) fn finish(&mut self) -> io::Result<String> {
        io::copy(self, &mut io::sink())?;
        Ok(String::from_utf8_lossy(&self.tail).trim_end().to_owned())
    }

    pub(crate) fn ends_a_line(&self) -> bool {
        self.tail.last().is_none_or(|last| *last == b'\n')
    }

    fn fail(&mut self, error: ContractError) -> io::Error {
        let shown = io::Error::other(error.message.clone());
        self.failure = Some(error);
        shown
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.chunks.blocking_recv() {
                Some(Ok(Some(chunk))) => self.current = chunk,
                Some(Ok(None)) => self.ended = true,
                Some(Err(error)) => return Err(self.fail(error)),
                None => return Err(self.fail(truncated("its answer was cut off"))),
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current[..length]);
        self.remember(&buffer[..length]);
        self.current.advance(length);
        Ok(length)
    }
}
