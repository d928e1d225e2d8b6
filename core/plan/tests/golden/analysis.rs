//! What EXPLAIN tells beside the plan: runs, many sources, reasons, what was observed.

use super::*;
use std::time::Duration;
use weft_plan::{
    Analysis, Node, NodeKind, Observed, OperatorRun, Plan, Request, RequestRun, Rule, Rules, Seen, SourceObserved,
    shape_of,
};

fn planned(query: &str, catalogue: &Catalogue, limits: &PlanLimits) -> Plan {
    plan(query, None, None, catalogue, limits).unwrap()
}

fn text(plan: &Plan, catalogue: &Catalogue, analysis: Option<&Analysis>) -> String {
    explain_text(&Explained { plan, catalogue, statements: &[], analysis })
}

fn query(case: &str) -> String {
    fs::read_to_string(tests().join(format!("cases/{case}/query.rq"))).unwrap()
}

/// A run with round numbers: twice the rows expected, a note at each join, and a request for each scan.
fn fake_run(node: &Node, operators: &mut std::collections::BTreeMap<usize, OperatorRun>) {
    let millis = |n: usize| Some(Duration::from_millis(n as u64));
    let mut run = OperatorRun {
        runs: 1,
        rows: node.estimate.round() as u64 * 2,
        busy: Duration::from_micros(node.id as u64 * 10 + 10),
        first_row: millis(node.id + 1),
        last_row: millis(node.id + 2),
        complete: true,
        ..OperatorRun::default()
    };
    match &node.kind {
        NodeKind::Join { .. } => run.notes.push("read whole from key 2001 on".to_owned()),
        NodeKind::Scan(scan) => {
            run.requests = Some(RequestRun {
                calls: 3,
                blocks: 2,
                keys: 2_500,
                unfinished: 1,
                requests: 7,
                rows: run.rows,
                bytes: 5_000_000,
                first_rows: millis(2),
                elapsed: Duration::from_millis(9),
                statements: vec![format!("SELECT from {}", scan.source)],
            });
        }
        _ => {}
    }
    operators.insert(node.id, run);
    node.kind.children().into_iter().for_each(|child| fake_run(child, operators));
}

#[test]
fn a_run_has_its_text_and_its_json() {
    let catalogue = catalogue();
    let plan = planned(&query("three_sources"), &catalogue, &PlanLimits::default());
    let mut analysis = Analysis {
        planning: Duration::from_micros(1_500),
        elapsed: Duration::from_millis(12),
        rows: 2_000,
        peak_memory: 3 << 20,
        failure: Some("source erp: no answer\nwithin the time allowed".to_owned()),
        ..Analysis::default()
    };
    fake_run(&plan.root, &mut analysis.operators);
    let last = *analysis.operators.keys().last().unwrap();
    analysis.operators.remove(&last);
    let root = analysis.operators.get_mut(&0).unwrap();
    (root.rows, root.complete) = (1_000_000, false);
    let last = *analysis.operators.keys().last().unwrap();
    let wrong = analysis.operators.get_mut(&last).unwrap();
    (wrong.rows, wrong.runs) = (3, 2);
    let explained = Explained { plan: &plan, catalogue: &catalogue, statements: &[], analysis: Some(&analysis) };
    let json = serde_json::to_string_pretty(&explain_json(&explained)).unwrap() + "\n";
    for (file, found) in [("three_sources.txt", explain_text(&explained)), ("three_sources.json", json)] {
        let expected = tests().join("analysis").join(file);
        if env::var_os("UPDATE").is_some() {
            fs::create_dir_all(tests().join("analysis")).unwrap();
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), found, "{file}");
    }
}

#[test]
fn operators_are_numbered_from_left_to_right() {
    let catalogue = catalogue();
    let cases = fs::read_dir(tests().join("cases")).unwrap();
    for case in cases {
        let query = fs::read_to_string(case.unwrap().path().join("query.rq")).unwrap();
        let Ok(plan) = plan(&query, None, None, &catalogue, &PlanLimits::default()) else { continue };
        fn ids(node: &Node, found: &mut Vec<usize>) {
            found.push(node.id);
            node.kind.children().into_iter().for_each(|child| ids(child, found));
        }
        let mut found = Vec::new();
        ids(&plan.root, &mut found);
        assert!(found.iter().copied().eq(0..found.len()), "{found:?} for {query}");
    }
}

#[test]
fn a_thousand_sources_stay_readable() {
    let graph = virtual_graph("erp", database);
    let named = |number: usize| VirtualGraph { source: format!("erp{number:04}").into(), ..graph.clone() };
    let mut graphs: Vec<VirtualGraph> = (0..1_000).map(named).collect();
    graphs.push(virtual_graph("lab", bare));
    let catalogue = Catalogue::new(graphs, vec![("ex".into(), "http://ex.org/v#".into())]);
    let limits = PlanLimits { branches: 10_000, plan_nodes: 100_000, ..PlanLimits::default() };
    // Of no source is a part's IRI that of a machine.
    let nowhere = planned("SELECT * { <http://ex.org/machine/1> ex:name ?name }", &catalogue, &limits);
    let shown = text(&nowhere, &catalogue, None);
    assert!(shown.contains("asked: none of 1001\n"), "{shown}");
    assert!(shown.contains(" more for such reasons, of "), "{shown}");
    assert!(shown.contains("or left out as well: "), "{shown}");
    assert!(shown.lines().count() < 40, "{shown}");
    let json = explain_json(&Explained { plan: &nowhere, catalogue: &catalogue, statements: &[], analysis: None });
    assert_eq!(json["leftOut"].as_array().unwrap().len(), nowhere.pruned.len(), "programs are told all");
    let everywhere = planned("SELECT * { ?x ex:name ?name }", &catalogue, &limits);
    let sources: Vec<String> =
        text(&everywhere, &catalogue, None).lines().skip(1).take(3).map(|line| line.trim().to_owned()).collect();
    assert!(sources[1].starts_with("asked: 1000 of 1001: erp0000, erp0001, "), "{sources:?}");
    assert!(sources[1].ends_with("erp0009 and 990 more"), "{sources:?}");
}

/// Each operator that a source might have done has its reason.
#[test]
fn what_stays_with_the_broker_says_why() {
    let catalogue = catalogue();
    let all = PlanLimits::default();
    let without = |rule: Rule| PlanLimits { rules: Rules::default().without(rule), ..PlanLimits::default() };
    let two_sources = "?use ex:order ?order ; ex:quantity ?q . ?item ex:madeBy ?order ; ex:serialNumber ?serial";
    for (query, limits, reason) in [
        ("SELECT (SAMPLE(?q) AS ?s) { ?use ex:quantity ?q }".to_owned(), &all, "SAMPLE(?q) is computed here"),
        ("SELECT (MIN(?q + 1) AS ?s) { ?use ex:quantity ?q }".to_owned(), &all, "is computed here"),
        (format!("SELECT DISTINCT ?serial {{ {two_sources} }}"), &all, "the rows come from 2 requests to 2 sources"),
        ("SELECT ?q { ?use ex:quantity ?q } ORDER BY ?q".to_owned(), &all, "all rows are wanted"),
        ("SELECT ?q { ?use ex:quantity ?q } ORDER BY (-?q) LIMIT 3".to_owned(), &all, "is computed here"),
        ("SELECT DISTINCT ?n { ?p ex:state ?n }".to_owned(), &all, "source plm does not leave out duplicates"),
        ("SELECT (COUNT(*) AS ?n) { ?p ex:state ?s }".to_owned(), &all, "source plm does not aggregate"),
        (
            "SELECT (COUNT(*) AS ?n) { ?use ex:quantity ?q }".to_owned(),
            &without(Rule::PushAggregates),
            "rule push_aggregates is off",
        ),
        (
            "SELECT DISTINCT ?q { ?use ex:quantity ?q }".to_owned(),
            &without(Rule::PushDistinct),
            "rule push_distinct is off",
        ),
        ("SELECT ?q { ?use ex:quantity ?q } LIMIT 5".to_owned(), &without(Rule::PushLimit), "rule push_limit is off"),
        (
            "SELECT ?q { ?use ex:quantity ?q } ORDER BY ?q LIMIT 5".to_owned(),
            &without(Rule::PushSort),
            "rule push_sort is off",
        ),
    ] {
        let plan = planned(&query, &catalogue, limits);
        let shown = text(&plan, &catalogue, None);
        assert!(
            shown.lines().any(|l| l.trim_start().starts_with("not pushed: ") && l.contains(reason)),
            "{reason}: {shown}"
        );
        let off = shown.lines().find_map(|line| line.strip_prefix("rules off: "));
        assert_eq!(off.is_some(), limits.rules != Rules::default(), "{shown}");
    }
}

/// What scans of these rows would have shown.
fn observed(plan: &Plan, source: &str, rows: f64) -> Observed {
    let mut observed = Observed::default();
    for request in plan.root.requests() {
        let Request::Scan(scan) = request else { continue };
        if &*scan.source == source {
            let mut seen = SourceObserved::default();
            let shape = shape_of(&scan.relation).unwrap();
            seen.shapes.insert(shape.text, Seen { rows, weight: 1.0, seen_at: 1 });
            observed.sources.insert(scan.source.clone(), Arc::new(seen));
        }
    }
    observed
}

#[test]
fn what_was_observed_goes_before_what_is_guessed() {
    let catalogue = catalogue();
    let query = query("three_sources");
    let before = planned(&query, &catalogue, &PlanLimits::default());
    assert!(!text(&before, &catalogue, None).contains(" observed]"));
    let limits = PlanLimits { observed: Arc::new(observed(&before, "plm", 3.0)), ..PlanLimits::default() };
    let after = text(&planned(&query, &catalogue, &limits), &catalogue, None);
    assert!(after.contains("Scan plm [~3 rows, observed]"), "{after}");
    assert!(after.contains("Bind "), "three parts are few keys: {after}");
    let off = PlanLimits { rules: Rules::default().without(Rule::ObservedStatistics), ..limits };
    let off = planned(&query, &catalogue, &off);
    let operators = |plan: &Plan| format!("{:?}", plan.root);
    assert_eq!(operators(&off), operators(&before), "the rule is off");
}
