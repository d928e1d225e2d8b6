//! Bind parameters in PostgreSQL's binary form.

use super::cells::{EPOCH_DAYS, EPOCH_MICROS};
use super::numeric;
use crate::lower::Parameter;
use bytes::{BufMut, BytesMut};
use std::error::Error;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

impl Parameter {
    pub(super) fn postgres_type(&self) -> Type {
        match self {
            Self::Boolean(_) => Type::BOOL,
            Self::Int64(_) => Type::INT8,
            Self::Float64(_) => Type::FLOAT8,
            Self::Text(_) => Type::TEXT,
            Self::Padded(_) => Type::BPCHAR,
            Self::Uuid(_) => Type::UUID,
            Self::Decimal { .. } => Type::NUMERIC,
            Self::Date(_) => Type::DATE,
            Self::Timestamp { zoned: true, .. } => Type::TIMESTAMPTZ,
            Self::Timestamp { zoned: false, .. } => Type::TIMESTAMP,
            Self::Binary(_) => Type::BYTEA,
            Self::List(items) => items.first().map_or(Type::TEXT_ARRAY, |item| array_of(&item.postgres_type())),
        }
    }
}

fn array_of(item: &Type) -> Type {
    match *item {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::BPCHAR => Type::BPCHAR_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Boolean(b) => out.put_u8(u8::from(*b)),
            Self::Int64(i) => out.put_i64(*i),
            Self::Float64(f) => out.put_f64(*f),
            Self::Text(text) | Self::Padded(text) => out.put_slice(text.as_bytes()),
            Self::Uuid(bytes) => out.put_slice(bytes),
            Self::Decimal { unscaled, scale } => numeric::encode(*unscaled, *scale, out),
            Self::Date(days) => out.put_i32(days.checked_sub(EPOCH_DAYS).ok_or("a date out of range")?),
            Self::Timestamp { micros, .. } => {
                out.put_i64(micros.checked_sub(EPOCH_MICROS).ok_or("a timestamp out of range")?);
            }
            Self::Binary(bytes) => out.put_slice(bytes),
            Self::List(items) => return items.to_sql(ty, out),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Each is sent with the type it says itself.
        true
    }

    to_sql_checked!();
}
