//! What the rules of the planner save, and that no answer depends on them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use weft_connector::Connector;
use weft_model::contract::{DataType, Relation, Statistic, Value};
use weft_plan::Rule;
use weft_tests::compare::{Found, evaluate};
use weft_tests::memory::{MemoryConnector, Row};
use weft_tests::mesh::Mesh;
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, offer_everything, plain_column, plain_table,
};
use weft_tests::union::union;

const PREFIX: &str = "PREFIX ex: <http://example.com/vocab#>\n";

const UNITS: i64 = 600;
const ORDERS: i64 = 40;
const PARTS: i64 = 8;

/// What each rule is for, and questions beside it. Orders in an answer are total.
const QUESTIONS: &[&str] = &[
    "SELECT ?material (AVG(?torque) AS ?mean) (COUNT(*) AS ?n) (MIN(?torque) AS ?least) { ?u ex:torque ?torque ; ex:order ?o . \
     ?o ex:part ?p . ?p ex:material ?material } GROUP BY ?material",
    "SELECT (AVG(?torque) AS ?mean) (SUM(?torque) AS ?sum) (COUNT(?u) AS ?n) { ?u ex:torque ?torque ; ex:order ?o . ?o ex:part ?p \
     . ?p ex:material \"wood\" }",
    "SELECT (AVG(?torque) AS ?mean) (SUM(?torque) AS ?sum) (COUNT(?u) AS ?n) { ?u ex:torque ?torque ; ex:order ?o . ?o ex:part ?p \
     . ?p ex:material \"paper\" }",
    "SELECT ?o (MAX(?made) AS ?last) (COUNT(?scrap) AS ?n) { ?u ex:made ?made ; ex:order ?o . ?o ex:part ?p \
     OPTIONAL { ?u ex:scrap ?scrap } } GROUP BY ?o",
    "SELECT ?material (SUM(?scrap) AS ?sum) { ?u ex:order ?o . ?o ex:part ?p . ?p ex:material ?material \
     OPTIONAL { ?u ex:scrap ?scrap } } GROUP BY ?material",
    "SELECT ?p (COUNT(*) AS ?n) { ?u ex:order ?o . ?o ex:part ?p OPTIONAL { ?p ex:material ?m FILTER(?m != \"wood\") } } GROUP BY ?p",
    "SELECT (COUNT(*) AS ?n) (MIN(?x) AS ?least) { { ?a ex:torque ?x } UNION { ?b ex:amount ?x } }",
    "SELECT ?y ?h (COUNT(*) AS ?n) (SUM(?torque) AS ?sum) { ?u ex:made ?t ; ex:torque ?torque } \
     GROUP BY (YEAR(?t) AS ?y) (HOURS(?t) AS ?h)",
    "SELECT ?day ?material (COUNT(*) AS ?n) { ?u ex:made ?t ; ex:order ?o . ?o ex:part ?p . ?p ex:material ?material } \
     GROUP BY (DAY(?t) AS ?day) ?material",
    "SELECT DISTINCT ?material { ?u ex:order ?o . ?o ex:part ?p . ?p ex:material ?material }",
    "SELECT ?p { ?p ex:material ?m FILTER NOT EXISTS { ?u ex:order ?o ; ex:scrap ?s . ?o ex:part ?p FILTER(?s > 1) } }",
    "SELECT ?u ?o { ?u ex:order ?o OPTIONAL { ?o ex:part ?p } FILTER(STRLEN(STR(?p)) > 3) }",
    "SELECT ?u ?t ?v { ?u ex:torque ?t . ?v ex:torque ?t ; ex:made ?m FILTER(?t < 5) }",
    "SELECT ?a ?b ?amount { ?a ex:number ?n . ?b ex:number ?n ; ex:amount ?amount }",
    "SELECT ?u ?material { ?u ex:rank ?rank ; ex:order ?o . ?o ex:part ?p . ?p ex:material ?material } ORDER BY DESC(?rank) LIMIT 7",
    "SELECT ?u ?p { ?u ex:rank ?rank ; ex:order ?o OPTIONAL { ?o ex:part ?p } } ORDER BY ?rank LIMIT 7 OFFSET 3",
    "SELECT ?u ?p { ?u ex:rank ?rank ; ex:order ?o OPTIONAL { ?o ex:part ?p FILTER(STRLEN(STR(?p)) > 30) } } ORDER BY ?rank LIMIT 5",
    MORE_THAN_FIRST,
    "SELECT ?u ?rank { ?u ex:rank ?rank ; ex:order ?o . ?o ex:part ?p . ?p ex:material \"glass\" } ORDER BY ?rank LIMIT 20",
    "ASK { ?u ex:rank ?rank ; ex:order ?o . ?o ex:part ?p . ?p ex:material \"paper\" }",
    "SELECT ?p { { SELECT ?p { ?u ex:rank ?rank ; ex:order ?o . ?o ex:part ?p } ORDER BY ?rank LIMIT 4 } ?p ex:material ?m }",
];

/// Some of the first thirty units have no material.
const MORE_THAN_FIRST: &str = "SELECT ?u ?material { ?u ex:rank ?rank ; ex:order ?o . ?o ex:part ?p . ?p ex:material ?material } \
     ORDER BY DESC(?rank) LIMIT 30";

/// `mes` knows units and the order of each, `erp` orders and the part of each, `plm` the material of parts. Some orders have
/// no unit, and some units an order nobody knows.
fn three_sources() -> Scenario {
    let mes = (0..UNITS).map(|n| {
        let made = 1_700_000_000_000_000 + n * 7_777_777_777;
        let scrap = (n % 3 != 0).then_some(Value::Int64(n % 4));
        let order = Value::Int64(n * 7 % (ORDERS + 2));
        let torque = Value::Int64(n * 31 % 100);
        let made = Value::Timestamp(made);
        vec![Some(Value::Int64(n)), Some(order), Some(torque), Some(made), scrap, Some(Value::Int64((n * 377) % UNITS))]
    });
    let erp = (0..ORDERS + 5)
        .filter(|n| *n < ORDERS || *n > ORDERS + 2)
        .map(|n| vec![Some(Value::Int64(n)), Some(Value::Int64(n % PARTS)), Some(Value::Int64(n * n))]);
    let material = |n: i64| Value::Text(["steel", "wood", "glass"][usize::try_from(n % 3).unwrap()].to_owned());
    let plm = (0..PARTS - 1).map(|n| vec![Some(Value::Int64(n)), Some(material(n))]);
    let time = DataType::Timestamp { zoned: true };
    let units = [
        ("id", DataType::Int64, false),
        ("order", DataType::Int64, false),
        ("torque", DataType::Int64, false),
        ("made", time, false),
        ("scrap", DataType::Int64, true),
        ("rank", DataType::Int64, false),
    ];
    let orders = [("id", DataType::Int64, false), ("part", DataType::Int64, false), ("amount", DataType::Int64, false)];
    let parts = [("id", DataType::Int64, false), ("material", DataType::Text, false)];
    let unit_map = "<#m> rr:logicalTable [ rr:tableName \"units\" ] ; rr:subjectMap [ rr:template \"http://example.com/unit/{id}\" ] ;
    rr:predicateObjectMap [ rr:predicate ex:order ; rr:objectMap [ rr:template \"http://example.com/order/{order}\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:torque ; rr:objectMap [ rr:column \"torque\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:made ; rr:objectMap [ rr:column \"made\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:rank ; rr:objectMap [ rr:column \"rank\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:scrap ; rr:objectMap [ rr:column \"scrap\" ] ] .";
    let order_map = "<#m> rr:logicalTable [ rr:tableName \"orders\" ] ; rr:subjectMap [ rr:template \"http://example.com/order/{id}\" ] ;
    rr:predicateObjectMap [ rr:predicate ex:number ; rr:objectMap [ rr:column \"id\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:amount ; rr:objectMap [ rr:column \"amount\" ] ] ;
    rr:predicateObjectMap [ rr:predicate ex:part ; rr:objectMap [ rr:template \"http://example.com/part/{part}\" ] ] .";
    let part_map = "<#m> rr:logicalTable [ rr:tableName \"parts\" ] ; rr:subjectMap [ rr:template \"http://example.com/part/{id}\" ] ;
    rr:predicateObjectMap [ rr:predicate ex:material ; rr:objectMap [ rr:column \"material\" ] ] .";
    Scenario {
        sources: vec![
            source("mes", "units", &units, unit_map, mes.collect()),
            source("erp", "orders", &orders, order_map, erp.collect()),
            source("plm", "parts", &parts, part_map, plm.collect()),
        ],
        tuning: Tuning::default(),
        axioms: Vec::new(),
        things: Vec::new(),
    }
}

fn source(name: &str, table: &str, columns: &[(&str, DataType, bool)], map: &str, rows: Vec<Row>) -> Source {
    let columns = columns.iter().map(|(name, data_type, nullable)| plain_column(name, *data_type, *nullable)).collect();
    let mut description = describe(vec![plain_table(table, columns, &["id"])]);
    offer_everything(&mut description, 1_000);
    description.tables[0].rows = Some(Statistic { count: rows.len() as u64, measured_at: 0 });
    let prologue =
        format!("@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix ex: <http://example.com/vocab#> .\n{map}\n");
    Source {
        name: name.to_owned(),
        graph: format!("urn:weft:source:{name}"),
        mapping: MappingDocument { prologue, maps: Vec::new() },
        description,
        rows: vec![rows],
        transport: Transport::Memory,
    }
}

/// The answer, what each source was asked, and how many rows it gave.
async fn ask(scenario: &Scenario, query: &str) -> (Vec<String>, Vec<Vec<Relation>>, Vec<usize>) {
    let connector =
        |source: &Source| Arc::new(MemoryConnector::new(source.description.clone(), source.rows.clone(), 7));
    let connectors: Vec<Arc<MemoryConnector>> = scenario.sources.iter().map(connector).collect();
    let named = scenario.sources.iter().zip(&connectors);
    let named = named.map(|(s, c)| (Arc::from(s.name.as_str()), c.clone() as Arc<dyn Connector>)).collect();
    let mesh = Mesh::over(scenario, named).await.unwrap();
    let found = mesh.ask(&format!("{PREFIX}{query}")).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let scans: Vec<Vec<Relation>> = connectors.iter().map(|connector| connector.scans()).collect();
    let given = |(connector, scans): (&Arc<MemoryConnector>, &Vec<Relation>)| {
        scans.iter().map(|relation| connector.evaluate(relation).unwrap().len()).sum()
    };
    let given = connectors.iter().zip(&scans).map(given).collect();
    (lines(found), scans, given)
}

fn lines(found: Found) -> Vec<String> {
    let rows = match found {
        Found::Rows { rows, .. } => rows,
        Found::Boolean(answer) => return vec![answer.to_string()],
        Found::Graph(_) => panic!("a graph is not expected"),
    };
    let cell = |cell: &Option<oxrdf::Term>| cell.as_ref().map_or("-".to_owned(), ToString::to_string);
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
}

fn without(rules: impl IntoIterator<Item = Rule>) -> Scenario {
    let without = rules.into_iter().map(|rule| rule.name().to_owned()).collect();
    Scenario { tuning: Tuning { without, ..Tuning::default() }, ..three_sources() }
}

/// Sources that declare a hundred times as many rows as they have.
fn said_to_be_large(mut scenario: Scenario) -> Scenario {
    for source in &mut scenario.sources {
        let rows = &mut source.description.tables[0].rows;
        *rows = rows.map(|declared| Statistic { count: declared.count * 100, ..declared });
    }
    scenario
}

#[tokio::test]
async fn no_answer_depends_on_a_rule() {
    let all = union(&three_sources()).unwrap();
    let mut scenarios = vec![("all".to_owned(), three_sources()), ("none".to_owned(), without(Rule::ALL))];
    scenarios.push(("large".to_owned(), said_to_be_large(three_sources())));
    let alone = |rule: &Rule| without(Rule::ALL.into_iter().filter(|other| other != rule));
    for rule in &Rule::ALL {
        scenarios.push((format!("without {}", rule.name()), without([*rule])));
        scenarios.push((format!("only {}", rule.name()), alone(rule)));
    }
    let mut wrong = Vec::new();
    for query in QUESTIONS {
        let expected = evaluate(&all, &format!("{PREFIX}{query}")).unwrap().unwrap();
        let mut expected = lines(expected);
        // What an order on another variable leaves open is not asked.
        let is_ordered = query.contains("ORDER BY") && !query.contains("{ SELECT");
        if !is_ordered {
            expected.sort();
        }
        assert!(!expected.is_empty(), "{query} has no answer");
        for (name, scenario) in &scenarios {
            let (mut found, ..) = ask(scenario, query).await;
            if !is_ordered {
                found.sort();
            }
            if found != expected {
                wrong.push(format!("{name}: {query}\nexpected {expected:?}\nfound    {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn sources_aggregate_what_is_joined_with_others() {
    let (_, scans, given) = ask(&three_sources(), QUESTIONS[0]).await;
    assert_eq!(scans.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1], "{scans:?}");
    assert!(matches!(scans[0].as_slice(), [Relation::Aggregate { .. }]), "{scans:?}");
    assert!(given[0] <= usize::try_from(ORDERS + 2).unwrap(), "{given:?}");
    let (_, _, all) = ask(&without([Rule::PartialAggregate]), QUESTIONS[0]).await;
    assert!(all[0] > 10 * given[0], "{all:?} {given:?}");
}

#[tokio::test]
async fn sources_group_by_parts_of_times() {
    let query = QUESTIONS.iter().find(|query| query.contains("HOURS(?t)")).unwrap();
    let (found, scans, given) = ask(&three_sources(), query).await;
    assert_eq!(given[0], found.len(), "{scans:?}");
    let (_, _, all) = ask(&without([Rule::PushTimeParts]), query).await;
    assert_eq!(all[0], usize::try_from(UNITS).unwrap());
}

#[tokio::test]
async fn duplicates_are_left_out_where_they_are() {
    let query = QUESTIONS.iter().find(|query| query.contains("SELECT DISTINCT ?material")).unwrap();
    let (_, _, given) = ask(&three_sources(), query).await;
    let (_, _, all) = ask(&without([Rule::EarlyDistinct]), query).await;
    assert!(given[0] * 5 < all[0], "{given:?} {all:?}");
}

#[tokio::test]
async fn where_the_first_rows_are_not_enough_the_others_are_asked_for() {
    let (found, scans, _) = ask(&said_to_be_large(three_sources()), MORE_THAN_FIRST).await;
    assert_eq!(found.len(), 30);
    let [Relation::Limit { input, count: Some(30), .. }, all] = scans[0].as_slice() else { panic!("{scans:?}") };
    assert_eq!(**input, *all);
    let (other, scans, _) = ask(&said_to_be_large(without([Rule::JoinGoal])), MORE_THAN_FIRST).await;
    assert_eq!((other, scans[0].len()), (found, 1), "{scans:?}");
}

#[tokio::test]
async fn the_first_rows_of_an_order_need_few_rows_of_a_join() {
    let query = QUESTIONS.iter().find(|query| query.contains("DESC(?rank) LIMIT 7")).unwrap();
    let (_, scans, _) = ask(&said_to_be_large(three_sources()), query).await;
    let [Relation::Limit { input, count: Some(7), .. }, ..] = scans[0].as_slice() else { panic!("{scans:?}") };
    assert!(matches!(**input, Relation::Sort { .. }), "{scans:?}");
    let optional = QUESTIONS.iter().find(|query| query.contains("LIMIT 7 OFFSET 3")).unwrap();
    let (_, _, given) = ask(&three_sources(), optional).await;
    assert_eq!(given[0], 10, "a left join has a row for each left row");
}
