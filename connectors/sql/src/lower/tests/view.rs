//! Configured queries as tables: read, restricted, joined, grouped and followed as sub-queries.

use super::*;

pub(super) fn cases() -> Vec<Case> {
    let heavy = |alias: &str| read("heavy", alias, &["id", "name", "parent"]);
    let filtered = Read {
        filter: Some(eq("name", text_value("x"))),
        keys: keys(&["id"], vec![ints(2)]),
        limit: Some(5),
        ..heavy("")
    };
    let on = vec![(ColumnRef::new("h", "id"), ColumnRef::new("p", "item"))];
    let joined = |kind, left, right, on| Relation::Join { left: boxed(left), right: boxed(right), kind, on };
    let of_parts = vec![(ColumnRef::new("p", "item"), ColumnRef::new("h", "id"))];
    let part = || Relation::Read(read("part", "p", &["item"]));
    vec![
        ("view", Relation::Read(filtered)),
        ("view_joined", joined(JoinKind::Inner, Relation::Read(heavy("h")), part(), on)),
        ("view_left_joined", joined(JoinKind::Left, part(), Relation::Read(heavy("h")), of_parts)),
        (
            "view_grouped",
            Relation::Aggregate {
                input: boxed(Relation::Read(heavy(""))),
                group: vec![ColumnRef::bare("name")],
                aggregates: vec![aggregate("n", AggregateFunction::Count, None, false)],
            },
        ),
        (
            "view_recursed",
            Relation::Recurse {
                step: boxed(Relation::Read(heavy(""))),
                from: vec![ColumnRef::bare("id")],
                to: vec![ColumnRef::bare("parent")],
                start: None,
            },
        ),
        (
            "view_recursed_from_one_key",
            Relation::Recurse {
                step: boxed(Relation::Read(heavy(""))),
                from: vec![ColumnRef::bare("id")],
                to: vec![ColumnRef::bare("parent")],
                start: keys(&["id"], vec![ints(1)]),
            },
        ),
    ]
}

#[test]
fn the_text_of_a_view_stays_within_its_parentheses() {
    let relation = Relation::Read(read("heavy", "", &["id"]));
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let size = SizeLimits { depth: 10, nodes: 100, keys: 10 };
        let sql = lower(&relation, dialect, &tables(dialect), size).unwrap().sql;
        assert!(sql.contains("-- heavy\n) AS \"heavy\""), "{sql}");
    }
}
