#![allow(clippy::unwrap_used)]

use super::*;
use crate::Rules;
use weft_mapping::{Build, MappedTerm};
use weft_model::term::{IriShape, KeyKind, TermType};

/// Members whose only shared variable is of a template, each of one source.
fn members(namespaces: &mut Namespaces, templates: impl IntoIterator<Item = (String, u64)>) -> Vec<Member> {
    let mut member = |(template, source): (String, u64)| {
        let shape = IriShape::parse(&template).unwrap().0;
        let term_type = TermType::Iri { keys: vec![KeyKind::Text; shape.keys()], shape };
        let mapped = MappedTerm { term_type, columns: Vec::new(), build: Build::Columns };
        let mut key = [Namespace::Any; MOST_SHARED];
        key[0] = namespaces.add(&mapped);
        Member { key, requests: vec![source] }
    };
    templates.into_iter().map(&mut member).collect()
}

fn meeting(left: Vec<(String, u64)>, right: Vec<(String, u64)>) -> Meeting {
    let mut namespaces = Namespaces::default();
    let (left, right) = (members(&mut namespaces, left), members(&mut namespaces, right));
    namespaces.finish();
    Meeting::new(&namespaces, &left, &right)
}

fn own(sources: u64) -> Vec<(String, u64)> {
    (0..sources).map(|n| (format!("http://v{n}/product/{{id}}"), n)).collect()
}

fn common(sources: u64) -> Vec<(String, u64)> {
    (0..sources).map(|n| ("http://shop/product/{id}".to_owned(), n)).collect()
}

#[test]
fn terms_of_their_own_meet_in_their_source_only() {
    let found = meeting(own(300), own(300));
    assert_eq!((found.pairs(), found.requests, found.separate), (300, 300, 600));
    assert!((0..300).all(|n| found.right_of(n) == [n]));
    assert!(found.pays(&PlanLimits::default()));
    assert!(
        !found.pays(&PlanLimits { rules: Rules::default().without(Rule::JoinUnderUnion), ..PlanLimits::default() })
    );
}

#[test]
fn common_terms_are_joined_as_unions() {
    let found = meeting(common(300), common(300));
    assert_eq!((found.pairs(), found.requests, found.separate), (90_000, 179_700, 600));
    assert_eq!(found.links.iter().flatten().count(), 1, "all of them are one class");
    assert!(!found.pays(&PlanLimits::default()));
    let few = meeting(common(1), common(2));
    assert_eq!((few.pairs(), few.requests, few.separate), (2, 3, 3));
    assert!(few.pays(&PlanLimits::default()));
}

#[test]
fn what_meets_nothing_is_known_on_both_sides() {
    let mut right = own(2);
    right.extend(common(2));
    right.push(("http://v1/product/x{id}".to_owned(), 9));
    let found = meeting(vec![own(2).remove(1), ("http://w/{id}".to_owned(), 7)], right);
    assert_eq!(found.left_meets(), [true, false]);
    assert_eq!(found.right_meets(), [false, true, false, false, true]);
    assert_eq!(found.right_of(0), [1, 4]);
    assert_eq!((found.pairs(), found.requests, found.separate), (2, 3, 3));
}

#[test]
fn joins_within_sources_are_made_though_there_are_more_of_them() {
    let tables = |n: u64| (0..n).map(|_| ("http://shop/product/{id}".to_owned(), 1)).collect::<Vec<_>>();
    let limits = PlanLimits { joins_under_union: 9, ..PlanLimits::default() };
    assert!(meeting(tables(3), tables(3)).pays(&limits));
    assert!(!meeting(tables(3), tables(4)).pays(&limits));
}

#[test]
fn groups_are_what_can_meet() {
    let mut namespaces = Namespaces::default();
    let templates = ["http://a/{x}", "http://b/{x}", "http://a/1{x}", "http://c/{x}", "http://b/{x}", "http://a/2{x}"];
    let all = members(&mut namespaces, templates.into_iter().map(|template| (template.to_owned(), 1)));
    namespaces.finish();
    let mut groups = connected(&namespaces, &[0, 1, 2, 3, 4, 5], |member| all[member as usize].key[0]);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    assert_eq!(groups, [vec![0, 2, 5], vec![1, 4]]);
}
