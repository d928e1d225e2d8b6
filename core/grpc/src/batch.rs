//! Batches on the wire: Arrow IPC, or plain columns from authors without Arrow.

mod columns;
mod ipc;
mod normalise;

#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use weft_connector::batch_bytes;
use weft_proto::v1;
use weft_proto::v1::batch::Encoding;

/// What a batch should not exceed on the wire: enough to be efficient, little enough to flow.
pub(crate) const TARGET_BYTES: usize = 1 << 20;

/// Rows of a batch without columns cost nothing, so their number has its own limit.
const MAX_ROWS: usize = u32::MAX as usize;

/// Why bytes are not a batch, or a batch cannot become bytes.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("one row has {bytes} bytes, more than the {limit} bytes of a message")]
    TooLarge { bytes: usize, limit: usize },
    #[error("a batch in an encoding that this version does not know")]
    UnknownEncoding,
    #[error("not an Arrow IPC stream: {0}")]
    Ipc(String),
    #[error("column {0:?}: {1}")]
    Column(String, String),
    #[error("columns that do not fit together")]
    Arrow(#[from] ArrowError),
}

/// One or more messages of under 1 MiB with the rows of the batch in order; a single larger row is sent alone as long
/// as it has at most `message_bytes`.
pub fn encode_batch(batch: &RecordBatch, message_bytes: usize) -> Result<Vec<v1::Batch>, BatchError> {
    let bytes = usize::try_from(batch_bytes(batch)).unwrap_or(usize::MAX);
    // A little under the target, for the framing.
    let pieces = bytes.div_ceil(TARGET_BYTES / 8 * 7).clamp(1, batch.num_rows().max(1));
    let rows = batch.num_rows().div_ceil(pieces).max(1);
    // Slices still to be sent, the next one last.
    let mut open: Vec<(usize, usize)> = (0..batch.num_rows().max(1))
        .step_by(rows)
        .map(|offset| (offset, rows.min(batch.num_rows() - offset)))
        .rev()
        .collect();
    let mut messages = Vec::with_capacity(open.len());
    while let Some((offset, length)) = open.pop() {
        let slice = batch.slice(offset, length);
        let bytes = usize::try_from(batch_bytes(&slice)).unwrap_or(usize::MAX);
        let may_split = length > 1;
        if bytes > message_bytes && !may_split {
            return Err(BatchError::TooLarge { bytes, limit: message_bytes });
        }
        // Rows differ in size, so an even cut may still leave a piece too large.
        let encoded = if bytes > TARGET_BYTES && may_split { None } else { Some(ipc::encode(&slice)?) };
        match encoded {
            Some(encoded) if encoded.len() <= TARGET_BYTES.min(message_bytes) || !may_split => {
                messages.push(fit(encoded, message_bytes)?);
            }
            _ => {
                let half = length / 2;
                open.push((offset + half, length - half));
                open.push((offset, half));
            }
        }
    }
    Ok(messages)
}

/// The batch as one message, for key blocks.
pub(crate) fn encode_whole(batch: &RecordBatch, message_bytes: usize) -> Result<v1::Batch, BatchError> {
    let bytes = usize::try_from(batch_bytes(batch)).unwrap_or(usize::MAX);
    if bytes / 2 > message_bytes {
        return Err(BatchError::TooLarge { bytes, limit: message_bytes });
    }
    fit(ipc::encode(batch)?, message_bytes)
}

fn fit(encoded: Vec<u8>, message_bytes: usize) -> Result<v1::Batch, BatchError> {
    if encoded.len() > message_bytes {
        return Err(BatchError::TooLarge { bytes: encoded.len(), limit: message_bytes });
    }
    Ok(v1::Batch { encoding: Some(Encoding::ArrowIpc(encoded.into())) })
}

/// The rows of one message, all columns of types that `DataType::to_arrow` gives. Foreign bytes: everything is checked.
pub fn decode_batch(batch: v1::Batch) -> Result<RecordBatch, BatchError> {
    match batch.encoding {
        Some(Encoding::ArrowIpc(bytes)) => normalise::batch(&ipc::decode(bytes)?),
        Some(Encoding::Columns(columns)) => columns::decode(columns),
        None => Err(BatchError::UnknownEncoding),
    }
}
