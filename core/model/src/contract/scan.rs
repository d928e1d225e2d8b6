//! The envelope around a relation, and the marker that ends its answer.

use super::Relation;

/// The request of one `Scan`. Deadline and trace context travel beside it, by the means of the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanRequest {
    /// Names the scan in logs on both sides.
    pub id: String,
    pub relation: Relation,
    /// The most rows one batch may have.
    pub batch_rows: u32,
    /// Roughly the most bytes one batch may have.
    pub batch_bytes: u32,
    /// Do not touch the system: answer only an [`End`] whose statements are what would be sent.
    pub explain: bool,
}

/// Ends every answer. A stream that stops without it failed, however many rows came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub outcome: Outcome,
    /// The rows of all batches before this marker.
    pub rows: u64,
    /// What was sent to the system, in its own language, one entry a request; without secrets, values as placeholders
    /// where the language has them.
    pub statements: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Complete,
    /// Rows are missing, for this reason.
    Truncated(String),
}
