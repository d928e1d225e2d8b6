//! Tables of all types with random rows, the same in a database and in memory.

use rand::prelude::*;
use rand::rngs::StdRng;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_model::contract::{ContractError, DataType, Description, Field, Relation, ScanRequest, Value};

pub(crate) type Row = Vec<Option<Value>>;

/// A column: its name, its type, how each database declares it, and how `Value`s are drawn.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) data_type: DataType,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
    pub(crate) pool: Vec<Value>,
}

pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct World {
    pub(crate) tables: Vec<Table>,
}

fn texts(all: &[&str]) -> Vec<Value> {
    all.iter().map(|t| Value::Text((*t).into())).collect()
}

pub(crate) fn decimal(unscaled: i128, scale: u8) -> Value {
    Value::Decimal { unscaled, scale }
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "b ",
    " b",
    "é",
    "e\u{301}",
    "z",
    "Z",
    "%",
    "_",
    "a%b",
    "[a]",
    "*",
    "\\",
    "10",
    "9",
    "\u{ffff}",
    "\u{1d11e}",
    "'; DROP TABLE t0; --",
    "\"",
    "null",
    "ß",
    "SS",
];

fn columns(odd: bool) -> Vec<Column> {
    let name = |plain: &'static str, strange: &'static str| if odd { strange } else { plain };
    let column = |name, data_type, sqlite, postgres, pool| Column { name, data_type, sqlite, postgres, pool };
    let noon = 1_488_456_000_000_000_i64;
    // Among them the last microsecond of a February, a leap day, and years of one and four digits.
    let (leap_day, first, last) = (951_782_400_000_000, -62_000_000_000_000_000, 253_380_000_000_000_000);
    let times = [0, 1, -1, noon, noon + 500_000, noon - 86_400_000_000, leap_day - 1, leap_day, first, last];
    let times: Vec<Value> = times.map(Value::Timestamp).into();
    let decimals: Vec<Value> =
        [0, 1, -1, 100, 1_000, 12_500, -12_500, 12_501, 999_999_999].map(|u| decimal(u, 3)).into();
    vec![
        column(name("i", "select"), DataType::Int64, "INTEGER", "int4", (-3..4).map(Value::Int64).collect()),
        column("j", DataType::Int64, "INT", "bigint", (-3..4).map(Value::Int64).collect()),
        column(
            "big",
            DataType::Int64,
            "BIGINT",
            "bigint",
            [i64::MIN, i64::MAX, 0, 1 << 53, (1 << 53) + 1].map(Value::Int64).into(),
        ),
        column(
            "x",
            DataType::Float64,
            "REAL",
            "float8",
            [-1.5, -0.25, 0.0, 0.25, 1.0, 3e10].map(Value::Float64).into(),
        ),
        column("price", DataType::Decimal { precision: 9, scale: 3 }, "DECIMAL(9,3)", "numeric(9,3)", decimals),
        column(name("s", "odd \"name\"; --"), DataType::Text, "TEXT", "text", texts(TEXTS)),
        column("nocase", DataType::Text, "VARCHAR(9) COLLATE NOCASE", "varchar(40)", texts(TEXTS)),
        column("nocase2", DataType::Text, "TEXT COLLATE RTRIM", "varchar(40)", texts(&TEXTS[..7])),
        column("ok2", DataType::Boolean, "BOOL", "bool", vec![Value::Boolean(true), Value::Boolean(false)]),
        column("ok", DataType::Boolean, "BOOLEAN", "bool", vec![Value::Boolean(true), Value::Boolean(false)]),
        column("day", DataType::Date, "DATE", "date", [0, 17_227, -5, 17_226, 40_000].map(Value::Date).into()),
        column("wall", DataType::Timestamp { zoned: false }, "TIMESTAMP", "timestamp", times.clone()),
        column("at", DataType::Timestamp { zoned: true }, "TIMESTAMPTZ", "timestamptz", times),
        column(
            "bytes",
            DataType::Binary,
            "BLOB",
            "bytea",
            [&b""[..], b"a", b"\0\xff", b"ab"].map(|b| Value::Binary(b.into())).into(),
        ),
    ]
}

/// What only PostgreSQL has.
fn postgres_columns() -> Vec<Column> {
    let column = |name, data_type, postgres, pool| Column { name, data_type, sqlite: "", postgres, pool };
    let float = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1.5].map(Value::Float64);
    let uuids = ["00000000-0000-0000-0000-000000000001", "0e37df36-f698-11e6-8dd4-cb9ced3df976"];
    vec![
        column("strange", DataType::Float64, "float8", float.into()),
        column("single", DataType::Float64, "float4", [0.5, 0.1, -2.0].map(Value::Float64).into()),
        column("padded", DataType::Text, "char(3)", texts(&["a  ", "ab ", "abc", "   ", "é  ", "A  "])),
        column("padded2", DataType::Text, "char(3)", texts(&["a  ", "ab ", "abc", "   "])),
        column("guid", DataType::Text, "uuid", texts(&uuids)),
        column("guid2", DataType::Text, "uuid", texts(&uuids)),
        column("mood", DataType::Text, "mood", texts(&["sad", "ok", "Happy"])),
        column("loose", DataType::Text, "text COLLATE loose", texts(TEXTS)),
        column("german", DataType::Text, "text COLLATE \"de-x-icu\"", texts(TEXTS)),
        column(
            "open",
            DataType::Decimal { precision: 38, scale: 18 },
            "numeric",
            [0, 5, -7].map(|u| decimal(u * 10_i128.pow(17), 18)).into(),
        ),
        column("small", DataType::Int64, "smallint", [-1, 0, 1, 2].map(Value::Int64).into()),
    ]
}

impl World {
    pub(crate) fn random(rng: &mut StdRng, tables: usize, postgres: bool) -> Self {
        let tables = (0..tables).map(|number| {
            let mut columns = columns(number % 2 == 1);
            if postgres {
                columns.extend(postgres_columns());
            }
            let rows = (0..if rng.random_bool(0.1) { 0 } else { rng.random_range(4..16) })
                .map(|_| columns.iter().map(|c| draw(rng, c)).collect());
            let rows = rows.collect();
            Table { name: format!("t{number}"), columns, rows }
        });
        Self { tables: tables.collect() }
    }

    pub(crate) fn table(&self, name: &str) -> &Table {
        let name = name.rsplit('.').next().unwrap();
        self.tables.iter().find(|t| t.name == name).unwrap()
    }
}

fn draw(rng: &mut StdRng, column: &Column) -> Option<Value> {
    if rng.random_bool(0.15) { None } else { column.pool.choose(rng).cloned() }
}

pub(crate) fn context() -> CallContext {
    CallContext { deadline: Instant::now() + Duration::from_secs(60), traceparent: None }
}

pub(crate) fn request(relation: Relation) -> ScanRequest {
    ScanRequest { id: "test".into(), relation, batch_rows: 3, batch_bytes: 1 << 20, explain: false }
}

/// The rows of a complete answer, and the statement that was sent.
pub(crate) async fn scan(connector: &dyn Connector, request: ScanRequest) -> Result<(Vec<Row>, String), ContractError> {
    use futures::StreamExt;
    let fields: Vec<Field> = request.relation.fields().unwrap().into_iter().map(|(_, f)| f).collect();
    let limit = request.batch_rows as usize;
    let mut stream = connector.scan(&context(), request).await?;
    let mut rows = Vec::new();
    while let Some(event) = stream.next().await {
        match event? {
            ScanEvent::Batch(batch) => {
                assert!(batch.num_rows() <= limit && batch.num_rows() > 0);
                for (field, arrow) in fields.iter().zip(batch.schema().fields()) {
                    assert_eq!(arrow.data_type(), &field.data_type.to_arrow());
                }
                rows.extend(decode(&batch, &fields));
            }
            ScanEvent::End(end) => {
                assert_eq!(end.rows as usize, rows.len());
                assert!(stream.next().await.is_none(), "something follows the end");
                return Ok((rows, end.statements.concat()));
            }
        }
    }
    panic!("the stream has no end");
}

fn decode(batch: &arrow_array::RecordBatch, fields: &[Field]) -> Vec<Row> {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::*;
    assert_eq!(batch.num_columns(), fields.len());
    let cell = |column: &Arc<dyn Array>, field: &Field, row: usize| {
        if column.is_null(row) {
            return None;
        }
        Some(match field.data_type {
            DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
            DataType::Int64 => Value::Int64(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Value::Float64(column.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal { scale, .. } => decimal(column.as_primitive::<Decimal128Type>().value(row), scale),
            DataType::Text => Value::Text(column.as_string_view().value(row).into()),
            DataType::Date => Value::Date(column.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp { .. } => {
                Value::Timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            DataType::Binary => Value::Binary(column.as_binary_view().value(row).into()),
        })
    };
    let columns = || batch.columns().iter().zip(fields);
    (0..batch.num_rows()).map(|row| columns().map(|(column, field)| cell(column, field, row)).collect()).collect()
}

/// The fields of each described table, as a read hands them back.
pub(crate) fn schemas(description: &Description) -> HashMap<String, Vec<Field>> {
    let field = |c: &weft_model::contract::Column| Field {
        name: c.name.clone(),
        data_type: c.data_type,
        nullable: c.nullable,
        native_type: c.native_type.clone(),
    };
    description.tables.iter().map(|t| (t.name.clone(), t.columns.iter().map(field).collect())).collect()
}
