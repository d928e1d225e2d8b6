//! Answers are written straight from their columns: the bytes are those that serializers of terms make of the same rows,
//! whatever the columns are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use futures::{StreamExt, TryStreamExt, stream};
use oxrdf::{Literal, NamedNode, Term, Variable};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use sparesults::{QueryResultsFormat, QueryResultsSerializer};
use std::collections::HashMap;
use std::sync::Arc;
use weft_connector::Guarded;
use weft_exec::{Answer, AnswerBatch, AnswerColumn, Engine, EngineLimits, QueryRequest};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{DataType, Value};
use weft_plan::Catalogue;
use weft_server::{Encoder, ResultFormat, Solutions};
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::{call, one_try};
use weft_tests::scenario::{describe, plain_column, plain_table};

const PROPERTIES: &[(&str, DataType, &str)] = &[
    ("boolean", DataType::Boolean, ""),
    ("integer", DataType::Int64, ""),
    ("long", DataType::Int64, "; rr:datatype xsd:long"),
    ("decimal", DataType::Decimal { precision: 20, scale: 3 }, ""),
    ("double", DataType::Float64, ""),
    ("text", DataType::Text, ""),
    ("other", DataType::Text, "; rr:datatype ex:type"),
    ("english", DataType::Text, "; rr:language \"en-GB\""),
    ("date", DataType::Date, ""),
    ("instant", DataType::Timestamp { zoned: true }, ""),
    ("time", DataType::Timestamp { zoned: false }, ""),
];

fn mapping() -> String {
    let mut text = "@prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix ex: <http://e/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<#t> rr:logicalTable [ rr:tableName \"t\" ] ; rr:subjectMap [ rr:template \"http://e/a'&,{id}/{text}\" ; rr:class ex:T ] ;
  rr:predicateObjectMap [ rr:predicate ex:blank ; rr:objectMap [ rr:template \"{text}-{id}\" ; rr:termType rr:BlankNode ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:constant ; rr:objectMap [ rr:constant \"c, \\\"d\\\"\" ] ] ;
  rr:predicateObjectMap [ rr:predicate ex:link ; rr:objectMap [ rr:template \"http://e/{other}\" ] ]"
        .to_owned();
    for (name, _, rest) in PROPERTIES {
        text.push_str(&format!(
            ";\n  rr:predicateObjectMap [ rr:predicate ex:{name} ; rr:objectMap [ rr:column \"{name}\" {rest} ] ]"
        ));
    }
    text + " ."
}

const QUERIES: &[(&str, &[&str])] = &[
    (
        "SELECT * { ?s a e:T OPTIONAL { ?s e:boolean ?boolean } OPTIONAL { ?s e:integer ?integer }
           OPTIONAL { ?s e:long ?long } OPTIONAL { ?s e:decimal ?decimal } OPTIONAL { ?s e:double ?double }
           OPTIONAL { ?s e:text ?text } OPTIONAL { ?s e:other ?other } OPTIONAL { ?s e:english ?english }
           OPTIONAL { ?s e:date ?date } OPTIONAL { ?s e:instant ?instant } OPTIONAL { ?s e:time ?time } }",
        &["uniform"],
    ),
    ("SELECT ?o ?unbound ?s { ?s ?p ?o }", &["mixed", "uniform"]),
    ("SELECT ?b ?c ?l { ?s e:blank ?b ; e:constant ?c OPTIONAL { ?s e:link ?l } }", &["mixed", "constant", "uniform"]),
    ("SELECT ?d ?i { ?s e:integer ?i ; e:double ?d } ORDER BY DESC(?s) ?i LIMIT 3", &["uniform"]),
    ("SELECT ?n ?x { ?s e:text ?t BIND(STRLEN(?t) AS ?n) BIND(UCASE(?t) AS ?x) }", &["uniform"]),
    ("SELECT (COUNT(*) AS ?n) (AVG(?d) AS ?a) { ?s e:decimal ?d }", &["uniform"]),
    ("SELECT ?s { ?s a e:Nothing }", &[]),
];

async fn engine(rows: Vec<Row>) -> Engine {
    let columns = PROPERTIES.iter().map(|(name, data_type, _)| plain_column(name, *data_type, true));
    let columns = std::iter::once(plain_column("id", DataType::Int64, false)).chain(columns).collect();
    let description = describe(vec![plain_table("t", columns, &["id"])]);
    let connector = MemoryConnector::new(description, vec![rows], 5);
    let guarded = Guarded::new("s".into(), Arc::new(connector), one_try());
    let description = guarded.describe(&call()).await.unwrap();
    let mapping = Mapping::parse("s.ttl", &mapping(), "http://e/").unwrap();
    let graph = NamedNode::new("urn:weft:source:s").unwrap();
    let graph = VirtualGraph::new("s", graph, &mapping, Arc::new(description), "http://e/").unwrap();
    Engine::new(
        Catalogue::new(vec![graph], Vec::new()),
        HashMap::from([("s".into(), guarded)]),
        EngineLimits::default(),
    )
}

async fn batches(engine: &Engine, query: &str) -> (Vec<Variable>, Vec<AnswerBatch>) {
    let request = QueryRequest { text: format!("PREFIX e: <http://e/> {query}"), ..QueryRequest::default() };
    let Answer::Solutions(solutions) = engine.query(request).await.unwrap() else { panic!("no rows: {query}") };
    let batches = solutions.rows.into_batches().try_collect().await;
    (solutions.variables, batches.unwrap_or_else(|error| panic!("{query}: {error} {:?}", error.detail)))
}

fn solutions(variables: &[Variable], batches: &[AnswerBatch]) -> Solutions {
    let batches = batches.to_vec();
    let rows = stream::iter(batches.into_iter().map(Ok)).boxed();
    Solutions { variables: variables.to_vec(), rows, report: Arc::new(|| serde_json::Value::Null) }
}

async fn written(variables: &[Variable], batches: &[AnswerBatch], format: ResultFormat) -> Vec<u8> {
    let mut encoder = Encoder::solutions(solutions(variables, batches), format).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = encoder.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

fn serialized(variables: &[Variable], rows: &[Vec<Option<Term>>], format: QueryResultsFormat) -> Vec<u8> {
    let serializer = QueryResultsSerializer::from_format(format);
    let mut writer = serializer.serialize_solutions_to_writer(Vec::new(), variables.to_vec()).unwrap();
    for row in rows {
        let row: Vec<Option<Term>> = row.iter().map(|cell| cell.as_ref().map(|term| shown(term, format))).collect();
        let bound = variables.iter().zip(&row).filter_map(|(name, cell)| Some((name, cell.as_ref()?)));
        writer.serialize(bound).unwrap();
    }
    writer.finish().unwrap()
}

/// In CSV an IRI is quoted like any text; the serializer leaves its commas as they are.
fn shown(term: &Term, format: QueryResultsFormat) -> Term {
    match term {
        Term::NamedNode(node) if format == QueryResultsFormat::Csv => Literal::from(node.as_str()).into(),
        other => other.clone(),
    }
}

fn kind(column: AnswerColumn<'_>) -> &'static str {
    match column {
        AnswerColumn::Constant(_) => "constant",
        AnswerColumn::Uniform(..) => "uniform",
        AnswerColumn::Mixed(_) => "mixed",
    }
}

async fn check(rows: Vec<Row>) {
    let engine = engine(rows).await;
    for (query, kinds) in QUERIES {
        let (variables, batches) = batches(&engine, query).await;
        let found: Vec<_> = batches.iter().flat_map(|batch| batch.columns().map(kind)).collect();
        let all_there = kinds.iter().all(|kind| found.contains(kind));
        assert!(all_there || batches.is_empty(), "{query}: {found:?}");
        let rows: Vec<_> = batches.iter().flat_map(AnswerBatch::rows).collect();
        for (format, known) in [
            (ResultFormat::Json, QueryResultsFormat::Json),
            (ResultFormat::Xml, QueryResultsFormat::Xml),
            (ResultFormat::Csv, QueryResultsFormat::Csv),
            (ResultFormat::Tsv, QueryResultsFormat::Tsv),
        ] {
            let written = written(&variables, &batches, format).await;
            let wanted = serialized(&variables, &rows, known);
            assert!(
                written == wanted,
                "{query} as {format}:\n{}\nand not\n{}",
                String::from_utf8_lossy(&written),
                String::from_utf8_lossy(&wanted)
            );
        }
    }
}

/// Text without what XML does not have, or has to say in another way.
fn text() -> impl Strategy<Value = Value> {
    prop_oneof!["[ -~\t\né€😀]{0,40}", "[a-z]{1,3}"].prop_map(Value::Text)
}

fn value(data_type: DataType) -> BoxedStrategy<Value> {
    const MOST: i128 = 10_i128.pow(20) - 1;
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        DataType::Int64 => prop_oneof![any::<i64>(), -9_i64..99].prop_map(Value::Int64).boxed(),
        DataType::Decimal { scale, .. } => prop_oneof![-MOST..=MOST, -5_000_i128..5_000]
            .prop_map(move |unscaled| Value::Decimal { unscaled, scale })
            .boxed(),
        DataType::Float64 => {
            prop_oneof![any::<f64>(), (-99_i32..99).prop_map(f64::from)].prop_map(Value::Float64).boxed()
        }
        DataType::Date => (-719_162_i32..2_932_896).prop_map(Value::Date).boxed(),
        DataType::Timestamp { .. } => {
            let micros = -62_135_596_800_000_000_i64..253_402_300_800_000_000;
            prop_oneof![micros.clone(), micros.prop_map(|n| n / 100_000 * 100_000)].prop_map(Value::Timestamp).boxed()
        }
        _ => text().boxed(),
    }
}

fn row() -> impl Strategy<Value = Row> {
    PROPERTIES.iter().map(|(_, data_type, _)| weighted(0.85, value(*data_type))).collect::<Vec<_>>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_bytes_of_an_answer_are_those_of_its_terms(rows in vec(row(), 0..12)) {
        let numbered = rows.into_iter().enumerate().map(|(id, row)| {
            let id = Some(Value::Int64(i64::try_from(id).unwrap()));
            std::iter::once(id).chain(row).collect()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(numbered.collect()));
    }
}
