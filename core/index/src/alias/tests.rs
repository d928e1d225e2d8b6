#![allow(clippy::unwrap_used)]
use super::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;

fn table(links: &[(&str, &str)], most: usize) -> Result<AliasTable, IndexError> {
    let mut builder = AliasBuilder::default();
    links.iter().try_for_each(|(one, other)| builder.link(one, other))?;
    builder.finish(most)
}

#[test]
fn links_are_symmetric_and_transitive() {
    let table = table(&[("b", "a"), ("c", "d"), ("d", "b"), ("y", "x"), ("z", "z")], 4).unwrap();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(table.names(name), ["a", "b", "c", "d"]);
        assert_eq!(table.representative(name), Some("a"));
    }
    assert_eq!(table.names("y"), ["x", "y"]);
    assert_eq!((table.names("z"), table.representative("z")), (Vec::new(), None));
    assert_eq!((table.len(), table.things()), (6, 2));
    let mut things = Vec::new();
    table.for_each_thing(&mut |names| things.push(names.join(" ")));
    assert_eq!(things, ["a b c d", "x y"]);
}

#[test]
fn the_representative_is_first_by_code_points() {
    let table = table(&[("http://x/é", "http://x/z"), ("http://x/𐀀", "http://x/\u{ffee}")], 9).unwrap();
    assert_eq!(table.representative("http://x/é"), Some("http://x/z"));
    // In UTF-16 it would be the other way round.
    assert_eq!(table.representative("http://x/𐀀"), Some("http://x/\u{ffee}"));
}

#[test]
fn a_class_that_is_too_large_is_refused_by_name() {
    let error = table(&[("n1", "n2"), ("n2", "n3"), ("a", "b")], 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "<n1> and the things linked with it by weft:sameThingAs have 3 names; links.max_aliases allows 2"
    );
    assert!(table(&[("n1", "n2"), ("n2", "n3"), ("a", "b")], 3).is_ok());
}

#[test]
fn nothing_is_an_alias_without_links() {
    let table = table(&[], 2).unwrap();
    assert!(table.is_empty() && table.names("a").is_empty());
    table.for_each_thing(&mut |_| unreachable!());
}

#[test]
fn random_links_are_closed_like_sets_that_are_merged() {
    let mut rng = StdRng::seed_from_u64(4);
    for _ in 0..200 {
        let names: Vec<String> = (0..30).map(|n| format!("http://x/{}", n * 7 % 30)).collect();
        let links: Vec<(usize, usize)> =
            (0..rng.random_range(0..30)).map(|_| (rng.random_range(0..30), rng.random_range(0..30))).collect();
        let mut sets: Vec<BTreeSet<&str>> = names.iter().map(|name| BTreeSet::from([name.as_str()])).collect();
        for (a, b) in &links {
            let place = |sets: &[BTreeSet<&str>], n: usize| sets.iter().position(|s| s.contains(&*names[n])).unwrap();
            let (a, b) = (place(&sets, *a), place(&sets, *b));
            if a != b {
                let other = std::mem::take(&mut sets[b]);
                sets[a].extend(other);
            }
        }
        let links: Vec<(&str, &str)> = links.iter().map(|(a, b)| (&*names[*a], &*names[*b])).collect();
        let table = table(&links, 30).unwrap();
        for name in &names {
            let set = sets.iter().find(|set| set.contains(&**name)).unwrap();
            let expected: Vec<&str> = if set.len() > 1 { set.iter().copied().collect() } else { Vec::new() };
            assert_eq!(table.names(name), expected);
        }
    }
}

#[test]
fn names_can_be_asked_for_as_statements() {
    let table = table(&[("b", "a"), ("y", "x"), ("z", "y")], 4).unwrap();
    let name = |name: &str| Some(encode_literal(name, xsd::ANY_URI.as_str()));
    let iri = |iri: &str| Some(encode_iri(iri));
    let ask = |subject: Option<String>, predicate: Option<String>, object: Option<String>, graph: Option<String>| {
        let found = table.matching(&[subject, predicate, object, graph]);
        found.map(|[thing, _, name, _]| format!("{thing} {}", name.chars().last().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(ask(None, None, None, None), ["Ia a", "Ia b", "Ix x", "Ix y", "Ix z"]);
    assert_eq!(ask(iri("x"), iri(ALIAS), None, iri(ALIASES_GRAPH)), ["Ix x", "Ix y", "Ix z"]);
    assert_eq!(ask(None, None, name("z"), None), ["Ix z"]);
    assert_eq!(ask(iri("a"), None, name("b"), None), ["Ia b"]);
    // A name that is no representative is no thing, and an IRI is no name.
    assert!(ask(iri("b"), None, None, None).is_empty());
    assert!(ask(None, None, iri("b"), None).is_empty());
    assert!(ask(iri("a"), None, name("z"), None).is_empty());
    assert!(ask(None, iri("p"), None, None).is_empty());
    assert!(ask(None, None, None, iri("g")).is_empty());
    let statistics = table.statistics();
    assert_eq!((statistics.all.rows, statistics.all.distinct), (5, [2, 1, 5, 1]));
}
