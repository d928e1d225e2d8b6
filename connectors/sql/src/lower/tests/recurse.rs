//! Transitive closures.

use super::*;

fn recurse(step: Relation, from: &[ColumnRef], to: &[ColumnRef], start: Option<KeyBlock>) -> Relation {
    Relation::Recurse { step: boxed(step), from: from.to_vec(), to: to.to_vec(), start }
}

fn bare(names: &[&str]) -> Vec<ColumnRef> {
    names.iter().map(|name| ColumnRef::bare(*name)).collect()
}

fn hierarchy(start: Option<KeyBlock>) -> Relation {
    let step =
        Relation::Read(Read { filter: Some(eq("name", text_value("x"))), ..read("item", "", &["parent", "id"]) });
    recurse(step, &bare(&["parent"]), &bare(&["id"]), start)
}

fn everything() -> Relation {
    Relation::Read(read("item", "i", &EVERYTHING))
}

/// The closure of `parent` to `id`, under an alias of its own.
fn parents(alias: &str) -> Relation {
    let step = Relation::Read(read("item", alias, &["parent", "id"]));
    recurse(step, &[ColumnRef::new(alias, "parent")], &[ColumnRef::new(alias, "id")], None)
}

pub(super) fn cases() -> Vec<Case> {
    let uuid: ArrayRef = Arc::new(StringViewArray::from_iter_values([UUID]));
    let natural = Relation::Read(read("item", "", &["parent", "name", "id", "code"]));
    let natives = Relation::Read(read("item", "", &["parent_guid", "guid"]));
    let limited = Relation::Limit { input: boxed(hierarchy_step()), offset: 0, count: Some(5) };
    let joined = join(JoinKind::Inner, items(), parts());
    let outer = join(JoinKind::Left, items(), parts());
    let ends = ([ColumnRef::new("i", "id")], [ColumnRef::new("p", "item")]);
    vec![
        ("recurse_all", hierarchy(None)),
        ("recurse_from_keys", hierarchy(keys(&["parent"], vec![ints(2)]))),
        ("recurse_from_one_key", hierarchy(keys(&["parent"], vec![ints(1)]))),
        (
            "recurse_from_one_wide_key",
            recurse(
                natural.clone(),
                &bare(&["parent", "name"]),
                &bare(&["id", "code"]),
                keys(&["name", "parent"], vec![texts(1), ints(1)]),
            ),
        ),
        (
            "recurse_from_many_keys",
            recurse(
                natural,
                &bare(&["parent", "name"]),
                &bare(&["id", "code"]),
                keys(&["name", "parent"], vec![texts(20), ints(20)]),
            ),
        ),
        (
            "recurse_uuid",
            recurse(natives, &bare(&["parent_guid"]), &bare(&["guid"]), keys(&["parent_guid"], vec![uuid])),
        ),
        ("recurse_over_limit", recurse(limited, &bare(&["parent"]), &bare(&["id"]), None)),
        ("recurse_over_join", recurse(joined, &ends.0, &ends.1, None)),
        ("recurse_over_outer_join", recurse(outer, &ends.0, &ends.1, None)),
        ("recurse_below", below()),
        ("recurse_nested", recurse(parents("i"), &bare(&["parent"]), &bare(&["id"]), None)),
    ]
}

fn hierarchy_step() -> Relation {
    let rows = Relation::Read(read("item", "", &["parent", "id"]));
    Relation::Sort { input: boxed(rows), keys: vec![sort_key(ColumnRef::bare("id"), false)] }
}

/// Two closures, joined with a table, and operators above.
fn below() -> Relation {
    let on = |left: ColumnRef| vec![(left, ColumnRef::bare("parent"))];
    let once = Relation::Join {
        left: boxed(everything()),
        right: boxed(parents("j")),
        kind: JoinKind::Inner,
        on: on(ColumnRef::new("i", "id")),
    };
    let renamed = |name: &str, column: &str| ProjectColumn::of(name, ColumnRef::bare(column));
    let again = Relation::Project {
        input: boxed(parents("k")),
        columns: vec![renamed("parent", "parent"), renamed("last", "id")],
    };
    let twice = Relation::Join {
        left: boxed(Relation::Project {
            input: boxed(once),
            columns: vec![ProjectColumn::of("name", ColumnRef::new("i", "name")), renamed("middle", "id")],
        }),
        right: boxed(again),
        kind: JoinKind::Left,
        on: on(ColumnRef::bare("middle")),
    };
    let counted = Relation::Aggregate {
        input: boxed(twice),
        group: vec![ColumnRef::bare("name")],
        aggregates: vec![aggregate("ends", AggregateFunction::Count, Some("last"), true)],
    };
    Relation::Limit { input: boxed(counted), offset: 0, count: Some(7) }
}

#[test]
fn recursions_that_do_not_fit_together_are_refused_by_name() {
    let of = |from: &[&str], to: &[&str], start| recurse(everything_bare(), &bare(from), &bare(to), start);
    for (relation, part) in [
        (of(&[], &[], None), "not from 0 to 0"),
        (of(&["id"], &["parent", "id"], None), "not from 1 to 2"),
        (of(&["id"], &["name"], None), "of type text"),
        (of(&["mass"], &["mass"], None), "of type float64"),
        (of(&["id"], &["id"], None), "\"id\""),
        (of(&["id", "parent"], &["parent", "id"], None), "\"parent\""),
        (of(&["id"], &["nope"], None), "\"nope\""),
        (of(&["parent"], &["id"], keys(&["id"], vec![ints(1)])), "start at keys of the columns [\"id\"]"),
        (of(&["parent"], &["id"], keys(&["parent", "parent"], vec![ints(1), ints(1)])), "[\"parent\", \"parent\"]"),
        (of(&["parent"], &["id"], keys(&["parent"], vec![texts(1)])), "\"parent\" is of type int64"),
        (of(&["parent"], &["id"], keys(&["parent"], vec![ints(10_001)])), "10001 keys for the start"),
    ] {
        let (code, message) = error(&relation);
        assert_eq!(code, Code::InvalidRequest, "{message}");
        assert!(message.contains(part), "{message:?} should contain {part:?}");
    }
}

fn everything_bare() -> Relation {
    Relation::Read(read("item", "", &["id", "parent", "name", "mass"]))
}

#[test]
fn table_expressions_hide_no_table() {
    let mut tables = tables(Dialect::Sqlite);
    tables[0].table = "WEFT_step".into();
    let statement = lower(&hierarchy(None), Dialect::Sqlite, &tables, SIZE).unwrap();
    assert!(statement.sql.contains("\"weft_step2\" AS"), "{}", statement.sql);
    assert!(statement.sql.contains("FROM \"WEFT_step\""), "{}", statement.sql);
}
