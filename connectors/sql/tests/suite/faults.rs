//! Cancellation, deadlines, limits, files that are no databases.

use crate::sqlite::{Database, read};
use crate::world::{context, request, scan};
use futures::StreamExt;
use std::time::{Duration, Instant};
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_connector_sql::{SqlConfig, SqlConnector};
use weft_model::Code;
use weft_model::contract::{Aggregate, AggregateFunction, JoinKind, Read, Relation};

/// A statement that would run for hours.
async fn endless(connector: &SqlConnector) -> Relation {
    let base = read(connector, "n", &["n"]).await;
    let read = |alias: &str| Box::new(Relation::Read(Read { alias: alias.into(), ..base.clone() }));
    let cross = |left, right| Relation::Join { left, right, kind: JoinKind::Inner, on: vec![] };
    let input = cross(Box::new(cross(Box::new(cross(read("a"), read("b"))), read("c"))), read("d"));
    let count = Aggregate { name: "c".into(), function: AggregateFunction::Count, argument: None, distinct: false };
    Relation::Aggregate { input: Box::new(input), group: vec![], aggregates: vec![count] }
}

fn numbers() -> Database {
    Database::new(
        "CREATE TABLE n (n INTEGER);
         WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) INSERT INTO n SELECT x FROM c",
    )
}

#[tokio::test]
async fn the_deadline_ends_a_statement() {
    let database = numbers();
    let connector = database.connector();
    let relation = endless(&connector).await;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(300);
    let context = CallContext { deadline, traceparent: None };
    let begun = Instant::now();
    let mut stream = connector.scan(&context, request(relation)).await.unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(stream.next().await.is_none());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn dropping_the_answer_stops_the_statement_and_frees_its_connection() {
    let database = numbers();
    let mut config = database.config();
    config.limits.connections = 1;
    let connector = SqlConnector::open(config).unwrap();
    let relation = endless(&connector).await;
    let small = Relation::Read(read(&connector, "n", &["n"]).await);
    for _ in 0..3 {
        let stream = connector.scan(&context(), request(relation.clone())).await.unwrap();
        drop(stream);
        let begun = Instant::now();
        let mut all = request(small.clone());
        all.batch_rows = 1_000;
        assert_eq!(scan(&connector, all).await.unwrap().0.len(), 5_000);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    // Also while the reader is behind.
    let mut stream = connector.scan(&context(), request(small.clone())).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ScanEvent::Batch(_)))));
    drop(stream);
    assert!(scan(&connector, request(small)).await.is_ok());
}

#[tokio::test]
async fn more_statements_than_connections_wait_and_more_than_the_queue_are_refused() {
    let database = numbers();
    let mut config = database.config();
    (config.limits.connections, config.limits.queue) = (1, 1);
    let connector = std::sync::Arc::new(SqlConnector::open(config).unwrap());
    let relation = endless(&connector).await;
    let small = Relation::Read(read(connector.as_ref(), "n", &["n"]).await);
    let running = connector.scan(&context(), request(relation)).await.unwrap();
    let (waiting_connector, waiting_relation) = (connector.clone(), small.clone());
    let waiting = tokio::spawn(async move { scan(waiting_connector.as_ref(), request(waiting_relation)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = scan(connector.as_ref(), request(small)).await.unwrap_err();
    assert!(error.code == Code::Overloaded && error.message.contains("limits.queue"), "{error}");
    drop(running);
    assert_eq!(waiting.await.unwrap().unwrap().0.len(), 5_000);
}

#[tokio::test]
async fn limits_end_an_answer_with_an_error_that_names_them() {
    let database = numbers();
    database.connection.execute_batch("CREATE TABLE b (t TEXT); INSERT INTO b VALUES (printf('%.200c', 'x'))").unwrap();
    let mut config = database.config();
    (config.limits.rows, config.limits.cell_bytes) = (100, 64);
    let connector = SqlConnector::open(config).unwrap();
    let many = Relation::Read(read(&connector, "n", &["n"]).await);
    let error = scan(&connector, request(many.clone())).await.unwrap_err();
    assert!(error.code == Code::LimitExceeded && error.message.contains("limits.rows"), "{error}");
    let wide = Relation::Read(read(&connector, "b", &["t"]).await);
    let error = scan(&connector, request(wide)).await.unwrap_err();
    assert!(error.code == Code::LimitExceeded && error.message.contains("limits.cell_bytes"), "{error}");
    let limited = Relation::Limit { input: Box::new(many.clone()), offset: 0, count: Some(100) };
    assert_eq!(scan(&connector, request(limited)).await.unwrap().0.len(), 100);
    let mut none = request(many);
    none.batch_rows = 0;
    assert_eq!(connector.scan(&context(), none).await.err().unwrap().code, Code::InvalidRequest);
}

#[tokio::test]
async fn batches_end_by_bytes_too() {
    let database = numbers();
    let connector = database.connector();
    let mut all = request(Relation::Read(read(&connector, "n", &["n"]).await));
    (all.batch_rows, all.batch_bytes) = (u32::MAX, 800);
    let mut stream = connector.scan(&context(), all).await.unwrap();
    let Some(Ok(ScanEvent::Batch(batch))) = stream.next().await else { panic!("no batch") };
    assert_eq!(batch.num_rows(), 100);
}

#[tokio::test]
async fn a_file_that_is_missing_or_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        SqlConnector::open(SqlConfig::new(format!("sqlite:{}", folder.path().join(name).display()))).unwrap()
    };
    let error = open("none.sqlite").describe(&context()).await.unwrap_err();
    assert!(error.code == Code::SourceUnavailable && error.message.contains("none.sqlite"), "{error}");
    assert!(!folder.path().join("none.sqlite").exists(), "reading must not create");
    std::fs::write(
        folder.path().join("text.sqlite"),
        "no database at all, but long enough to be taken for one".repeat(40),
    )
    .unwrap();
    let error = open("text.sqlite").describe(&context()).await.unwrap_err();
    assert_eq!(error.code, Code::SourceFailed, "{error}");
}

#[tokio::test]
async fn a_writer_in_the_way_is_waited_for_or_reported() {
    let database = numbers();
    let mut config = database.config();
    config.limits.busy_milliseconds = 50;
    let connector = SqlConnector::open(config).unwrap();
    let relation = Relation::Read(read(&connector, "n", &["n"]).await);
    database.connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = scan(&connector, request(relation.clone())).await.unwrap_err();
    assert_eq!(error.code, Code::SourceUnavailable, "{error}");
    assert!(matches!(error.retry, weft_model::Retry::AfterMillis(_)));
    database.connection.execute_batch("ROLLBACK").unwrap();
    assert!(scan(&connector, request(relation)).await.is_ok());
}
