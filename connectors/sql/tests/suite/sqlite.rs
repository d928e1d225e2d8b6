//! SQLite: random relations, and what only SQLite does.

use crate::semantics::{Tally, compare, seed};
use crate::world::{Table, World, context, request, scan, schemas};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use tempfile::TempDir;
use weft_connector::Connector;
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::Code;
use weft_model::contract::{
    Aggregate, AggregateFunction, CheckOutcome, ColumnRef, CompareOperator, ContractError, DataType, Expression, Read,
    Relation, TextOperator, Value,
};

pub(crate) struct Database {
    folder: TempDir,
    pub(crate) connection: Connection,
}

impl Database {
    pub(crate) fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("test.sqlite")).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.execute_batch(sql).unwrap();
        Self { folder, connection }
    }

    pub(crate) fn config(&self) -> SqlConfig {
        SqlConfig::new(format!("sqlite:{}", self.folder.path().join("test.sqlite").display()))
    }

    pub(crate) fn connector(&self) -> SqlConnector {
        SqlConnector::open(self.config()).unwrap()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn create(connection: &Connection, table: &Table) {
    let columns: Vec<String> = table.columns.iter().map(|c| format!("{} {}", quoted(c.name), c.sqlite)).collect();
    connection.execute_batch(&format!("CREATE TABLE {} ({})", table.name, columns.join(", "))).unwrap();
    let marks = vec!["?"; table.columns.len()].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO {} VALUES ({marks})", table.name)).unwrap();
    for (number, row) in table.rows.iter().enumerate() {
        let cells = row.iter().zip(&table.columns);
        let cells = cells.map(|(v, c)| v.as_ref().map_or(Sql::Null, |v| stored(v, c.data_type, number)));
        insert.execute(rusqlite::params_from_iter(cells)).unwrap();
    }
}

/// How a value is written into the file; timestamps in changing spellings.
fn stored(value: &Value, data_type: DataType, number: usize) -> Sql {
    match value {
        Value::Boolean(b) => Sql::Integer(i64::from(*b)),
        Value::Int64(i) => Sql::Integer(*i),
        Value::Float64(f) => Sql::Real(*f),
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Binary(bytes) => Sql::Blob(bytes.clone()),
        Value::Decimal { unscaled, .. } => Sql::Real(*unscaled as f64 / 1_000.0),
        Value::Date(days) => Sql::Text(date(*days)),
        Value::Timestamp(micros) => {
            let zoned = data_type == DataType::Timestamp { zoned: true };
            let offset = if zoned && number % 2 == 1 { 90 * 60_000_000 } else { 0 };
            let local = micros + offset;
            let (days, rest) = (local.div_euclid(86_400_000_000), local.rem_euclid(86_400_000_000));
            let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
            let separator = if number.is_multiple_of(3) { ' ' } else { 'T' };
            let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            let fraction = match fraction {
                0 if number.is_multiple_of(2) => String::new(),
                f => format!(".{f:06}"),
            };
            let zone = if !zoned {
                ""
            } else if offset > 0 {
                "+01:30"
            } else {
                "Z"
            };
            Sql::Text(format!("{}{separator}{time}{fraction}{zone}", date(i32::try_from(days).unwrap())))
        }
    }
}

fn date(days: i32) -> String {
    let connection = Connection::open_in_memory().unwrap();
    connection.query_row("SELECT date(? * 86400, 'unixepoch')", [i64::from(days)], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_relations_give_what_the_contract_says() {
    let seed = seed();
    println!("seed {seed}");
    let mut tally = Tally::default();
    for round in 0..40_u64 {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(round));
        let world = World::random(&mut rng, 3, false);
        let database = Database::new("");
        for table in &world.tables {
            create(&database.connection, table);
        }
        compare(&database.connector(), &world, seed.wrapping_add(round), 50, &mut tally).await;
    }
    println!("{tally:?}");
    assert!(
        tally.compared > 1_500 && tally.empty * 3 < tally.compared * 2 && tally.long > 50 && tally.parts > 200,
        "{tally:?}"
    );
}

pub(crate) async fn read(connector: &dyn Connector, table: &str, columns: &[&str]) -> Read {
    let schemas = schemas(&connector.describe(&context()).await.unwrap());
    Read {
        table: table.into(),
        alias: String::new(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        schema: schemas[table].clone(),
        filter: None,
        keys: None,
        limit: None,
    }
}

fn compared(name: &str, operator: CompareOperator, value: Value) -> Expression {
    let column = Box::new(Expression::Column(ColumnRef::bare(name)));
    Expression::Compare { operator, left: column, right: Box::new(Expression::Literal(value)) }
}

async fn failure(connector: &dyn Connector, relation: Relation) -> ContractError {
    scan(connector, request(relation)).await.unwrap_err()
}

#[tokio::test]
async fn a_value_of_another_type_is_never_passed_off() {
    for (declared, stored, found) in [
        ("INTEGER", "'n/a'", "a text"),
        ("INTEGER", "1.5", "a real number"),
        ("REAL", "'high'", "a text"),
        ("TEXT", "x'00ff'", "a blob"),
        ("TEXT", "CAST(x'ff41' AS TEXT)", "not UTF-8"),
        ("BOOLEAN", "2", "an integer"),
        ("DECIMAL(5,2)", "1.005", "more digits"),
        ("DECIMAL(5,2)", "'1,5'", "a text"),
        ("DECIMAL(3,0)", "1000", "more digits"),
        ("DATE", "'2017-3-2'", "not an ISO 8601 date"),
        ("DATE", "17227", "an integer"),
        ("DATETIME", "'2017-03-02'", "without an offset"),
        ("DATETIME", "'2017-03-02T10:00:00Z'", "without an offset"),
        ("TIMESTAMPTZ", "'2017-03-02T10:00:00'", "with an offset"),
        ("TIMESTAMPTZ", "1488456000", "an integer"),
        ("BLOB", "'text'", "a text"),
    ] {
        let database =
            Database::new(&format!("CREATE TABLE t (k INTEGER, v {declared}); INSERT INTO t VALUES (1, {stored})"));
        let connector = database.connector();
        let error = failure(&connector, Relation::Read(read(&connector, "t", &["v"]).await)).await;
        assert_eq!(error.code, Code::InvalidData, "{declared} {stored}: {error}");
        for part in ["\"t\"", "\"v\"", found] {
            assert!(error.message.contains(part), "{declared} {stored}: {error} should name {part}");
        }
        let whole = scan(&connector, request(Relation::Read(read(&connector, "t", &["k"]).await))).await;
        assert_eq!(whole.unwrap().0.len(), 1, "other columns stay readable");
    }
}

#[tokio::test]
async fn a_value_of_another_type_does_not_decide_a_condition() {
    let database = Database::new("CREATE TABLE t (k INTEGER, v INTEGER); INSERT INTO t VALUES (1, 'n/a'), (2, 7)");
    let connector = database.connector();
    let base = read(&connector, "t", &["k"]).await;
    let filtered = |filter| Relation::Read(Read { filter: Some(filter), ..base.clone() });
    for operator in [CompareOperator::Greater, CompareOperator::NotEqual, CompareOperator::Less] {
        let error = failure(&connector, filtered(compared("v", operator, Value::Int64(5)))).await;
        assert_eq!(error.code, Code::InvalidData);
        assert!(error.message.contains("\"v\" of table \"t\" holds a text"), "{error}");
    }
    let equal = filtered(compared("v", CompareOperator::Equal, Value::Int64(7)));
    assert_eq!(scan(&connector, request(equal)).await.unwrap().0, [[Some(Value::Int64(2))]]);
    let minimum = Relation::Aggregate {
        input: Box::new(Relation::Read(Read { columns: vec!["v".into()], ..base })),
        group: vec![],
        aggregates: vec![Aggregate {
            name: "m".into(),
            function: AggregateFunction::Min,
            argument: Some(ColumnRef::bare("v")),
            distinct: false,
        }],
    };
    assert_eq!(failure(&connector, minimum).await.code, Code::InvalidData);
}

#[tokio::test]
async fn an_empty_text_does_not_end_with_anything() {
    let database =
        Database::new("CREATE TABLE t (k INTEGER, s TEXT); INSERT INTO t VALUES (1, ''), (2, 'ab'), (3, NULL)");
    let connector = database.connector();
    let ends = Expression::Text {
        operator: TextOperator::EndsWith,
        input: Box::new(Expression::Column(ColumnRef::bare("s"))),
        pattern: "b".into(),
    };
    let filter = Some(Expression::Not(Box::new(ends)));
    let relation = Relation::Read(Read { filter, ..read(&connector, "t", &["k"]).await });
    assert_eq!(scan(&connector, request(relation)).await.unwrap().0, [[Some(Value::Int64(1))]]);
}

#[tokio::test]
async fn sums_overflow_with_an_error() {
    let database = Database::new(&format!(
        "CREATE TABLE t (i INTEGER, d DECIMAL(38,2)); INSERT INTO t VALUES ({0}, {0}), (1, 0.25), (NULL, 0.1)",
        i64::MAX
    ));
    let connector = database.connector();
    let base = read(&connector, "t", &["i", "d"]).await;
    let sum = |column: &str| Relation::Aggregate {
        input: Box::new(Relation::Read(base.clone())),
        group: vec![],
        aggregates: vec![Aggregate {
            name: "s".into(),
            function: AggregateFunction::Sum,
            argument: Some(ColumnRef::bare(column)),
            distinct: false,
        }],
    };
    let error = failure(&connector, sum("i")).await;
    assert!(error.code == Code::InvalidData && error.message.contains("64 bits"), "{error}");
    let error = failure(&connector, sum("d")).await;
    assert!(error.code == Code::InvalidData && error.message.contains("digits"), "{error}");
}

#[tokio::test]
async fn names_cannot_inject() {
    let names = ["a\"; DROP TABLE victim; --", "a'b", "sélect", "[x]", "`y`", "a?b$1:c@d", "union select 1"];
    let mut sql = "CREATE TABLE victim (v INTEGER); INSERT INTO victim VALUES (1);".to_owned();
    for name in names {
        sql += &format!(
            "CREATE TABLE {0} ({0} TEXT PRIMARY KEY, v INTEGER); INSERT INTO {0} VALUES ('x', 1);",
            quoted(name)
        );
    }
    let database = Database::new(&sql);
    let connector = database.connector();
    for name in names {
        let read = read(&connector, name, &[name]).await;
        let filter = compared(name, CompareOperator::Equal, Value::Text("x".into()));
        let alias = format!("{name}\"");
        let left = Relation::Read(Read { filter: Some(filter), alias: alias.clone(), ..read.clone() });
        let on = vec![(ColumnRef::new(&alias, name), ColumnRef::new("b", name))];
        let right = Box::new(Relation::Read(Read { alias: "b".into(), ..read }));
        let kind = weft_model::contract::JoinKind::Inner;
        let joined = Relation::Join { left: Box::new(left), right, kind, on };
        assert_eq!(scan(&connector, request(joined)).await.unwrap().0.len(), 1, "{name}");
    }
    let evil = "x' OR 1=1; DROP TABLE victim; --";
    for pattern in [evil, "%", "\\", "'", "\"", "?1", "$1", "\u{2019}; DROP TABLE victim"] {
        let mut read = read(&connector, "a'b", &["a'b"]).await;
        read.filter = Some(compared("a'b", CompareOperator::Equal, Value::Text(pattern.into())));
        let (rows, statement) = scan(&connector, request(Relation::Read(read))).await.unwrap();
        assert!(rows.is_empty());
        assert_eq!(statement, "SELECT \"a'b\" FROM \"a'b\" WHERE \"a'b\" = ?");
    }
    let victims: i64 = database.connection.query_row("SELECT count(*) FROM victim", [], |row| row.get(0)).unwrap();
    assert_eq!(victims, 1);
}

#[tokio::test]
async fn a_description_says_what_holds() {
    let database = Database::new(
        "CREATE TABLE part (number TEXT PRIMARY KEY, name TEXT COLLATE NOCASE, serial INTEGER NOT NULL UNIQUE, maybe INTEGER UNIQUE,
                            made TIMESTAMP NOT NULL UNIQUE, shape GEOM);
         CREATE TABLE use (part TEXT NOT NULL REFERENCES part, count INTEGER, lost TEXT REFERENCES part (number));
         CREATE VIEW big AS SELECT number, serial + 1 AS next FROM part;
         CREATE TABLE strict_one (a INTEGER PRIMARY KEY, b TEXT) STRICT;
         INSERT INTO part VALUES ('p1', 'Bolt', 1, NULL, '2020-01-01T00:00', NULL), ('p2', 'bolt', 2, NULL, '2020-01-01T00:00:00', NULL);
         INSERT INTO use VALUES ('p1', 1, NULL), ('p1', 2, 'gone'), ('p2', 2, NULL);",
    );
    let described = database.connector().describe(&context()).await.unwrap();
    let table = |name: &str| described.tables.iter().find(|t| t.name == name).unwrap();
    let part = table("part");
    assert_eq!(part.keys, [vec!["number".to_owned()], vec!["serial".to_owned()]]);
    assert!(!part.column("number").unwrap().nullable && part.column("name").unwrap().nullable);
    assert!(part.column("shape").is_none());
    assert_eq!(part.rows.unwrap().count, 2);
    assert_eq!(part.column("name").unwrap().distinct.unwrap().count, 2, "by code point, as it is compared");
    let keys: Vec<_> = table("use")
        .foreign_keys
        .iter()
        .map(|k| (k.columns.concat(), k.referenced_table.clone(), k.referenced_columns.concat()))
        .collect();
    assert_eq!(keys, [("part".into(), "part".into(), "number".into())], "only what holds");
    assert_eq!(table("big").columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["number"]);
    assert_eq!(table("strict_one").keys, [["a"]]);
    serde_json::from_str::<serde_json::Value>(&described.config_schema).unwrap();
}

#[tokio::test]
async fn a_check_tells_no_rows_from_no_table() {
    let database = Database::new(
        "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (x INTEGER); CREATE TABLE c (x DATE); INSERT INTO c VALUES (5)",
    );
    let connector = database.connector();
    let check = connector.check(&context(), &[]).await.unwrap();
    assert!(check.system.starts_with("SQLite 3.") && check.system.ends_with("test.sqlite"), "{}", check.system);
    assert_eq!(check.tables[0], ("a".into(), CheckOutcome::Row(vec![Some(Value::Int64(1))])));
    assert_eq!(check.tables[1], ("b".into(), CheckOutcome::Empty));
    assert!(matches!(&check.tables[2].1, CheckOutcome::Failed(m) if m.contains("\"x\"")));
    let named = connector.check(&context(), &["nope".into()]).await.unwrap();
    assert!(matches!(&named.tables[..], [(_, CheckOutcome::Failed(m))] if m.contains("nope")));
}

#[tokio::test]
async fn a_changed_schema_is_noticed_at_the_next_scan() {
    let database = Database::new("CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x')");
    let connector = database.connector();
    let relation = Relation::Read(read(&connector, "t", &["a"]).await);
    assert!(scan(&connector, request(relation.clone())).await.is_ok());
    database.connection.execute_batch("ALTER TABLE t DROP COLUMN b").unwrap();
    let error = failure(&connector, relation.clone()).await;
    assert!(error.code == Code::SchemaChanged && error.message.contains("\"b\""), "{error}");
    assert_eq!(error.retry, weft_model::Retry::Replan);
    database.connection.execute_batch("DROP TABLE t").unwrap();
    assert_eq!(failure(&connector, relation).await.code, Code::SchemaChanged);
}

#[tokio::test]
async fn only_listed_tables_are_served() {
    let database = Database::new("CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER);");
    let relation = Relation::Read(read(&database.connector(), "b", &["x"]).await);
    let mut config = database.config();
    config.database.tables = Some(vec!["a".into()]);
    let connector = SqlConnector::open(config).unwrap();
    let described = connector.describe(&context()).await.unwrap();
    assert_eq!(described.tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(failure(&connector, relation).await.code, Code::SchemaChanged);
}

#[tokio::test]
async fn keys_survive_the_way_through_json() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
    use std::sync::Arc;
    let database = Database::new("CREATE TABLE t (i INTEGER, s TEXT)");
    let texts: Vec<String> = (0..200).map(|i| format!("k{i}\"\\\u{7f}\u{1}\n\u{1d11e}é/{}", "\u{2028}")).collect();
    let mut ints: Vec<i64> = vec![i64::MIN, i64::MAX, 0, -1, 1 << 53, (1 << 53) + 1];
    ints.extend(7..201);
    for (i, s) in ints.iter().zip(&texts) {
        database.connection.execute("INSERT INTO t VALUES (?, ?)", (i, s)).unwrap();
    }
    let connector = database.connector();
    let base = read(&connector, "t", &["i"]).await;
    let ints: ArrayRef = Arc::new(Int64Array::from(ints));
    let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
    for (columns, arrays) in
        [(vec!["i"], vec![ints.clone()]), (vec!["s"], vec![texts.clone()]), (vec!["s", "i"], vec![texts, ints])]
    {
        let keys = RecordBatch::try_from_iter(columns.iter().copied().zip(arrays)).unwrap();
        let columns = columns.iter().map(|c| (*c).to_owned()).collect();
        let keys = Some(weft_model::contract::KeyBlock { columns, keys });
        let (rows, _) = scan(&connector, request(Relation::Read(Read { keys, ..base.clone() }))).await.unwrap();
        assert_eq!(rows.len(), 200);
    }
}
