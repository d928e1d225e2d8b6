#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::scenario::{describe, offer_everything, plain_column, plain_table};
use weft_model::contract::{
    Binding, Capability, ColumnRef, CompareOperator, DataType, Expression, Field, FilterCapability, FilterOperation,
    Read, TextComparison, Value,
};

fn rows() -> Vec<Row> {
    let text = |t: &str| Some(Value::Text(t.into()));
    vec![
        vec![Some(Value::Int64(1)), text("bolt")],
        vec![Some(Value::Int64(2)), text("BOLT ")],
        vec![Some(Value::Int64(3)), None],
        vec![Some(Value::Int64(4)), text("nut")],
    ]
}

fn description() -> Description {
    let columns = vec![plain_column("id", DataType::Int64, false), plain_column("name", DataType::Text, true)];
    let mut description = describe(vec![plain_table("items", columns, &["id"])]);
    offer_everything(&mut description, 2);
    description
}

fn connector(change: impl FnOnce(&mut Description)) -> MemoryConnector {
    let mut description = description();
    change(&mut description);
    MemoryConnector::new(description, vec![rows()], 1)
}

fn read(filter: Option<Expression>) -> Read {
    let field = |name: &str, data_type: DataType| Field {
        name: name.into(),
        data_type,
        nullable: name == "name",
        native_type: format!("memory {data_type}"),
    };
    Read {
        table: "items".into(),
        alias: String::new(),
        columns: vec!["id".into()],
        schema: vec![field("id", DataType::Int64), field("name", DataType::Text)],
        filter,
        keys: None,
        limit: None,
    }
}

fn compare(operator: CompareOperator, name: &str, value: Value) -> Expression {
    let left = Box::new(Expression::Column(ColumnRef::bare(name)));
    Expression::Compare { operator, left, right: Box::new(Expression::Literal(value)) }
}

fn ids(connector: &MemoryConnector, read: Read) -> Result<Vec<i64>, ContractError> {
    let rows = connector.evaluate(&Relation::Read(read))?;
    let mut ids: Vec<i64> = rows
        .iter()
        .map(|row| match row[0] {
            Some(Value::Int64(n)) => n,
            _ => 0,
        })
        .collect();
    ids.sort_unstable();
    Ok(ids)
}

fn set_level(description: &mut Description, operation: FilterOperation, level: Capability) {
    let filters = &mut description.tables[0].filters;
    filters.retain(|filter| filter.operation != operation);
    filters.push(FilterCapability { operation, data_type: None, level });
}

#[test]
fn null_is_neither_equal_nor_unequal() {
    let connector = connector(|_| {});
    let bolt = || compare(CompareOperator::Equal, "name", Value::Text("bolt".into()));
    assert_eq!(ids(&connector, read(Some(bolt()))).unwrap(), [1]);
    assert_eq!(ids(&connector, read(Some(Expression::Not(Box::new(bolt()))))).unwrap(), [2, 4]);
    let other = compare(CompareOperator::NotEqual, "name", Value::Text("bolt".into()));
    assert_eq!(ids(&connector, read(Some(other))).unwrap(), [2, 4]);
}

#[test]
fn a_superset_has_all_the_rows_and_more() {
    let careless = connector(|d| set_level(d, FilterOperation::Equal, Capability::Superset));
    let bolt = compare(CompareOperator::Equal, "name", Value::Text("bolt".into()));
    assert_eq!(ids(&careless, read(Some(bolt))).unwrap(), [1, 2]);
    let two = compare(CompareOperator::Equal, "id", Value::Int64(2));
    assert_eq!(ids(&careless, read(Some(two))).unwrap(), [1, 2, 3]);
    let hint = connector(|d| d.relational.limit = Capability::Superset);
    assert!(ids(&hint, Read { limit: Some(1), ..read(None) }).unwrap().len() > 1);
}

#[test]
fn what_is_not_offered_is_refused() {
    let bolt = || Some(compare(CompareOperator::Equal, "name", Value::Text("bolt".into())));
    let cases: [(&str, MemoryConnector, Read); 6] = [
        ("operation", connector(|d| set_level(d, FilterOperation::Equal, Capability::None)), read(bolt())),
        ("column", connector(|d| d.tables[0].columns[1].filterable = false), read(bolt())),
        ("binding", connector(|d| d.tables[0].columns[0].binding = Binding::Required), read(None)),
        ("limit", connector(|d| d.relational.limit = Capability::None), Read { limit: Some(1), ..read(None) }),
        ("type", connector(|_| {}), read(Some(compare(CompareOperator::Equal, "id", Value::Text("1".into()))))),
        ("literal", connector(|_| {}), read(Some(Expression::Literal(Value::Boolean(true))))),
    ];
    for (what, connector, read) in cases {
        let error = ids(&connector, read).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest, "{what}: {error}");
    }
}

/// Pairs with a cycle, a loop, a pair that comes twice and pairs with a null.
fn links() -> (Description, Vec<Row>) {
    let columns = ["parent", "child"].map(|name| plain_column(name, DataType::Int64, true)).to_vec();
    let mut description = describe(vec![plain_table("links", columns, &[])]);
    offer_everything(&mut description, 2);
    let pairs = [(Some(1), Some(2)), (Some(2), Some(3)), (Some(3), Some(1)), (Some(3), Some(4)), (Some(4), None)];
    let more = [(None, Some(1)), (Some(5), Some(5)), (Some(6), Some(5)), (Some(6), Some(5))];
    let rows = pairs.iter().chain(&more).map(|(a, b)| vec![a.map(Value::Int64), b.map(Value::Int64)]).collect();
    (description, rows)
}

fn closure(start: Option<&[i64]>) -> Relation {
    let field = |name: &str| Field {
        name: name.into(),
        data_type: DataType::Int64,
        nullable: true,
        native_type: "memory int64".into(),
    };
    let columns = || vec!["parent".to_owned(), "child".to_owned()];
    let schema = vec![field("parent"), field("child")];
    let read = Read {
        table: "links".into(),
        alias: String::new(),
        columns: columns(),
        schema,
        filter: None,
        keys: None,
        limit: None,
    };
    let block = |keys: &[i64]| {
        let array = std::sync::Arc::new(arrow_array::Int64Array::from(keys.to_vec()));
        let keys = arrow_array::RecordBatch::try_from_iter([("parent", array as arrow_array::ArrayRef)]).unwrap();
        weft_model::contract::KeyBlock { columns: vec!["parent".into()], keys }
    };
    Relation::Recurse {
        step: Box::new(Relation::Read(read)),
        from: vec![ColumnRef::bare("parent")],
        to: vec![ColumnRef::bare("child")],
        start: start.map(block),
    }
}

#[test]
fn a_closure_has_every_pair_that_some_way_joins_once() {
    let (description, rows) = links();
    let connector = MemoryConnector::new(description, vec![rows.clone()], 1);
    let pairs = |start: Option<&[i64]>| {
        let rows = connector.evaluate(&closure(start)).unwrap();
        let pair = |row: &Row| match (&row[0], &row[1]) {
            (Some(Value::Int64(a)), Some(Value::Int64(b))) => (*a, *b),
            other => panic!("{other:?}"),
        };
        let mut pairs: Vec<(i64, i64)> = rows.iter().map(pair).collect();
        pairs.sort_unstable();
        pairs
    };
    let cycle = |from: i64| (1..=4).map(move |to| (from, to));
    let mut all: Vec<_> = (1..=3).flat_map(cycle).collect();
    all.extend([(5, 5), (6, 5)]);
    assert_eq!(pairs(None), all);
    assert_eq!(pairs(Some(&[2, 6])), cycle(2).chain([(6, 5)]).collect::<Vec<_>>());
    assert!(pairs(Some(&[4, 7])).is_empty());
    let refused =
        |connector: &MemoryConnector, start: &[i64]| connector.evaluate(&closure(Some(start))).unwrap_err().code;
    assert_eq!(refused(&connector, &[1, 2, 3]), Code::InvalidRequest, "more keys than the table takes");
    let (mut description, _) = links();
    description.relational.recurse = false;
    assert_eq!(refused(&MemoryConnector::new(description, vec![rows], 1), &[1]), Code::InvalidRequest, "not offered");
}

#[test]
fn a_column_that_is_not_as_described_is_a_changed_schema() {
    let connector = connector(|_| {});
    let mut read = read(None);
    read.schema[0].data_type = DataType::Text;
    assert_eq!(ids(&connector, read).unwrap_err().code, Code::SchemaChanged);
}

#[test]
fn key_blocks_are_bounded_and_folded_as_the_source_compares() {
    let block = |names: &[&str]| {
        let array = std::sync::Arc::new(names.iter().map(|n| Some(*n)).collect::<arrow_array::StringViewArray>());
        let batch = arrow_array::RecordBatch::try_from_iter([("name", array as arrow_array::ArrayRef)]).unwrap();
        Some(weft_model::contract::KeyBlock { columns: vec!["name".into()], keys: batch })
    };
    let exact = connector(|_| {});
    assert_eq!(ids(&exact, Read { keys: block(&["bolt", "nut"]), ..read(None) }).unwrap(), [1, 4]);
    for keys in [&["a", "b", "c"][..], &["a", "a"]] {
        assert_eq!(ids(&exact, Read { keys: block(keys), ..read(None) }).unwrap_err().code, Code::InvalidRequest);
    }
    let folding = connector(|d| d.tables[0].columns[1].text_comparison = TextComparison::CaseInsensitive);
    assert_eq!(ids(&folding, Read { keys: block(&["bolt"]), ..read(None) }).unwrap(), [1, 2]);
}
