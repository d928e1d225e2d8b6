//! Relations, written down with few words.

use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, Expression, Field, JoinKind, KeyBlock, ProjectColumn,
    Read, Relation, SortKey, Table, TextOperator, TimePart, Value,
};

/// A read of one table.
pub(super) struct Reading(Read);

impl Reading {
    pub(super) fn new(table: &Table, columns: &[&str]) -> Self {
        let field = |column: &weft_model::contract::Column| Field {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: column.nullable,
            native_type: column.native_type.clone(),
        };
        Self(Read {
            table: table.name.clone(),
            alias: String::new(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            schema: table.columns.iter().map(field).collect(),
            filter: None,
            keys: None,
            limit: None,
        })
    }

    pub(super) fn named(mut self, alias: &str) -> Self {
        self.0.alias = alias.to_owned();
        self
    }

    pub(super) fn filtered(mut self, filter: Expression) -> Self {
        self.0.filter = Some(filter);
        self
    }

    pub(super) fn keyed(mut self, keys: KeyBlock) -> Self {
        self.0.keys = Some(keys);
        self
    }

    pub(super) fn limited(mut self, rows: u64) -> Self {
        self.0.limit = Some(rows);
        self
    }
}

impl From<Reading> for Relation {
    fn from(reading: Reading) -> Self {
        Self::Read(reading.0)
    }
}

pub(super) fn compare(column: &str, operator: CompareOperator, value: Value) -> Expression {
    Expression::Compare {
        operator,
        left: Box::new(Expression::Column(ColumnRef::bare(column))),
        right: Box::new(Expression::Literal(value)),
    }
}

pub(super) fn equal(column: &str, value: Value) -> Expression {
    compare(column, CompareOperator::Equal, value)
}

pub(super) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(super) fn starts_with(column: &str, pattern: &str) -> Expression {
    Expression::Text {
        operator: TextOperator::StartsWith,
        input: Box::new(Expression::Column(ColumnRef::bare(column))),
        pattern: pattern.to_owned(),
    }
}

/// `function(argument) AS name`; without an argument rows are counted.
pub(super) fn aggregate(name: &str, function: AggregateFunction, argument: Option<&str>) -> Aggregate {
    Aggregate { name: name.to_owned(), function, argument: argument.map(ColumnRef::bare), distinct: false }
}

pub(super) fn grouped(input: impl Into<Relation>, group: &[&str], aggregates: Vec<Aggregate>) -> Relation {
    let group = group.iter().map(|column| ColumnRef::bare(*column)).collect();
    Relation::Aggregate { input: Box::new(input.into()), group, aggregates }
}

/// The rows with the greatest values.
pub(super) fn greatest(input: impl Into<Relation>, column: &str, rows: u64) -> Relation {
    let keys = vec![SortKey { column: ColumnRef::bare(column), descending: true, nulls_first: false }];
    let input = Box::new(Relation::Sort { input: Box::new(input.into()), keys });
    Relation::Limit { input, offset: 0, count: Some(rows) }
}

/// All pairs that are connected, starting at keys of `from`.
pub(super) fn closure(step: impl Into<Relation>, from: &str, to: &str, start: KeyBlock) -> Relation {
    let (from, to) = (vec![ColumnRef::bare(from)], vec![ColumnRef::bare(to)]);
    Relation::Recurse { step: Box::new(step.into()), from, to, start: Some(start) }
}

/// An inner join on one pair of columns, each written `alias.column`.
pub(super) fn joined(left: impl Into<Relation>, right: impl Into<Relation>, on: (&str, &str)) -> Relation {
    Relation::Join {
        left: Box::new(left.into()),
        right: Box::new(right.into()),
        kind: JoinKind::Inner,
        on: vec![(qualified(on.0), qualified(on.1))],
    }
}

/// Only these columns, each written `alias.column` and named in their order.
pub(super) fn projected(input: Relation, columns: &[&str]) -> Relation {
    let column = |(place, column): (usize, &&str)| ProjectColumn::of(format!("c{place}"), qualified(column));
    Relation::Project { input: Box::new(input), columns: columns.iter().enumerate().map(column).collect() }
}

/// Parts of a time, each named after itself, and a column beside them.
pub(super) fn time_parts(input: impl Into<Relation>, time: &str, parts: &[TimePart], beside: &str) -> Relation {
    let part =
        |part: &TimePart| ProjectColumn { name: part.to_string(), column: ColumnRef::bare(time), part: Some(*part) };
    let mut columns: Vec<ProjectColumn> = parts.iter().map(part).collect();
    columns.push(ProjectColumn::of(beside, ColumnRef::bare(beside)));
    Relation::Project { input: Box::new(input.into()), columns }
}

fn qualified(column: &str) -> ColumnRef {
    let (alias, name) = column.split_once('.').unwrap_or(("", column));
    ColumnRef::new(alias, name)
}
