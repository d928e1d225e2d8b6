//! Calendar parts of dates and times, at the edges of the calendars of both databases.

use crate::peer::Peer;
use crate::sqlite::{Database, read};
use crate::world::{Row, context, request, scan};
use tokio_postgres::Client;
use weft_connector::Connector;
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::Code;
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, ContractError, DataType, ProjectColumn, Relation, TimePart, Value,
};

async fn parts(
    connector: &dyn Connector,
    table: &str,
    data_type: DataType,
) -> Result<Vec<Vec<Option<i64>>>, ContractError> {
    let input = Box::new(Relation::Read(read(connector, table, &["k", "v"]).await));
    let wanted = TimePart::ALL.into_iter().filter(|part| part.is_part_of(data_type));
    let column =
        |part: TimePart| ProjectColumn { name: part.name().to_owned(), column: ColumnRef::bare("v"), part: Some(part) };
    let columns = std::iter::once(ProjectColumn::of("k", ColumnRef::bare("k"))).chain(wanted.map(column)).collect();
    let (mut rows, _) = scan(connector, request(Relation::Project { input, columns })).await?;
    rows.sort_by_key(|row| number(&row[0]));
    Ok(rows.iter().map(|row| row[1..].iter().map(number).collect()).collect())
}

fn number(cell: &Option<Value>) -> Option<i64> {
    match cell {
        Some(Value::Int64(number)) => Some(*number),
        None => None,
        other => panic!("{other:?} is no whole number"),
    }
}

fn some(numbers: &[i64]) -> Vec<Option<i64>> {
    numbers.iter().copied().map(Some).collect()
}

/// Both sides of what a calendar can get wrong: epoch, sub-seconds before it, leap years, the first and last years.
const MOMENTS: &[(&str, [i64; 5])] = &[
    ("1970-01-01T00:00:00", [1970, 1, 1, 0, 0]),
    ("1969-12-31T23:59:59.999999", [1969, 12, 31, 23, 59]),
    ("1969-12-31T23:59:59.5", [1969, 12, 31, 23, 59]),
    ("1970-01-01T00:59:59.999999", [1970, 1, 1, 0, 59]),
    ("2000-02-29T12:30:00", [2000, 2, 29, 12, 30]),
    ("1900-02-28T23:59:59.999", [1900, 2, 28, 23, 59]),
    ("1900-03-01T00:00:00.000001", [1900, 3, 1, 0, 0]),
    ("0001-01-01T00:00:00", [1, 1, 1, 0, 0]),
    ("0004-12-31T23:00:00", [4, 12, 31, 23, 0]),
    ("9999-12-31T23:59:59.999999", [9999, 12, 31, 23, 59]),
];

/// The same instants elsewhere, where the day, the month or the year is another.
const INSTANTS: &[(&str, [i64; 5])] = &[
    ("2017-01-01T00:30:00+01:00", [2016, 12, 31, 23, 30]),
    ("2016-12-31T23:30:00.25-01:00", [2017, 1, 1, 0, 30]),
    ("2000-03-01T00:10:00+00:15", [2000, 2, 29, 23, 55]),
    ("1970-01-01T13:59:00+14:00", [1969, 12, 31, 23, 59]),
];

fn inserts(table: &str, moments: &[(&str, [i64; 5])], zone: &str) -> String {
    let rows = moments.iter().enumerate().map(|(k, (text, _))| format!("({k}, '{text}{zone}')"));
    let rows: Vec<String> = rows.chain([format!("({}, NULL)", moments.len())]).collect();
    format!("INSERT INTO {table} VALUES {};", rows.join(", "))
}

fn expected(moments: &[(&str, [i64; 5])], width: usize) -> Vec<Vec<Option<i64>>> {
    moments.iter().map(|(_, parts)| some(&parts[..width])).chain([vec![None; width]]).collect()
}

const WALL: DataType = DataType::Timestamp { zoned: false };
const ZONED: DataType = DataType::Timestamp { zoned: true };

#[tokio::test]
async fn sqlite_parts_are_exact() {
    let days: Vec<(String, [i64; 5])> = MOMENTS.iter().map(|(text, parts)| (text[..10].to_owned(), *parts)).collect();
    let days: Vec<(&str, [i64; 5])> = days.iter().map(|(text, parts)| (text.as_str(), *parts)).collect();
    let year_zero = [("0000-02-29T01:02:03", [0, 2, 29, 1, 2])];
    let database = Database::new(&format!(
        "CREATE TABLE wall (k INTEGER, v TIMESTAMP); CREATE TABLE utc (k INTEGER, v TIMESTAMPTZ);
         CREATE TABLE zoned (k INTEGER, v TIMESTAMPTZ); CREATE TABLE days (k INTEGER, v DATE);
         CREATE TABLE zero (k INTEGER, v TIMESTAMP); CREATE TABLE before (k INTEGER, v TIMESTAMPTZ);
         INSERT INTO before VALUES (0, '0000-01-01T00:00:00+00:01'); {} {} {} {} {}",
        inserts("wall", MOMENTS, ""),
        inserts("utc", MOMENTS, "Z"),
        inserts("zoned", INSTANTS, ""),
        inserts("days", &days, ""),
        inserts("zero", &year_zero, ""),
    ));
    let connector = database.connector();
    assert_eq!(parts(&connector, "wall", WALL).await.unwrap(), expected(MOMENTS, 5));
    assert_eq!(parts(&connector, "utc", ZONED).await.unwrap(), expected(MOMENTS, 5));
    assert_eq!(parts(&connector, "zoned", ZONED).await.unwrap(), expected(INSTANTS, 5));
    assert_eq!(parts(&connector, "days", DataType::Date).await.unwrap(), expected(MOMENTS, 3));
    assert_eq!(parts(&connector, "zero", WALL).await.unwrap(), expected(&year_zero, 5));
    assert_eq!(parts(&connector, "before", ZONED).await.unwrap(), [some(&[-1, 12, 31, 23, 59])]);
}

#[tokio::test]
async fn a_part_of_what_is_no_time_is_never_passed_off() {
    for (declared, stored, found) in [
        ("TIMESTAMP", "'2017-03-02T10:00Z'", "without an offset"),
        ("TIMESTAMP", "1488456000", "an integer"),
        ("TIMESTAMPTZ", "'2017-03-02T10:00'", "with an offset"),
        ("DATE", "'2017-02-29'", "not an ISO 8601 date"),
        ("DATE", "17227", "an integer"),
    ] {
        let sql = format!("CREATE TABLE t (k INTEGER, v {declared}); INSERT INTO t VALUES (1, {stored})");
        let connector = Database::new(&sql);
        let error = parts(&connector.connector(), "t", DataType::Date).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{declared} {stored}: {error}");
        for part in ["\"t\"", "\"v\"", found] {
            assert!(error.message.contains(part), "{declared} {stored}: {error} should name {part}");
        }
    }
}

/// Rows to hourly buckets.
async fn buckets(connector: &dyn Connector, table: &str) -> (Vec<Row>, String) {
    let input = Box::new(Relation::Read(read(connector, table, &["k", "v"]).await));
    let parts = [TimePart::Year, TimePart::Month, TimePart::Day, TimePart::Hours];
    let column =
        |part: TimePart| ProjectColumn { name: part.to_string(), column: ColumnRef::bare("v"), part: Some(part) };
    let mut columns: Vec<ProjectColumn> = parts.map(column).into();
    columns.push(ProjectColumn::of("k", ColumnRef::bare("k")));
    let function = |name: &str, function| Aggregate {
        name: name.into(),
        function,
        argument: Some(ColumnRef::bare("k")),
        distinct: false,
    };
    let relation = Relation::Aggregate {
        input: Box::new(Relation::Project { input, columns }),
        group: parts.map(|part| ColumnRef::bare(part.name())).into(),
        aggregates: vec![function("n", AggregateFunction::Count), function("sum", AggregateFunction::Sum)],
    };
    let (mut rows, statement) = scan(connector, request(relation)).await.unwrap();
    rows.sort_by_key(|row| row.iter().map(number).collect::<Vec<_>>());
    (rows, statement)
}

const BUCKETS: &[(&str, [i64; 5])] = &[
    ("2020-01-01T10:00:00.000001", [0; 5]),
    ("2020-01-01T10:59:59.999999", [0; 5]),
    ("2020-01-01T11:00:00", [0; 5]),
    ("2020-01-02T10:00:00", [0; 5]),
];

fn check_buckets((rows, statement): (Vec<Row>, String)) {
    let rows: Vec<Vec<Option<i64>>> = rows.iter().map(|row| row.iter().map(number).collect()).collect();
    // Rows without a time are a group of their own.
    let none = [vec![None; 4], some(&[1, 4])].concat();
    let expected = [none, some(&[2020, 1, 1, 10, 2, 1]), some(&[2020, 1, 1, 11, 1, 2]), some(&[2020, 1, 2, 10, 1, 3])];
    assert_eq!(rows, expected, "{statement}");
}

#[tokio::test]
async fn sqlite_groups_by_parts() {
    let sql = format!("CREATE TABLE b (k INTEGER, v TIMESTAMP); {}", inserts("b", BUCKETS, ""));
    check_buckets(buckets(&Database::new(&sql).connector(), "b").await);
}

pub(crate) async fn postgres(peer: &Peer, client: &Client) {
    let tables = [("wall", "timestamp", ""), ("utc", "timestamptz", "Z"), ("days", "date", "")];
    let mut sql = "CREATE SCHEMA parts; SET search_path = parts;".to_owned();
    for (table, data_type, zone) in tables {
        sql += &format!("CREATE TABLE {table} (k int, v {data_type}); {}", inserts(table, MOMENTS, zone));
    }
    sql += &format!("CREATE TABLE zoned (k int, v timestamptz); {}", inserts("zoned", INSTANTS, ""));
    sql += &format!("CREATE TABLE b (k int, v timestamptz); {}", inserts("b", BUCKETS, "Z"));
    sql += "CREATE TABLE bc (k int, v timestamptz, d date);
            INSERT INTO bc VALUES (0, '0001-12-31 23:59:59.5+00 BC', '0001-12-31 BC'), (1, '4713-11-24 01:02:03+00 BC', '4713-11-24 BC');
            CREATE TABLE far (k int, v date); INSERT INTO far VALUES (0, '5874897-12-31');
            CREATE TABLE late (k int, v timestamp); INSERT INTO late VALUES (0, '294246-12-31T23:59:59.999999');
            CREATE TABLE endless (k int, v timestamptz); INSERT INTO endless VALUES (0, 'infinity');
            CREATE TABLE begun (k int, v timestamp); INSERT INTO begun VALUES (0, '-infinity');
            CREATE TABLE never (k int, v date); INSERT INTO never VALUES (0, 'infinity');";
    client.batch_execute(&sql).await.unwrap();
    // Where the server is must not matter.
    for zone in ["UTC", "Asia/Kolkata", "America/New_York"] {
        let mut config = SqlConfig::new(format!("{}?options=-c%20timezone%3D{zone}", peer.url("weft", "postgres")));
        config.database.schemas = vec!["parts".into()];
        let connector = SqlConnector::open(config).unwrap();
        let of = async |table: &str, data_type| parts(&connector, &format!("parts.{table}"), data_type).await;
        assert_eq!(of("wall", WALL).await.unwrap(), expected(MOMENTS, 5), "{zone}");
        assert_eq!(of("utc", ZONED).await.unwrap(), expected(MOMENTS, 5), "{zone}");
        assert_eq!(of("zoned", ZONED).await.unwrap(), expected(INSTANTS, 5), "{zone}");
        assert_eq!(of("days", DataType::Date).await.unwrap(), expected(MOMENTS, 3), "{zone}");
        let before = [some(&[0, 12, 31, 23, 59]), some(&[-4712, 11, 24, 1, 2])];
        assert_eq!(of("bc", ZONED).await.unwrap(), before, "{zone}");
        assert_eq!(of("far", DataType::Date).await.unwrap(), [some(&[5_874_897, 12, 31])]);
        assert_eq!(of("late", WALL).await.unwrap(), [some(&[294_246, 12, 31, 23, 59])]);
        check_buckets(buckets(&connector, "parts.b").await);
        for (table, data_type) in [("endless", ZONED), ("begun", WALL), ("never", DataType::Date)] {
            for part in TimePart::ALL.into_iter().filter(|part| part.is_part_of(data_type)) {
                let input = Relation::Read(read(&connector, &format!("parts.{table}"), &["v"]).await);
                let column = ProjectColumn { name: "p".into(), column: ColumnRef::bare("v"), part: Some(part) };
                let relation = Relation::Project { input: Box::new(input), columns: vec![column] };
                let error = scan(&connector, request(relation)).await.unwrap_err();
                assert_eq!(error.code, Code::InvalidData, "{part} of {table}: {error}");
            }
        }
    }
    let description = connector_of(peer).describe(&context()).await.unwrap();
    assert_eq!(description.relational.time_parts, TimePart::ALL);
}

fn connector_of(peer: &Peer) -> SqlConnector {
    SqlConnector::open(SqlConfig::new(peer.url("weft", "postgres"))).unwrap()
}
