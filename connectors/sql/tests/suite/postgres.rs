//! PostgreSQL: random relations, and what only PostgreSQL does. One server for all of it.

use crate::peer::Peer;
use crate::semantics::{Tally, compare, seed};
use crate::sqlite::read;
use crate::world::{Table, World, context, request, scan};
use futures::StreamExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::Code;
use weft_model::contract::{
    Aggregate, AggregateFunction, CheckOutcome, ColumnRef, CompareOperator, DataType, Expression, JoinKind, Read,
    Relation, Value,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let Some(peer) = tokio::task::spawn_blocking(Peer::start).await.unwrap() else { return };
    let client = connect(&peer.url("weft", "postgres")).await;
    client.batch_execute("CREATE ROLE reader LOGIN; CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)").await.unwrap();
    random_relations(&peer, &client).await;
    description(&peer, &client).await;
    crate::part::postgres(&peer, &client).await;
    crate::statistics::postgres(&peer, &client).await;
    wrong_values(&peer, &client).await;
    permissions(&peer, &client).await;
    changed_schema(&peer, &client).await;
    injection(&peer, &client).await;
    endless_statements(&peer, &client).await;
    large_answer(&peer, &client).await;
    server_gone(&peer).await;
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn connector(peer: &Peer, user: &str, schemas: &[&str]) -> SqlConnector {
    let mut config = SqlConfig::new(peer.url(user, "postgres"));
    config.database.schemas = schemas.iter().map(|s| (*s).to_owned()).collect();
    SqlConnector::open(config).unwrap()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &Value) -> String {
    match value {
        Value::Boolean(b) => b.to_string(),
        Value::Int64(i) => format!("'{i}'"),
        Value::Float64(f) => format!("'{f}'"),
        Value::Decimal { unscaled, scale } => format!("'{unscaled}e-{scale}'"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Date(days) => format!("date '1970-01-01' + {days}"),
        Value::Timestamp(micros) => {
            let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            format!("(timestamptz '1970-01-01Z' + interval '{seconds} s' + interval '{rest} us')")
        }
        Value::Binary(bytes) => format!("'\\x{}'", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    }
}

async fn create(client: &Client, schema: &str, table: &Table) {
    let columns: Vec<String> = table.columns.iter().map(|c| format!("{} {}", quoted(c.name), c.postgres)).collect();
    let mut sql = format!("CREATE TABLE {schema}.{} ({});", table.name, columns.join(", "));
    for row in &table.rows {
        let cells = row.iter().zip(&table.columns).map(|(value, column)| match (value, column.data_type) {
            (None, _) => "NULL".to_owned(),
            (Some(v), DataType::Timestamp { zoned: false }) => format!("{} AT TIME ZONE 'UTC'", literal(v)),
            (Some(v), _) => literal(v),
        });
        let cells: Vec<String> = cells.collect();
        write!(sql, "INSERT INTO {schema}.{} VALUES ({});", table.name, cells.join(", ")).unwrap();
    }
    client.batch_execute(&sql).await.unwrap();
}

async fn random_relations(peer: &Peer, client: &Client) {
    let seed = seed();
    println!("seed {seed}");
    let mut tally = Tally::default();
    for round in 0..20_u64 {
        let world = World::random(&mut StdRng::seed_from_u64(seed.wrapping_add(round)), 3, true);
        let schema = format!("random{round}");
        client.batch_execute(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}, public; CREATE TYPE mood AS ENUM ('sad', 'ok', 'Happy')")).await.unwrap();
        for table in &world.tables {
            create(client, &schema, table).await;
        }
        compare(&connector(peer, "weft", &[&schema]), &world, seed.wrapping_add(round), 50, &mut tally).await;
    }
    println!("{tally:?}");
    assert!(
        tally.compared > 700 && tally.empty * 3 < tally.compared * 2 && tally.long > 30 && tally.parts > 100,
        "{tally:?}"
    );
}

async fn description(peer: &Peer, client: &Client) {
    client
        .batch_execute(
            "CREATE SCHEMA described; SET search_path = described, public;
             CREATE DOMAIN code AS varchar(8) NOT NULL;
             CREATE TABLE part (number text PRIMARY KEY, serial int NOT NULL, maybe int, kind code, at interval, UNIQUE (serial), UNIQUE (maybe));
             CREATE UNIQUE INDEX ON part (lower(number)); CREATE UNIQUE INDEX ON part (kind) WHERE serial > 500;
             CREATE TABLE use (part text REFERENCES part, other text, late text REFERENCES part DEFERRABLE, n numeric(4,-2));
             ALTER TABLE use ADD CONSTRAINT unsure FOREIGN KEY (other) REFERENCES part NOT VALID;
             CREATE VIEW big AS SELECT number, serial FROM part;
             INSERT INTO part SELECT 'p' || i, i, NULL, 'k' || i % 3, NULL FROM generate_series(1, 30) i;
             ANALYZE part",
        )
        .await
        .unwrap();
    let described = connector(peer, "weft", &["described"]).describe(&context()).await.unwrap();
    let table = |name: &str| described.tables.iter().find(|t| t.name == name).unwrap();
    let part = table("described.part");
    assert_eq!(part.keys, [vec!["number".to_owned()], vec!["serial".to_owned()]]);
    assert!(part.column("at").is_none() && !part.column("kind").unwrap().nullable);
    assert_eq!(part.rows.unwrap().count, 30);
    assert!(part.rows.unwrap().measured_at > 1_600_000_000_000_000);
    assert_eq!(part.column("kind").unwrap().distinct.unwrap().count, 3);
    assert_eq!(part.column("number").unwrap().distinct.unwrap().count, 30);
    assert_eq!(table("described.use").column("n").unwrap().data_type, DataType::Decimal { precision: 6, scale: 0 });
    let keys: Vec<_> = table("described.use").foreign_keys.iter().map(|k| k.columns.concat()).collect();
    assert_eq!(keys, ["part"], "only what holds");
    assert_eq!(table("described.big").columns.len(), 2);
    let check = connector(peer, "weft", &["described"]).check(&context(), &[]).await.unwrap();
    assert!(check.system.starts_with("PostgreSQL 1") && check.system.contains("127.0.0.1:"), "{}", check.system);
    let outcome = |name: &str| &check.tables.iter().find(|(table, _)| table == name).unwrap().1;
    assert!(matches!(outcome("described.part"), CheckOutcome::Row(row) if row.len() == 4));
    assert_eq!(outcome("described.use"), &CheckOutcome::Empty);
}

async fn wrong_values(peer: &Peer, client: &Client) {
    client
        .batch_execute(
            "CREATE SCHEMA wrong; SET search_path = wrong;
             CREATE TABLE n (v numeric); INSERT INTO n VALUES ('NaN');
             CREATE TABLE p (v numeric); INSERT INTO p VALUES ('1e-19');
             CREATE TABLE d (v date); INSERT INTO d VALUES ('infinity');
             CREATE TABLE t (v timestamptz); INSERT INTO t VALUES ('-infinity');
             CREATE TABLE i (v bigint); INSERT INTO i VALUES (9223372036854775807), (1)",
        )
        .await
        .unwrap();
    let connector = connector(peer, "weft", &["wrong"]);
    for (table, found) in [("n", "NaN"), ("p", "more digits"), ("d", "infinite"), ("t", "infinite")] {
        let table = format!("wrong.{table}");
        let relation = Relation::Read(read(&connector, &table, &["v"]).await);
        let error = scan(&connector, request(relation)).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{error}");
        for part in [found, "\"v\"", &table] {
            assert!(error.message.contains(part), "{error} should name {part}");
        }
    }
    let sum = Relation::Aggregate {
        input: Box::new(Relation::Read(read(&connector, "wrong.i", &["v"]).await)),
        group: vec![],
        aggregates: vec![Aggregate {
            name: "s".into(),
            function: AggregateFunction::Sum,
            argument: Some(ColumnRef::bare("v")),
            distinct: false,
        }],
    };
    assert_eq!(scan(&connector, request(sum)).await.unwrap_err().code, Code::InvalidData);
}

async fn permissions(peer: &Peer, client: &Client) {
    client
        .batch_execute(
            "CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO reader;
             CREATE TABLE closed.open (x int); GRANT SELECT ON closed.open TO reader; CREATE TABLE closed.shut (x int)",
        )
        .await
        .unwrap();
    let connector = connector(peer, "reader", &["closed"]);
    let check = connector.check(&context(), &[]).await.unwrap();
    assert_eq!(check.tables[0], ("closed.open".into(), CheckOutcome::Empty));
    assert!(matches!(&check.tables[1].1, CheckOutcome::Denied(_)), "{:?}", check.tables[1]);
    let relation = Relation::Read(read(&connector, "closed.shut", &["x"]).await);
    assert_eq!(scan(&connector, request(relation)).await.unwrap_err().code, Code::PermissionDenied);
    let nobody = self::connector(peer, "nobody", &["closed"]).describe(&context()).await.unwrap_err();
    assert_eq!(nobody.code, Code::Unauthenticated, "{nobody}");
    let nowhere = SqlConnector::open(SqlConfig::new(peer.url("weft", "nowhere"))).unwrap();
    assert_eq!(nowhere.describe(&context()).await.unwrap_err().code, Code::InvalidConfig);
}

async fn changed_schema(peer: &Peer, client: &Client) {
    client.batch_execute("CREATE SCHEMA changing; CREATE TABLE changing.t (a int, b varchar(5))").await.unwrap();
    let connector = connector(peer, "weft", &["changing"]);
    let relation = Relation::Read(read(&connector, "changing.t", &["a"]).await);
    assert!(scan(&connector, request(relation.clone())).await.is_ok());
    for (change, part) in [("ALTER COLUMN b TYPE varchar(6)", "varying(6)"), ("DROP COLUMN b", "\"b\"")] {
        client.batch_execute(&format!("ALTER TABLE changing.t {change}")).await.unwrap();
        let error = scan(&connector, request(relation.clone())).await.unwrap_err();
        assert!(error.code == Code::SchemaChanged && error.message.contains(part), "{error}");
    }
    client.batch_execute("DROP TABLE changing.t").await.unwrap();
    assert_eq!(scan(&connector, request(relation)).await.unwrap_err().code, Code::SchemaChanged);
}

async fn injection(peer: &Peer, client: &Client) {
    let evil = "x\"; DROP TABLE inject.victim; --";
    client
        .batch_execute(&format!(
            "CREATE SCHEMA inject; CREATE TABLE inject.victim (v int); CREATE TABLE inject.{0} ({0} text); INSERT INTO inject.{0} VALUES ('x')",
            quoted(evil)
        ))
        .await
        .unwrap();
    let connector = connector(peer, "weft", &["inject"]);
    let base = read(&connector, &format!("inject.{evil}"), &[evil]).await;
    for value in ["x", "x' OR 1=1; DROP TABLE inject.victim; --", "$1", "\\'; --", "a\0b"] {
        let column = Box::new(Expression::Column(ColumnRef::bare(evil)));
        let right = Box::new(Expression::Literal(Value::Text(value.into())));
        let filter = Some(Expression::Compare { operator: CompareOperator::Equal, left: column, right });
        let (rows, _) = scan(&connector, request(Relation::Read(Read { filter, ..base.clone() }))).await.unwrap();
        assert_eq!(rows.len(), usize::from(value == "x"));
    }
    client.query_one("SELECT count(*) FROM inject.victim", &[]).await.unwrap();
    // Neither can what is sent write, whatever it calls.
    client
        .batch_execute(
            "CREATE FUNCTION inject.write() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO inject.victim VALUES (1); RETURN 1; END';
             CREATE VIEW inject.trap AS SELECT inject.write() AS v",
        )
        .await
        .unwrap();
    let trap = Relation::Read(read(&connector, "inject.trap", &["v"]).await);
    assert_eq!(scan(&connector, request(trap)).await.unwrap_err().code, Code::SourceFailed);
}

async fn active(client: &Client) -> i64 {
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weft-connector-sql' AND state = 'active'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Waits until the server runs nothing for the connector.
async fn idle(client: &Client) {
    let begun = Instant::now();
    while active(client).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the statement still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn endless_statements(peer: &Peer, client: &Client) {
    client
        .batch_execute("CREATE SCHEMA endless; CREATE TABLE endless.n AS SELECT generate_series(1, 5000) AS n")
        .await
        .unwrap();
    let connector = connector(peer, "weft", &["endless"]);
    let base = read(&connector, "endless.n", &["n"]).await;
    let read = |alias: &str| Box::new(Relation::Read(Read { alias: alias.into(), ..base.clone() }));
    let cross = |left, right| Relation::Join { left, right, kind: JoinKind::Inner, on: vec![] };
    let product = cross(Box::new(cross(Box::new(cross(read("a"), read("b"))), read("c"))), read("d"));
    let count = Aggregate { name: "c".into(), function: AggregateFunction::Count, argument: None, distinct: false };
    let counted = Relation::Aggregate { input: Box::new(product.clone()), group: vec![], aggregates: vec![count] };

    let deadline = tokio::time::Instant::now() + Duration::from_millis(300);
    let limited = CallContext { deadline, traceparent: None };
    let error = match connector.scan(&limited, request(counted.clone())).await {
        Ok(mut stream) => stream.next().await.unwrap().unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.code, Code::DeadlineExceeded, "{error}");
    idle(client).await;

    let scan = connector.scan(&context(), request(product)).await;
    let mut stream = scan.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ScanEvent::Batch(_)))));
    assert_eq!(active(client).await, 1);
    drop(stream);
    idle(client).await;

    let waiting = context();
    let running = connector.scan(&waiting, request(counted));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), async { running.await.unwrap().next().await.is_some() })
            .await
            .is_err()
    );
    idle(client).await;
}

async fn large_answer(peer: &Peer, client: &Client) {
    client.batch_execute("CREATE SCHEMA large; CREATE TABLE large.t AS SELECT i, repeat('x', 1000) AS s FROM generate_series(1, 20000) i").await.unwrap();
    let connector = connector(peer, "weft", &["large"]);
    let mut all = request(Relation::Read(read(&connector, "large.t", &["i", "s"]).await));
    all.batch_rows = 1_000;
    let begun = Instant::now();
    let (rows, _) = scan(&connector, all.clone()).await.unwrap();
    assert_eq!(rows.len(), 20_000);
    println!("20,000 rows of 1 kB in {:?}", begun.elapsed());
    // A reader that stops makes the server stop: what is on the way is bounded.
    let mut stream = connector.scan(&context(), all).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ScanEvent::Batch(_)))));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let waits: Option<String> = client
        .query_one("SELECT max(wait_event) FROM pg_stat_activity WHERE application_name = 'weft-connector-sql' AND state = 'active'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(waits.as_deref(), Some("ClientWrite"));
    drop(stream);
    idle(client).await;
}

async fn server_gone(peer: &Peer) {
    let connector = connector(peer, "weft", &["described"]);
    let relation = Relation::Read(read(&connector, "described.part", &["number"]).await);
    peer.stop();
    let error = scan(&connector, request(relation)).await.unwrap_err();
    assert_eq!(error.code, Code::SourceUnavailable, "{error}");
    let again = connector.describe(&context()).await.unwrap_err();
    assert!(again.code == Code::SourceUnavailable && again.message.contains("127.0.0.1"), "{again}");
}
