//! Terms that mappings compute from values: what they are, what sources are asked for, and what gives no triple and is
//! counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use weft_connector::Connector;
use weft_model::Code;
use weft_model::contract::{DataType, Relation, Value};
use weft_tests::compare::Found;
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::Mesh;
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, offer_everything, plain_column, plain_table,
};

const PREFIX: &str = "PREFIX ex: <http://example.com/vocab#>\nPREFIX e: <http://example.com/>\n";

const PROLOGUE: &str = "@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix weft: <https://weft.dev/ns#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix ex: <http://example.com/vocab#> .
@base <http://example.com/map/> .
";

/// Lots whose numbers are spelled as people do.
const ERP: &str = r#"<#lots> rr:logicalTable [ rr:tableName "lots" ] ;
  rr:subjectMap [ rr:template "http://example.com/lot/{number}" ; weft:normalise "trim | upper | match '[A-Z0-9-]+' | strip_zeros" ] ;
  rr:predicateObjectMap
    [ rr:predicate ex:state ; rr:objectMap [ rr:column "state" ; weft:codeList [
        weft:entry [ weft:code 1 ; weft:concept ex:Active ] , [ weft:code 2 ; weft:concept ex:OnHold ] , [ weft:code 7 ; weft:concept ex:OnHold ] ] ] ] ,
    [ rr:predicate ex:length ; rr:objectMap [ rr:column "inches" ; weft:unit unit:IN ; weft:convertTo unit:MilliM ] ] .
"#;

/// Runs, with files named after the lots.
const FLOOR: &str = r#"<#runs> rr:logicalTable [ rr:tableName "runs" ] ;
  rr:subjectMap [ rr:template "http://example.com/run/{id}" ] ;
  rr:predicateObjectMap
    [ rr:predicate ex:lot ; rr:objectMap [
        rr:template "http://example.com/lot/{file.lot}" ; weft:normalise "match '(?<lot>[^_]+)_run(?<run>\\d+)[.]nc' | upper" ] ] ,
    [ rr:predicate ex:plainLot ; rr:objectMap [ rr:template "http://example.com/lot/{lot}" ] ] ,
    [ rr:predicate ex:runState ; rr:objectMap [ rr:column "state" ; weft:codeList [
        weft:entry [ weft:code "on" ; weft:concept ex:Active ] , [ weft:code "off" ; weft:concept ex:OnHold ] ] ] ] .
"#;

fn text(value: &str) -> Option<Value> {
    Some(Value::Text(value.to_owned()))
}

fn source(name: &str, mapping: &str, table: &str, columns: &[(&str, DataType)], rows: Vec<Row>) -> Source {
    let columns = columns.iter().map(|(name, data_type)| plain_column(name, *data_type, true)).collect();
    let mut description = describe(vec![plain_table(table, columns, &[])]);
    offer_everything(&mut description, 100);
    Source {
        name: name.to_owned(),
        graph: format!("urn:weft:source:{name}"),
        mapping: MappingDocument { prologue: format!("{PROLOGUE}{mapping}"), maps: Vec::new() },
        description,
        rows: vec![rows],
        transport: Transport::Memory,
    }
}

fn scenario() -> Scenario {
    let lots =
        [(" 007", Some(1), 10), ("a-17", Some(2), 5), ("0B-2 ", Some(7), 0), ("n/a", Some(1), 1), ("C-3", Some(9), 3)];
    let lots = lots.map(|(number, state, inches)| {
        vec![text(number), state.map(Value::Int64), Some(Value::Decimal { unscaled: inches * 100, scale: 2 })]
    });
    let runs = [
        (1, "7_run1.nc", "7", "on"),
        (2, "A-17_run2.nc", "A-17", "off"),
        (3, "a-17_run10.nc", "a-17", "idle"),
        (4, "scratch.nc", "B-2", "on"),
    ];
    let runs = runs.map(|(id, file, lot, state)| vec![Some(Value::Int64(id)), text(file), text(lot), text(state)]);
    let decimal = DataType::Decimal { precision: 9, scale: 2 };
    let lot_columns = [("number", DataType::Text), ("state", DataType::Int64), ("inches", decimal)];
    let run_columns =
        [("id", DataType::Int64), ("file", DataType::Text), ("lot", DataType::Text), ("state", DataType::Text)];
    Scenario {
        sources: vec![
            source("erp", ERP, "lots", &lot_columns, lots.to_vec()),
            source("floor", FLOOR, "runs", &run_columns, runs.to_vec()),
        ],
        tuning: Tuning::default(),
        axioms: Vec::new(),
        things: Vec::new(),
    }
}

struct Asked {
    mesh: Mesh,
    connectors: Vec<Arc<MemoryConnector>>,
}

impl Asked {
    async fn over(scenario: &Scenario) -> Self {
        let memory =
            |source: &Source| Arc::new(MemoryConnector::new(source.description.clone(), source.rows.clone(), 7));
        let connectors: Vec<_> = scenario.sources.iter().map(memory).collect();
        let named = scenario.sources.iter().zip(&connectors);
        let named = named.map(|(source, c)| (Arc::from(source.name.as_str()), c.clone() as Arc<dyn Connector>));
        Self { mesh: Mesh::over(scenario, named.collect()).await.unwrap(), connectors }
    }

    /// The rows of the answer, sorted, each as one text.
    async fn rows(&self, query: &str) -> Vec<String> {
        let Found::Rows { rows, .. } = self.mesh.ask(&format!("{PREFIX}{query}")).await.unwrap() else {
            panic!("rows are expected")
        };
        let show = |term: &Option<oxrdf::Term>| term.as_ref().map_or("-".to_owned(), ToString::to_string);
        let mut shown: Vec<String> =
            rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join(" ")).collect();
        shown.sort();
        shown.iter().map(|row| row.replace("http://example.com/", "")).collect()
    }

    /// The last request to each source.
    fn last(&self, source: usize) -> String {
        format!("{:?}", self.connectors[source].scans().last())
    }
}

#[tokio::test]
async fn sources_that_spell_keys_differently_meet() {
    let asked = Asked::over(&scenario()).await;
    let joined = asked.rows("SELECT ?run ?state { ?run ex:lot ?lot . ?lot ex:state ?state }").await;
    assert_eq!(joined, ["<run/1> <vocab#Active>", "<run/2> <vocab#OnHold>", "<run/3> <vocab#OnHold>"]);
    // The keys of one side are those that the other has as they are.
    let plain = asked.rows("SELECT ?run { ?lot ex:state ex:OnHold . ?run ex:plainLot ?lot }").await;
    assert_eq!(plain, ["<run/2>", "<run/4>"]);
    let one = asked.rows("SELECT ?state ?length { e:lot\\/A-17 ex:state ?state ; ex:length ?length }");
    assert_eq!(one.await, ["<vocab#OnHold> \"127\"^^<http://www.w3.org/2001/XMLSchema#decimal>"]);
    assert!(asked.rows("SELECT ?p { e:lot\\/a-17 ?p ?o }").await.is_empty());
    let optional = asked.rows("SELECT ?run ?lot { ?run ex:plainLot ?p OPTIONAL { ?run ex:lot ?lot } }").await;
    assert_eq!(optional, ["<run/1> <lot/7>", "<run/2> <lot/A-17>", "<run/3> <lot/A-17>", "<run/4> -"]);
}

#[tokio::test]
async fn codes_go_to_the_source_as_codes() {
    let asked = Asked::over(&scenario()).await;
    assert_eq!(asked.rows("SELECT ?lot { ?lot ex:state ex:Active }").await, ["<lot/7>"]);
    assert!(asked.last(0).contains("Int64(1)"), "{}", asked.last(0));
    assert_eq!(asked.rows("SELECT ?lot { ?lot ex:state ex:OnHold }").await, ["<lot/A-17>", "<lot/B-2>"]);
    assert!(asked.last(0).contains("In {") && asked.last(0).contains("Int64(7)"), "{}", asked.last(0));
    let before = asked.connectors[0].scans().len();
    assert!(asked.rows("SELECT ?lot { ?lot ex:state ex:Lost }").await.is_empty());
    assert_eq!(asked.connectors[0].scans().len(), before, "no code stands for it, so nobody is asked");
    let runs = asked.rows("SELECT ?run { VALUES ?s { ex:OnHold ex:Lost } ?run ex:runState ?s }").await;
    assert_eq!(runs, ["<run/2>"]);
    let Some(Relation::Read(read)) = asked.connectors[1].scans().pop() else { panic!("{}", asked.last(1)) };
    let keys = read.keys.expect("the keys of VALUES");
    assert_eq!((keys.columns, keys.keys.num_rows()), (vec!["state".to_owned()], 1));
    assert_eq!(asked.rows("SELECT ?run { ?run ex:runState ?s FILTER(?s = ex:Active) }").await, ["<run/1>", "<run/4>"]);
}

#[tokio::test]
async fn what_matches_nothing_gives_no_triple_and_is_counted() {
    let asked = Asked::over(&scenario()).await;
    let counted = async |query: &str| {
        let (rows, report) = asked.mesh.report(&format!("{PREFIX}{query}")).await.unwrap();
        let sources = report.sources.iter();
        (
            rows,
            sources.map(|s| s.unmatched_values).sum::<u64>(),
            report.sources.iter().map(|s| s.invalid_values).sum::<u64>(),
        )
    };
    // One number of a lot that is none, and one state that nobody listed.
    assert_eq!(counted("SELECT * { ?lot ex:length ?length }").await, (4, 1, 0));
    assert_eq!(counted("SELECT * { ?lot ex:state ?state }").await, (3, 2, 0));
    assert_eq!(counted("SELECT * { ?run ex:lot ?lot }").await, (3, 1, 0));
    assert_eq!(counted("SELECT * { ?run ex:runState ?state } LIMIT 3").await, (3, 1, 0));
    assert_eq!(
        counted("SELECT * { { SELECT (COUNT(*) AS ?n) { ?run ex:runState ?s } } FILTER(?n = 3) }").await,
        (1, 1, 0)
    );
}

#[tokio::test]
async fn numbers_are_converted_exactly_or_are_invalid() {
    let mut scenario = scenario();
    let huge = Value::Decimal { unscaled: 10_i128.pow(30), scale: 2 };
    let asked = Asked::over(&scenario).await;
    let lengths = asked.rows("SELECT ?length { ?lot ex:length ?length FILTER(?length > 25.4) }").await;
    let decimal = |text: &str| format!("\"{text}\"^^<http://www.w3.org/2001/XMLSchema#decimal>");
    assert_eq!(lengths, ["127", "254", "76.2"].map(decimal));
    scenario.sources[0].description.tables[0].columns[2].data_type = DataType::Decimal { precision: 38, scale: 2 };
    scenario.sources[0].rows[0][0][2] = Some(huge);
    let asked = Asked::over(&scenario).await;
    let error = asked.mesh.ask(&format!("{PREFIX}SELECT * {{ ?lot ex:length ?length }}")).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidData);
    assert!(error.message.contains("column inches") && error.message.contains("unit/MilliM"), "{error}");
}
