#![allow(clippy::unwrap_used)]
use super::*;
use rusqlite::Connection;
use weft_links::LinkState::{Confirmed, Proposed, Retired, Suspect};

fn node(name: &str) -> NamedNode {
    NamedNode::new(format!("https://example.com/{name}")).unwrap()
}

fn link(subject: &str, state: LinkState) -> Link {
    Link {
        subject: node(subject),
        predicate: node("same"),
        object: node("o"),
        rule: Some("serial".into()),
        author: None,
        evidence: Some("both are called 7".into()),
        confidence: Some(0.9),
        state,
        valid_from: None,
        valid_to: None,
    }
}

fn said(subject: &str, state: LinkState) -> Link {
    Link { rule: None, author: Some("ann".into()), ..link(subject, state) }
}

fn subjects(store: &LinkStore, as_of: &AsOf, page: usize) -> Vec<String> {
    let mut found = Vec::new();
    store
        .for_each_confirmed(as_of, page, &mut |triples| {
            found.extend(triples.into_iter().map(|t| t.subject.to_string()[21..].trim_end_matches('>').to_owned()));
            Ok(())
        })
        .unwrap();
    found
}

fn current(store: &LinkStore) -> Vec<String> {
    subjects(store, &AsOf::default(), 10)
}

fn store() -> (tempfile::TempDir, LinkStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = LinkStore::open(&dir.path().join("state/new/links.sqlite")).unwrap();
    (dir, store)
}

fn database(dir: &tempfile::TempDir) -> Connection {
    Connection::open(dir.path().join("state/new/links.sqlite")).unwrap()
}

#[test]
fn a_change_inserts_and_closes_the_former_record() {
    let (_dir, mut store) = store();
    assert_eq!(store.record(&[link("a", Proposed), link("b", Confirmed)]).unwrap(), 2);
    assert_eq!(current(&store), ["b"]);
    assert_eq!(store.record(&[link("a", Confirmed)]).unwrap(), 1);
    assert_eq!(store.record(&[link("a", Confirmed)]).unwrap(), 0, "saying the same again changes nothing");
    assert_eq!(current(&store), ["b", "a"]);
    store.record(&[link("a", Retired)]).unwrap();
    assert_eq!(current(&store), ["b"]);
    let history = store.history(link("a", Retired).id()).unwrap();
    let states: Vec<LinkState> = history.iter().map(|record| record.state).collect();
    assert_eq!(states, [Proposed, Confirmed, Retired]);
    for (former, next) in history.iter().zip(&history[1..]) {
        assert_eq!(former.superseded_at.as_ref(), Some(&next.recorded_at));
    }
    assert_eq!(history[2].superseded_at, None);
    assert_eq!(store.counts().unwrap(), [(Confirmed, 1), (Retired, 1)]);
}

#[test]
fn what_people_say_counts_before_rules_and_rules_do_not_undo_it() {
    let (_dir, mut store) = store();
    let other = Link { rule: Some("name".into()), ..link("a", Confirmed) };
    store.record(&[link("a", Confirmed), other, link("b", Proposed)]).unwrap();
    store.record(&[said("a", Retired), said("b", Confirmed)]).unwrap();
    assert_eq!(current(&store), ["b"]);
    store.record(&[Link { evidence: None, ..link("a", Confirmed) }, link("b", Suspect)]).unwrap();
    assert_eq!(current(&store), ["b"]);
    let listed = store.list(&LinkFilter::current(), i64::MIN, 100).unwrap();
    assert!(listed.iter().all(|record| record.rule.is_none()), "what rules say is left out: {listed:?}");
    assert_eq!(store.opinions(link("a", Retired).id()).unwrap().len(), 3);
    store.record(&[said("a", Confirmed)]).unwrap();
    assert_eq!(current(&store), ["b", "a"]);
}

#[test]
fn every_recorded_time_can_still_be_read() {
    let (_dir, mut store) = store();
    let states = [Proposed, Confirmed, Suspect, Confirmed, Retired];
    let mut times = vec!["2000-01-01".parse::<LinkTime>().unwrap()];
    for state in states {
        store.record(&[link("a", state), link("b", Confirmed)]).unwrap();
        times.push(store.last().unwrap().unwrap().1);
    }
    store.record(&[said("a", Confirmed)]).unwrap();
    times.push(store.last().unwrap().unwrap().1);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    let found: Vec<Vec<String>> = times
        .iter()
        .map(|time| {
            let mut found = subjects(&store, &AsOf { recorded: Some(time.clone()), valid: None }, 1);
            found.sort();
            found
        })
        .collect();
    let (b, both) = (vec!["b"], vec!["a", "b"]);
    assert_eq!(found, [vec![], b.clone(), both.clone(), b.clone(), both.clone(), b, both]);
}

#[test]
fn pages_give_every_link_once_and_only_those_that_are_valid() {
    let (_dir, mut store) = store();
    let mut links: Vec<Link> = (0..25).map(|i| link(&format!("s{i}"), Confirmed)).collect();
    links[3].valid_to = Some("2001-01-01".into());
    links[4].valid_from = Some("2999-01-01T00:00:00Z".into());
    links[5].valid_from = Some("2001-01-01T02:00:00+02:00".into());
    store.record(&links).unwrap();
    for page in [1, 7, 25, 100] {
        let found = subjects(&store, &AsOf::default(), page);
        assert_eq!(found.len(), 23, "page {page}");
        assert!(found.contains(&"s5".to_owned()) && !found.contains(&"s3".to_owned()));
    }
    let at = |text: &str| AsOf { recorded: None, valid: Some(text.parse().unwrap()) };
    let before = subjects(&store, &at("2000-12-31T23:59:59Z"), 100);
    assert!(before.contains(&"s3".to_owned()) && !before.contains(&"s5".to_owned()));
    let after = subjects(&store, &at("2001-01-01"), 100);
    assert!(
        !after.contains(&"s3".to_owned()) && after.contains(&"s5".to_owned()),
        "until is exclusive, from inclusive"
    );
    let next = |text: &str| store.next_change_of_validity(&text.parse().unwrap()).unwrap().map(|t| t.to_string());
    assert_eq!(next("2000-01-01").as_deref(), Some("2001-01-01T00:00:00.000000Z"));
    assert_eq!(next("2001-01-01").as_deref(), Some("2999-01-01T00:00:00.000000Z"));
    assert_eq!(next("2999-01-01"), None);
}

#[test]
fn keyed_reads_find_links_of_either_end() {
    let (_dir, mut store) = store();
    let links: Vec<Link> =
        (0..1200).map(|i| Link { object: node(&format!("o{}", i % 7)), ..link(&format!("s{i}"), Confirmed) }).collect();
    store.record(&links).unwrap();
    let entities: Vec<NamedNode> = (0..600).map(|i| node(&format!("s{i}"))).collect();
    let about = |entities: &[NamedNode], limit| store.confirmed_about(entities, None, &AsOf::default(), limit);
    assert_eq!(about(&entities, 600).unwrap().len(), 600, "more than one block");
    assert_eq!(about(&[node("o3"), node("s3"), node("absent")], 600).unwrap().len(), 171);
    assert!(about(&[node("o3")], 100).unwrap_err().to_string().contains("more than 100 links"));
    let other = store.confirmed_about(&[node("o3")], Some(&node("other")), &AsOf::default(), 10).unwrap();
    assert!(other.is_empty());
}

#[test]
fn lists_are_filtered_and_paged() {
    let (_dir, mut store) = store();
    let links: Vec<Link> =
        (0..30).map(|i| link(&format!("s{i}"), if i % 3 == 0 { Proposed } else { Confirmed })).collect();
    store.record(&links).unwrap();
    store.record(&[said("s1", Retired)]).unwrap();
    let count = |filter: LinkFilter| store.list(&filter, i64::MIN, 100).unwrap().len();
    assert_eq!(count(LinkFilter { state: Some(Proposed), ..LinkFilter::current() }), 10);
    assert_eq!(count(LinkFilter { state: Some(Confirmed), ..LinkFilter::current() }), 19);
    assert_eq!(count(LinkFilter { rule: Some("serial".into()), ..LinkFilter::current() }), 29);
    assert_eq!(count(LinkFilter { entities: vec![node("s1")], ..LinkFilter::current() }), 1);
    assert_eq!(count(LinkFilter { entities: vec![node("o")], ..LinkFilter::current() }), 30);
    let first = store.list(&LinkFilter::current(), i64::MIN, 12).unwrap();
    let second = store.list(&LinkFilter::current(), first[11].record, 100).unwrap();
    assert_eq!((first.len(), second.len()), (12, 18));
}

#[test]
fn runs_are_kept_with_the_text_of_the_rule() {
    let (_dir, mut store) = store();
    let run = |text: &str| RuleRun { rule: "serial".into(), text: text.into(), ran_at: None, coverage: "{}".into() };
    store.record_run(&[link("a", Confirmed)], &run("first")).unwrap();
    store.record_run(&[], &run("second")).unwrap();
    let runs = store.last_runs().unwrap();
    assert_eq!((runs.len(), runs[0].text.as_str()), (1, "second"));
    assert!(runs[0].ran_at.is_some());
    assert_eq!(store.opinions_of_rule("serial").unwrap().len(), 1);
    let bad = Link { confidence: Some(2.0), ..link("b", Confirmed) };
    assert!(store.record_run(&[bad], &run("third")).is_err());
    assert_eq!(store.last_runs().unwrap()[0].text, "second", "all or none");
}

#[test]
fn the_database_itself_refuses_to_forget() {
    let (dir, mut store) = store();
    store.record(&[link("a", Proposed)]).unwrap();
    store.record(&[link("a", Confirmed)]).unwrap();
    let database = database(&dir);
    for (statement, message) in [
        ("DELETE FROM link", "never deleted"),
        ("UPDATE link SET state = 'retired'", "never changed"),
        ("UPDATE link SET superseded_at = NULL", "closed once"),
        ("DELETE FROM link_run", ""),
    ] {
        let outcome = database.execute(statement, []);
        match outcome {
            Ok(0) if message.is_empty() => {}
            outcome => assert!(outcome.unwrap_err().to_string().contains(message), "{statement}"),
        }
    }
}

#[test]
fn two_writers_take_turns() {
    let (dir, mut store) = store();
    store.record(&[link("a", Confirmed)]).unwrap();
    let other = database(&dir);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let path = dir.path().join("state/new/links.sqlite");
    let writer = std::thread::spawn(move || LinkStore::open(&path).unwrap().record(&[link("b", Confirmed)]));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(current(&store), ["a"], "readers do not wait");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(writer.join().unwrap().unwrap(), 1);
    assert_eq!(current(&store), ["a", "b"]);
}

#[test]
fn bad_links_are_refused_whole() {
    let (_dir, mut store) = store();
    for (bad, message) in [
        (Link { confidence: Some(1.5), ..link("a", Confirmed) }, "confidence 1.5 is not between 0 and 1"),
        (
            Link { valid_from: Some("soon".into()), ..link("a", Confirmed) },
            "valid_from: \"soon\" is not an ISO 8601 time",
        ),
        (
            Link { valid_from: Some("2020-01-02".into()), valid_to: Some("2020-01-02".into()), ..link("a", Confirmed) },
            "is not after valid_from",
        ),
        (Link { object: node("a"), ..link("a", Confirmed) }, "links a thing to itself"),
        (Link { evidence: Some("x".repeat(70_000)), ..link("a", Confirmed) }, "evidence has more than"),
    ] {
        let error = store.record(&[link("b", Confirmed), bad]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert_eq!(store.last().unwrap(), None);
    }
}

const FIRST_VERSION: &str = "
CREATE TABLE link (subject TEXT NOT NULL, predicate TEXT NOT NULL, object TEXT NOT NULL, rule TEXT, author TEXT, evidence TEXT,
    confidence REAL, state TEXT NOT NULL, valid_from TEXT, valid_to TEXT, recorded_at TEXT NOT NULL, superseded_at TEXT);
CREATE INDEX link_current ON link (subject, predicate, object) WHERE superseded_at IS NULL;
INSERT INTO link VALUES ('https://example.com/a', 'https://example.com/same', 'https://example.com/o', 'serial', NULL, 'e', 0.5,
    'proposed', NULL, NULL, '2025-01-01T00:00:00.000Z', '2025-02-01T00:00:00.000Z');
INSERT INTO link VALUES ('https://example.com/wrong', 'https://example.com/same', 'https://example.com/o', 'serial', NULL, 'e', 0.5,
    'confirmed', NULL, NULL, '2025-01-01T00:00:00.000Z', '2025-03-01T00:00:00.000Z');
INSERT INTO link VALUES ('https://example.com/a', 'https://example.com/same', 'https://example.com/o', 'serial', NULL, 'e', 0.9,
    'confirmed', '2024-01-01', NULL, '2025-02-01T00:00:00.000Z', NULL);
";

#[test]
fn a_file_of_the_first_version_keeps_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("links.sqlite");
    Connection::open(&path).unwrap().execute_batch(FIRST_VERSION).unwrap();
    for _ in 0..2 {
        let mut store = LinkStore::open(&path).unwrap();
        assert_eq!(current(&store), ["a"]);
        assert_eq!(subjects(&store, &AsOf::default(), 1), ["a"], "what was closed after the last record is closed");
        let january = AsOf { recorded: Some("2025-01-15".parse().unwrap()), valid: None };
        assert_eq!(subjects(&store, &january, 10), ["wrong"]);
        let history = store.history(link("a", Confirmed).id()).unwrap();
        assert_eq!(history.iter().map(|record| record.confidence).collect::<Vec<_>>(), [Some(0.5), Some(0.9)]);
        assert_eq!(
            store
                .record(&[Link {
                    evidence: Some("e".into()),
                    valid_from: Some("2024-01-01".into()),
                    ..link("a", Confirmed)
                }])
                .unwrap(),
            0
        );
    }
}

#[test]
fn files_that_cannot_be_used_are_left_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let error = |name: &str| LinkStore::open(&path(name)).unwrap_err().to_string();
    let make = |name: &str, text: &str| Connection::open(path(name)).unwrap().execute_batch(text).unwrap();
    make("other", "CREATE TABLE link (subject TEXT, predicate TEXT)");
    assert!(error("other").ends_with("table link has no column object"));
    make("time", &FIRST_VERSION.replace("'2024-01-01'", "'soon'"));
    assert!(error("time").contains("row 3: valid_from \"soon\" is not an ISO 8601 time"), "{}", error("time"));
    let columns: i64 = Connection::open(path("time"))
        .unwrap()
        .query_row("SELECT count(*) FROM pragma_table_info('link')", [], |row| row.get(0))
        .unwrap();
    assert_eq!(columns, 12, "nothing was changed");
    make("newer", "CREATE TABLE link_schema (version INTEGER); INSERT INTO link_schema VALUES (99);");
    assert!(error("newer").contains("version 99, and this program knows versions up to 2"));
    std::fs::write(path("text"), "this is not a database, it is a text file").unwrap();
    assert!(LinkStore::open(&path("text")).is_err());
    make("iri", &FIRST_VERSION.replace("'https://example.com/a'", "'not an iri'"));
    let store = LinkStore::open(&path("iri")).unwrap();
    let wrong = store.for_each_confirmed(&AsOf::default(), 10, &mut |_| Ok(())).unwrap_err().to_string();
    assert!(wrong.contains("row 3: \"not an iri\" is not an IRI"), "{wrong}");
}
