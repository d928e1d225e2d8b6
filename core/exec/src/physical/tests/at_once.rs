//! Joins whose sides are read at the same time.

use super::*;

/// Every join that may read its right side whole reads both sides at the same time.
fn all_at_once(root: &mut Node) {
    change_joins(root, &mut |join| {
        let NodeKind::Join { method: JoinMethod::Bind { hash_from: Some(_), at_once, .. }, .. } = join else { return };
        *at_once = true;
    });
}

const THREE: &str = "SELECT * { ?p ex:left ?l ; ex:right ?r ; ex:third ?t }";

#[tokio::test]
async fn sides_read_at_once_join_like_sides_read_one_after_the_other() {
    for (declared, ids) in [(20, 0), (20, 1), (20, 300), (5_000, 300)] {
        let left = Source::new("left", twice(ids)).declaring(declared).in_batches_of(7);
        let third = Source::new("third", even(200)).in_batches_of(13);
        let mesh = Mesh::new(vec![left, Source::new("right", even(400)).in_batches_of(3), third], without(&[]));
        for query in KINDS.into_iter().chain([THREE]) {
            let mesh = mesh.under(without(&[Rule::JoinOrder]));
            let mut root = mesh.plan(query).root;
            all_at_once(&mut root);
            let mut found = mesh.run(&root).await.unwrap().0;
            found.sort();
            assert!(mesh.source("right").keys().iter().all(Option::is_none), "{query}");
            assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap(), "{ids} of {declared}: {query}");
        }
    }
}

#[tokio::test]
async fn the_other_side_begins_while_the_held_one_is_read_and_no_earlier() {
    let left = || Source::new("left", twice(50)).in_batches_of(10).slow(SLOW);
    for (concurrency, expected) in [(16, (2, 2)), (1, (2, 1))] {
        let guards = GuardLimits { concurrency, timeout: Duration::from_secs(5), ..GuardLimits::default() };
        let mesh = Mesh::guarded(vec![left()], without(&[]), guards);
        let query = "SELECT * { ?p ex:left ?x . ?q ex:left ?x }";
        let mut root = mesh.plan(query).root;
        all_at_once(&mut root);
        let mut found = mesh.run(&root).await.unwrap().0;
        found.sort();
        // With a single permit the held side has it first.
        assert_eq!((mesh.source("left").requests().len(), mesh.source("left").peak()), expected);
        assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap());
    }
}

#[tokio::test]
async fn so_many_rows_are_kept_of_a_side_that_is_early() {
    let left = Source::new("left", twice(10)).declaring(20).in_batches_of(1).slow(SLOW);
    let right = Source::new("right", even(10_000)).in_batches_of(10);
    let mesh = Mesh::new(vec![left, right], EngineLimits { read_ahead_rows: 50, ..without(&[]) });
    let mut root = mesh.plan(INNER).root;
    all_at_once(&mut root);
    let mut answer = mesh.start(&root).unwrap();
    // Rows come when the held side is complete.
    assert!(tokio::time::timeout(SLOW * 10, answer.rows.next()).await.is_err());
    let sent = mesh.source("right").sent();
    assert!((50..200).contains(&sent), "{sent} rows were sent");
    drop(answer);
    assert_eq!((mesh.source("left").running(), mesh.source("right").running()), (0, 0));
}

#[tokio::test]
async fn a_failure_of_the_side_that_is_early_is_that_of_the_query() {
    let left = Source::new("left", twice(10)).declaring(20).in_batches_of(1).slow(SLOW);
    let mesh = Mesh::new(vec![left, Source::new("right", even(400)).failing_at(0)], without(&[]));
    let mut root = mesh.plan(INNER).root;
    all_at_once(&mut root);
    assert_eq!(mesh.run(&root).await.unwrap_err().code, Code::SourceFailed);
}

#[tokio::test]
async fn a_join_that_had_too_many_keys_reads_both_sides_at_once_until_it_has_few() {
    let is_at_once = |plan: &weft_plan::Plan| {
        find(&plan.root, &|kind| match kind {
            NodeKind::Join { method: JoinMethod::Bind { at_once, .. }, .. } => Some(*at_once),
            _ => None,
        })
    };
    let right = || {
        Source::new("right", even(400)).described(|description| {
            description.tables[0].columns[0].distinct = Some(Statistic { count: 200, measured_at: 0 });
        })
    };
    let many = Mesh::new(vec![Source::new("left", twice(300)).declaring(20), right()], without(&[]));
    assert_eq!(is_at_once(&many.learned_plan(INNER)), Some(false));
    for _ in 0..2 {
        assert_eq!(many.query(INNER).await.unwrap(), 300);
        assert_eq!(is_at_once(&many.learned_plan(INNER)), Some(true));
    }
    // What was shown is forgotten when there are few keys again.
    many.source("left").changes_to(twice(3));
    assert_eq!(many.query(INNER).await.unwrap(), 4);
    assert_eq!(is_at_once(&many.learned_plan(INNER)), Some(false));
    many.source("left").changes_to(twice(300));
    let off = many.under(without(&[Rule::ReadAtOnce]));
    off.query(INNER).await.unwrap();
    assert_eq!(is_at_once(&off.learned_plan(INNER)), Some(false));
}

#[tokio::test]
async fn the_other_side_does_not_wait_for_rows_of_the_held_one() {
    let left = Source::new("left", twice(10)).declaring(20).slow(Duration::from_secs(60));
    let mesh = Mesh::new(vec![left, Source::new("right", even(400))], without(&[]));
    let mut root = mesh.plan(INNER).root;
    all_at_once(&mut root);
    let mut answer = mesh.start(&root).unwrap();
    assert!(tokio::time::timeout(SLOW, answer.rows.next()).await.is_err());
    assert_eq!(mesh.source("right").requests().len(), 1);
}
