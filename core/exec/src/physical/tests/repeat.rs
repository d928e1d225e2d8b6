//! The right side of a bind join, run for each block of keys.

use super::*;
use weft_plan::{JoinKind, Request};

/// Joins, DISTINCT and GROUP BY keep what they have read: for the next block they are made anew.
#[tokio::test]
async fn each_block_of_keys_gets_its_own_rows_from_every_operator() {
    let rows = |ids, factor: i64| (0..ids).map(|id| (id, id * factor)).collect::<Vec<_>>();
    let sources = || {
        let left = Source::new("left", rows(40, 1)).declaring(20);
        vec![
            left,
            Source::new("right", rows(60, 2)),
            Source::new("middle", rows(60, 3)),
            Source::new("last", rows(60, 5)),
        ]
    };
    for side in [
        "?p ex:right ?x",
        "{ ?p ex:right ?x } UNION { ?p ex:middle ?x }",
        "{ ?p ex:right ?x } UNION { ?p ex:middle ?m ; ex:right ?x }",
        "{ ?p ex:right ?x } UNION { SELECT DISTINCT ?p ?x { ?p ex:right ?r ; ex:middle ?m BIND (?r + ?m AS ?x) } }",
        "{ ?p ex:right ?x } UNION { SELECT ?p (SUM(?m) AS ?x) { ?p ex:right ?r ; ex:middle ?m } GROUP BY ?p }",
        "OPTIONAL { { ?p ex:right ?x } UNION { ?p ex:middle ?x FILTER EXISTS { ?p ex:last ?x } } }",
    ] {
        let query = format!("SELECT ?p ?l ?x {{ ?p ex:left ?l . {side} }}");
        let mesh = Mesh::new(sources(), blocks_of(9, &[]));
        let mut plan = mesh.plan(&query);
        change_joins(&mut plan.root, &mut |kind| {
            let NodeKind::Join { left, method: method @ JoinMethod::Bind { .. }, kind, .. } = kind else { return };
            let is_first = |request: &Request<'_>| matches!(request, Request::Scan(scan) if *scan.source == *"left");
            if left.requests().iter().any(is_first) {
                *method = JoinMethod::Bind { block: 9, hash_from: None, at_once: false };
            } else if *kind == JoinKind::Inner {
                *method = JoinMethod::Hash;
            }
        });
        let (mut found, _) = mesh.run(&plan.root).await.unwrap();
        found.sort();
        assert!(found.len() >= 40, "{query}: {}", found.len());
        let asked = mesh.source("right").keys();
        assert!(asked.iter().filter(|keys| keys.is_some_and(|keys| keys <= 9)).count() > 4, "{query}: {asked:?}");
        assert_eq!(found, mesh.under(without(NOTHING)).ask(&query).await.unwrap(), "{query}");
    }
}
