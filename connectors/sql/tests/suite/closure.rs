//! What only SQLite's closures have to mind: values of any type in any column, and texts that it compares in its own way.

use crate::sqlite::{Database, read};
use crate::world::{request, scan};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use std::sync::Arc;
use weft_connector::Connector;
use weft_connector_sql::{SqlConfig, SqlConnector, View, ViewColumn};
use weft_model::Code;
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, Expression, KeyBlock, Relation, Value,
};

async fn closure(connector: &dyn Connector, start: Option<ArrayRef>) -> Relation {
    let block = |keys| KeyBlock { columns: vec!["a".into()], keys: RecordBatch::try_from_iter([("a", keys)]).unwrap() };
    Relation::Recurse {
        step: Box::new(Relation::Read(read(connector, "edge", &["a", "b"]).await)),
        from: vec![ColumnRef::bare("a")],
        to: vec![ColumnRef::bare("b")],
        start: start.map(block),
    }
}

fn count(input: Relation) -> Relation {
    let rows = Aggregate { name: "n".into(), function: AggregateFunction::Count, argument: None, distinct: false };
    Relation::Aggregate { input: Box::new(input), group: vec![], aggregates: vec![rows] }
}

fn numbers(numbers: &[i64]) -> Option<ArrayRef> {
    Some(Arc::new(Int64Array::from(numbers.to_vec())))
}

#[tokio::test]
async fn a_value_of_another_type_does_not_decide_a_closure() {
    let database = Database::new(
        "CREATE TABLE edge (a INTEGER, b INTEGER); CREATE INDEX by_a ON edge (a);
         INSERT INTO edge VALUES (1, 'n/a'), ('n/a', 3), (4, 5), (5, NULL), (NULL, 5)",
    );
    let connector = database.connector();
    for start in [None, numbers(&[1])] {
        // Counted, for a value that is read is noticed in any case.
        let counted = count(closure(&connector, start).await);
        let error = scan(&connector, request(counted)).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData);
        assert!(error.message.contains("of table \"edge\" holds a text"), "{error}");
    }
    let started = closure(&connector, numbers(&[4, 9])).await;
    let rows = scan(&connector, request(started)).await.unwrap().0;
    assert_eq!(rows, [[Some(Value::Int64(4)), Some(Value::Int64(5))]], "no other rows are on the way");
}

#[tokio::test]
async fn a_start_that_a_view_computes_as_another_type_is_noticed() {
    let database = Database::new("CREATE TABLE part (a REAL, b INTEGER); INSERT INTO part VALUES (4, 5), (5, 6)");
    let column = |name: &str| ViewColumn { name: name.into(), declared: "INTEGER".into() };
    let view = View {
        name: "edge".into(),
        sql: "SELECT a + 0 AS a, b + 0 AS b FROM part".into(),
        columns: vec![column("a"), column("b")],
        ..View::default()
    };
    let connector = SqlConnector::open(SqlConfig { views: vec![view], ..database.config() }).unwrap();
    for start in [numbers(&[4]), numbers(&[4, 5])] {
        let started = closure(&connector, start).await;
        let error = scan(&connector, request(started)).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{error}");
        assert!(error.message.contains("holds a real"), "{error}");
    }
}

#[tokio::test]
async fn texts_meet_by_code_point() {
    let database = Database::new(
        "CREATE TABLE edge (a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM); CREATE INDEX by_a ON edge (a);
         INSERT INTO edge VALUES ('a', 'B'), ('b', 'c'), ('B', 'd '), ('d', 'e'), ('B', 'd')",
    );
    let connector = database.connector();
    let start: ArrayRef = Arc::new(StringViewArray::from_iter_values(["a", "D"]));
    let relation = closure(&connector, Some(start)).await;
    let text = |text: &str| Some(Value::Text(text.into()));
    let mut rows = scan(&connector, request(relation)).await.unwrap().0;
    rows.sort_by_key(|row| format!("{row:?}"));
    assert_eq!(rows, ["B", "d ", "d", "e"].map(|end| vec![text("a"), text(end)]));
}

#[tokio::test]
async fn a_cycle_ends_and_the_rows_of_a_closure_are_limited() {
    let database = Database::new(
        "CREATE TABLE edge (a INTEGER NOT NULL, b INTEGER NOT NULL);
         WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 299) INSERT INTO edge SELECT i, (i + 1) % 300 FROM n",
    );
    let connector = database.connector();
    let whole = closure(&connector, None).await;
    assert_eq!(scan(&connector, request(count(whole.clone()))).await.unwrap().0, [[Some(Value::Int64(300 * 300))]]);
    let loops = Relation::Filter {
        input: Box::new(whole.clone()),
        predicate: Expression::Compare {
            operator: CompareOperator::Equal,
            left: Box::new(Expression::Column(ColumnRef::bare("a"))),
            right: Box::new(Expression::Column(ColumnRef::bare("b"))),
        },
    };
    assert_eq!(scan(&connector, request(count(loops))).await.unwrap().0, [[Some(Value::Int64(300))]]);
    let mut config = database.config();
    config.limits.rows = 1_000;
    let small = SqlConnector::open(config).unwrap();
    let error = scan(&small, request(whole)).await.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded, "{error}");
}
