//! Random relations over a world.

use crate::world::{Row, World, decimal};
use arrow_array::builder::*;
use arrow_array::{ArrayRef, RecordBatch};
use rand::prelude::*;
use rand::rngs::StdRng;
use std::collections::HashMap;
use std::sync::Arc;
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, DataType, Expression, Field, JoinKind, KeyBlock,
    ProjectColumn, Read, Relation, SortKey, TextOperator, TimePart, TypeKind, Value,
};

type Scope = Vec<(ColumnRef, Field)>;

pub(crate) struct Generator<'a> {
    pub(crate) rng: StdRng,
    pub(crate) world: &'a World,
    /// The fields of each table, by its name in the contract.
    pub(crate) schemas: &'a HashMap<String, Vec<Field>>,
    counter: usize,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(rng: StdRng, world: &'a World, schemas: &'a HashMap<String, Vec<Field>>) -> Self {
        Self { rng, world, schemas, counter: 0 }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{}", self.counter)
    }

    pub(crate) fn relation(&mut self, depth: usize) -> Relation {
        if depth == 0 {
            return self.read();
        }
        match self.rng.random_range(0..11) {
            10 => self.recurse(depth),
            0 => self.read(),
            1 | 2 => self.filter(depth),
            3 => self.project(depth),
            4..=6 => self.join(depth),
            7 => self.aggregate(depth),
            8 => Relation::Distinct { input: Box::new(self.relation(depth - 1)) },
            _ => self.sort(depth),
        }
    }

    fn read(&mut self) -> Relation {
        let mut names: Vec<&String> = self.schemas.keys().collect();
        names.sort();
        let table = (*names.choose(&mut self.rng).unwrap()).clone();
        let schema = self.schemas[&table].clone();
        let mut columns: Vec<String> = schema.iter().map(|f| f.name.clone()).collect();
        columns.shuffle(&mut self.rng);
        let keep = self.rng.random_range(0..=columns.len().min(7));
        columns.truncate(keep);
        let scope: Scope = schema.iter().map(|f| (ColumnRef::bare(&f.name), f.clone())).collect();
        let filter = self.rng.random_bool(0.3).then(|| self.condition(&scope, 3));
        let keys = self.rng.random_bool(0.15).then(|| self.keys(&scope));
        let alias = if self.rng.random_bool(0.8) { self.name("r") } else { self.name("Odd \"alias\" ") };
        Relation::Read(Read { table, alias, columns, schema, filter, keys, limit: None })
    }

    fn filter(&mut self, depth: usize) -> Relation {
        let input = self.relation(depth - 1);
        let scope = input.fields().unwrap();
        let predicate = self.condition(&scope, 3);
        Relation::Filter { input: Box::new(input), predicate }
    }

    fn project(&mut self, depth: usize) -> Relation {
        let input = self.relation(depth - 1);
        let scope = input.fields().unwrap();
        let count = if scope.is_empty() { 0 } else { self.rng.random_range(0..5) };
        let columns = (0..count).map(|_| {
            let (column, field) = scope.choose(&mut self.rng).unwrap().clone();
            let parts: Vec<_> = TimePart::ALL.into_iter().filter(|part| part.is_part_of(field.data_type)).collect();
            let part = parts.choose(&mut self.rng).copied().filter(|_| self.rng.random_bool(0.7));
            ProjectColumn { name: self.name("p"), column, part }
        });
        Relation::Project { columns: columns.collect(), input: Box::new(input) }
    }

    /// Parts of all times of a table, perhaps of its rows in groups, with a condition above or below.
    pub(crate) fn calendar(&mut self) -> Relation {
        let Relation::Read(read) = self.read() else { unreachable!() };
        let columns = ["day", "wall", "at", "j"].map(str::to_owned).into();
        let mut input = Relation::Read(Read { columns, keys: None, ..read });
        if self.rng.random_bool(0.3) {
            input = Relation::Distinct { input: Box::new(input) };
        }
        let mut columns = Vec::new();
        for (column, field) in input.fields().unwrap() {
            let has = |part: &TimePart| part.is_part_of(field.data_type);
            let parts = TimePart::ALL.into_iter().filter(has).map(Some).chain([None]);
            for part in parts.filter(|_| self.rng.random_bool(0.4)).collect::<Vec<_>>() {
                columns.push(ProjectColumn { name: self.name("p"), column: column.clone(), part });
            }
        }
        let parts = Relation::Project { input: Box::new(input), columns };
        let scope = parts.fields().unwrap();
        match self.rng.random_range(0..3) {
            0 => {
                let predicate = self.condition(&scope, 1);
                Relation::Filter { input: Box::new(parts), predicate }
            }
            1 => self.grouped(parts),
            _ => parts,
        }
    }

    fn join(&mut self, depth: usize) -> Relation {
        let (left, right) = (self.relation(depth - 1), self.relation(depth - 1));
        let (l, r) = (left.fields().unwrap(), right.fields().unwrap());
        let kind = if self.rng.random_bool(0.5) { JoinKind::Inner } else { JoinKind::Left };
        let mut pairs = Vec::new();
        for (a, f) in &l {
            for (b, g) in r.iter().filter(|(_, g)| joinable(f.data_type, g.data_type)) {
                let _ = g;
                pairs.push((a.clone(), b.clone()));
            }
        }
        pairs.shuffle(&mut self.rng);
        let count = if self.rng.random_bool(0.1) { 0 } else { self.rng.random_range(1..3) };
        pairs.truncate(count);
        Relation::Join { left: Box::new(left), right: Box::new(right), kind, on: pairs }
    }

    fn aggregate(&mut self, depth: usize) -> Relation {
        let input = self.relation(depth - 1);
        self.grouped(input)
    }

    fn grouped(&mut self, input: Relation) -> Relation {
        let scope = input.fields().unwrap();
        let mut group: Vec<ColumnRef> = scope.iter().map(|(c, _)| c.clone()).collect();
        group.shuffle(&mut self.rng);
        let keep = self.rng.random_range(0..=group.len().min(2));
        group.truncate(keep);
        let count = self.rng.random_range(usize::from(group.is_empty())..4);
        let aggregates = (0..count).map(|_| self.function(&scope)).collect();
        Relation::Aggregate { input: Box::new(input), group, aggregates }
    }

    fn function(&mut self, scope: &Scope) -> Aggregate {
        let name = self.name("a");
        let distinct = self.rng.random_bool(0.3);
        let rows =
            Aggregate { name: name.clone(), function: AggregateFunction::Count, argument: None, distinct: false };
        let Some((column, field)) = scope.choose(&mut self.rng).cloned() else { return rows };
        // Sums of numbers that are not finite depend on the order.
        let summable = field.name != "strange" && field.name != "single";
        let choices: &[AggregateFunction] = match field.data_type.kind() {
            TypeKind::Int64 | TypeKind::Decimal | TypeKind::Float64 if summable => {
                &[AggregateFunction::Sum, AggregateFunction::Min, AggregateFunction::Max, AggregateFunction::Count]
            }
            TypeKind::Binary => &[AggregateFunction::Count],
            _ => &[AggregateFunction::Min, AggregateFunction::Max, AggregateFunction::Count],
        };
        let function = *choices.choose(&mut self.rng).unwrap();
        if self.rng.random_bool(0.2) { rows } else { Aggregate { name, function, argument: Some(column), distinct } }
    }

    /// A total order, so that a limit above it has one answer only.
    fn sort(&mut self, depth: usize) -> Relation {
        let input = self.relation(depth - 1);
        let mut keys: Vec<SortKey> = Vec::new();
        for (column, _) in input.fields().unwrap() {
            let (descending, nulls_first) = (self.rng.random(), self.rng.random());
            keys.push(SortKey { column, descending, nulls_first });
        }
        keys.shuffle(&mut self.rng);
        let sorted = Relation::Sort { input: Box::new(input), keys };
        if self.rng.random_bool(0.4) {
            return sorted;
        }
        let count = self.rng.random_bool(0.8).then(|| self.rng.random_range(0..6));
        Relation::Limit { input: Box::new(sorted), offset: self.rng.random_range(0..3), count }
    }

    fn recurse(&mut self, depth: usize) -> Relation {
        let step = if self.rng.random_bool(0.5) { self.graph() } else { self.relation(depth - 1) };
        self.closure_of(step)
    }

    /// A closure of a table, perhaps with a condition above.
    pub(crate) fn closure(&mut self) -> Relation {
        let step = self.graph();
        let closure = self.closure_of(step);
        if self.rng.random_bool(0.7) {
            return closure;
        }
        let predicate = self.condition(&closure.fields().unwrap(), 2);
        Relation::Filter { input: Box::new(closure), predicate }
    }

    /// With pairs of one or two columns at each end; the rows alone where there are no such columns.
    fn closure_of(&mut self, step: Relation) -> Relation {
        let mut scope = step.fields().unwrap();
        scope.shuffle(&mut self.rng);
        let width = if self.rng.random_bool(0.6) { 1 } else { 2 };
        let (mut from, mut to): (Scope, Scope) = (Vec::new(), Vec::new());
        while let Some((column, field)) = scope.pop() {
            let is_end =
                |(_, f): &(ColumnRef, Field)| f.data_type == field.data_type && f.data_type != DataType::Float64;
            let Some(end) = scope.iter().position(is_end).filter(|_| from.len() < width) else { continue };
            let names: Vec<&String> = from.iter().chain(&to).map(|(c, _)| &c.name).collect();
            let other = &scope[end].0.name;
            if *other == column.name || names.contains(&other) || names.contains(&&column.name) {
                continue;
            }
            to.push(scope.remove(end));
            from.push((column, field));
        }
        if from.is_empty() {
            return Relation::Distinct { input: Box::new(step) };
        }
        let start = self.rng.random_bool(0.5).then(|| self.block(&from));
        let names = |ends: Scope| ends.into_iter().map(|(column, _)| column).collect();
        Relation::Recurse { step: Box::new(step), from: names(from), to: names(to), start }
    }

    /// Columns of one table in pairs that have values in common.
    fn graph(&mut self) -> Relation {
        let Relation::Read(read) = self.read() else { unreachable!() };
        let pairs = [("i", "j"), ("select", "j"), ("ok", "ok2"), ("nocase", "nocase2"), ("guid", "guid2")];
        let mut pairs = [&pairs[..], &[("padded", "padded2"), ("loose", "german")]].concat();
        pairs.retain(|pair| [pair.0, pair.1].iter().all(|name| read.schema.iter().any(|field| field.name == *name)));
        pairs.shuffle(&mut self.rng);
        pairs.truncate(self.rng.random_range(1..3));
        let columns = pairs.iter().flat_map(|pair| [pair.0.to_owned(), pair.1.to_owned()]).collect();
        Relation::Read(Read { columns, keys: None, ..read })
    }

    fn condition(&mut self, scope: &Scope, depth: usize) -> Expression {
        let choice = if depth == 0 { self.rng.random_range(4..10) } else { self.rng.random_range(0..10) };
        let Some((column, field)) = scope.choose(&mut self.rng).cloned() else {
            return Expression::Literal(Value::Boolean(self.rng.random()));
        };
        let input = Box::new(Expression::Column(column.clone()));
        match choice {
            0 | 1 => {
                let count = self.rng.random_range(0..4);
                let terms = (0..count).map(|_| self.condition(scope, depth - 1)).collect();
                if choice == 0 { Expression::And(terms) } else { Expression::Or(terms) }
            }
            2 => Expression::Not(Box::new(self.condition(scope, depth - 1))),
            3 => {
                let count = self.rng.random_range(0..20);
                let values = (0..count).map(|_| self.literal(&field)).collect();
                Expression::In { input, values }
            }
            4 => Expression::IsNull(input),
            5 if field.data_type == DataType::Boolean => *input,
            6 if field.data_type == DataType::Text => {
                let operators = [TextOperator::StartsWith, TextOperator::EndsWith, TextOperator::Contains];
                let Value::Text(pattern) = self.literal(&field) else { unreachable!() };
                Expression::Text { operator: *operators.choose(&mut self.rng).unwrap(), input, pattern }
            }
            7 => {
                let comparable = scope.iter().filter(|(_, f)| joinable(f.data_type, field.data_type));
                let (other, _) = comparable.choose(&mut self.rng).unwrap().clone();
                let operator = self.operator(field.data_type);
                Expression::Compare { operator, left: input, right: Box::new(Expression::Column(other)) }
            }
            _ => {
                let operator = self.operator(field.data_type);
                let literal = Box::new(Expression::Literal(self.literal(&field)));
                let (left, right) = if self.rng.random_bool(0.8) { (input, literal) } else { (literal, input) };
                Expression::Compare { operator, left, right }
            }
        }
    }

    fn operator(&mut self, data_type: DataType) -> CompareOperator {
        use CompareOperator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        let usable = if data_type == DataType::Binary { &all[..2] } else { &all[..] };
        *usable.choose(&mut self.rng).unwrap()
    }

    /// A value like those in the tables, or next to one.
    fn literal(&mut self, field: &Field) -> Value {
        let all: Vec<Value> = self.world.tables.iter().flat_map(|t| &t.columns).flat_map(|c| c.pool.clone()).collect();
        let kind = field.data_type.kind();
        let value = all.into_iter().filter(|v| v.kind() == kind).choose(&mut self.rng).unwrap();
        if self.rng.random_bool(0.7) {
            return value;
        }
        match value {
            Value::Text(text) => Value::Text(match self.rng.random_range(0..4) {
                0 => text.chars().take(1).collect(),
                1 => format!("{text}\0b"),
                2 => "\0".into(),
                _ => text.to_uppercase(),
            }),
            Value::Int64(i) => Value::Int64(i.wrapping_add(1)),
            Value::Decimal { unscaled, scale } => match self.rng.random_range(0..3) {
                0 if scale < 10 => decimal(unscaled * 10_000 + 1, scale + 4),
                1 => Value::Int64(i64::try_from(unscaled / 1_000 % 1_000_000).unwrap()),
                _ => decimal(i128::from(i64::MAX) + 1, 0),
            },
            Value::Float64(f) => Value::Float64(if self.rng.random() { f + 0.5 } else { f64::NAN }),
            Value::Date(d) => Value::Date(*[d + 1, i32::MAX, i32::MIN, 3_000_000].choose(&mut self.rng).unwrap()),
            Value::Timestamp(t) => Value::Timestamp(*[t + 1, i64::MAX, i64::MIN].choose(&mut self.rng).unwrap()),
            other => other,
        }
    }

    fn keys(&mut self, scope: &Scope) -> KeyBlock {
        let count = *[1, 1, 1, 2, 3].choose(&mut self.rng).unwrap();
        let columns: Scope = scope.choose_multiple(&mut self.rng, count).cloned().collect();
        self.block(&columns)
    }

    fn block(&mut self, columns: &Scope) -> KeyBlock {
        let rows = *[0, 3, 10, 40].choose(&mut self.rng).unwrap();
        let mut arrays: Vec<(String, ArrayRef)> = Vec::new();
        for (column, field) in columns {
            let mut values = Vec::new();
            while values.len() < rows {
                let value = self.literal(field);
                if value.kind() == field.data_type.kind() && fits(&value, field.data_type) {
                    values.push(value);
                }
            }
            arrays.push((column.name.clone(), array(field.data_type, &values)));
        }
        let keys = RecordBatch::try_from_iter(arrays).unwrap();
        KeyBlock { columns: columns.iter().map(|(c, _)| c.name.clone()).collect(), keys }
    }
}

fn fits(value: &Value, data_type: DataType) -> bool {
    match (value, data_type) {
        (Value::Decimal { scale, .. }, DataType::Decimal { scale: wanted, .. }) => *scale <= wanted,
        _ => true,
    }
}

fn joinable(a: DataType, b: DataType) -> bool {
    let exact = |t: DataType| matches!(t.kind(), TypeKind::Int64 | TypeKind::Decimal);
    match (a, b) {
        (DataType::Timestamp { zoned }, DataType::Timestamp { zoned: other }) => zoned == other,
        _ => a.kind() == b.kind() || (exact(a) && exact(b)),
    }
}

fn array(data_type: DataType, values: &[Value]) -> ArrayRef {
    macro_rules! build {
        ($builder:expr, $variant:ident) => {{
            let mut builder = $builder;
            for value in values {
                let Value::$variant(v) = value else { unreachable!() };
                builder.append_value(v.clone());
            }
            Arc::new(builder.finish())
        }};
    }
    match data_type {
        DataType::Boolean => build!(BooleanBuilder::new(), Boolean),
        DataType::Int64 => build!(Int64Builder::new(), Int64),
        DataType::Float64 => build!(Float64Builder::new(), Float64),
        DataType::Text => build!(StringViewBuilder::new(), Text),
        DataType::Date => build!(Date32Builder::new(), Date),
        DataType::Binary => build!(BinaryViewBuilder::new(), Binary),
        DataType::Timestamp { .. } => {
            build!(TimestampMicrosecondBuilder::new().with_data_type(data_type.to_arrow()), Timestamp)
        }
        DataType::Decimal { scale: wanted, .. } => {
            let mut builder =
                Decimal128Builder::new().with_data_type(DataType::Decimal { precision: 38, scale: wanted }.to_arrow());
            for value in values {
                let Value::Decimal { unscaled, scale } = value else { unreachable!() };
                builder.append_value(unscaled * 10_i128.pow(u32::from(wanted - scale)));
            }
            Arc::new(builder.finish())
        }
    }
}

/// The keys of a block as values.
pub(crate) fn key_rows(block: &KeyBlock) -> Vec<Vec<Value>> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::*;
    use arrow_schema::DataType as Arrow;
    let value = |array: &ArrayRef, row: usize| match array.data_type() {
        Arrow::Boolean => Value::Boolean(array.as_boolean().value(row)),
        Arrow::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        Arrow::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        Arrow::Utf8View => Value::Text(array.as_string_view().value(row).into()),
        Arrow::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        Arrow::BinaryView => Value::Binary(array.as_binary_view().value(row).into()),
        Arrow::Timestamp(..) => Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        Arrow::Decimal128(_, scale) => {
            decimal(array.as_primitive::<Decimal128Type>().value(row), u8::try_from(*scale).unwrap())
        }
        other => panic!("{other}"),
    };
    (0..block.keys.num_rows()).map(|row| block.keys.columns().iter().map(|a| value(a, row)).collect()).collect()
}

/// Whether the order of the answer is part of it.
pub(crate) fn is_ordered(relation: &Relation) -> bool {
    match relation {
        Relation::Sort { .. } => true,
        Relation::Limit { input, .. } | Relation::Project { input, .. } => {
            is_ordered(input) && !matches!(relation, Relation::Project { .. })
        }
        _ => false,
    }
}

/// Rows as text that compares, in an order of their own unless theirs matters.
pub(crate) fn canonical(rows: &[Row], ordered: bool) -> Vec<String> {
    let mut all: Vec<String> = rows.iter().map(|row| format!("{row:?}").replace("-0.0)", "0.0)")).collect();
    if !ordered {
        all.sort();
    }
    all
}
