//! Golden SQL: each case is lowered for both databases and compared with `tests/golden/NAME.sql`; `UPDATE=1` rewrites.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod part;
mod recurse;
mod view;

use super::*;
use crate::catalogue::{COLLATION_DEFAULT, LiveColumn, Storage};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use weft_model::Code;
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, DataType, Expression, JoinKind, KeyBlock, ProjectColumn,
    Read, SortKey, TextOperator, Value,
};

const SIZE: SizeLimits = SizeLimits { depth: 64, nodes: 20_000, keys: 10_000 };
const DECIMAL: DataType = DataType::Decimal { precision: 9, scale: 3 };
const INSTANT: DataType = DataType::Timestamp { zoned: true };

fn live(name: &str, data_type: DataType, storage: Storage) -> LiveColumn {
    let collation = if data_type == DataType::Text { COLLATION_DEFAULT } else { 0 };
    LiveColumn { name: name.into(), data_type, nullable: true, native_type: "n".into(), storage, collation }
}

/// `item` has a column of each kind, `part` names that need quoting.
fn tables(dialect: Dialect) -> Vec<LiveTable> {
    let sqlite = dialect == Dialect::Sqlite;
    let either = |sqlite_storage, postgres| if sqlite { sqlite_storage } else { postgres };
    let item = vec![
        live("id", DataType::Int64, Storage::Plain),
        live("name", DataType::Text, Storage::Plain),
        live("code", DataType::Text, either(Storage::CollatedText, Storage::PaddedText(4))),
        live("guid", DataType::Text, either(Storage::Plain, Storage::Uuid)),
        live("price", DECIMAL, Storage::Plain),
        live("mass", DataType::Float64, Storage::Plain),
        live("ok", DataType::Boolean, Storage::Plain),
        live("day", DataType::Date, Storage::Plain),
        live("at", INSTANT, either(Storage::InstantText, Storage::Plain)),
        live("parent", DataType::Int64, Storage::Plain),
        live("parent_guid", DataType::Text, either(Storage::Plain, Storage::Uuid)),
    ];
    let part = vec![
        live("item", DataType::Int64, Storage::Plain),
        live("odd\"; DROP TABLE item; --", DataType::Text, Storage::Plain),
    ];
    let table = |name: &str, table: &str, columns| LiveTable {
        name: name.into(),
        schema: (!sqlite).then(|| "erp".into()),
        table: table.into(),
        query: None,
        typed: !sqlite,
        columns,
    };
    let heavy = vec![
        live("id", DataType::Int64, Storage::Plain),
        live("name", DataType::Text, Storage::CollatedText),
        live("parent", DataType::Int64, Storage::Plain),
    ];
    let query = Some("SELECT id, name, parent FROM item WHERE mass > 5 -- heavy".to_owned());
    let heavy = LiveTable { schema: None, query, ..table("heavy", "heavy", heavy) };
    vec![table("item", "item", item), table("part", "pa\"rt", part), heavy]
}

fn read(table: &str, alias: &str, columns: &[&str]) -> Read {
    let all = tables(Dialect::Sqlite);
    let live = all.iter().find(|t| t.name == table).unwrap();
    let schema = live.columns.iter().map(|c| Field {
        name: c.name.clone(),
        data_type: c.data_type,
        nullable: true,
        native_type: "n".into(),
    });
    Read {
        table: table.into(),
        alias: alias.into(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        schema: schema.collect(),
        filter: None,
        keys: None,
        limit: None,
    }
}

fn col(name: &str) -> Expression {
    Expression::Column(ColumnRef::bare(name))
}

fn compare(name: &str, operator: CompareOperator, value: Value) -> Expression {
    let (left, right) = (Box::new(col(name)), Box::new(Expression::Literal(value)));
    Expression::Compare { operator, left, right }
}

fn eq(name: &str, value: Value) -> Expression {
    compare(name, CompareOperator::Equal, value)
}

fn text(name: &str, operator: TextOperator, pattern: &str) -> Expression {
    Expression::Text { operator, input: Box::new(col(name)), pattern: pattern.into() }
}

fn filtered(filter: Expression) -> Relation {
    Relation::Read(Read { filter: Some(filter), ..read("item", "", &["id"]) })
}

fn boxed(relation: Relation) -> Box<Relation> {
    Box::new(relation)
}

fn text_value(text: &str) -> Value {
    Value::Text(text.into())
}

fn keys(columns: &[&str], arrays: Vec<ArrayRef>) -> Option<KeyBlock> {
    let named = columns.iter().zip(arrays).map(|(name, array)| ((*name).to_owned(), array));
    let keys = RecordBatch::try_from_iter(named.collect::<Vec<_>>()).unwrap();
    Some(KeyBlock { columns: columns.iter().map(|c| (*c).to_owned()).collect(), keys })
}

fn ints(count: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..count))
}

fn texts(count: i64) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values((0..count).map(|i| format!("n\"{i}"))))
}

fn join(kind: JoinKind, left: Relation, right: Relation) -> Relation {
    let on = vec![(ColumnRef::new("i", "id"), ColumnRef::new("p", "item"))];
    Relation::Join { left: boxed(left), right: boxed(right), kind, on }
}

fn sort_key(column: ColumnRef, descending: bool) -> SortKey {
    SortKey { column, descending, nulls_first: !descending }
}

fn items() -> Relation {
    Relation::Read(Read { filter: Some(eq("name", text_value("x"))), ..read("item", "i", &["id", "name"]) })
}

fn parts() -> Relation {
    let odd = "odd\"; DROP TABLE item; --";
    Relation::Read(Read { filter: Some(eq(odd, text_value("y"))), ..read("part", "p", &["item", odd]) })
}

fn aggregate(name: &str, function: AggregateFunction, argument: Option<&str>, distinct: bool) -> Aggregate {
    Aggregate { name: name.into(), function, argument: argument.map(ColumnRef::bare), distinct }
}

const EVERYTHING: [&str; 9] = ["id", "name", "code", "guid", "price", "mass", "ok", "day", "at"];
const UUID: &str = "0e37df36-f698-11e6-8dd4-cb9ced3df976";

type Case = (&'static str, Relation);

fn cases() -> Vec<Case> {
    let plain = [read_cases(), condition_cases(), text_cases(), aggregate_cases(), join_and_sort_cases()];
    [plain.concat(), recurse::cases(), part::cases(), view::cases()].concat()
}

fn read_cases() -> Vec<Case> {
    vec![
        ("read_all_types", Relation::Read(read("item", "", &EVERYTHING))),
        ("read_no_columns", Relation::Read(Read { limit: Some(3), ..read("item", "", &[]) })),
        (
            "keys_one_column",
            Relation::Read(Read { keys: keys(&["id"], vec![ints(1_000)]), ..read("item", "", &["id"]) }),
        ),
        (
            "keys_two_columns",
            Relation::Read(Read { keys: keys(&["id", "name"], vec![ints(2), texts(2)]), ..read("item", "", &["id"]) }),
        ),
        (
            "keys_two_columns_many",
            Relation::Read(Read {
                keys: keys(&["id", "name"], vec![ints(20), texts(20)]),
                ..read("item", "", &["id"])
            }),
        ),
    ]
}

fn condition_cases() -> Vec<Case> {
    use CompareOperator::{Greater, GreaterOrEqual, Less, NotEqual};
    let columns = |operator, left: &str, right: &str| Expression::Compare {
        operator,
        left: Box::new(col(left)),
        right: Box::new(col(right)),
    };
    let conditions = Expression::And(vec![
        eq("id", Value::Int64(7)),
        Expression::Or(vec![
            compare("price", Less, Value::Decimal { unscaled: 12_500, scale: 3 }),
            compare("mass", Greater, Value::Float64(1.5)),
            Expression::IsNull(Box::new(col("name"))),
        ]),
        Expression::Not(Box::new(eq("ok", Value::Boolean(true)))),
        compare("day", GreaterOrEqual, Value::Date(17_227)),
        compare("at", Less, Value::Timestamp(1_000_000)),
        compare("name", Greater, text_value("m")),
        columns(NotEqual, "mass", "mass"),
    ]);
    vec![
        ("conditions", filtered(conditions)),
        ("in_nothing", filtered(Expression::In { input: Box::new(col("name")), values: vec![] })),
    ]
}

fn text_cases() -> Vec<Case> {
    use CompareOperator::{Less, NotEqual};
    vec![
        (
            "text_operators",
            filtered(Expression::And(vec![
                text("name", TextOperator::StartsWith, "a*%_\\["),
                text("name", TextOperator::EndsWith, "é"),
                text("code", TextOperator::Contains, "100%"),
            ])),
        ),
        (
            "text_nul",
            filtered(Expression::Or(vec![
                eq("name", text_value("a\0b")),
                compare("name", Less, text_value("a\0b")),
                text("name", TextOperator::Contains, "\0"),
            ])),
        ),
        (
            "uuid_and_char",
            filtered(Expression::And(vec![
                eq("guid", text_value(UUID)),
                compare("guid", NotEqual, text_value("no uuid")),
                eq("code", text_value("ab  ")),
                eq("code", text_value("ab")),
            ])),
        ),
        (
            "in_few",
            filtered(Expression::In { input: Box::new(col("guid")), values: vec![text_value(UUID), text_value("x")] }),
        ),
    ]
}

fn aggregate_cases() -> Vec<Case> {
    let aggregated = Relation::Aggregate {
        input: boxed(Relation::Read(read("item", "", &EVERYTHING))),
        group: vec![ColumnRef::bare("name")],
        aggregates: vec![
            aggregate("rows", AggregateFunction::Count, None, false),
            aggregate("names", AggregateFunction::Count, Some("code"), true),
            aggregate("total", AggregateFunction::Sum, Some("id"), false),
            aggregate("prices", AggregateFunction::Sum, Some("price"), true),
            aggregate("masses", AggregateFunction::Sum, Some("mass"), false),
            aggregate("first", AggregateFunction::Min, Some("code"), false),
            aggregate("any", AggregateFunction::Max, Some("ok"), false),
        ],
    };
    let having = Relation::Filter {
        input: boxed(aggregated.clone()),
        predicate: compare("rows", CompareOperator::Greater, Value::Int64(1)),
    };
    vec![("aggregate", aggregated), ("having", having)]
}

fn join_and_sort_cases() -> Vec<Case> {
    let sorted = Relation::Sort {
        input: boxed(Relation::Read(read("item", "", &["name", "at"]))),
        keys: vec![sort_key(ColumnRef::bare("name"), true), sort_key(ColumnRef::bare("at"), false)],
    };
    let topped = Relation::Limit { input: boxed(sorted.clone()), offset: 5, count: Some(10) };
    let nested = Relation::Distinct {
        input: boxed(Relation::Project {
            input: boxed(join(
                JoinKind::Inner,
                items(),
                Relation::Limit { input: boxed(parts()), offset: 2, count: None },
            )),
            columns: vec![ProjectColumn::of("n", ColumnRef::new("i", "name"))],
        }),
    };
    vec![
        ("join_inner", join(JoinKind::Inner, items(), parts())),
        ("join_left", join(JoinKind::Left, items(), parts())),
        ("join_limited_distinct", nested),
        ("sort", sorted.clone()),
        ("sort_limit_sort", Relation::Sort { input: boxed(topped), keys: vec![sort_key(ColumnRef::bare("at"), true)] }),
        (
            "distinct_sort",
            Relation::Sort {
                input: boxed(Relation::Distinct { input: boxed(Relation::Read(read("item", "", &["code"]))) }),
                keys: vec![sort_key(ColumnRef::bare("code"), false)],
            },
        ),
    ]
}

fn shown(relation: &Relation) -> String {
    let mut out = String::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let statement = lower(relation, dialect, &tables(dialect), SIZE).unwrap();
        writeln!(out, "-- {dialect:?}\n{}", statement.sql).unwrap();
        for (i, parameter) in statement.parameters.iter().enumerate() {
            let text = format!("{parameter:?}");
            let short: String = text.chars().take(100).collect();
            writeln!(out, "-- {}: {short}{}", i + 1, if short.len() < text.len() { "…" } else { "" }).unwrap();
        }
    }
    out
}

#[test]
fn statements_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut wrong = Vec::new();
    for (name, relation) in cases() {
        let path = folder.join(format!("{name}.sql"));
        let now = shown(&relation);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &now).unwrap();
        }
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        if recorded != now {
            wrong.push(format!("{name}\n--- recorded\n{recorded}--- now\n{now}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn error(relation: &Relation) -> (Code, String) {
    let error = lower(relation, Dialect::Sqlite, &tables(Dialect::Sqlite), SIZE).unwrap_err();
    (error.code, error.message)
}

#[test]
fn what_does_not_fit_together_is_refused_by_name() {
    for (relation, code, part) in [
        (filtered(eq("id", text_value("7"))), Code::InvalidRequest, "\"id\" is of type int64"),
        (filtered(eq("nope", Value::Int64(7))), Code::InvalidRequest, "\"nope\""),
        (filtered(col("name")), Code::InvalidRequest, "\"name\" of type text is not a condition"),
        (filtered(text("id", TextOperator::Contains, "x")), Code::InvalidRequest, "\"id\" is of type int64"),
        (
            filtered(Expression::In { input: Box::new(col("id")), values: vec![Value::Date(1)] }),
            Code::InvalidRequest,
            "\"id\"",
        ),
        (Relation::Read(Read { table: "gone".into(), ..read("item", "", &["id"]) }), Code::SchemaChanged, "\"gone\""),
        (
            Relation::Read(Read { keys: keys(&["id"], vec![texts(1)]), ..read("item", "", &["id"]) }),
            Code::InvalidRequest,
            "\"id\"",
        ),
        (
            Relation::Read(Read { keys: keys(&["id"], vec![ints(10_001)]), ..read("item", "", &["id"]) }),
            Code::InvalidRequest,
            "10001 keys",
        ),
        (
            Relation::Aggregate { input: boxed(items()), group: vec![], aggregates: vec![] },
            Code::InvalidRequest,
            "group",
        ),
        (
            Relation::Aggregate {
                input: boxed(Relation::Read(read("item", "", &["name"]))),
                group: vec![],
                aggregates: vec![aggregate("s", AggregateFunction::Sum, Some("name"), false)],
            },
            Code::InvalidRequest,
            "sum",
        ),
    ] {
        let (found, message) = error(&relation);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(part), "{message:?} should contain {part:?}");
    }
}

#[test]
fn a_changed_column_is_noticed() {
    for (change, part) in [
        (Field { name: "id".into(), data_type: DataType::Text, nullable: true, native_type: "n".into() }, "is now"),
        (Field { name: "id".into(), data_type: DataType::Int64, nullable: true, native_type: "m".into() }, "is now n"),
        (Field { name: "id".into(), data_type: DataType::Int64, nullable: false, native_type: "n".into() }, "null"),
        (
            Field { name: "id2".into(), data_type: DataType::Int64, nullable: true, native_type: "n".into() },
            "no longer",
        ),
    ] {
        let (code, message) = error(&Relation::Read(Read { schema: vec![change], ..read("item", "", &[]) }));
        assert_eq!(code, Code::SchemaChanged);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_before_it_is_looked_at() {
    let deep = (0..200_000).fold(col("ok"), |inner, _| Expression::Not(Box::new(inner)));
    let relation = filtered(deep);
    let (code, message) = error(&relation);
    assert_eq!(code, Code::LimitExceeded, "{message}");
    // Dropping so deep a tree recurses.
    std::mem::forget(relation);
    let wide = Expression::Or((0..20_001).map(|i| eq("id", Value::Int64(i))).collect());
    assert_eq!(error(&filtered(wide)).0, Code::LimitExceeded);
}
