#![allow(clippy::unwrap_used)]
use super::*;

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

fn current(store: &LinkStore, page: usize) -> Vec<String> {
    let mut found = Vec::new();
    store
        .for_each_page(page, &mut |triples| {
            found.extend(triples.into_iter().map(|t| t.subject.to_string()));
            Ok(())
        })
        .unwrap();
    found
}

fn count(store: &LinkStore, condition: &str) -> i64 {
    store.connection.query_row(&format!("SELECT count(*) FROM link WHERE {condition}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_change_inserts_and_closes_the_former_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = LinkStore::open(&dir.path().join("state/new/links.sqlite")).unwrap();
    store.record(&[link("a", LinkState::Proposed), link("b", LinkState::Confirmed)]).unwrap();
    assert_eq!(current(&store, 10), ["<https://example.com/b>"]);
    store.record(&[link("a", LinkState::Confirmed)]).unwrap();
    store.record(&[link("a", LinkState::Confirmed)]).unwrap();
    assert_eq!(current(&store, 10).len(), 2);
    assert_eq!((count(&store, "1"), count(&store, "superseded_at IS NOT NULL AND state = 'proposed'")), (3, 1));
    store.record(&[link("a", LinkState::Retired)]).unwrap();
    assert_eq!(current(&store, 10), ["<https://example.com/b>"]);
    assert_eq!(count(&store, "superseded_at IS NULL"), 2);
}

#[test]
fn two_rules_have_an_opinion_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let asserted = Link { rule: None, ..link("a", LinkState::Confirmed) };
    store.record(&[link("a", LinkState::Confirmed), asserted.clone()]).unwrap();
    store.record(&[Link { state: LinkState::Retired, ..asserted }]).unwrap();
    assert_eq!(current(&store, 10), ["<https://example.com/a>"]);
}

#[test]
fn pages_give_every_link_once_and_only_those_valid_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let mut links: Vec<Link> = (0..25).map(|i| link(&format!("s{i}"), LinkState::Confirmed)).collect();
    links[3].valid_to = Some("2001-01-01".into());
    links[4].valid_from = Some("2999-01-01T00:00:00Z".into());
    links[5].valid_from = Some("2001-01-01T00:00:00Z".into());
    store.record(&links).unwrap();
    for page in [1, 7, 25, 100] {
        let found = current(&store, page);
        assert_eq!(found.len(), 23, "page {page}");
        assert!(found.contains(&node("s5").to_string()) && !found.contains(&node("s3").to_string()));
    }
}

#[test]
fn bad_rows_and_foreign_tables_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("links.sqlite");
    let store = LinkStore::open(&path).unwrap();
    let insert = |subject: &str, from: &str| {
        store.connection.execute("DELETE FROM link", []).unwrap();
        store
            .connection
            .execute(
                "INSERT INTO link (subject, predicate, object, state, valid_from, recorded_at) \
                 VALUES (?1, 'http://e/p', 'http://e/o', 'confirmed', nullif(?2, ''), '2026-01-01')",
                [subject, from],
            )
            .unwrap();
        store.for_each_page(10, &mut |_| Ok(())).unwrap_err().to_string()
    };
    assert!(insert("not an iri", "").contains("row 1: subject \"not an iri\" is not an IRI"));
    assert!(insert("http://e/s", "soon").contains("valid_from \"soon\" is not an ISO 8601 time"));

    let other = dir.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE link (subject TEXT, predicate TEXT)").unwrap();
    assert!(LinkStore::open(&other).unwrap_err().to_string().ends_with("table link has no column object"));
    std::fs::write(dir.path().join("text"), "this is not a database, it is a text file").unwrap();
    assert!(LinkStore::open(&dir.path().join("text")).is_err());
}

#[test]
fn a_confidence_out_of_range_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let bad = Link { confidence: Some(1.5), ..link("a", LinkState::Confirmed) };
    assert!(store.record(&[link("b", LinkState::Confirmed), bad]).is_err());
    assert_eq!(count(&store, "1"), 0);
}
