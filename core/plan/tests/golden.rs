//! A folder of `tests/cases` is a case: `query.rq` over the sources of `tests/catalogue` gives `plan.txt`, a plan or an
//! error. Where the case has a file `rules`, `without.txt` is the plan without the rules it names. With `UPDATE=1` in the environment the expectations are rewritten.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "golden/analysis.rs"]
mod analysis;
#[path = "../../mapping/tests/tables/description.rs"]
mod description;

use oxrdf::NamedNode;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{
    AggregateFunction, Capability, Description, FilterCapability, FilterOperation, JoinSupport, RelationalCapabilities,
    Statistic, TimePart, TypeKind,
};
use weft_plan::{Catalogue, Explained, Form, PlanLimits, Rule, Rules, explain_json, explain_text, plan};

const BASE: &str = "http://ex.org/";

#[test]
fn every_query_has_its_plan() {
    let catalogue = catalogue();
    let mut cases: Vec<PathBuf> = fs::read_dir(tests().join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 20, "cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let query = fs::read_to_string(case.join("query.rq")).unwrap();
        let mut plans = vec![("plan.txt", show(&query, &catalogue, &PlanLimits::default()))];
        if let Ok(names) = fs::read_to_string(case.join("rules")) {
            let without = names.split_whitespace().map(|name| Rule::of_name(name).expect(name));
            let rules = without.fold(Rules::default(), Rules::without);
            let found = show(&query, &catalogue, &PlanLimits { rules, ..PlanLimits::default() });
            let plan = |text: &str| text.split_once("plan:\n").map(|(_, plan)| plan.to_owned());
            assert_ne!(plan(&found), plan(&plans[0].1), "{}: the rules change nothing", case.display());
            plans.push(("without.txt", found));
        }
        for (file, found) in plans {
            let expected = case.join(file);
            if env::var_os("UPDATE").is_some() {
                fs::write(&expected, &found).unwrap();
            } else if fs::read_to_string(&expected).unwrap_or_default() != found {
                failures.push(format!("--- {} is now\n{found}", expected.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_plan_as_json_has_the_same_operators_and_scans() {
    let catalogue = catalogue();
    let query = fs::read_to_string(tests().join("cases/three_sources/query.rq")).unwrap();
    let plan = plan(&query, None, None, &catalogue, &PlanLimits::default()).unwrap();
    let statements = [vec!["SELECT 1".to_owned()]];
    let explained = Explained { plan: &plan, catalogue: &catalogue, statements: &statements, analysis: None };
    let (json, text) = (explain_json(&explained), explain_text(&explained));
    fn operators(value: &serde_json::Value, found: &mut Vec<String>) {
        found.push(value["operator"].as_str().unwrap().to_owned());
        value["inputs"].as_array().into_iter().flatten().for_each(|input| operators(input, found));
    }
    let mut found = Vec::new();
    operators(&json["plan"], &mut found);
    assert!(found.iter().filter(|o| o.starts_with("Scan ")).count() >= 3);
    assert!(found.iter().all(|operator| text.contains(operator)));
    assert!(json.to_string().contains("SELECT 1") && text.contains("sends: SELECT 1"));
}

#[test]
fn everything_is_shown_in_the_order_of_the_text() {
    let catalogue = catalogue();
    let shown = |query: &str| match plan(query, None, None, &catalogue, &PlanLimits::default()).unwrap().form {
        Form::Select(variables) => variables.iter().map(|v| v.as_str().to_owned()).collect::<Vec<_>>().join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown("SELECT * { ?z ex:number ?b ; ex:letter ?a }"), "z b a");
    assert_eq!(shown("SELECT DISTINCT * { ?z ex:number ?b. ?z ex:letter ?a. }"), "z b a");
    assert_eq!(shown("SELECT ?b ?z { ?z ex:number ?b }"), "b z");
    assert_eq!(shown("SELECT (2 * 3 AS ?y) ?z { ?z ex:number ?b }"), "y z");
}

fn show(query: &str, catalogue: &Catalogue, limits: &PlanLimits) -> String {
    match plan(query, None, None, catalogue, limits) {
        Ok(plan) => explain_text(&Explained { plan: &plan, catalogue, statements: &[], analysis: None }),
        Err(error) => {
            let place = error.position.map(|p| format!("\nline {} column {}\n{}", p.line, p.column, p.excerpt));
            format!("{}: {}{}\n", error.code, error.message, place.unwrap_or_default())
        }
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// `erp` and `mes` can all a database can, `plm` follows foreign keys and compares text loosely, `lab` can nothing and
/// must be given a key.
fn catalogue() -> Catalogue {
    let graphs = [("erp", database as fn(&mut Description)), ("mes", database), ("plm", service), ("lab", bare)]
        .into_iter()
        .map(|(name, profile)| virtual_graph(name, profile))
        .collect();
    Catalogue::new(graphs, vec![("ex".into(), "http://ex.org/v#".into())])
}

fn virtual_graph(name: &str, profile: fn(&mut Description)) -> VirtualGraph {
    let read = |extension: &str| fs::read_to_string(tests().join(format!("catalogue/{name}.{extension}"))).unwrap();
    let mapping = Mapping::parse(&format!("{name}.ttl"), &read("ttl"), BASE).unwrap();
    let mut tables = description::description(&read("txt"));
    profile(&mut tables);
    let graph = NamedNode::new(format!("urn:weft:source:{name}")).unwrap();
    VirtualGraph::new(name, graph, &mapping, Arc::new(tables), BASE).unwrap()
}

/// Columns of databases with values that are in many rows each.
const FEW_VALUES: [&str; 4] = ["work_order", "item", "machine", "signal"];

fn database(description: &mut Description) {
    use FilterOperation::*;
    let all = [Equal, NotEqual, Range, In, IsNull, StartsWith, EndsWith, Contains, Or, Not, CompareColumns];
    for (number, table) in description.tables.iter_mut().enumerate() {
        for column in table.columns.iter_mut().filter(|column| FEW_VALUES.contains(&column.name.as_str())) {
            column.distinct = Some(Statistic { count: 50, measured_at: 0 });
        }
        table.rows = Some(Statistic { count: 1_000 * (number as u64 + 1), measured_at: 0 });
        table.max_keys = 10_000;
        table.filters = all.map(|operation| capability(operation, None, Capability::Exact)).to_vec();
    }
    description.relational = RelationalCapabilities {
        join: JoinSupport::Any,
        project: true,
        distinct: true,
        sort: Capability::Exact,
        limit: Capability::Exact,
        aggregates: vec![
            AggregateFunction::Count,
            AggregateFunction::Sum,
            AggregateFunction::Min,
            AggregateFunction::Max,
        ],
        recurse: true,
        time_parts: TimePart::ALL.to_vec(),
        max_concurrency: 4,
    };
}

fn service(description: &mut Description) {
    for table in &mut description.tables {
        table.rows = Some(Statistic { count: 500, measured_at: 0 });
        table.max_keys = 100;
        for operation in [FilterOperation::Equal, FilterOperation::In] {
            table.filters.push(capability(operation, Some(TypeKind::Text), Capability::Superset));
            table.filters.push(capability(operation, Some(TypeKind::Int64), Capability::Exact));
        }
        for operation in [FilterOperation::IsNull, FilterOperation::Not, FilterOperation::Range] {
            table.filters.push(capability(operation, None, Capability::Exact));
        }
    }
    description.relational.join = JoinSupport::ForeignKeys;
    description.relational.limit = Capability::Exact;
}

fn bare(description: &mut Description) {
    for table in &mut description.tables {
        table.max_keys = 10;
        for column in table.columns.iter_mut().filter(|column| column.name == "specimen") {
            column.binding = weft_model::contract::Binding::Required;
        }
    }
}

fn capability(operation: FilterOperation, data_type: Option<TypeKind>, level: Capability) -> FilterCapability {
    FilterCapability { operation, data_type, level }
}
