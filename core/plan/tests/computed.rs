//! Plans over terms that the broker computes: normalised keys, codes, numbers in other units. A folder of
//! `tests/computed/cases` is a case, as in `golden.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../mapping/tests/tables/description.rs"]
mod description;

use oxrdf::NamedNode;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{
    AggregateFunction, Capability, FilterCapability, FilterOperation, JoinSupport, RelationalCapabilities, Statistic,
};
use weft_plan::{Catalogue, Explained, PlanLimits, explain_text, plan};

const BASE: &str = "http://ex.org/";

#[test]
fn every_query_has_its_plan() {
    let sources = ["erp", "floor"].map(virtual_graph).to_vec();
    let catalogue = Catalogue::new(sources, vec![("ex".into(), "http://ex.org/v#".into())]);
    let mut cases: Vec<PathBuf> = fs::read_dir(tests().join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let query = fs::read_to_string(case.join("query.rq")).unwrap();
        let found = plan(&query, None, None, &catalogue, &PlanLimits::default()).unwrap();
        let found = explain_text(&Explained { plan: &found, catalogue: &catalogue, statements: &[], analysis: None });
        let expected = case.join("plan.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} is now\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/computed")
}

/// Both can all that a database can.
fn virtual_graph(name: &str) -> VirtualGraph {
    use FilterOperation::*;
    let read = |extension: &str| fs::read_to_string(tests().join(format!("{name}.{extension}"))).unwrap();
    let mapping = Mapping::parse(&format!("{name}.ttl"), &read("ttl"), BASE).unwrap();
    let mut description = description::description(&read("txt"));
    let all = [Equal, NotEqual, Range, In, IsNull, StartsWith, EndsWith, Contains, Or, Not, CompareColumns];
    for (number, table) in description.tables.iter_mut().enumerate() {
        table.rows = Some(Statistic { count: 10_000 / (number as u64 + 1), measured_at: 0 });
        table.max_keys = 1_000;
        let exact = |operation| FilterCapability { operation, data_type: None, level: Capability::Exact };
        table.filters = all.map(exact).to_vec();
    }
    description.relational = RelationalCapabilities {
        join: JoinSupport::Any,
        project: true,
        distinct: true,
        sort: Capability::Exact,
        limit: Capability::Exact,
        aggregates: vec![AggregateFunction::Count],
        max_concurrency: 4,
        ..RelationalCapabilities::read_only()
    };
    let graph = NamedNode::new(format!("urn:weft:source:{name}")).unwrap();
    VirtualGraph::new(name, graph, &mapping, Arc::new(description), BASE).unwrap()
}
