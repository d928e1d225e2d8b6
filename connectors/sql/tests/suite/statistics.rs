//! Rows and distinct values: near the truth right after a load, without anyone having counted, and never slow.

use crate::peer::Peer;
use crate::sqlite::Database;
use crate::world::context;
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use weft_connector::Connector;
use weft_connector_sql::{Limits, SqlConfig, SqlConnector};
use weft_model::contract::{Description, Table};

const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";

async fn described(database: &Database, limits: Limits) -> Description {
    let config = SqlConfig { limits, ..database.config() };
    SqlConnector::open(config).unwrap().describe(&context()).await.unwrap()
}

fn few() -> Limits {
    Limits { statistics_rows: 500, statistics_milliseconds: 5_000, ..Limits::default() }
}

fn table<'a>(description: &'a Description, name: &str) -> &'a Table {
    description.tables.iter().find(|table| table.name == name).unwrap()
}

fn rows(description: &Description, name: &str) -> u64 {
    table(description, name).rows.unwrap_or_else(|| panic!("{name} has no count")).count
}

fn distinct(description: &Description, name: &str, column: &str) -> u64 {
    table(description, name).column(column).unwrap().distinct.unwrap().count
}

fn near(estimate: u64, truth: u64, factor: f64) {
    let ratio = estimate as f64 / truth as f64;
    assert!((1.0 / factor..=factor).contains(&ratio), "{estimate} for {truth}");
}

#[tokio::test]
async fn small_tables_are_counted_and_large_ones_sampled() {
    let database = Database::new(&format!(
        "CREATE TABLE large (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, batch INTEGER, maybe INTEGER);
         {FILL} INSERT INTO large SELECT i, i % 50, 'unit ' || i, i / 4, CASE i % 2 WHEN 0 THEN i % 7 END FROM n;
         CREATE TABLE small AS SELECT * FROM large LIMIT 500;
         CREATE TABLE gaps AS SELECT kind FROM large; DELETE FROM gaps WHERE rowid % 3 = 0;
         CREATE TABLE hollow (x INTEGER)"
    ));
    let description = described(&database, few()).await;
    assert_eq!((rows(&description, "small"), rows(&description, "hollow")), (500, 0));
    assert_eq!(distinct(&description, "small", "kind"), 50);
    assert_eq!(distinct(&description, "small", "maybe"), 7);
    assert_eq!(distinct(&description, "small", "name"), 500);
    assert_eq!(distinct(&description, "hollow", "x"), 0);
    near(rows(&description, "large"), 20_000, 1.01);
    near(distinct(&description, "large", "id"), 20_000, 1.01);
    near(distinct(&description, "large", "kind"), 50, 1.01);
    near(distinct(&description, "large", "maybe"), 7, 1.01);
    near(distinct(&description, "large", "name"), 20_000, 1.3);
    near(distinct(&description, "large", "batch"), 5_000, 1.5);
    near(rows(&description, "gaps"), 13_333, 1.1);
}

#[tokio::test]
async fn row_numbers_that_say_nothing_are_not_believed() {
    let database = Database::new(&format!(
        "CREATE TABLE sparse (id INTEGER PRIMARY KEY, x INTEGER);
         {FILL} INSERT INTO sparse SELECT i * 1000000007, i % 10 FROM n;
         CREATE TABLE taken (rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO taken SELECT id, x, 'o' FROM sparse LIMIT 3000;
         CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO two SELECT x, id FROM sparse LIMIT 3000;
         CREATE VIEW seen AS SELECT x FROM sparse WHERE id < 3000 * 1000000007"
    ));
    let description = described(&database, few()).await;
    near(rows(&description, "sparse"), 20_000, 10.0);
    assert_eq!(distinct(&description, "sparse", "x"), 10);
    for name in ["taken", "two", "seen"] {
        near(rows(&description, name), 3_000, 1.01);
    }
    database.connection.execute_batch("CREATE INDEX by_x ON sparse (x); ANALYZE").unwrap();
    assert_eq!(rows(&described(&database, few()).await, "sparse"), 20_000);
}

#[tokio::test]
async fn old_statistics_are_not_believed() {
    let database = Database::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER); CREATE INDEX by_x ON t (x);
         INSERT INTO t VALUES (1, 1), (2, 2), (3, 3); ANALYZE",
    );
    assert_eq!(rows(&described(&database, few()).await, "t"), 3);
    database.connection.execute_batch(&format!("{FILL} INSERT INTO t SELECT i + 3, i % 100 FROM n")).unwrap();
    let description = described(&database, few()).await;
    near(rows(&description, "t"), 20_003, 1.01);
    near(distinct(&description, "t", "x"), 101, 1.1);
}

#[tokio::test]
async fn what_takes_long_is_left_out() {
    let database = Database::new(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); {FILL} INSERT INTO t SELECT i FROM n;
         CREATE VIEW endless AS SELECT id FROM t GROUP BY id HAVING (SELECT count(*) FROM t a, t b, t c) > id;
         CREATE TABLE z (id INTEGER); INSERT INTO z VALUES (1)"
    ));
    let begun = Instant::now();
    let limits = Limits { statistics_milliseconds: 100, ..Limits::default() };
    let description = described(&database, limits).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(table(&description, "endless").rows.is_none());
    assert_eq!((rows(&description, "t"), rows(&description, "z")), (20_000, 1));
    let nothing = described(&database, Limits { statistics_milliseconds: 0, ..Limits::default() }).await;
    assert_eq!(nothing.tables.len(), 3);
}

pub(crate) async fn postgres(peer: &Peer, client: &Client) {
    client
        .batch_execute(
            "CREATE SCHEMA counted; SET search_path = counted;
             CREATE TABLE loaded AS SELECT i AS id, i % 50 AS kind, 'unit ' || i AS name, repeat('x', 20) AS filler
               FROM generate_series(1, 100000) i;
             CREATE TABLE little AS SELECT i AS id, NULL::int AS nothing FROM generate_series(1, 700) i;
             CREATE TABLE nothing (x int);
             CREATE TABLE grown AS SELECT i AS id, i % 40 AS kind FROM generate_series(1, 10000) i;
             ANALYZE grown; INSERT INTO grown SELECT i, i % 40 FROM generate_series(10001, 30000) i;
             CREATE TABLE parted (id int) PARTITION BY RANGE (id);
             CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
             CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1000) TO (3000);
             INSERT INTO parted SELECT i FROM generate_series(1, 2500) i; ANALYZE parted_1; ANALYZE parted_2;
             CREATE TABLE unparted (id int) PARTITION BY RANGE (id);
             CREATE TABLE unlooked (id int) PARTITION BY RANGE (id);
             CREATE TABLE unlooked_1 PARTITION OF unlooked FOR VALUES FROM (0) TO (1000);
             INSERT INTO unlooked SELECT i FROM generate_series(1, 900) i;
             CREATE TABLE locked (x int); INSERT INTO locked VALUES (1);
             CREATE MATERIALIZED VIEW seen AS SELECT id FROM little",
        )
        .await
        .unwrap();
    let mut config = SqlConfig::new(peer.url("weft", "postgres"));
    config.database.schemas = vec!["counted".into()];
    config.limits.statistics_milliseconds = 1_000;
    let connector = SqlConnector::open(config).unwrap();
    let description = connector.describe(&context()).await.unwrap();
    let rows = |name: &str| rows(&description, &format!("counted.{name}"));
    let distinct = |name: &str, column: &str| distinct(&description, &format!("counted.{name}"), column);
    near(rows("loaded"), 100_000, 1.5);
    near(distinct("loaded", "id"), 100_000, 2.0);
    near(distinct("loaded", "name"), 100_000, 2.0);
    assert_eq!((distinct("loaded", "kind"), distinct("loaded", "filler")), (50, 1));
    assert_eq!((rows("little"), distinct("little", "id"), distinct("little", "nothing")), (700, 700, 0));
    assert_eq!((rows("nothing"), rows("seen"), rows("locked")), (0, 700, 1));
    near(rows("grown"), 30_000, 1.02);
    near(distinct("grown", "id"), 30_000, 1.02);
    assert_eq!(distinct("grown", "kind"), 40);
    assert_eq!((rows("parted"), rows("unlooked")), (2_500, 900));
    // A table that cannot be read at the moment is one without statistics, and holds nothing up.
    client.batch_execute("BEGIN; LOCK TABLE counted.locked IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let begun = Instant::now();
    let waited = tokio::time::timeout(Duration::from_secs(30), connector.describe(&context())).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    let description = waited.expect("the description waits for a lock").unwrap();
    println!("described beside a lock in {:?}", begun.elapsed());
    assert_eq!(description.tables.iter().filter(|table| table.name == "counted.locked").count(), 1);
}
