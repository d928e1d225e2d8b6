#![allow(clippy::unwrap_used)]
use super::*;
use weft_model::contract::{CompareOperator, Value};

fn read(table: &str, filter: Option<Expression>) -> Read {
    Read {
        table: table.to_owned(),
        alias: String::new(),
        columns: vec!["id".to_owned()],
        schema: Vec::new(),
        filter,
        keys: None,
        limit: None,
    }
}

fn equal(column: &str, value: i64) -> Expression {
    Expression::Compare {
        operator: CompareOperator::Equal,
        left: Box::new(Expression::Column(ColumnRef::bare(column))),
        right: Box::new(Expression::Literal(Value::Int64(value))),
    }
}

#[test]
fn constants_order_and_columns_read_make_no_difference() {
    let one = read("t", Some(Expression::And(vec![equal("a", 1), equal("b", 2)])));
    let other = Read {
        columns: vec!["x".to_owned(), "y".to_owned()],
        ..read("t", Some(Expression::And(vec![equal("b", 7), equal("a", 3)])))
    };
    let shape = shape_of(&Relation::Read(one)).unwrap();
    assert_eq!(Some(&shape), shape_of(&Relation::Read(other)).as_ref());
    assert!(shape.has_constants, "{shape:?}");
}

#[test]
fn tables_conditions_and_keys_do() {
    let shapes = [
        read("t", None),
        read("u", None),
        read("t", Some(equal("a", 1))),
        read("t", Some(equal("b", 1))),
        read("t", Some(Expression::IsNull(Box::new(Expression::Column(ColumnRef::bare("a")))))),
    ]
    .map(|read| shape_of(&Relation::Read(read)).unwrap());
    for (i, shape) in shapes.iter().enumerate() {
        assert!(shapes[i + 1..].iter().all(|other| other.text != shape.text), "{shape:?}");
    }
    assert!(!shapes[0].has_constants && shapes[2].has_constants && !shapes[4].has_constants, "{shapes:?}");
}

#[test]
fn names_cannot_pass_for_conditions() {
    let strange = read("t\"[] * =\"u", None);
    let join = Relation::Join {
        left: Box::new(Relation::Read(read("t", None))),
        right: Box::new(Relation::Read(read("u", None))),
        kind: weft_model::contract::JoinKind::Inner,
        on: Vec::new(),
    };
    assert_ne!(shape_of(&Relation::Read(strange)), shape_of(&join));
}

#[test]
fn what_leaves_rows_out_or_computes_them_says_nothing() {
    let whole = || Box::new(Relation::Read(read("t", None)));
    let first = Relation::Limit { input: whole(), offset: 0, count: Some(3) };
    let distinct = Relation::Distinct { input: whole() };
    let groups = Relation::Aggregate { input: whole(), group: Vec::new(), aggregates: Vec::new() };
    let limited = Relation::Read(Read { limit: Some(3), ..read("t", None) });
    for relation in [first, distinct, groups, limited] {
        assert_eq!(shape_of(&relation), None, "{relation:?}");
    }
    let sorted = Relation::Sort { input: whole(), keys: Vec::new() };
    assert_eq!(shape_of(&sorted), shape_of(&whole()));
}
