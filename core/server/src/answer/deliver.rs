//! An answer that is sent as it comes.

use super::{Delivery, Running, by, fail, record};
use crate::{Encoder, Problem};
use bytes::Bytes;
use futures::Stream;
use std::io;
use tokio::sync::mpsc;
use weft_model::{Code, Fault};

pub(super) enum Piece {
    Bytes(Bytes),
    End,
}

/// A body that ends well only after [`Piece::End`]: otherwise the connection is broken off, so that no client takes the
/// part for the whole.
pub(super) fn pieces(receiver: mpsc::Receiver<Piece>) -> impl Stream<Item = Result<Bytes, io::Error>> {
    futures::stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the answer broke off")), None)),
        }
    })
}

/// Sends the answer until it ends, fails, the client leaves or the time is over. What it holds is dropped with it.
pub(super) async fn deliver(start: Bytes, delivery: Delivery, running: Running, sender: mpsc::Sender<Piece>) {
    let Delivery { encoder, report, .. } = delivery;
    let sent = tokio::select! {
        () = sender.closed() => Err(left()),
        sent = by(running.deadline, send_all(start, encoder, &sender)) => sent,
    };
    // The permit is for running queries only.
    drop(running.permit);
    match sent {
        Ok(rows) => {
            record(&running.span, rows);
            tracing::debug!(rows, report = %report(), "answer sent");
        }
        Err(problem) => {
            fail(&running.span, &problem);
            tracing::warn!(code = %problem.code, "answer broken off: {problem}");
        }
    }
}

async fn send_all(start: Bytes, mut encoder: Encoder, sender: &mpsc::Sender<Piece>) -> Result<u64, Problem> {
    sender.send(Piece::Bytes(start)).await.map_err(|_| left())?;
    while let Some(piece) = encoder.next().await? {
        sender.send(Piece::Bytes(piece)).await.map_err(|_| left())?;
    }
    sender.send(Piece::End).await.map_err(|_| left())?;
    Ok(encoder.written())
}

fn left() -> Problem {
    Problem::new(Code::Cancelled, Fault::Caller, "the client left")
}
