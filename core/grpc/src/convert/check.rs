//! The answer to a check.

use super::ConvertError;
use super::value::{decode_value, encode_value};
use weft_model::contract::{Check, CheckOutcome, Value};
use weft_proto::v1;
use weft_proto::v1::table_check::Outcome;

pub fn encode_check(check: &Check) -> v1::CheckResponse {
    let table = |(name, outcome): &(String, CheckOutcome)| v1::TableCheck {
        table: name.clone(),
        outcome: Some(encode_outcome(outcome)),
    };
    v1::CheckResponse { system: check.system.clone(), tables: check.tables.iter().map(table).collect() }
}

pub fn decode_check(wire: v1::CheckResponse) -> Result<Check, ConvertError> {
    let tables = wire.tables.into_iter().map(|check| Ok((check.table, decode_outcome(check.outcome)?)));
    Ok(Check { system: wire.system, tables: tables.collect::<Result<_, ConvertError>>()? })
}

fn encode_outcome(outcome: &CheckOutcome) -> Outcome {
    match outcome {
        CheckOutcome::Row(row) => {
            let cell = |value: &Option<Value>| v1::Cell { value: value.as_ref().map(encode_value) };
            Outcome::Row(v1::Row { cells: row.iter().map(cell).collect() })
        }
        CheckOutcome::Empty => Outcome::Empty(v1::Empty {}),
        CheckOutcome::Denied(reason) => Outcome::Denied(reason.clone()),
        CheckOutcome::Failed(reason) => Outcome::Failed(reason.clone()),
    }
}

fn decode_outcome(wire: Option<Outcome>) -> Result<CheckOutcome, ConvertError> {
    Ok(match wire {
        Some(Outcome::Row(row)) => {
            let cell = |cell: v1::Cell| cell.value.map(decode_value).transpose();
            CheckOutcome::Row(row.cells.into_iter().map(cell).collect::<Result<_, _>>()?)
        }
        Some(Outcome::Empty(_)) => CheckOutcome::Empty,
        Some(Outcome::Denied(reason)) => CheckOutcome::Denied(reason),
        Some(Outcome::Failed(reason)) => CheckOutcome::Failed(reason),
        None => CheckOutcome::Failed("the connector answered in a way that this version does not know".to_owned()),
    })
}
