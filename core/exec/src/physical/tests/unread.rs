//! Keys that are sent and not read back.

use super::*;

/// Ids from 0, each with one value and no other.
fn once(ids: i64) -> Source {
    let rows = (0..ids).map(|id| (id, id % 3)).collect();
    Source::new("left", rows).declaring(20).described(|description| {
        description.tables[0].keys = vec![vec!["id".to_owned()]];
    })
}

fn right() -> Source {
    let rows = (0..400).flat_map(|id| [(id, id % 5), (id, 7)]).collect();
    Source::new("right", rows).in_batches_of(13)
}

/// The columns that each request to the right side reads.
fn read(mesh: &Mesh) -> Vec<String> {
    mesh.source("right").requests().iter().map(|read| read.columns.join(" ")).collect()
}

#[tokio::test]
async fn a_key_that_nothing_looks_at_comes_only_where_none_was_sent() {
    const QUERY: &str = "SELECT ?r { ?p ex:left ?l ; ex:right ?r }";
    for (ids, block, expected) in
        [(1, 100, vec!["value"]), (25, 10, vec!["value"; 3]), (300, 10, vec!["id value"]), (0, 10, vec![])]
    {
        let mesh = Mesh::new(vec![once(ids), right()], blocks_of(block, &[]));
        let found = mesh.ask(QUERY).await.unwrap();
        assert_eq!(read(&mesh), expected, "{ids} keys");
        assert_eq!(found.len(), usize::try_from(ids).unwrap() * 2);
        let off = mesh.under(blocks_of(block, &[Rule::UnreadKeys]));
        assert_eq!(found, off.ask(QUERY).await.unwrap());
        assert!(read(&off).iter().all(|columns| columns == "id value"));
    }
}

/// Blocks of the first keys, then the rest: those rows have the key, and no other has it.
#[tokio::test]
async fn rows_that_were_asked_for_and_rows_that_were_not_are_one_answer() {
    let limits = || EngineLimits { read_ahead_rows: 20, ..blocks_of(10, &[]) };
    let mesh = Mesh::new(vec![once(300).in_batches_of(10), right()], limits());
    let query = "SELECT ?r { ?p ex:left ?l ; ex:right ?r }";
    let found = mesh.ask(query).await.unwrap();
    let read = read(&mesh);
    assert!(read.contains(&"value".to_owned()) && read.last().is_some_and(|last| last == "id value"), "{read:?}");
    assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap());
}

#[tokio::test]
async fn a_key_comes_back_where_it_tells_something() {
    let again = |ids| Source::new("left", twice(ids)).declaring(20);
    type Left = fn(i64) -> Source;
    let cases: [(&str, Left); 6] = [
        // The key itself, and the row it is of, are shown.
        ("SELECT ?p ?r { ?p ex:left ?l ; ex:right ?r }", once),
        ("SELECT ?l ?r { ?p ex:left ?l ; ex:right ?r }", once),
        ("SELECT ?r { ?p ex:left ?l ; ex:right ?r FILTER (?r > ?l + 0) }", once),
        // A row without a match is shown.
        ("SELECT ?r { ?p ex:left ?l OPTIONAL { ?p ex:right ?r } }", once),
        // Each left row counts.
        ("SELECT ?r { ?p ex:left ?l ; ex:right ?r }", again),
        // It is compared with a second column.
        ("SELECT ?r { ?p ex:left ?r ; ex:right ?r }", once),
    ];
    for (query, left) in cases {
        let mesh = Mesh::new(vec![left(15), right()], without(&[]));
        let found = mesh.ask(query).await.unwrap();
        assert!(!read(&mesh).is_empty() && read(&mesh).iter().all(|columns| columns != "value"), "{query}");
        assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap(), "{query}");
    }
}

#[tokio::test]
async fn keys_along_a_chain_are_not_read_back() {
    let middle = Source::new("middle", (0..400).map(|id| (id, id / 2)).collect()).described(|description| {
        description.tables[0].keys = vec![vec!["id".to_owned()]];
    });
    let query = "SELECT ?r { ?p ex:left ?l ; ex:middle ?m ; ex:right ?r }";
    let mesh = Mesh::new(vec![once(15), middle, right()], without(&[]));
    let found = mesh.ask(query).await.unwrap();
    assert_eq!(found.len(), 30);
    assert_eq!(read(&mesh), ["value"]);
    assert_eq!(found, mesh.under(without(NOTHING)).ask(query).await.unwrap());
}
