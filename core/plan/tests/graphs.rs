//! Graphs that rows name: what is asked of the source for them, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../mapping/tests/tables/description.rs"]
mod description;

use oxrdf::NamedNode;
use std::sync::Arc;
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{Capability, FilterCapability, FilterOperation};
use weft_plan::{Catalogue, Explained, PlanLimits, explain_text, plan};

const TABLES: &str = "lot id:int64! site:text name:text\n  key id\nuse item:text! line:int64! site:text!\n";
const MAPPING: &str = r#"
    @prefix rr: <http://www.w3.org/ns/r2rml#> . @prefix v: <http://ex.org/v#> .
    <#lot> rr:logicalTable [ rr:tableName "lot" ] ;
      rr:subjectMap [ rr:template "http://ex.org/lot/{id}" ; rr:graphMap [ rr:template "http://ex.org/site/{site}" ] ] ;
      rr:predicateObjectMap [ rr:predicate v:name ; rr:objectMap [ rr:column "name" ] ] .
    <#use> rr:logicalTable [ rr:tableName "use" ] ;
      rr:subjectMap [ rr:template "http://ex.org/item/{item}" ] ;
      rr:predicateObjectMap [ rr:predicate v:line ; rr:objectMap [ rr:column "line" ] ] ;
      rr:predicateObjectMap [ rr:predicate v:used ; rr:object true ; rr:graphMap [ rr:template "http://ex.org/site/{site}" ] ] .
"#;

fn catalogue() -> Catalogue {
    let mut description = description::description(TABLES);
    for table in &mut description.tables {
        let operations = [FilterOperation::Equal, FilterOperation::In, FilterOperation::IsNull, FilterOperation::Not];
        let exact = |operation| FilterCapability { operation, data_type: None, level: Capability::Exact };
        table.filters = operations.map(exact).to_vec();
    }
    let mapping = Mapping::parse("erp.ttl", MAPPING, "http://ex.org/").unwrap();
    let graph = NamedNode::new("urn:weft:source:erp").unwrap();
    let graph = VirtualGraph::new("erp", graph, &mapping, Arc::new(description), "http://ex.org/").unwrap();
    Catalogue::new(vec![graph], vec![("v".into(), "http://ex.org/v#".into())])
}

/// The operators of the plan, or the error.
fn shown(query: &str) -> String {
    let catalogue = catalogue();
    match plan(query, None, None, &catalogue, &PlanLimits::default()) {
        Ok(plan) => {
            let text = explain_text(&Explained { plan: &plan, catalogue: &catalogue, statements: &[], analysis: None });
            text.split_once("plan:\n").expect("a plan").1.to_owned()
        }
        Err(error) => error.message,
    }
}

#[test]
fn one_graph_is_a_condition_of_the_source() {
    for query in [
        "SELECT ?n { GRAPH <http://ex.org/site/north> { ?l v:name ?n } }",
        "SELECT ?n FROM <http://ex.org/site/north> { ?l v:name ?n }",
        "SELECT ?n FROM <http://ex.org/site/north> FROM <http://ex.org/other/1> { ?l v:name ?n }",
        "SELECT ?n FROM NAMED <http://ex.org/site/north> { GRAPH ?g { ?l v:name ?n } }",
    ] {
        let plan = shown(query);
        assert!(plan.contains("site = \"north\"") && !plan.contains("Filter"), "{query}\n{plan}");
    }
    let two = shown("SELECT ?n FROM <http://ex.org/site/north> FROM <http://ex.org/site/south> { ?l v:name ?n }");
    assert!(two.contains("north") && two.contains("south") && two.contains("site"), "{two}");
}

#[test]
fn a_graph_that_no_row_can_name_has_nothing() {
    for query in [
        "SELECT ?n { GRAPH <http://ex.org/other/1> { ?l v:name ?n } }",
        "SELECT ?n FROM <http://ex.org/other/1> { ?l v:name ?n }",
        "SELECT * { GRAPH <http://ex.org/other/1> { OPTIONAL { ?l v:name ?n } } }",
    ] {
        assert!(!shown(query).contains("Scan"), "{query}\n{}", shown(query));
    }
}

#[test]
fn rows_that_name_no_graph_are_no_triples() {
    let plan = shown("SELECT ?l ?n { ?l v:name ?n }");
    assert!(plan.contains("site is not null"), "{plan}");
    let plan = shown("SELECT ?g ?l ?n { GRAPH ?g { ?l v:name ?n } }");
    assert!(plan.contains("site"), "{plan}");
}

/// The line and the use may be said by different rows of one item.
#[test]
fn the_graph_of_one_row_is_not_that_of_another() {
    let plan = shown("SELECT * { ?i v:line ?line . GRAPH ?g { ?i v:used true } }");
    assert_eq!(plan.matches("Scan erp").count() + plan.matches(" JOIN ").count(), 2, "{plan}");
}

#[test]
fn what_is_said_of_graphs_as_a_whole_is_refused_by_name() {
    let refused = shown("SELECT * { GRAPH ?g { ?l v:name+ ?n } }");
    assert!(refused.contains("source erp has graphs that are not known before it is asked"), "{refused}");
    let chosen = shown("SELECT * FROM NAMED <http://ex.org/site/north> { GRAPH ?g { ?l v:name+ ?n } }");
    assert!(chosen.contains("north"), "{chosen}");
}
