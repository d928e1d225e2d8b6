//! Scan requests and their end markers.

use super::ConvertError;
use super::relation::{relation_from_wit, relation_to_wit};
use crate::wit::weft::connector::types as w;
use weft_model::contract as m;

pub fn request_to_wit(request: m::ScanRequest) -> Result<w::ScanRequest, ConvertError> {
    Ok(w::ScanRequest {
        id: request.id,
        relation: relation_to_wit(request.relation)?,
        batch_rows: request.batch_rows,
        batch_bytes: request.batch_bytes,
        explain: request.explain,
    })
}

pub fn request_from_wit(request: w::ScanRequest) -> Result<m::ScanRequest, ConvertError> {
    Ok(m::ScanRequest {
        id: request.id,
        relation: relation_from_wit(request.relation)?,
        batch_rows: request.batch_rows,
        batch_bytes: request.batch_bytes,
        explain: request.explain,
    })
}

pub fn end_to_wit(end: m::End) -> w::End {
    w::End {
        outcome: match end.outcome {
            m::Outcome::Complete => w::Outcome::Complete,
            m::Outcome::Truncated(reason) => w::Outcome::Truncated(reason),
        },
        rows: end.rows,
        statements: end.statements,
    }
}

pub fn end_from_wit(end: w::End) -> m::End {
    m::End {
        outcome: match end.outcome {
            w::Outcome::Complete => m::Outcome::Complete,
            w::Outcome::Truncated(reason) => m::Outcome::Truncated(reason),
        },
        rows: end.rows,
        statements: end.statements,
    }
}
