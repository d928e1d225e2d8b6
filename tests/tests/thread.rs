//! The thread view: how often sources are asked, what plans look like, and what a user sees of it.
//!
//! That its answers are right is shown by the oracle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "thread/time.rs"]
mod time;

use std::sync::Arc;
use weft_connector::Connector;
use weft_exec::EngineLimits;
use weft_model::contract::{DataType, Relation, Value};
use weft_plan::{PlanLimits, Rule, Rules};
use weft_tests::compare::Found;
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::{Mesh, one_try};
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, offer_everything, plain_column, plain_table,
};

const BASE: &str = "http://example.com/";
const PREFIX: &str = "PREFIX ex: <http://example.com/vocab#>\n";

/// Things in each source.
const COUNT: i64 = 100;

/// `erp` knows the price and the stock of things it calls `erp/N`, `mes` the runs of those it calls `mes/N`.
fn two_sources(max_keys: u32, things: Vec<Vec<String>>) -> Scenario {
    let number = |n: i64| Some(Value::Int64(n));
    let erp: Vec<Row> = (0..COUNT).map(|n| vec![number(n), number(n % 10), number(n * 3)]).collect();
    let mes: Vec<Row> = (0..COUNT).map(|n| vec![number(n), number(n % 4)]).collect();
    Scenario {
        sources: vec![source("erp", &["price", "stock"], erp, max_keys), source("mes", &["runs"], mes, max_keys)],
        tuning: Tuning::default(),
        axioms: Vec::new(),
        things,
    }
}

fn source(name: &str, properties: &[&str], rows: Vec<Row>, max_keys: u32) -> Source {
    let mut columns = vec![plain_column("id", DataType::Int64, false)];
    columns.extend(properties.iter().map(|property| plain_column(property, DataType::Int64, false)));
    let mut description = describe(vec![plain_table("items", columns, &["id"])]);
    offer_everything(&mut description, max_keys);
    let properties: String = properties
        .iter()
        .map(|p| format!(" ; rr:predicateObjectMap [ rr:predicate ex:{p} ; rr:objectMap [ rr:column \"{p}\" ] ]"))
        .collect();
    let prologue = format!(
        "@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix ex: <http://example.com/vocab#> .\n\
         <#items> rr:logicalTable [ rr:tableName \"items\" ] ;\n\
         rr:subjectMap [ rr:template \"{BASE}{name}/{{id}}\" ]{properties} .\n"
    );
    Source {
        name: name.to_owned(),
        graph: format!("urn:weft:source:{name}"),
        mapping: MappingDocument { prologue, maps: Vec::new() },
        description,
        rows: vec![rows],
        transport: Transport::Memory,
    }
}

/// Each thing of `erp` is that of `mes` with the same number.
fn same_numbers() -> Vec<Vec<String>> {
    (0..COUNT).map(|n| vec![format!("{BASE}mes/{n}"), format!("{BASE}erp/{n}")]).collect()
}

struct Asked {
    mesh: Mesh,
    connectors: Vec<Arc<MemoryConnector>>,
}

impl Asked {
    async fn of(scenario: &Scenario) -> Self {
        Self::without(scenario, Rules::default()).await
    }

    async fn without(scenario: &Scenario, rules: Rules) -> Self {
        let connector =
            |source: &Source| Arc::new(MemoryConnector::new(source.description.clone(), source.rows.clone(), 7));
        let connectors: Vec<_> = scenario.sources.iter().map(connector).collect();
        let named = scenario.sources.iter().zip(&connectors);
        let named = named.map(|(s, c)| (Arc::from(s.name.as_str()), c.clone() as Arc<dyn Connector>)).collect();
        let limits = EngineLimits { plan: PlanLimits { rules, ..PlanLimits::default() }, ..EngineLimits::default() };
        let mesh = Mesh::within(scenario, named, one_try(), limits).await.unwrap();
        Self { mesh, connectors }
    }

    async fn rows(&self, query: &str) -> Vec<String> {
        let Found::Rows { rows, .. } = self.mesh.ask(&format!("{PREFIX}{query}")).await.unwrap() else {
            panic!("rows are expected")
        };
        let cell = |cell: &Option<oxrdf::Term>| match cell {
            None => "-".to_owned(),
            Some(oxrdf::Term::Literal(literal)) => literal.value().to_owned(),
            Some(term) => term.to_string(),
        };
        let mut rows: Vec<String> = rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect();
        rows.sort();
        rows
    }

    fn scans(&self) -> Vec<usize> {
        self.connectors.iter().map(|connector| connector.scans().len()).collect()
    }

    /// The keys that came with the scans of a source.
    fn keys(&self, source: usize) -> Vec<usize> {
        let keys = |relation: &Relation| relation.reads()[0].keys.as_ref().map_or(0, |block| block.keys.num_rows());
        self.connectors[source].scans().iter().map(keys).collect()
    }

    async fn plan(&self, query: &str) -> String {
        self.mesh.explain(&format!("{PREFIX}{query}")).await
    }
}

#[tokio::test]
async fn two_sources_are_joined_through_aliases_with_one_request_each() {
    let asked = Asked::of(&two_sources(2_000, same_numbers())).await;
    let rows = asked.rows("SELECT ?x ?stock ?runs { ?x ex:price 7 ; ex:stock ?stock ; ex:runs ?runs }").await;
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[0], "<http://example.com/erp/17> 51 1");
    assert_eq!(asked.scans(), [1, 1]);
    // One name of each thing is one that the other source can have.
    assert_eq!(asked.keys(1), [10]);
}

#[tokio::test]
async fn keys_go_from_either_side_and_fit_the_blocks_of_the_source() {
    // Each thing has two names in each source.
    let things: Vec<Vec<String>> = (0..COUNT / 2)
        .map(|n| [2 * n, 2 * n + 1].iter().flat_map(|n| [format!("{BASE}mes/{n}"), format!("{BASE}erp/{n}")]).collect())
        .collect();
    for max_keys in [1, 3, 1_000] {
        let asked = Asked::of(&two_sources(max_keys, things.clone())).await;
        let rows =
            asked.rows("SELECT * { VALUES ?x { <http://example.com/mes/4> } ?x ex:runs ?runs ; ex:stock ?s }").await;
        assert_eq!(
            rows,
            [
                "<http://example.com/erp/4> 0 12",
                "<http://example.com/erp/4> 0 15",
                "<http://example.com/erp/4> 1 12",
                "<http://example.com/erp/4> 1 15"
            ]
        );
        for source in [0, 1] {
            let keys = asked.keys(source);
            assert!(keys.iter().all(|keys| (1..=max_keys as usize).contains(keys)), "{keys:?}, blocks of {max_keys}");
            assert_eq!(keys.iter().sum::<usize>(), 2, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn where_nothing_has_several_names_the_plan_is_the_same() {
    let query = "SELECT * { ?x ex:price ?price ; ex:stock ?stock OPTIONAL { ?x ex:runs ?runs } FILTER(?price > 3) }";
    let plain = Asked::of(&two_sources(2_000, Vec::new())).await;
    let expected = plain.plan(query).await;
    let pragma = plain.mesh.explain(&format!("#pragma weft:thread\n{PREFIX}{query}")).await;
    assert_eq!(pragma.replace("thread view:\n  nothing has several names\n", ""), expected);
    assert!(pragma.contains("nothing has several names"), "{pragma}");
    // Names that no mapping builds.
    let others = vec![vec!["http://other/1".to_owned(), "http://other/2".to_owned()]];
    let others = Asked::of(&two_sources(2_000, others)).await;
    let (before, plan) = split(&expected);
    let (thread_before, thread_plan) = split(&others.plan(query).await);
    assert_eq!(thread_plan, plan);
    assert!(thread_before.contains("1 thing has several names"), "{thread_before}");
    assert!(thread_before.starts_with(&before), "{thread_before}");
}

/// What stands before the plan, and the plan.
fn split(explanation: &str) -> (String, String) {
    let (before, plan) = explanation.split_once("plan:\n").unwrap();
    (before.to_owned(), plan.to_owned())
}

#[tokio::test]
async fn patterns_about_one_row_stay_one_request_where_no_two_names_there_are_one_thing() {
    let query = "SELECT * { ?x ex:runs ?runs . ?x ex:price ?price ; ex:stock ?stock }";
    let asked = Asked::of(&two_sources(2_000, same_numbers())).await;
    assert_eq!(asked.rows(query).await.len(), COUNT as usize);
    assert_eq!(asked.scans(), [1, 1]);
    let plan = asked.plan(query).await;
    // `erp` comes first by code points: its names are the representatives.
    assert_eq!(plan.matches("Alias ").count(), 1, "{plan}");
    assert!(
        plan.contains("?x in ?x <http://example.com/vocab#price> ?price: what stands there is its own representative"),
        "{plan}"
    );
    let rules = Rules::default().without(Rule::SharedName);
    let dearer = Asked::without(&two_sources(2_000, same_numbers()), rules).await;
    assert_eq!(dearer.rows(query).await, asked.rows(query).await);
}

#[tokio::test]
async fn two_names_of_one_source_are_rows_of_one_thing() {
    let things = vec![vec![format!("{BASE}erp/1"), format!("{BASE}erp/2"), format!("{BASE}mes/9")]];
    let asked = Asked::of(&two_sources(2_000, things)).await;
    let thing = "<http://example.com/erp/1>";
    assert_eq!(
        asked.rows("SELECT ?price ?stock ?runs { <http://example.com/mes/9> ex:price ?price ; ex:stock ?stock ; ex:runs ?runs }").await,
        ["1 3 1", "1 6 1", "2 3 1", "2 6 1"]
    );
    assert_eq!(
        asked.rows("SELECT ?x { ?x ex:stock ?s FILTER(?x = <http://example.com/erp/2>) }").await,
        [thing, thing]
    );
    assert_eq!(asked.rows("SELECT DISTINCT ?x { ?x ex:stock ?s FILTER(?s IN (3, 6)) }").await, [thing]);
    assert_eq!(asked.rows("SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x ex:stock ?s }").await, ["99"]);
    assert!(asked.rows("SELECT ?x { ?x ex:stock ?s FILTER(STR(?x) = \"http://example.com/erp/2\") }").await.is_empty());
}

#[tokio::test]
async fn conditions_on_values_go_to_the_source_below_the_step() {
    let asked = Asked::of(&two_sources(2_000, same_numbers())).await;
    assert_eq!(asked.rows("SELECT ?x { ?x ex:runs ?runs FILTER(?runs = 3) }").await.len(), 25);
    let plan = asked.plan("SELECT ?x { ?x ex:runs ?runs FILTER(?runs = 3) }").await;
    assert!(plan.contains("Alias ") && !plan.contains("Filter "), "{plan}");
}

#[tokio::test]
async fn a_pragma_that_is_not_known_is_an_error() {
    let asked = Asked::of(&two_sources(2_000, Vec::new())).await;
    let error = asked.mesh.ask("#pragma weft:threads\nASK {}").await.unwrap_err();
    assert_eq!(error.code, weft_model::Code::InvalidQuery);
    assert!(error.message.contains("line 1, column 1: there is no pragma weft:threads"), "{}", error.message);
}
