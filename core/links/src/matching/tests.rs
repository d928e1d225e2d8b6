#![allow(clippy::unwrap_used)]
use super::*;
use crate::{Link, LinkRecord, LinkState, LinkTime, RuleFile, reconcile};
use rand::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

fn rule(more: &str) -> LinkRule {
    let text = format!(
        "[[rule]]\nname = \"r\"\n{more}\n[rule.left]\nkeys = {{ family = \"ex:f\", name = \"ex:n\" }}\n\
         [rule.right]\nkeys = {{ family = \"ex:f\", name = \"ex:n\" }}\n"
    );
    let prefixes = [("ex".to_owned(), "https://e/".to_owned())];
    RuleFile::parse(Path::new("l.toml"), &text, &prefixes, &[]).unwrap().rules.remove(0)
}

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("https://e/{name}")).unwrap()
}

fn entities(side: &Side, rows: &[(&str, &str, &str)]) -> Entities {
    let mut entities = Entities::new(side);
    rows.iter().for_each(|(iri, family, name)| entities.add(side, node(iri), &[family, name]));
    entities
}

fn pairs(matches: &Matches) -> Vec<(String, String, bool)> {
    let short = |node: &NamedNode| node.as_str().trim_start_matches("https://e/").to_owned();
    matches.links.iter().map(|f| (short(&f.subject), short(&f.object), f.is_confirmed)).collect()
}

#[test]
fn composite_keys_must_all_be_equal() {
    let rule = rule("exact = [\"family\", \"name\"]");
    let left = entities(&rule.left, &[("a1", "BOX", "1"), ("a2", "BOX", "2"), ("a3", "COVER", "1"), ("a4", "", "1")]);
    let right = entities(&rule.right, &[("b1", "BOX", "1"), ("b3", "COVER", "1"), ("b4", "", "1"), ("b5", "1", "BOX")]);
    let found = find_links(&rule, &left, &right).unwrap();
    assert_eq!(pairs(&found), [("a1".into(), "b1".into(), true), ("a3".into(), "b3".into(), true)]);
    assert_eq!(found.links[0].evidence, "family \"BOX\", name \"1\"");
}

#[test]
fn ambiguous_links_are_only_proposed_unless_the_rule_says_so() {
    let rows = [("b1", "BOX", "1"), ("b2", "BOX", "1")];
    for (more, confirmed) in [("", false), ("ambiguous = \"confirm\"", true)] {
        let rule = rule(&format!("exact = [\"family\", \"name\"]\n{more}"));
        let found =
            find_links(&rule, &entities(&rule.left, &[("a1", "BOX", "1")]), &entities(&rule.right, &rows)).unwrap();
        assert_eq!(pairs(&found), [("a1".into(), "b1".into(), confirmed), ("a1".into(), "b2".into(), confirmed)]);
        assert_eq!((found.ambiguous_subjects, found.ambiguous_objects), (1, 0));
        assert!(found.links[0].evidence.ends_with("(one of several counterparts)"));
    }
}

#[test]
fn similar_keys_are_scored_within_blocks_only() {
    let rule = rule("block = { family = 1 }\nfuzzy = { name = \"levenshtein\" }\nconfirm = 0.9\npropose = 0.7");
    let left = entities(&rule.left, &[("a", "X", "spindle bearing")]);
    let right = entities(
        &rule.right,
        &[
            ("same", "X", "spindle bearing"),
            ("near", "Xy", "spindle-bearings"),
            ("far", "X", "cover"),
            ("other", "Y", "spindle bearing"),
        ],
    );
    let found = find_links(&rule, &left, &right).unwrap();
    let scores: Vec<(String, f64)> =
        found.links.iter().map(|f| (f.object.as_str()[10..].to_owned(), f.score)).collect();
    assert_eq!(scores, [("near".to_owned(), 0.875), ("same".to_owned(), 1.0)]);
    assert_eq!(found.ignored, 1);
    assert!(found.links[0].evidence.contains("\"spindle bearing\" ~ \"spindle-bearings\""));
}

#[test]
fn a_rule_that_links_everything_is_stopped_by_its_limits() {
    let many: Vec<(String, &str, &str)> = (0..30).map(|i| (format!("x{i:02}"), "SAME", "1")).collect();
    let rows: Vec<(&str, &str, &str)> = many.iter().map(|(iri, f, n)| (iri.as_str(), *f, *n)).collect();
    let stopped = |limits: &str, left: usize| {
        let rule = rule(&format!("exact = [\"name\"]\nlimits = {{ {limits} }}"));
        let message = find_links(&rule, &entities(&rule.left, &rows[..left]), &entities(&rule.right, &rows));
        message.unwrap_err().to_string()
    };
    assert!(stopped("most_candidates = 100", 30).contains("block 1 has 30 by 30 candidates, more than 100"));
    assert!(stopped("most_counterparts = 5", 30).contains("<https://e/x00> would have more than 5 counterparts"));
    assert!(stopped("most_links = 7", 1).contains("more than 7 links"));
    assert!(stopped("most_entities = 29", 30).contains("left has more than 29 entities"));
}

#[test]
fn links_are_the_same_in_whichever_order_the_sources_answer() {
    let rule = rule("exact = [\"family\"]\nfuzzy = { name = \"jaro-winkler\" }\npropose = 0.5");
    let mut random = StdRng::seed_from_u64(5);
    let mut rows: Vec<(String, String, String)> = (0..40)
        .map(|i| (format!("x{}", i % 25), format!("f{}", i % 5), format!("name {}", random.random_range(0..9))))
        .collect();
    let find = |rows: &[(String, String, String)]| {
        let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        find_links(&rule, &entities(&rule.left, &rows), &entities(&rule.right, &rows)).unwrap()
    };
    let expected = find(&rows);
    assert!(expected.links.len() > 20);
    assert!(expected.links.iter().all(|found| found.subject < found.object), "found once, not both ways");
    for _ in 0..20 {
        rows.shuffle(&mut random);
        assert_eq!(find(&rows), expected);
    }
}

fn record(link: &Link) -> LinkRecord {
    LinkRecord {
        id: link.id(),
        record: 1,
        subject: link.subject.clone(),
        predicate: link.predicate.clone(),
        object: link.object.clone(),
        state: link.state,
        rule: link.rule.clone(),
        author: link.author.clone(),
        evidence: link.evidence.clone(),
        confidence: link.confidence,
        valid_from: None,
        valid_to: None,
        recorded_at: LinkTime::now(),
        superseded_at: None,
    }
}

#[test]
fn a_second_run_changes_nothing_and_what_is_gone_becomes_suspect() {
    let rule = rule("exact = [\"family\", \"name\"]");
    let left = entities(&rule.left, &[("a1", "BOX", "1"), ("a2", "BOX", "2")]);
    let right = entities(&rule.right, &[("b1", "BOX", "1"), ("b2", "BOX", "2")]);
    let all: BTreeSet<&NamedNode> = left.all().union(right.all()).collect();
    let none = HashMap::new();
    let found = find_links(&rule, &left, &right).unwrap();
    let first = reconcile(&rule, &[], &found.links, &none, &all);
    assert_eq!((first.links.len(), first.counts.new), (2, 2));
    let known: Vec<LinkRecord> = first.links.iter().map(record).collect();
    let again = reconcile(&rule, &known, &found.links, &none, &all);
    assert_eq!((again.links.len(), again.counts.unchanged), (0, 2));

    let fewer = entities(&rule.right, &[("b1", "BOX", "1")]);
    let all: BTreeSet<&NamedNode> = left.all().union(fewer.all()).collect();
    let found = find_links(&rule, &left, &fewer).unwrap();
    let gone = reconcile(&rule, &known, &found.links, &none, &all);
    assert_eq!((gone.links.len(), gone.links[0].state), (1, LinkState::Suspect));
    let why = gone.links[0].evidence.clone().unwrap();
    assert_eq!(why, "no longer among the entities of the rule: <https://e/b2>");
    let known = vec![known[0].clone(), record(&gone.links[0])];
    assert!(reconcile(&rule, &known, &found.links, &none, &all).links.is_empty(), "suspect once");

    let refused = HashMap::from([((node("a1"), node("b1")), "no such thing".to_owned())]);
    let refused = reconcile(&rule, &known[..1], &found.links, &refused, &all);
    assert_eq!(refused.links[0].evidence.as_deref(), Some("a shape is violated: no such thing"));
}
