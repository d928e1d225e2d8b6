//! Weft against a program written by hand for the one question, over the same connectors in one run.
//!
//! Three SQLite sources behind the SQL connector: parts, orders for parts, units made for orders. The floor knows the
//! right sources, ships keys once and joins in a hash map. Prints the ratio for each question; a benchmark asserts
//! nothing about time, only that both found the same number of rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use futures::StreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_connector::{CallContext, GuardLimits, Guarded};
use weft_connector_sql::{Database, Limits, SqlConfig, SqlConnector};
use weft_exec::{Answer, Engine, EngineLimits, QueryRequest};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{
    ColumnRef, CompareOperator, Expression, Field, KeyBlock, Read, Relation, ScanRequest, Value,
};
use weft_plan::Catalogue;

const PARTS: i64 = 1_000;
const ORDERS: i64 = 10_000;
const UNITS: i64 = 100_000;
const ROUNDS: usize = 7;

const MAPPING: [(&str, &str); 3] = [
    (
        "plm",
        "<#m> rr:logicalTable [ rr:tableName \"part\" ] ; rr:subjectMap [ rr:template \"http://b/part/{id}\" ] ;
        rr:predicateObjectMap [ rr:predicate v:material ; rr:objectMap [ rr:column \"material\" ] ] .",
    ),
    (
        "erp",
        "<#m> rr:logicalTable [ rr:tableName \"orders\" ] ; rr:subjectMap [ rr:template \"http://b/order/{id}\" ] ;
        rr:predicateObjectMap [ rr:predicate v:part ; rr:objectMap [ rr:template \"http://b/part/{part}\" ] ] .",
    ),
    (
        "mes",
        "<#m> rr:logicalTable [ rr:tableName \"unit\" ] ; rr:subjectMap [ rr:template \"http://b/unit/{id}\" ] ;
        rr:predicateObjectMap [ rr:predicate v:order ; rr:objectMap [ rr:template \"http://b/order/{orders}\" ] ] ;
        rr:predicateObjectMap [ rr:predicate v:torque ; rr:objectMap [ rr:column \"torque\" ] ] .",
    ),
];

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::open(folder.path()).await;
        println!(
            "{:<28}{:>8}{:>12}{:>12}{:>8}{:>10}{:>10}",
            "question", "rows", "floor ms", "weft ms", "ratio", "floor rq", "weft rq"
        );
        bench.compare("one part: 100 rows", Some("m0")).await;
        bench.compare("one material: 1,000 rows", Some("m1")).await;
        bench.compare("all: 100,000 rows", None).await;
    });
}

struct Bench {
    engine: Engine,
    sources: HashMap<Arc<str>, Guarded>,
}

impl Bench {
    async fn open(folder: &std::path::Path) -> Self {
        let mut sources = HashMap::new();
        let mut graphs = Vec::new();
        for (name, mapping) in MAPPING {
            let path = folder.join(format!("{name}.sqlite"));
            fill(name, &path);
            let database = Database { url: format!("sqlite:{}", path.display()), ..Database::default() };
            let connector = SqlConnector::open(SqlConfig { database, limits: Limits::default() }).unwrap();
            let source = Guarded::new(Arc::from(name), Arc::new(connector), GuardLimits::default());
            let description = source.describe(&call()).await.unwrap();
            let turtle = format!("@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix v: <http://b/v#> .\n{mapping}");
            let mapping = Mapping::parse(name, &turtle, "http://b/").unwrap();
            let graph = oxrdf::NamedNode::new(format!("urn:weft:source:{name}")).unwrap();
            graphs.push(VirtualGraph::new(name, graph, &mapping, Arc::new(description), "http://b/").unwrap());
            sources.insert(Arc::from(name), source);
        }
        let engine = Engine::new(Catalogue::new(graphs, Vec::new()), sources.clone(), EngineLimits::default());
        Self { engine, sources }
    }

    async fn compare(&self, name: &str, material: Option<&str>) {
        let (mut floor, mut weft) = (Vec::new(), Vec::new());
        let (mut rows, mut requests) = ((0, 0), (0, 0));
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            (rows.0, requests.0) = self.floor(material).await;
            floor.push(begun.elapsed());
            let begun = Instant::now();
            (rows.1, requests.1) = self.weft(material).await;
            weft.push(begun.elapsed());
        }
        assert_eq!(rows.0, rows.1, "{name}: the floor and Weft disagree");
        let (floor, weft) = (median(floor), median(weft));
        println!(
            "{name:<28}{:>8}{:>12.2}{:>12.2}{:>8.2}{:>10}{:>10}",
            rows.1,
            ms(floor),
            ms(weft),
            ms(weft) / ms(floor),
            requests.0,
            requests.1
        );
    }

    async fn weft(&self, material: Option<&str>) -> (usize, u64) {
        let object = material.map_or_else(|| "?material".to_owned(), |m| format!("\"{m}\""));
        let text = format!(
            "PREFIX v: <http://b/v#> SELECT ?unit ?torque {{ ?part v:material {object} . ?order v:part ?part . ?unit v:order ?order ; v:torque ?torque }}"
        );
        let request = QueryRequest { text, ..QueryRequest::default() };
        let Answer::Solutions(mut solutions) = self.engine.query(request).await.unwrap() else {
            panic!("not a SELECT")
        };
        let mut rows = 0;
        while let Some(batch) = solutions.rows.next().await {
            rows += batch.unwrap().len();
        }
        (rows, solutions.report.snapshot().sources.iter().map(|source| source.requests).sum())
    }

    /// What a good engineer would write: three reads, keys shipped where that is less, IRIs built for the answer only.
    async fn floor(&self, material: Option<&str>) -> (usize, u64) {
        let filter = material.map(|m| Expression::Compare {
            operator: CompareOperator::Equal,
            left: Box::new(Expression::Column(ColumnRef::bare("material"))),
            right: Box::new(Expression::Literal(Value::Text(m.to_owned()))),
        });
        let selective = filter.is_some();
        let parts = self.read("plm", "part", &["id"], filter, None).await;
        let parts: HashSet<i64> = parts.iter().flat_map(|b| integers(b, 0)).collect();
        let orders = self.read("erp", "orders", &["id", "part"], None, selective.then_some(("part", &parts))).await;
        let orders: HashSet<i64> = orders
            .iter()
            .flat_map(|b| integers(b, 0).into_iter().zip(integers(b, 1)))
            .filter(|(_, part)| parts.contains(part))
            .map(|(id, _)| id)
            .collect();
        let units =
            self.read("mes", "unit", &["id", "orders", "torque"], None, selective.then_some(("orders", &orders))).await;
        let mut answer = Vec::new();
        for batch in &units {
            let torque = batch.column(2).as_primitive::<arrow_array::types::Float64Type>();
            for (row, (id, order)) in integers(batch, 0).into_iter().zip(integers(batch, 1)).enumerate() {
                if orders.contains(&order) {
                    answer.push((format!("http://b/unit/{id}"), torque.value(row)));
                }
            }
        }
        (answer.len(), 3)
    }

    async fn read(
        &self,
        source: &str,
        table: &str,
        columns: &[&str],
        filter: Option<Expression>,
        keys: Option<(&str, &HashSet<i64>)>,
    ) -> Vec<RecordBatch> {
        let mut touched: Vec<&str> = columns.to_vec();
        touched.extend(filter.iter().map(|_| "material"));
        let field = |name: &&str| Field {
            name: (*name).to_owned(),
            data_type: match *name {
                "material" => weft_model::contract::DataType::Text,
                "torque" => weft_model::contract::DataType::Float64,
                _ => weft_model::contract::DataType::Int64,
            },
            nullable: false,
            native_type: match *name {
                "material" => "TEXT".to_owned(),
                "torque" => "REAL".to_owned(),
                _ => "INTEGER".to_owned(),
            },
        };
        let keys = keys.map(|(name, keys)| {
            let column = arrow_array::Int64Array::from_iter_values(keys.iter().copied());
            KeyBlock {
                columns: vec![name.to_owned()],
                keys: RecordBatch::try_from_iter([(name, Arc::new(column) as _)]).unwrap(),
            }
        });
        let relation = Relation::Read(Read {
            table: table.to_owned(),
            alias: String::new(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            schema: touched.iter().map(field).collect(),
            filter,
            keys,
            limit: None,
        });
        let request =
            ScanRequest { id: "floor".to_owned(), relation, batch_rows: 8_192, batch_bytes: 1 << 20, explain: false };
        let mut scan = self.sources[source].scan(&call(), request).await.unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = scan.next().await {
            batches.push(batch.unwrap());
        }
        batches
    }
}

fn integers(batch: &RecordBatch, column: usize) -> Vec<i64> {
    let array = batch.column(column).as_primitive::<Int64Type>();
    (0..array.len()).map(|row| array.value(row)).collect()
}

fn call() -> CallContext {
    CallContext { deadline: tokio::time::Instant::now() + Duration::from_secs(60), traceparent: None }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// One part has material `m0`, ten have `m1`; every part has ten orders, every order ten units.
fn fill(name: &str, path: &std::path::Path) {
    let mut database = rusqlite::Connection::open(path).unwrap();
    let transaction = database.transaction().unwrap();
    match name {
        "plm" => {
            transaction
                .execute_batch("CREATE TABLE part (id INTEGER NOT NULL PRIMARY KEY, material TEXT NOT NULL)")
                .unwrap();
            for id in 0..PARTS {
                let material = if id == 0 {
                    "m0"
                } else if id <= 10 {
                    "m1"
                } else {
                    "other"
                };
                transaction.execute("INSERT INTO part VALUES (?1, ?2)", (id, material)).unwrap();
            }
        }
        "erp" => {
            transaction.execute_batch("CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, part INTEGER NOT NULL); CREATE INDEX orders_part ON orders (part)").unwrap();
            for id in 0..ORDERS {
                transaction.execute("INSERT INTO orders VALUES (?1, ?2)", (id, id % PARTS)).unwrap();
            }
        }
        _ => {
            transaction.execute_batch("CREATE TABLE unit (id INTEGER NOT NULL PRIMARY KEY, orders INTEGER NOT NULL, torque REAL NOT NULL); CREATE INDEX unit_orders ON unit (orders)").unwrap();
            for id in 0..UNITS {
                #[allow(clippy::cast_precision_loss)]
                transaction
                    .execute("INSERT INTO unit VALUES (?1, ?2, ?3)", (id, id % ORDERS, id as f64 / 7.0))
                    .unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}
