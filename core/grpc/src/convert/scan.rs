//! The envelope of a scan and the end of its answer.

use super::relation::{decode_relation, encode_relation};
use super::{ConvertError, Limits};
use weft_model::contract::{End, Outcome, ScanRequest};
use weft_proto::v1;
use weft_proto::v1::end::Outcome as Wire;

/// Fails as [`encode_relation`] does.
pub fn encode_scan_request(request: &ScanRequest, limits: &Limits) -> Result<v1::ScanRequest, ConvertError> {
    Ok(v1::ScanRequest {
        id: request.id.clone(),
        relation: Some(encode_relation(&request.relation, limits)?),
        batch_rows: request.batch_rows,
        batch_bytes: request.batch_bytes,
        explain: request.explain,
    })
}

pub fn decode_scan_request(wire: v1::ScanRequest, limits: &Limits) -> Result<ScanRequest, ConvertError> {
    Ok(ScanRequest {
        id: wire.id,
        relation: decode_relation(wire.relation.ok_or(ConvertError::Missing("the relation"))?, limits)?,
        batch_rows: wire.batch_rows,
        batch_bytes: wire.batch_bytes,
        explain: wire.explain,
    })
}

pub fn encode_end(end: &End) -> v1::End {
    let outcome = match &end.outcome {
        Outcome::Complete => Wire::Complete(v1::Empty {}),
        Outcome::Truncated(reason) => Wire::Truncated(reason.clone()),
    };
    v1::End { outcome: Some(outcome), rows: end.rows, statements: end.statements.clone() }
}

/// An outcome that is not known is an error: it must not pass for a complete answer.
pub fn decode_end(wire: v1::End) -> Result<End, ConvertError> {
    let outcome = match wire.outcome.ok_or(ConvertError::Unknown("the outcome of the scan"))? {
        Wire::Complete(_) => Outcome::Complete,
        Wire::Truncated(reason) => Outcome::Truncated(reason),
    };
    Ok(End { outcome, rows: wire.rows, statements: wire.statements })
}
