//! Evaluates a relation over rows in memory, straight from the words of the contract.

use crate::generator::key_rows;
use crate::world::{Row, World, decimal};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, CompareOperator, DataType, Expression, JoinKind, ProjectColumn, Read,
    Relation, SortKey, TextOperator, TimePart, Value,
};

pub(crate) struct Rows {
    pub(crate) columns: Vec<(ColumnRef, DataType)>,
    pub(crate) rows: Vec<Row>,
}

/// More rows than this are not worth comparing.
const MOST: usize = 4_000;

/// `None` when the result becomes too large, or a sum does not fit its type.
pub(crate) fn evaluate(relation: &Relation, world: &World) -> Option<Rows> {
    let columns: Vec<_> = relation.fields().unwrap().into_iter().map(|(c, f)| (c, f.data_type)).collect();
    let rows = match relation {
        Relation::Read(read) => read_rows(read, world),
        Relation::Filter { input, predicate } => {
            let input = evaluate(input, world)?;
            let keep = |row: &Row| condition(predicate, &input.columns, row) == Some(true);
            input.rows.iter().filter(|row| keep(row)).cloned().collect()
        }
        Relation::Project { input, columns } => {
            let input = evaluate(input, world)?;
            let places: Vec<usize> = columns.iter().map(|c| place(&input.columns, &c.column)).collect();
            let cell = |row: &Row, (place, column): (&usize, &ProjectColumn)| match (&row[*place], column.part) {
                (Some(value), Some(part)) => Some(Value::Int64(part_of(value, part))),
                (value, _) => value.clone(),
            };
            let project = |row: &Row| places.iter().zip(columns).map(|both| cell(row, both)).collect();
            input.rows.iter().map(project).collect()
        }
        Relation::Join { left, right, kind, on } => {
            let (left, right) = (evaluate(left, world)?, evaluate(right, world)?);
            join_rows(&left, &right, *kind, on)?
        }
        Relation::Aggregate { input, group, aggregates } => {
            aggregate_rows(&evaluate(input, world)?, group, aggregates)?
        }
        Relation::Distinct { input } => {
            let mut rows = evaluate(input, world)?.rows;
            let mut seen = HashSet::new();
            rows.retain(|row| seen.insert(format!("{row:?}")));
            rows
        }
        Relation::Sort { input, keys } => {
            let Rows { columns, mut rows } = evaluate(input, world)?;
            let keys: Vec<_> = keys.iter().map(|k| (place(&columns, &k.column), k)).collect();
            rows.sort_by(|a, b| {
                let by = |(p, key): &(usize, &SortKey)| sort_order(key, a[*p].as_ref(), b[*p].as_ref());
                keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            rows
        }
        Relation::Limit { input, offset, count } => {
            let rows = evaluate(input, world)?.rows;
            let count = count.map_or(usize::MAX, |c| c as usize);
            rows.into_iter().skip(*offset as usize).take(count).collect()
        }
        Relation::Recurse { step, from, to, start } => {
            let mut pairs = closure(&evaluate(step, world)?, from, to)?;
            if let Some(block) = start {
                let places: Vec<usize> =
                    block.columns.iter().map(|name| place(&columns, &ColumnRef::bare(name))).collect();
                let keys = key_rows(block);
                let is_key = |row: &Row, key: &Vec<Value>| key.iter().zip(&places).all(|(v, p)| equal(&row[*p], v));
                pairs.retain(|row| keys.iter().any(|key| is_key(row, key)));
            }
            pairs
        }
    };
    (rows.len() <= MOST).then_some(Rows { columns, rows })
}

fn read_rows(read: &Read, world: &World) -> Vec<Row> {
    let table = world.table(&read.table);
    let at = |name: &str| table.columns.iter().position(|c| c.name == name).unwrap();
    let scope: Vec<_> = table.columns.iter().map(|c| (ColumnRef::bare(c.name), c.data_type)).collect();
    let keys =
        read.keys.as_ref().map(|block| (key_rows(block), block.columns.iter().map(|c| at(c)).collect::<Vec<_>>()));
    let in_keys = |row: &Row| {
        let Some((keys, places)) = &keys else { return true };
        let same =
            |(key, p): (&Value, &usize)| row[*p].as_ref().is_some_and(|v| compare(CompareOperator::Equal, key, v));
        keys.iter().any(|key| key.iter().zip(places).all(same))
    };
    let passes = |row: &Row| read.filter.as_ref().is_none_or(|f| condition(f, &scope, row) == Some(true));
    let project = |row: &Row| read.columns.iter().map(|c| row[at(c)].clone()).collect();
    table.rows.iter().filter(|row| in_keys(row) && passes(row)).map(project).collect()
}

fn join_rows(left: &Rows, right: &Rows, kind: JoinKind, on: &[(ColumnRef, ColumnRef)]) -> Option<Vec<Row>> {
    let on: Vec<_> = on.iter().map(|(l, r)| (place(&left.columns, l), place(&right.columns, r))).collect();
    let mut rows = Vec::new();
    for l in &left.rows {
        let same = |r: &Row, (a, b): &(usize, usize)| match (&l[*a], &r[*b]) {
            (Some(a), Some(b)) => compare(CompareOperator::Equal, a, b),
            _ => false,
        };
        let matches = right.rows.iter().filter(|r| on.iter().all(|pair| same(r, pair)));
        let before = rows.len();
        rows.extend(matches.map(|r| [l.clone(), r.clone()].concat()));
        if rows.len() == before && kind == JoinKind::Left {
            rows.push([l.clone(), vec![None; right.columns.len()]].concat());
        }
        if rows.len() > MOST {
            return None;
        }
    }
    Some(rows)
}

fn equal(cell: &Option<Value>, value: &Value) -> bool {
    cell.as_ref().is_some_and(|cell| compare(CompareOperator::Equal, cell, value))
}

/// Adds pairs of the step to the end of those there are until none is new.
fn closure(step: &Rows, from: &[ColumnRef], to: &[ColumnRef]) -> Option<Vec<Row>> {
    let places: Vec<usize> = from.iter().chain(to).map(|c| place(&step.columns, c)).collect();
    let whole = |row: &Row| places.iter().map(|p| row[*p].clone()).collect::<Option<Vec<Value>>>();
    let steps: Vec<Vec<Value>> = step.rows.iter().filter_map(whole).collect();
    let same = |a: &[Value], b: &[Value]| a.iter().zip(b).all(|(a, b)| compare(CompareOperator::Equal, a, b));
    let mut pairs: Vec<Vec<Value>> = Vec::new();
    let mut seen = HashSet::new();
    let mut new: Vec<Vec<Value>> = steps.clone();
    while !new.is_empty() {
        new.retain(|pair| seen.insert(format!("{pair:?}")));
        pairs.extend(new.iter().cloned());
        let reached = |pair: &Vec<Value>| {
            let (start, end) = pair.split_at(from.len());
            let next = steps.iter().filter(|step| same(&step[..from.len()], end));
            next.map(|step| [start, &step[from.len()..]].concat()).collect::<Vec<_>>()
        };
        new = new.iter().flat_map(reached).collect();
        if pairs.len() > MOST {
            return None;
        }
    }
    Some(pairs.into_iter().map(|pair| pair.into_iter().map(Some).collect()).collect())
}

fn aggregate_rows(input: &Rows, group: &[ColumnRef], aggregates: &[Aggregate]) -> Option<Vec<Row>> {
    let places: Vec<usize> = group.iter().map(|c| place(&input.columns, c)).collect();
    let mut groups: BTreeMap<String, (Row, Vec<&Row>)> = BTreeMap::new();
    if group.is_empty() {
        groups.insert("[]".to_owned(), (Vec::new(), Vec::new()));
    }
    for row in &input.rows {
        let key: Row = places.iter().map(|p| row[*p].clone()).collect();
        groups.entry(format!("{key:?}")).or_insert_with(|| (key, Vec::new())).1.push(row);
    }
    let mut rows = Vec::new();
    for (mut row, members) in groups.into_values() {
        for a in aggregates {
            row.push(aggregate(a, &input.columns, &members)?);
        }
        rows.push(row);
    }
    Some(rows)
}

fn sort_order(key: &SortKey, a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if key.descending => total(b, a),
        (Some(a), Some(b)) => total(a, b),
        // `true` is greater: the one that is null comes last.
        _ if key.nulls_first => b.is_none().cmp(&a.is_none()),
        _ => a.is_none().cmp(&b.is_none()),
    }
}

fn place(columns: &[(ColumnRef, DataType)], column: &ColumnRef) -> usize {
    columns.iter().position(|(c, _)| c == column).unwrap()
}

/// By counting the days of one year and month after the other.
fn part_of(value: &Value, part: TimePart) -> i64 {
    let micros = match value {
        Value::Date(days) => i64::from(*days) * 86_400_000_000,
        Value::Timestamp(micros) => *micros,
        other => panic!("the {part} of {other:?}"),
    };
    let (mut days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |year| if leap(year) { 366 } else { 365 };
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += length(year);
    }
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    match part {
        TimePart::Year => year,
        TimePart::Month => month,
        TimePart::Day => days + 1,
        TimePart::Hours => rest / 3_600_000_000,
        TimePart::Minutes => rest / 60_000_000 % 60,
    }
}

fn aggregate(a: &Aggregate, columns: &[(ColumnRef, DataType)], members: &[&Row]) -> Option<Option<Value>> {
    let Some(argument) = &a.argument else {
        return Some(Some(Value::Int64(members.len() as i64)));
    };
    let p = place(columns, argument);
    let mut values: Vec<Value> = members.iter().filter_map(|row| row[p].clone()).collect();
    if a.distinct {
        let mut seen = HashSet::new();
        values.retain(|v| seen.insert(format!("{v:?}")));
    }
    Some(match a.function {
        AggregateFunction::Count => Some(Value::Int64(values.len() as i64)),
        AggregateFunction::Min => values.into_iter().reduce(|a, b| if total(&b, &a).is_lt() { b } else { a }),
        AggregateFunction::Max => values.into_iter().reduce(|a, b| if total(&b, &a).is_gt() { b } else { a }),
        AggregateFunction::Sum => {
            let mut values = values.into_iter();
            let Some(mut sum) = values.next() else { return Some(None) };
            for value in values {
                sum = match (sum, value) {
                    (Value::Int64(a), Value::Int64(b)) => Value::Int64(a.checked_add(b)?),
                    (Value::Float64(a), Value::Float64(b)) => Value::Float64(a + b),
                    (Value::Decimal { unscaled, scale }, Value::Decimal { unscaled: b, .. }) => {
                        decimal(unscaled + b, scale)
                    }
                    other => panic!("a sum of {other:?}"),
                };
            }
            Some(sum)
        }
    })
}

/// The order of a sort: floats with NaN as the greatest.
fn total(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Float64(a), Value::Float64(b)) => a.total_cmp(b),
        _ => order(a, b).unwrap(),
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let wide = |unscaled: &i128, scale: u8, to: u8| unscaled * 10_i128.pow(u32::from(to - scale));
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Int64(a), Value::Int64(b)) => Some(a.cmp(b)),
        (Value::Float64(a), Value::Float64(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.chars().cmp(b.chars())),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Binary(a), Value::Binary(b)) => Some(a.cmp(b)),
        (Value::Decimal { unscaled, scale }, Value::Decimal { unscaled: b, scale: t }) => {
            let to = *scale.max(t);
            Some(wide(unscaled, *scale, to).cmp(&wide(b, *t, to)))
        }
        (Value::Decimal { .. }, Value::Int64(b)) => order(a, &decimal(i128::from(*b), 0)),
        (Value::Int64(a), Value::Decimal { .. }) => order(&decimal(i128::from(*a), 0), b),
        _ => panic!("{a:?} compared with {b:?}"),
    }
}

fn compare(operator: CompareOperator, a: &Value, b: &Value) -> bool {
    let order = order(a, b);
    match operator {
        CompareOperator::Equal => order == Some(Ordering::Equal),
        CompareOperator::NotEqual => order != Some(Ordering::Equal),
        CompareOperator::Less => order == Some(Ordering::Less),
        CompareOperator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        CompareOperator::Greater => order == Some(Ordering::Greater),
        CompareOperator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn value(e: &Expression, columns: &[(ColumnRef, DataType)], row: &Row) -> Option<Value> {
    match e {
        Expression::Column(c) => row[place(columns, c)].clone(),
        Expression::Literal(v) => Some(v.clone()),
        condition_expression => condition(condition_expression, columns, row).map(Value::Boolean),
    }
}

fn condition(e: &Expression, columns: &[(ColumnRef, DataType)], row: &Row) -> Option<bool> {
    match e {
        Expression::Column(_) | Expression::Literal(_) => match value(e, columns, row) {
            Some(Value::Boolean(b)) => Some(b),
            None => None,
            other => panic!("{other:?} is no truth value"),
        },
        Expression::Compare { operator, left, right } => {
            let (l, r) = (value(left, columns, row)?, value(right, columns, row)?);
            Some(compare(*operator, &l, &r))
        }
        Expression::And(terms) => {
            let all: Vec<_> = terms.iter().map(|t| condition(t, columns, row)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else if all.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Expression::Or(terms) => {
            let all: Vec<_> = terms.iter().map(|t| condition(t, columns, row)).collect();
            if all.contains(&Some(true)) {
                Some(true)
            } else if all.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Expression::Not(input) => condition(input, columns, row).map(|b| !b),
        Expression::IsNull(input) => Some(value(input, columns, row).is_none()),
        Expression::In { input, values } if values.is_empty() => {
            let _ = input;
            Some(false)
        }
        Expression::In { input, values } => {
            let v = value(input, columns, row)?;
            Some(values.iter().any(|other| compare(CompareOperator::Equal, &v, other)))
        }
        Expression::Text { operator, input, pattern } => match value(input, columns, row)? {
            Value::Text(text) => Some(match operator {
                TextOperator::StartsWith => text.starts_with(pattern),
                TextOperator::EndsWith => text.ends_with(pattern),
                TextOperator::Contains => text.contains(pattern),
            }),
            other => panic!("{other:?} is no text"),
        },
    }
}
