//! Random relations over given tables, each with an answer that is determined but for the order of rows.

use crate::memory::Row;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow_schema::{Field as ArrowField, Schema};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use std::sync::Arc;
use weft_model::contract::{
    Aggregate, AggregateFunction, Column, ColumnRef, CompareOperator, DataType, Expression, Field, JoinKind, KeyBlock,
    ProjectColumn, Read, Relation, SortKey, Table, TextOperator, TimePart, Value,
};

/// Draws relations over some tables and their rows.
pub struct RelationGenerator<'a> {
    tables: &'a [Table],
    rows: &'a [Vec<Row>],
}

impl<'a> RelationGenerator<'a> {
    pub fn new(tables: &'a [Table], rows: &'a [Vec<Row>]) -> Self {
        Self { tables, rows }
    }

    /// A relation of one to three tables with up to three operators above.
    pub fn relation(&self, rng: &mut StdRng) -> Relation {
        let mut relation = self.read(rng, "t0");
        for number in 1..*[1, 1, 2, 2, 3].choose(rng).unwrap_or(&1) {
            relation = self.join(rng, relation, number);
        }
        for _ in 0..rng.random_range(0..4) {
            relation = self.above(rng, relation);
        }
        relation
    }

    fn read(&self, rng: &mut StdRng, alias: &str) -> Relation {
        let number = rng.random_range(0..self.tables.len());
        let (table, rows) = (&self.tables[number], &self.rows[number]);
        let count = rng.random_range(1..=table.columns.len());
        let columns = table.columns.choose_multiple(rng, count).map(|column| column.name.clone()).collect();
        let filter = rng.random_bool(0.6).then(|| condition(rng, table, rows, 2));
        let keys = if rng.random_bool(0.3) { key_block(rng, table, rows) } else { None };
        Relation::Read(Read {
            table: table.name.clone(),
            alias: alias.to_owned(),
            columns,
            schema: table.columns.iter().map(field).collect(),
            filter,
            keys,
            limit: None,
        })
    }

    /// Joins another table on columns of one type; without such columns the relation stays as it is.
    fn join(&self, rng: &mut StdRng, left: Relation, number: usize) -> Relation {
        let right = self.read(rng, &format!("t{number}"));
        let (Ok(ours), Ok(theirs)) = (left.fields(), right.fields()) else { return left };
        let pairs: Vec<(ColumnRef, ColumnRef)> = ours
            .iter()
            .flat_map(|(l, a)| {
                let same = theirs.iter().filter(move |(_, b)| a.data_type == b.data_type);
                same.map(move |(r, _)| (l.clone(), r.clone()))
            })
            .collect();
        if pairs.is_empty() {
            return left;
        }
        let count = rng.random_range(1..=pairs.len().min(2));
        let on = pairs.choose_multiple(rng, count).cloned().collect();
        let kind = if rng.random_bool(0.6) { JoinKind::Inner } else { JoinKind::Left };
        Relation::Join { left: Box::new(left), right: Box::new(right), kind, on }
    }

    fn above(&self, rng: &mut StdRng, input: Relation) -> Relation {
        let Ok(fields) = input.fields() else { return input };
        let input = Box::new(input);
        match rng.random_range(0..5) {
            4 => self.recursion(rng, input, &fields),
            0 => {
                let count = rng.random_range(1..=fields.len());
                let chosen: Vec<_> = fields.choose_multiple(rng, count).collect();
                let columns = chosen.into_iter().enumerate().map(|(i, (column, field))| ProjectColumn {
                    name: format!("p{i}"),
                    column: column.clone(),
                    part: time_part(rng, field.data_type),
                });
                Relation::Project { columns: columns.collect(), input }
            }
            1 => Relation::Distinct { input },
            2 => aggregate(rng, input, &fields),
            _ => sorted(rng, input, &fields),
        }
    }

    /// The closure from one column to another of its type, perhaps from some keys only.
    fn recursion(&self, rng: &mut StdRng, step: Box<Relation>, fields: &[(ColumnRef, Field)]) -> Relation {
        let is_pair = |(a, f): &(ColumnRef, Field), (b, g): &(ColumnRef, Field)| {
            a.name != b.name && f.data_type == g.data_type && f.data_type != DataType::Float64
        };
        let pairs = fields.iter().flat_map(|a| fields.iter().filter(move |b| is_pair(a, b)).map(move |b| (a, b)));
        let pairs: Vec<_> = pairs.collect();
        let Some(((from, field), (to, _))) = pairs.choose(rng) else { return *step };
        let start = if rng.random_bool(0.5) { self.start(rng, &from.name, field.data_type) } else { None };
        Relation::Recurse { step, from: vec![from.clone()], to: vec![to.clone()], start }
    }

    fn start(&self, rng: &mut StdRng, name: &str, data_type: DataType) -> Option<KeyBlock> {
        let kind = data_type.kind();
        let mut values: Vec<&Value> =
            self.rows.iter().flatten().flatten().flatten().filter(|value| value.kind() == kind).collect();
        values.shuffle(rng);
        let mut keys: Vec<Vec<Value>> = Vec::new();
        for value in values.into_iter().take(4) {
            if !keys.iter().flatten().any(|known| known == value) {
                keys.push(vec![value.clone()]);
            }
        }
        let is_key = matches!(data_type, DataType::Int64 | DataType::Text);
        if is_key { block(&[(name, data_type)], &keys) } else { None }
    }
}

/// A part that the type has, for half of the columns that have one.
fn time_part(rng: &mut StdRng, data_type: DataType) -> Option<TimePart> {
    let parts: Vec<TimePart> = TimePart::ALL.into_iter().filter(|part| part.is_part_of(data_type)).collect();
    parts.choose(rng).copied().filter(|_| rng.random_bool(0.5))
}

fn field(column: &Column) -> Field {
    Field {
        name: column.name.clone(),
        data_type: column.data_type,
        nullable: column.nullable,
        native_type: column.native_type.clone(),
    }
}

/// A sort by every column, which leaves nothing open, and perhaps a limit above.
fn sorted(rng: &mut StdRng, input: Box<Relation>, fields: &[(ColumnRef, Field)]) -> Relation {
    if fields.iter().any(|(_, field)| field.data_type == DataType::Binary) {
        return *input;
    }
    let key = |(column, _): &(ColumnRef, Field)| SortKey {
        column: column.clone(),
        descending: rng.random(),
        nulls_first: rng.random(),
    };
    let sort = Relation::Sort { input, keys: fields.iter().map(key).collect() };
    if rng.random_bool(0.5) {
        return sort;
    }
    let count = rng.random_bool(0.8).then(|| rng.random_range(0..6));
    Relation::Limit { input: Box::new(sort), offset: rng.random_range(0..3), count }
}

fn aggregate(rng: &mut StdRng, input: Box<Relation>, fields: &[(ColumnRef, Field)]) -> Relation {
    let count = rng.random_range(0..=fields.len().min(2));
    let group: Vec<ColumnRef> = fields.choose_multiple(rng, count).map(|(column, _)| column.clone()).collect();
    let mut aggregates = Vec::new();
    for number in 0..rng.random_range(1..4) {
        let Some((column, field)) = fields.choose(rng) else { break };
        let is_number = matches!(field.data_type, DataType::Int64 | DataType::Decimal { .. });
        let function = match rng.random_range(0..4) {
            0 if is_number => AggregateFunction::Sum,
            1 if field.data_type != DataType::Binary => AggregateFunction::Min,
            2 if field.data_type != DataType::Binary => AggregateFunction::Max,
            _ => AggregateFunction::Count,
        };
        let whole = function == AggregateFunction::Count && rng.random_bool(0.4);
        aggregates.push(Aggregate {
            name: format!("a{number}"),
            function,
            argument: (!whole).then(|| column.clone()),
            distinct: !whole && rng.random_bool(0.3),
        });
    }
    Relation::Aggregate { input, group, aggregates }
}

fn condition(rng: &mut StdRng, table: &Table, rows: &[Row], depth: usize) -> Expression {
    if depth > 0 && rng.random_bool(0.45) {
        let parts = (0..rng.random_range(1..4)).map(|_| condition(rng, table, rows, depth - 1)).collect();
        return match rng.random_range(0..3) {
            0 => Expression::And(parts),
            1 => Expression::Or(parts),
            _ => Expression::Not(Box::new(Expression::And(parts))),
        };
    }
    let index = rng.random_range(0..table.columns.len());
    let column = &table.columns[index];
    let input = Box::new(Expression::Column(ColumnRef::bare(&column.name)));
    let Some(value) = sample(rng, rows, index) else { return Expression::IsNull(input) };
    match (rng.random_range(0..10), &value) {
        (0, _) => Expression::IsNull(input),
        (1, _) => Expression::In { input, values: (0..3).filter_map(|_| sample(rng, rows, index)).collect() },
        (2..5, Value::Text(text)) => {
            let operators = [TextOperator::StartsWith, TextOperator::EndsWith, TextOperator::Contains];
            let operator = operators.choose(rng).copied().unwrap_or(TextOperator::Contains);
            let pattern = text.chars().skip(rng.random_range(0..2)).take(rng.random_range(0..3)).collect();
            Expression::Text { operator, input, pattern }
        }
        (5, _) => {
            let same: Vec<&Column> = table.columns.iter().filter(|c| c.data_type == column.data_type).collect();
            let other = same.choose(rng).map_or(&column.name, |c| &c.name);
            let right = Box::new(Expression::Column(ColumnRef::bare(other)));
            Expression::Compare { operator: operator(rng, column), left: input, right }
        }
        _ => Expression::Compare {
            operator: operator(rng, column),
            left: input,
            right: Box::new(Expression::Literal(value)),
        },
    }
}

/// Binary values have no order.
fn operator(rng: &mut StdRng, column: &Column) -> CompareOperator {
    let all = [
        CompareOperator::Equal,
        CompareOperator::NotEqual,
        CompareOperator::Less,
        CompareOperator::LessOrEqual,
        CompareOperator::Greater,
        CompareOperator::GreaterOrEqual,
    ];
    let offered = if column.data_type == DataType::Binary { &all[..2] } else { &all[..] };
    offered.choose(rng).copied().unwrap_or(CompareOperator::Equal)
}

/// A value of the column, if some row has one.
fn sample(rng: &mut StdRng, rows: &[Row], index: usize) -> Option<Value> {
    let values: Vec<&Value> = rows.iter().filter_map(|row| row[index].as_ref()).collect();
    values.choose(rng).map(|value| (*value).clone())
}

/// Some keys that are there and some that are not, of text and integer columns.
fn key_block(rng: &mut StdRng, table: &Table, rows: &[Row]) -> Option<KeyBlock> {
    let is_key = |column: &Column| matches!(column.data_type, DataType::Int64 | DataType::Text);
    let candidates: Vec<usize> = (0..table.columns.len()).filter(|i| is_key(&table.columns[*i])).collect();
    let count = rng.random_range(1..=2).min(candidates.len());
    let mut chosen: Vec<usize> = candidates.choose_multiple(rng, count).copied().collect();
    chosen.sort_unstable();
    if chosen.is_empty() {
        return None;
    }
    let mut keys: Vec<Vec<Value>> = Vec::new();
    for _ in 0..rng.random_range(1..5) {
        let key: Option<Vec<Value>> = chosen.iter().map(|i| sample(rng, rows, *i)).collect();
        if let Some(key) = key.filter(|key| !keys.contains(key)) {
            keys.push(key);
        }
    }
    let columns: Vec<(&str, DataType)> =
        chosen.iter().map(|i| (table.columns[*i].name.as_str(), table.columns[*i].data_type)).collect();
    block(&columns, &keys)
}

fn block(columns: &[(&str, DataType)], keys: &[Vec<Value>]) -> Option<KeyBlock> {
    let array = |position: usize| -> ArrayRef {
        let values = keys.iter().map(|key| &key[position]);
        if columns[position].1 == DataType::Int64 {
            Arc::new(Int64Array::from_iter(values.map(|v| if let Value::Int64(n) = v { Some(*n) } else { None })))
        } else {
            let text = |v: &Value| if let Value::Text(text) = v { Some(text.clone()) } else { None };
            Arc::new(values.map(text).collect::<StringViewArray>())
        }
    };
    let arrays: Vec<ArrayRef> = (0..columns.len()).map(array).collect();
    let columns: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let fields: Vec<ArrowField> = columns
        .iter()
        .zip(&arrays)
        .map(|(name, array)| ArrowField::new(name, array.data_type().clone(), false))
        .collect();
    let keys = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).ok()?;
    Some(KeyBlock { columns, keys })
}
