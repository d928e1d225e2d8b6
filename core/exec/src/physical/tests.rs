//! How joins and unions ask their sources.

#![allow(clippy::unwrap_used, clippy::panic)]

mod at_once;
mod fixture;
mod repeat;
mod unread;

use crate::EngineLimits;
use fixture::{Mesh, Source, change_joins};
use futures::StreamExt as _;
use std::time::Duration;
use weft_connector::GuardLimits;
use weft_model::Code;
use weft_model::contract::{Capability, CompareOperator, Expression, FilterOperation, JoinSupport, Statistic};
use weft_plan::{JoinMethod, Node, NodeKind, PlanLimits, Rule, Rules};

fn without(rules: &[Rule]) -> EngineLimits {
    blocks_of(PlanLimits::default().key_block, rules)
}

fn blocks_of(key_block: usize, off: &[Rule]) -> EngineLimits {
    let rules = off.iter().fold(Rules::default(), |rules, rule| rules.without(*rule));
    EngineLimits { plan: PlanLimits { key_block, rules, ..PlanLimits::default() }, ..EngineLimits::default() }
}

/// Both sides read whole, nothing more.
const NOTHING: &[Rule] = &[Rule::BindJoin, Rule::AdaptiveJoin, Rule::SidewaysFilter, Rule::ParallelBlocks];

const INNER: &str = "SELECT * { ?p ex:left ?l ; ex:right ?r }";
const OPTIONAL: &str = "SELECT * { ?p ex:left ?l OPTIONAL { ?p ex:right ?r } }";
const KINDS: [&str; 7] = [
    INNER,
    OPTIONAL,
    "SELECT * { ?p ex:left ?l OPTIONAL { ?p ex:right ?r FILTER (?r > ?l) } }",
    "SELECT * { ?p ex:left ?l FILTER EXISTS { ?p ex:right ?r } }",
    "SELECT * { ?p ex:left ?l FILTER NOT EXISTS { ?p ex:right ?r } }",
    "SELECT * { ?p ex:left ?l MINUS { ?p ex:right ?r } }",
    "SELECT * { ?p ex:left ?l BIND (EXISTS { ?p ex:right ?r } AS ?is) }",
];

/// Ids from 0, each with two values.
fn twice(ids: i64) -> Vec<(i64, i64)> {
    (0..ids).flat_map(|id| [(id, 0), (id, 1)]).collect()
}

/// Every second id.
fn even(ids: i64) -> Vec<(i64, i64)> {
    (0..ids).filter(|id| id % 2 == 0).map(|id| (id, id)).collect()
}

fn find<T>(node: &Node, wanted: &dyn Fn(&NodeKind) -> Option<T>) -> Option<T> {
    wanted(&node.kind).or_else(|| node.kind.children().into_iter().find_map(|child| find(child, wanted)))
}

fn line(mesh: &Mesh, query: &str) -> Option<u64> {
    let line = find(&mesh.plan(query).root, &|kind| match kind {
        NodeKind::Join { method: JoinMethod::Bind { hash_from, .. }, .. } => Some(*hash_from),
        _ => None,
    });
    line.unwrap_or_else(|| panic!("{query} is not planned as a bind join"))
}

#[tokio::test]
async fn the_right_is_read_whole_from_as_many_keys_as_the_plan_says() {
    let sources = |ids| vec![Source::new("left", twice(ids)).declaring(20), Source::new("right", even(400))];
    for query in KINDS {
        let most = line(&Mesh::new(sources(1), without(&[])), query).unwrap();
        let most = i64::try_from(most).unwrap();
        for ids in [0, 1, most - 1, most, most + 1] {
            let mesh = Mesh::new(sources(ids), without(&[]));
            let found = mesh.ask(query).await.unwrap();
            let keys = mesh.source("right").keys();
            let expected = match ids {
                0 => vec![],
                ids if ids < most => vec![Some(usize::try_from(ids).unwrap())],
                _ => vec![None],
            };
            assert_eq!(keys, expected, "{ids} keys, the line is {most}: {query}");
            assert_eq!(mesh.source("left").requests().len(), 1);
            let plain = mesh.under(without(NOTHING));
            assert_eq!(found, plain.ask(query).await.unwrap(), "{ids} keys, the line is {most}: {query}");
        }
    }
}

#[tokio::test]
async fn rows_that_come_after_the_switch_are_joined_once() {
    // The left is much longer than what is read ahead, its keys come again and again.
    let left: Vec<(i64, i64)> = (0..3_000).map(|n| (n % 700, n)).collect();
    let left = Source::new("left", left).declaring(20).in_batches_of(5);
    let limits = blocks_of(40, &[Rule::ParallelBlocks]);
    let mesh = Mesh::new(vec![left, Source::new("right", even(2_000))], limits.clone());
    for query in KINDS {
        let most = usize::try_from(line(&mesh, query).unwrap()).unwrap();
        let mesh = mesh.under(EngineLimits { read_ahead_rows: most * 2 / 3, ..limits.clone() });
        let found = mesh.ask(query).await.unwrap();
        let keys = mesh.source("right").keys();
        let (last, before) = keys.split_last().unwrap();
        assert_eq!(*last, None, "{keys:?}");
        let asked: usize = before.iter().flatten().sum();
        assert!(!before.is_empty() && asked < most, "{keys:?}, the line is {most}");
        assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap(), "{query}");
    }
}

#[tokio::test]
async fn what_is_planned_to_be_read_whole_is_asked_for_keys_where_they_are_few() {
    let sources = || vec![Source::new("left", twice(3)).declaring(100_000), Source::new("right", even(500))];
    let mesh = Mesh::new(sources(), without(&[]));
    let found = mesh.ask(OPTIONAL).await.unwrap();
    assert_eq!((found.len(), mesh.source("right").keys(), mesh.source("right").sent()), (6, vec![Some(3)], 2));
    let fixed = Mesh::new(sources(), without(&[Rule::AdaptiveJoin]));
    assert_eq!(found, fixed.ask(OPTIONAL).await.unwrap());
    assert_eq!((fixed.source("right").keys(), fixed.source("right").sent()), (vec![None], 250));
}

#[tokio::test]
async fn a_source_that_must_have_keys_is_never_read_whole() {
    let required = Source::new("right", even(400)).declaring(1).described(|description| {
        description.tables[0].columns[0].binding = weft_model::contract::Binding::Required;
    });
    let mesh = Mesh::new(vec![Source::new("left", twice(1_000)), required], blocks_of(300, &[]));
    assert_eq!(line(&mesh, INNER), None);
    assert_eq!(mesh.ask(INNER).await.unwrap().len(), 400);
    assert_eq!(mesh.source("right").keys(), [Some(250); 4]);
}

#[tokio::test]
async fn each_key_is_in_one_block() {
    let left: Vec<(i64, i64)> = (0..1_000).map(|n| (n % 10, n)).collect();
    let mesh = Mesh::new(vec![Source::new("left", left), Source::new("right", even(100_000))], blocks_of(4, &[]));
    for (query, rows) in [(INNER, 500), (OPTIONAL, 1_000)] {
        let mesh = mesh.under(blocks_of(4, &[Rule::ParallelBlocks]));
        assert_eq!(mesh.ask(query).await.unwrap().len(), rows);
        assert_eq!(mesh.source("right").keys(), [Some(4), Some(4), Some(2)], "{query}");
    }
}

#[tokio::test]
async fn the_side_that_is_read_second_gives_only_what_the_first_needs() {
    let no_keys = |source: Source| source.described(|description| description.tables[0].max_keys = 0);
    let sources = |first: i64, last: i64| {
        let left = (first..last).map(|id| (id, id)).collect();
        vec![no_keys(Source::new("left", left)), no_keys(Source::new("right", even(20_000)))]
    };
    for query in KINDS {
        for (first, last, sent) in [(100, 110, 5), (100, 300, 100), (7, 7, 0)] {
            let mesh = Mesh::new(sources(first, last), without(&[]));
            let found = mesh.ask(query).await.unwrap();
            let right = mesh.source("right");
            let requests = right.requests();
            assert_eq!((right.sent(), requests.len()), (sent, usize::from(last > first)), "{query}");
            match requests.first().map(|read| read.filter.clone().unwrap()) {
                None => assert_eq!(first, last),
                Some(Expression::In { values, .. }) => assert_eq!(values.len(), 10),
                Some(Expression::And(bounds)) => assert_eq!((bounds.len(), last - first), (2, 200)),
                Some(other) => panic!("{other:?}"),
            }
            let plain = Mesh::new(sources(first, last), without(NOTHING));
            assert_eq!(found, plain.ask(query).await.unwrap(), "{query}");
            assert_eq!(plain.source("right").requests().first().and_then(|read| read.filter.clone()), None);
        }
    }
}

#[tokio::test]
async fn bounds_that_leave_little_out_are_not_sent() {
    // Ids from 0 to 20,000 on the right, every second one.
    let bounds = async |(first, last, step): (i64, i64, usize), distinct: Option<u64>| {
        let left = Source::new("left", (first..last).step_by(step).map(|id| (id, id)).collect());
        let right = Source::new("right", even(20_000)).described(|description| {
            let table = &mut description.tables[0];
            table.max_keys = 0;
            table.columns[0].distinct = distinct.map(|count| Statistic { count, measured_at: 0 });
        });
        let mesh = Mesh::new(vec![left, right], without(&[Rule::JoinOrder]));
        let found = mesh.ask(OPTIONAL).await.unwrap();
        assert_eq!(found.len(), usize::try_from(last - first).unwrap().div_ceil(step));
        mesh.source("right").requests()[0].filter.is_some()
    };
    assert!(bounds((0, 4_000, 1), Some(10_000)).await, "not half of the values");
    assert!(!bounds((0, 6_000, 1), Some(10_000)).await, "more than half of them");
    assert!(!bounds((0, 20_000, 10), Some(10_000)).await, "a few of them from end to end");
    assert!(bounds((0, 6_000, 1), None).await, "nobody knows");
}

#[tokio::test]
async fn the_left_is_narrowed_only_where_unmatched_rows_are_not_kept() {
    let no_keys = |source: Source| source.described(|description| description.tables[0].max_keys = 0);
    let sources = || {
        let left = no_keys(Source::new("left", twice(1_000)));
        vec![left, no_keys(Source::new("right", vec![(5, 5), (700, 1)]))]
    };
    for query in KINDS {
        let mesh = Mesh::new(sources(), without(&[]));
        let found = mesh.ask(query).await.unwrap();
        assert_eq!(found, Mesh::new(sources(), without(NOTHING)).ask(query).await.unwrap(), "{query}");
        let is_whole = mesh.source("left").requests()[0].filter.is_none();
        let keeps_all = !(query == INNER || query.contains("FILTER EXISTS"));
        let sent = mesh.source("left").sent();
        // An inner join may begin with either side.
        assert!(query == INNER || is_whole == keeps_all, "{query}");
        assert_eq!(sent, if is_whole && keeps_all { 2_000 } else { 4 }, "{query}");
    }
}

#[tokio::test]
async fn a_source_is_told_only_what_it_takes() {
    let offering = |operations: &'static [FilterOperation]| {
        let right = Source::new("right", even(1_000)).described(move |description| {
            let table = &mut description.tables[0];
            table.max_keys = 0;
            table.filters.retain(|filter| operations.contains(&filter.operation));
            table.filters.iter_mut().for_each(|filter| filter.level = Capability::Superset);
        });
        let left = (100..110).map(|id| (id, id)).collect();
        Mesh::new(vec![Source::new("left", left), right], without(&[]))
    };
    for (operations, expected) in [
        (&[FilterOperation::In] as &[_], 5),
        (&[FilterOperation::Range], 5),
        (&[FilterOperation::Equal], 500),
        (&[], 500),
    ] {
        let mesh = offering(operations);
        assert_eq!(mesh.ask(INNER).await.unwrap().len(), 5, "{operations:?}");
        assert_eq!(mesh.source("right").sent(), expected, "{operations:?}");
        let filter = mesh.source("right").requests()[0].filter.clone();
        let is_range = matches!(&filter, Some(Expression::And(bounds)) if bounds.iter().all(|bound| matches!(bound,
            Expression::Compare { operator: CompareOperator::GreaterOrEqual | CompareOperator::LessOrEqual, .. })));
        assert_eq!(is_range, operations == [FilterOperation::Range], "{filter:?}");
    }
}

#[tokio::test]
async fn rows_below_a_limit_are_not_narrowed() {
    let left = (900..910).map(|id| (id, id)).collect();
    let mesh = Mesh::new(vec![Source::new("left", left), Source::new("right", even(1_000))], without(&[]));
    let query = "SELECT * { ?p ex:left ?l { SELECT ?p ?r { ?p ex:right ?r } LIMIT 10 } }";
    assert_eq!(mesh.ask(query).await.unwrap().len(), 0);
    assert_eq!(mesh.source("right").requests()[0].filter, None);
}

/// The time of one batch.
const SLOW: Duration = Duration::from_millis(5);

#[tokio::test]
async fn blocks_are_asked_for_at_once_as_far_as_all_allow() {
    let peak = async |declared: u32, guard: usize, blocks: usize, off: &[Rule]| {
        let right = Source::new("right", even(100_000)).slow(SLOW).described(|description| {
            description.relational.max_concurrency = declared;
        });
        let limits = EngineLimits { parallel_blocks: blocks, ..blocks_of(10, off) };
        let guards = GuardLimits { concurrency: guard, retries: 0, ..GuardLimits::default() };
        let mesh = Mesh::guarded(vec![Source::new("left", twice(200)), right], limits, guards);
        assert_eq!(mesh.ask(INNER).await.unwrap().len(), 200);
        assert_eq!(mesh.source("right").keys(), [Some(10); 20]);
        mesh.source("right").peak()
    };
    assert_eq!(peak(16, 16, 4, &[]).await, 4);
    assert_eq!(peak(16, 16, 4, &[Rule::ParallelBlocks]).await, 1);
    assert_eq!(peak(2, 16, 4, &[]).await, 2);
    assert_eq!(peak(16, 3, 4, &[]).await, 3);
    assert_eq!(peak(16, 16, 1, &[]).await, 1);
}

#[tokio::test]
async fn a_source_on_both_sides_that_answers_one_call_at_a_time_is_enough() {
    let same = Source::new("left", (0..500).map(|id| (id, id % 50)).collect())
        .described(|description| description.relational.join = JoinSupport::None);
    let guards = GuardLimits { concurrency: 1, timeout: Duration::from_secs(5), ..GuardLimits::default() };
    let mesh = Mesh::guarded(vec![same], blocks_of(7, &[Rule::AdaptiveJoin]), guards);
    let mut plan = mesh.plan("SELECT * { ?p ex:left ?x . ?q ex:left ?x FILTER (?p != ?q) }");
    assert_eq!(mesh.run(&plan.root).await.unwrap().0.len(), 50 * 10 * 9);
    change_joins(&mut plan.root, &mut |join| {
        let NodeKind::Join { goal, .. } = join else { return };
        *goal = Some(3);
    });
    assert_eq!(mesh.run(&plan.root).await.unwrap().0.len(), 50 * 10 * 9);
    assert_eq!(mesh.source("left").peak(), 1);
}

#[tokio::test]
async fn a_failure_in_a_later_block_fails_the_query() {
    for failing in [0, 1, 4] {
        let right = Source::new("right", even(100_000)).failing_at(failing);
        let mesh = Mesh::new(vec![Source::new("left", twice(50)), right], blocks_of(10, &[]));
        let error = mesh.ask(OPTIONAL).await.unwrap_err();
        assert_eq!((error.code, error.source_name.as_deref()), (Code::SourceFailed, Some("right")), "{failing}");
        assert_eq!(mesh.source("right").running(), 0);
    }
    let right = Source::new("right", even(100)).failing_at(0);
    let mesh = Mesh::new(vec![Source::new("left", twice(5_000)).declaring(10), right], without(&[]));
    assert_eq!(mesh.ask(OPTIONAL).await.unwrap_err().code, Code::SourceFailed);
    assert_eq!(mesh.source("right").keys(), [None]);
}

#[tokio::test]
async fn an_answer_that_is_dropped_ends_all_blocks() {
    let right = Source::new("right", (0..100_000).map(|n| (n % 1_000, n)).collect()).in_batches_of(10).slow(SLOW);
    let mesh = Mesh::new(vec![Source::new("left", twice(1_000)), right], blocks_of(10, &[Rule::AdaptiveJoin]));
    let mut answer = mesh.start(&mesh.plan(INNER).root).unwrap();
    answer.rows.next().await.unwrap().unwrap();
    assert!(mesh.source("right").running() > 1);
    drop(answer);
    assert_eq!(mesh.source("right").running(), 0);
    assert!(mesh.source("right").requests().len() < 20);
}

#[tokio::test]
async fn memory_is_limited_ahead_and_in_blocks() {
    let left = Source::new("left", twice(4_000)).declaring(100);
    let limits = EngineLimits { memory: 100_000, ..blocks_of(100, &[Rule::AdaptiveJoin]) };
    let mesh = Mesh::new(vec![left, Source::new("right", even(5_000))], limits.clone());
    assert_eq!(mesh.ask(OPTIONAL).await.unwrap_err().code, Code::LimitExceeded);
    let small_steps = mesh.under(EngineLimits { read_ahead_rows: 500, ..limits });
    assert_eq!(small_steps.ask(OPTIONAL).await.unwrap().len(), 8_000);
}

#[tokio::test]
async fn a_sort_of_more_than_the_memory_goes_to_disk() {
    let rows: Vec<(i64, i64)> = (0..200_000).map(|id| (id, id * 7_919 % 200_003)).collect();
    let limits = EngineLimits { memory: 2 << 20, ..without(&[Rule::PushSort]) };
    let mesh = Mesh::new(vec![Source::new("left", rows).in_batches_of(1_000)], limits);
    let (found, _) = mesh.run(&mesh.plan("SELECT ?l ?p { ?p ex:left ?l } ORDER BY ?l").root).await.unwrap();
    assert_eq!(found.len(), 200_000);
    let number =
        |row: &Vec<Option<String>>| row[0].as_ref().unwrap().split('"').nth(1).unwrap().parse::<i64>().unwrap();
    assert!(found.is_sorted_by_key(number));
}

fn with_goal(mesh: &Mesh, query: &str, rows: usize) -> Node {
    let mut root = mesh.plan(query).root;
    change_joins(&mut root, &mut |join| {
        let NodeKind::Join { goal, .. } = join else { return };
        *goal = Some(rows);
    });
    root
}

#[tokio::test]
async fn where_a_few_rows_are_enough_little_is_asked_and_more_only_when_it_is_wanted() {
    let left = || Source::new("left", (0..1_000).map(|id| (id, id)).collect()).in_batches_of(10);
    let query = format!("{OPTIONAL} LIMIT 5");
    let mesh = Mesh::new(vec![left(), Source::new("right", even(100_000))], blocks_of(2_000, &[Rule::PushLimit]));
    let (rows, _) = mesh.run(&with_goal(&mesh, &query, 5)).await.unwrap();
    assert_eq!((rows.len(), mesh.source("right").keys()), (5, vec![Some(5)]));
    assert!(mesh.source("left").sent() <= 20, "{} rows are read", mesh.source("left").sent());

    // Nothing matches for long.
    let query = format!("{INNER} LIMIT 5");
    let late = (900..2_000).map(|id| (id, id)).collect();
    let mesh =
        Mesh::new(vec![left(), Source::new("right", late).declaring(100_000)], blocks_of(100, &[Rule::PushLimit]));
    let (rows, _) = mesh.run(&with_goal(&mesh, &query, 5)).await.unwrap();
    assert_eq!(rows.len(), 5);
    let keys: Vec<usize> = mesh.source("right").keys().into_iter().flatten().collect();
    assert_eq!(keys[..5], [5, 10, 20, 40, 80]);
    assert!(keys.iter().all(|n| *n <= 100), "{keys:?}");

    // The whole answer is the same with a goal that is too small.
    let plain = mesh.under(without(NOTHING)).ask(INNER).await.unwrap();
    let mesh = mesh.under(blocks_of(100, &[]));
    let mut rows = mesh.run(&with_goal(&mesh, INNER, 3)).await.unwrap().0;
    rows.sort();
    assert_eq!(rows, plain);
}

#[tokio::test]
async fn the_first_rows_are_asked_for_by_themselves_and_come_once() {
    let limits = |source: &Source| source.requests().iter().map(|read| read.limit).collect::<Vec<_>>();
    let left = || Source::new("left", twice(1_000)).limiting();
    let query = format!("{INNER} LIMIT 6");
    let mesh = Mesh::new(
        vec![left(), Source::new("right", (0..5_000).map(|id| (id, id)).collect()).declaring(50_000)],
        without(&[]),
    );
    assert_eq!(mesh.run(&mesh.plan(&query).root).await.unwrap().0.len(), 6);
    let asked = limits(mesh.source("left"));
    assert!(matches!(asked[..], [Some(6..=12)]), "{asked:?}");

    // The first ones match nothing. What more is wanted than there is shows that each row comes once.
    let late = Source::new("right", (995..2_000).map(|id| (id, id)).collect()).declaring(50_000);
    let mesh = Mesh::new(vec![left(), late], without(&[]));
    for (most, all) in [(6, 6), (200, 10)] {
        let mesh = mesh.under(without(&[]));
        let mut rows = mesh.run(&mesh.plan(&format!("{INNER} LIMIT {most}")).root).await.unwrap().0;
        assert_eq!(rows.len(), all);
        rows.sort();
        rows.dedup();
        assert_eq!(rows.len(), all, "each row comes once");
        assert!(matches!(limits(mesh.source("left"))[..], [Some(_), None]), "{:?}", limits(mesh.source("left")));
    }
}

#[tokio::test]
async fn the_call_for_first_rows_is_over_before_the_other_side_is_asked() {
    let join = |description: &mut weft_model::contract::Description| description.relational.join = JoinSupport::None;
    let guards = GuardLimits { concurrency: 1, timeout: Duration::from_secs(5), ..GuardLimits::default() };
    let same = Source::new("left", (0..5_000).map(|id| (id, id / 2)).collect()).in_batches_of(10);
    let mesh = Mesh::guarded(vec![same.limiting().described(join)], without(&[]), guards);
    let plan = mesh.plan("SELECT * { ?p ex:left ?x . ?q ex:left ?x } LIMIT 5");
    assert_eq!(mesh.run(&plan.root).await.unwrap().0.len(), 5);
    let source = mesh.source("left");
    assert_eq!((source.requests().len(), source.peak()), (2, 1));
    assert!(source.sent() < 50, "{} rows were sent", source.sent());
}

#[tokio::test]
async fn rows_come_in_the_order_of_the_left_where_that_is_wanted() {
    // The left in the order of its values, keys again and again; the right in an order of its own.
    let left: Vec<(i64, i64)> = (0..500).map(|n| (n * 7 % 60, n)).collect();
    let right = even(60).into_iter().rev().flat_map(|(id, value)| [(id, value), (id, value + 1)]).collect();
    let mesh = Mesh::new(
        vec![Source::new("left", left).in_batches_of(33), Source::new("right", right).declaring(100_000)],
        blocks_of(7, &[]),
    );
    for query in KINDS {
        for (goal, method) in [(None, None), (Some(1), None), (Some(1_000), None), (None, Some(JoinMethod::Hash))] {
            let mut root = mesh.plan(query).root;
            change_joins(&mut root, &mut |join| {
                let NodeKind::Join { goal: own_goal, ordered, method: own_method, .. } = join else { return };
                (*own_goal, *ordered) = (goal, true);
                *own_method = method.unwrap_or(*own_method);
            });
            let place = root.bindings.iter().position(|binding| binding.variable.as_str() == "l").unwrap();
            let mut rows = mesh.run(&root).await.unwrap().0;
            let number = |row: &Vec<Option<String>>| {
                let text = row[place].as_deref().unwrap();
                text.trim_start_matches('"').split('"').next().unwrap().parse::<u64>().unwrap()
            };
            assert!(rows.is_sorted_by_key(number), "{query}, {goal:?}, {method:?}");
            rows.sort();
            let plain = mesh.under(without(NOTHING)).ask(query).await.unwrap();
            assert_eq!(rows, plain, "{query}, {goal:?}, {method:?}");
        }
    }
}

#[tokio::test]
async fn a_union_reads_so_many_inputs_at_once() {
    let parts: Vec<String> = (0..40).map(|n| format!("{{ ?p ex:left ?v FILTER (?v = {n}) }}")).collect();
    let query = format!("SELECT * {{ {} }}", parts.join(" UNION "));
    let source = || Source::new("left", (0..400).map(|id| (id, id % 40)).collect()).in_batches_of(3).slow(SLOW);
    for (most, expected) in [(1, 1), (8, 8), (1_000, 16)] {
        let mesh = Mesh::new(vec![source()], EngineLimits { parallel_scans: most, ..EngineLimits::default() });
        assert_eq!(mesh.ask(&query).await.unwrap().len(), 400);
        assert_eq!((mesh.source("left").peak(), mesh.source("left").requests().len()), (expected, 40));
    }
    let mesh = Mesh::new(vec![source().failing_at(20)], EngineLimits::default());
    assert_eq!(mesh.ask(&query).await.unwrap_err().code, Code::SourceFailed);
    let mesh = Mesh::new(vec![source()], EngineLimits { parallel_scans: 8, ..EngineLimits::default() });
    let root = mesh.plan(&query).root;
    let mut answer = mesh.start(&root).unwrap();
    tokio::time::sleep(SLOW).await;
    assert_eq!(mesh.source("left").requests().len(), 0, "nothing is asked before the rows are polled");
    answer.rows.next().await.unwrap().unwrap();
    drop(answer);
    for _ in 0..100 {
        if mesh.source("left").running() == 0 {
            return;
        }
        tokio::time::sleep(SLOW).await;
    }
    panic!("{} scans are left", mesh.source("left").running());
}
