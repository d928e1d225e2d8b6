#![allow(clippy::unwrap_used)]
use super::*;
use rand::prelude::*;
use std::collections::BTreeSet;
use weft_model::term::encode_iri;

const GRAPH: &str = "https://weft.dev/ns#links";

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("https://e/{name}")).unwrap()
}

fn random_links(count: usize) -> Vec<Triple> {
    let mut random = StdRng::seed_from_u64(3);
    let mut term = |kind: &str, of: usize| node(&format!("{kind}{}", random.random_range(0..of)));
    (0..count).map(|_| Triple::new(term("s", 30), term("p", 4), term("s", 40))).collect()
}

fn table(links: &[Triple]) -> LinkTable {
    let mut builder = LinkTableBuilder::new(10_000);
    links.chunks(17).for_each(|page| builder.add(page).unwrap());
    builder.finish(GRAPH)
}

#[test]
fn every_combination_of_bound_terms_finds_what_fits() {
    let links = random_links(500);
    let table = table(&links);
    let all: BTreeSet<[String; 3]> = links
        .iter()
        .map(|t| {
            [t.subject.to_string(), t.predicate.to_string(), t.object.to_string()]
                .map(|iri| format!("I{}", iri.trim_matches(['<', '>'])))
        })
        .collect();
    assert_eq!(table.len(), all.len() as u64);
    assert!(all.len() < links.len(), "some are there twice");
    let mut random = StdRng::seed_from_u64(4);
    let choices: Vec<&[String; 3]> = all.iter().collect();
    for case in 0..800 {
        let mut pattern: Pattern = [const { None }; 4];
        #[allow(clippy::needless_range_loop, reason = "the columns of several arrays")]
        for column in 0..3 {
            if random.random_bool(0.5) {
                pattern[column] = Some(choices.choose(&mut random).unwrap()[column].clone());
            }
        }
        if random.random_bool(0.2) {
            pattern[3] = Some(encode_iri(if random.random_bool(0.5) { GRAPH } else { "https://e/other" }));
        }
        let fits = |link: &&[String; 3]| {
            let graph = pattern[3].as_ref().is_none_or(|graph| *graph == encode_iri(GRAPH));
            graph && link.iter().zip(&pattern).all(|(cell, bound)| bound.as_ref().is_none_or(|bound| bound == cell))
        };
        let expected: Vec<[String; 3]> = all.iter().filter(fits).cloned().collect();
        let mut found: Vec<[String; 3]> = table.matching(&pattern).map(|[s, p, o, _]| [s, p, o]).collect();
        found.sort();
        assert_eq!(found, expected, "case {case}: {pattern:?}");
    }
    for absent in ["Ihttps://e/absent", "Shttps://e/s1", ""] {
        assert_eq!(table.matching(&[Some(absent.to_owned()), None, None, None]).count(), 0);
    }
}

#[test]
fn statistics_are_exact() {
    let links = random_links(300);
    let statistics = table(&links).statistics();
    let distinct = |of: &dyn Fn(&Triple) -> String, links: &[&Triple]| {
        links.iter().map(|t| of(t)).collect::<BTreeSet<String>>().len() as u64
    };
    let check = |counts: &Counts, links: &[&Triple]| {
        let rows: BTreeSet<String> = links.iter().map(|t| t.to_string()).collect();
        assert_eq!(counts.rows, rows.len() as u64);
        assert_eq!(counts.distinct[0], distinct(&|t| t.subject.to_string(), links));
        assert_eq!(counts.distinct[1], distinct(&|t| t.predicate.to_string(), links));
        assert_eq!(counts.distinct[2], distinct(&|t| t.object.to_string(), links));
        assert_eq!(counts.distinct[3], 1);
    };
    check(&statistics.all, &links.iter().collect::<Vec<_>>());
    assert_eq!(statistics.predicates.len(), 4);
    for (predicate, counts) in &statistics.predicates {
        check(counts, &links.iter().filter(|t| t.predicate == *predicate).collect::<Vec<_>>());
    }
    let empty = LinkTableBuilder::new(1).finish(GRAPH);
    assert_eq!((empty.len(), empty.statistics().predicates.len()), (0, 0));
}

#[test]
fn more_links_than_the_limit_are_refused() {
    let mut builder = LinkTableBuilder::new(10);
    assert!(builder.add(&random_links(11)).unwrap_err().to_string().contains("limits.index_links"));
}
