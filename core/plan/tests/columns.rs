//! Columns are found by their names, whatever those are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../tests/src/shop.rs"]
#[allow(unreachable_pub, dead_code, reason = "other tests use it as a module of their crate")]
mod shop;

use std::sync::Arc;
use weft_plan::{Catalogue, PlanLimits, Request, plan};

/// A projected column is named by its relation, a low line and its name, and the relation of a table alone has no name.
#[test]
fn a_column_with_the_name_of_a_projected_one_is_no_other() {
    let mut graph = shop::shops(1).remove(0);
    let renamed = |name: &mut String| match name.as_str() {
        "title" => *name = "id".to_owned(),
        "category" => *name = "_id".to_owned(),
        _ => {}
    };
    let mut description = (*graph.description).clone();
    let listing = description.tables.iter_mut().find(|table| table.name == "listing").unwrap();
    listing.columns.iter_mut().for_each(|column| renamed(&mut column.name));
    graph.description = Arc::new(description);
    let of_listing = graph.triples.iter_mut().filter(|triple| triple.table == "listing");
    of_listing.flat_map(|triple| &mut triple.object.columns).for_each(renamed);
    let catalogue = Catalogue::new(vec![graph], Vec::new());
    for query in ["SELECT * { ?w s:category ?c ; s:title ?t }", "SELECT * { ?w s:title ?t ; s:category ?c }"] {
        let plan = plan(&format!("{}{query}", shop::PREFIX), None, None, &catalogue, &PlanLimits::default()).unwrap();
        let requests = plan.root.requests();
        let [Request::Scan(scan)] = requests.as_slice() else { panic!("{requests:?}") };
        let fields = scan.relation.fields().unwrap();
        for output in &scan.outputs {
            let read: Vec<&str> = output.inputs.iter().map(|input| fields[*input].0.name.as_str()).collect();
            assert_eq!(read, output.term.columns, "{query}: {}", output.variable);
        }
    }
}
