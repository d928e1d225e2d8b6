//! Plans over many sources that are alike. Those over five of them are in `tests/shops`; with `UPDATE=1` in the
//! environment they are rewritten. `cargo test --test growth -- --ignored --nocapture` prints times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../tests/src/shop.rs"]
#[allow(unreachable_pub, reason = "other tests use it as a module of their crate")]
mod shop;

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};
use weft_model::Code;
use weft_plan::{Catalogue, Explained, Node, NodeKind, Plan, PlanLimits, Request, explain_text, plan};

fn catalogue(shops: usize, plants: usize, tables: usize) -> Catalogue {
    let mut graphs = shop::plants(plants, tables);
    graphs.extend(shop::shops(shops));
    Catalogue::new(graphs, Vec::new())
}

fn planned(catalogue: &Catalogue, question: &str) -> Plan {
    plan(&format!("{}{question}", shop::PREFIX), None, None, catalogue, &PlanLimits::default()).unwrap()
}

fn scans(plan: &Plan) -> usize {
    plan.root.requests().iter().filter(|request| matches!(request, Request::Scan(_))).count()
}

fn joins(node: &Node) -> usize {
    usize::from(matches!(node.kind, NodeKind::Join { .. })) + node.kind.children().into_iter().map(joins).sum::<usize>()
}

#[test]
fn five_shops_are_asked_as_planned() {
    let catalogue = catalogue(5, 2, 3);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shops");
    let mut failures = Vec::new();
    for (name, question) in shop::QUESTIONS {
        let plan = planned(&catalogue, question);
        let explained = Explained { plan: &plan, catalogue: &catalogue, statements: &[], analysis: None };
        let found = format!("{question}\n\n{}", explain_text(&explained));
        let expected = folder.join(format!("{}.txt", name.replace(' ', "_")));
        if env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            failures.push(format!("--- {} is now\n{found}", expected.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Requests and joins of the broker, for so many shops.
fn expected(name: &str, shops: usize) -> (usize, usize) {
    match name {
        "one product" => (1, 0),
        "one product and its offers" => (1, 0),
        "a star" | "offers of products with a feature" | "a product everywhere" | "rows in order" => (shops, 0),
        "all of one predicate" => (shops, 0),
        "shared subjects" | "reviews by what is meant" => (2 * shops, 1),
        other => panic!("nothing is expected of {other}"),
    }
}

#[test]
fn each_shop_is_asked_once_however_many_there_are() {
    for shops in [5, 40, 300] {
        let catalogue = catalogue(shops, 0, 0);
        for (name, question) in shop::QUESTIONS {
            let plan = planned(&catalogue, question);
            assert_eq!((scans(&plan), joins(&plan.root)), expected(name, shops), "{name} over {shops} shops");
        }
    }
}

#[test]
fn a_thousand_shops_are_within_the_limits() {
    let catalogue = catalogue(1_000, 0, 0);
    for (_, question) in shop::QUESTIONS {
        planned(&catalogue, question);
    }
    let narrow = PlanLimits { branches: 999, ..PlanLimits::default() };
    let query = format!("{}SELECT * {{ ?p s:label ?label }}", shop::PREFIX);
    let error = plan(&query, None, None, &catalogue, &narrow).unwrap_err();
    assert_eq!(error.code, Code::QueryTooLarge);
    assert!(error.message.contains("1000 ways") && error.message.contains("limits.branches"), "{}", error.message);
}

#[test]
#[ignore = "prints times, for people"]
fn time_of_planning() {
    println!("{:40} {:>10} {:>10} {:>10} {:>10}", "", "10", "100", "1000", "10 of 1000");
    let begun = Instant::now();
    let catalogues = [catalogue(10, 0, 0), catalogue(100, 0, 0), catalogue(1_000, 0, 0), catalogue(10, 990, 10)];
    println!("catalogues after {:?}", begun.elapsed());
    for (name, question) in shop::QUESTIONS {
        let times = catalogues.each_ref().map(|catalogue| {
            if plan(&format!("{}{question}", shop::PREFIX), None, None, catalogue, &PlanLimits::default()).is_err() {
                return Duration::MAX;
            }
            let rounds = (0..5).map(|_| {
                let begun = Instant::now();
                planned(catalogue, question);
                begun.elapsed()
            });
            rounds.min().unwrap_or_default()
        });
        let shown = times.map(|time| match time {
            Duration::MAX => "refused".to_owned(),
            time => format!("{:.3} ms", time.as_secs_f64() * 1e3),
        });
        println!("{name:40} {:>10} {:>10} {:>10} {:>10}", shown[0], shown[1], shown[2], shown[3]);
    }
}
