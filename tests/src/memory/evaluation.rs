//! The meaning of a relation, row by row.

use super::batches::rows_of;
use super::condition::truth;
use super::scope::{Scope, folds, scope_of, table_of};
use super::value::{Row, compare_values, identity, part_of};
use super::{below, invalid};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use weft_model::contract::{
    Aggregate, AggregateFunction, Capability, ColumnRef, ContractError, Description, JoinKind, KeyBlock, Read,
    Relation, SortKey, TimePart, Value,
};
use weft_model::{Code, Fault};

pub(super) struct Evaluation<'a> {
    description: &'a Description,
    tables: &'a [Vec<Row>],
    rng: StdRng,
}

/// Rows and the names of their columns.
pub(super) struct Rows<'a> {
    scope: Scope<'a>,
    pub(super) rows: Vec<Row>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(description: &'a Description, tables: &'a [Vec<Row>], seed: u64) -> Self {
        Self { description, tables, rng: StdRng::seed_from_u64(seed) }
    }

    pub(super) fn rows(&mut self, relation: &Relation) -> Result<Rows<'a>, ContractError> {
        let scope = scope_of(self.description, relation)?;
        let rows = match relation {
            Relation::Read(read) => self.read(read)?,
            Relation::Filter { input, predicate } => {
                let input = self.rows(input)?;
                keep(input.rows, |row| truth(predicate, row, &input.scope))?
            }
            Relation::Project { input, columns } => {
                let input = self.rows(input)?;
                let positions = positions(&input.scope, columns.iter().map(|c| &c.column))?;
                let parts: Vec<_> = columns.iter().map(|c| c.part).collect();
                input.rows.iter().map(|row| project(select(row, &positions), &parts)).collect::<Result<_, _>>()?
            }
            Relation::Join { left, right, kind, on } => {
                let (left, right) = (self.rows(left)?, self.rows(right)?);
                join(&left, &right, *kind, on)?
            }
            Relation::Aggregate { input, group, aggregates } => aggregate(&self.rows(input)?, group, aggregates)?,
            Relation::Distinct { input } => distinct(self.rows(input)?),
            Relation::Sort { input, keys } => self.sort(input, keys)?,
            Relation::Limit { input, offset, count } => {
                let input = self.rows(input)?;
                self.limit(input.rows, *offset, *count)
            }
            Relation::Recurse { step, from, to, start } => closure(&self.rows(step)?, from, to, start.as_ref())?,
        };
        Ok(Rows { scope, rows })
    }

    fn read(&mut self, read: &Read) -> Result<Vec<Row>, ContractError> {
        let (index, table) = table_of(self.description, read)?;
        let scope = Scope::of_table(table);
        let mut rows = self.tables[index].clone();
        if let Some(block) = &read.keys {
            let columns = positions(&scope, block.columns.iter().map(ColumnRef::bare).collect::<Vec<_>>().iter())?;
            let fold: Vec<bool> = columns.iter().map(|i| folds(&table.columns[*i])).collect();
            let wanted: HashSet<Vec<String>> =
                rows_of(&block.keys)?.iter().filter_map(|key| identities(key, &fold)).collect();
            rows.retain(|row| identities(&select(row, &columns), &fold).is_some_and(|key| wanted.contains(&key)));
        }
        if let Some(filter) = &read.filter {
            rows = keep(rows, |row| truth(filter, row, &scope))?;
        }
        // Rows of a table have no order, and nothing may count on one.
        rows.shuffle(&mut self.rng);
        if let Some(limit) = read.limit {
            rows = self.limit(rows, 0, Some(limit));
        }
        let columns = positions(&scope, read.columns.iter().map(ColumnRef::bare).collect::<Vec<_>>().iter())?;
        Ok(rows.iter().map(|row| select(row, &columns)).collect())
    }

    /// Where a limit is only a hint, the offset is left to the broker and some rows more than asked for come.
    fn limit(&mut self, rows: Vec<Row>, offset: u64, count: Option<u64>) -> Vec<Row> {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        if self.description.relational.limit == Capability::Exact {
            return rows.into_iter().skip(size(offset)).take(count.map_or(usize::MAX, size)).collect();
        }
        let enough = count.map_or(usize::MAX, |n| size(n.saturating_add(offset)).saturating_add(1));
        let extra = below(&mut self.rng, 3);
        rows.into_iter().take(enough.saturating_add(extra)).collect()
    }

    fn sort(&mut self, input: &Relation, keys: &[SortKey]) -> Result<Vec<Row>, ContractError> {
        let input = self.rows(input)?;
        let positions = positions(&input.scope, keys.iter().map(|key| &key.column))?;
        let mut rows = input.rows;
        if self.description.relational.sort != Capability::Exact {
            rows.shuffle(&mut self.rng);
            return Ok(rows);
        }
        rows.sort_by(|a, b| {
            let orders = positions.iter().zip(keys).map(|(i, key)| compare_cells(&a[*i], &b[*i], key));
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        Ok(rows)
    }
}

fn compare_cells(a: &Option<Value>, b: &Option<Value>, key: &SortKey) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) if key.nulls_first => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) if key.nulls_first => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => {
            let order = order(a, b);
            if key.descending { order.reverse() } else { order }
        }
    }
}

fn keep(
    rows: Vec<Row>,
    condition: impl Fn(&Row) -> Result<Option<bool>, ContractError>,
) -> Result<Vec<Row>, ContractError> {
    let mut kept = Vec::new();
    for row in rows {
        if condition(&row)? == Some(true) {
            kept.push(row);
        }
    }
    Ok(kept)
}

fn positions<'n>(
    scope: &Scope<'_>,
    names: impl IntoIterator<Item = &'n ColumnRef>,
) -> Result<Vec<usize>, ContractError> {
    names.into_iter().map(|name| scope.position(name)).collect()
}

fn select(row: &Row, columns: &[usize]) -> Row {
    columns.iter().map(|i| row[*i].clone()).collect()
}

/// The cells, or the parts of them that are asked for.
fn project(row: Row, parts: &[Option<TimePart>]) -> Result<Row, ContractError> {
    let cell = |(value, part): (Option<Value>, &Option<TimePart>)| match (value, part) {
        (Some(value), Some(part)) => part_of(&value, *part).map(|number| Some(Value::Int64(number))),
        (value, _) => Ok(value),
    };
    row.into_iter().zip(parts).map(cell).collect()
}

/// What a key is compared by; none where a null or not-a-number makes it equal to nothing.
fn identities(key: &[Option<Value>], fold: &[bool]) -> Option<Vec<String>> {
    let identity = |(value, fold): (&Option<Value>, &bool)| match value {
        None => None,
        Some(Value::Float64(x)) if x.is_nan() => None,
        Some(value) => Some(identity(value, *fold)),
    };
    key.iter().zip(fold).map(identity).collect()
}

fn join(
    left: &Rows<'_>,
    right: &Rows<'_>,
    kind: JoinKind,
    on: &[(ColumnRef, ColumnRef)],
) -> Result<Vec<Row>, ContractError> {
    let ours = positions(&left.scope, on.iter().map(|(l, _)| l))?;
    let theirs = positions(&right.scope, on.iter().map(|(_, r)| r))?;
    let fold: Vec<bool> =
        ours.iter().zip(&theirs).map(|(l, r)| left.scope.folds(*l) || right.scope.folds(*r)).collect();
    let mut by_key: HashMap<Vec<String>, Vec<&Row>> = HashMap::new();
    for row in &right.rows {
        if let Some(key) = identities(&select(row, &theirs), &fold) {
            by_key.entry(key).or_default().push(row);
        }
    }
    let width = right.scope.columns.len();
    let mut rows = Vec::new();
    for row in &left.rows {
        let matches = identities(&select(row, &ours), &fold).and_then(|key| by_key.get(&key));
        let before = rows.len();
        rows.extend(matches.into_iter().flatten().map(|other| [row.as_slice(), other.as_slice()].concat()));
        if rows.len() == before && kind == JoinKind::Left {
            rows.push([row.as_slice(), &vec![None; width]].concat());
        }
    }
    Ok(rows)
}

/// What rows are grouped by: null is one group of its own.
fn group_key(row: &[Option<Value>], fold: &[bool]) -> Vec<Option<String>> {
    row.iter().zip(fold).map(|(value, fold)| value.as_ref().map(|value| identity(value, *fold))).collect()
}

fn distinct(input: Rows<'_>) -> Vec<Row> {
    let fold: Vec<bool> = (0..input.scope.columns.len()).map(|i| input.scope.folds(i)).collect();
    let mut seen = HashSet::new();
    input.rows.into_iter().filter(|row| seen.insert(group_key(row, &fold))).collect()
}

/// From every start the pairs of one search; those without a null only, each once.
fn closure(
    step: &Rows<'_>,
    from: &[ColumnRef],
    to: &[ColumnRef],
    start: Option<&KeyBlock>,
) -> Result<Vec<Row>, ContractError> {
    let (sources, targets) = (positions(&step.scope, from)?, positions(&step.scope, to)?);
    let fold: Vec<bool> =
        sources.iter().zip(&targets).map(|(f, t)| step.scope.folds(*f) || step.scope.folds(*t)).collect();
    let mut steps: HashMap<Vec<String>, Vec<&Row>> = HashMap::new();
    let mut starts: HashMap<Vec<String>, Row> = HashMap::new();
    for row in &step.rows {
        let source = select(row, &sources);
        if let (Some(key), Some(_)) = (identities(&source, &fold), identities(&select(row, &targets), &fold)) {
            steps.entry(key.clone()).or_default().push(row);
            starts.entry(key).or_insert(source);
        }
    }
    if let Some(block) = start {
        let names: Vec<usize> =
            from.iter().filter_map(|column| block.columns.iter().position(|name| *name == column.name)).collect();
        let wanted: HashSet<Vec<String>> =
            rows_of(&block.keys)?.iter().filter_map(|key| identities(&select(key, &names), &fold)).collect();
        starts.retain(|key, _| wanted.contains(key));
    }
    let mut rows = Vec::new();
    for (key, source) in starts {
        let mut seen = HashSet::new();
        let mut frontier = vec![key];
        while let Some(key) = frontier.pop() {
            for row in steps.get(&key).into_iter().flatten() {
                let target = select(row, &targets);
                let Some(next) = identities(&target, &fold) else { continue };
                if seen.insert(next.clone()) {
                    rows.push([source.as_slice(), &target].concat());
                    frontier.push(next);
                }
            }
        }
    }
    Ok(rows)
}

fn aggregate(input: &Rows<'_>, group: &[ColumnRef], aggregates: &[Aggregate]) -> Result<Vec<Row>, ContractError> {
    let columns = positions(&input.scope, group)?;
    let fold: Vec<bool> = columns.iter().map(|i| input.scope.folds(*i)).collect();
    let mut order = Vec::new();
    let mut groups: HashMap<Vec<Option<String>>, Vec<&Row>> = HashMap::new();
    for row in &input.rows {
        let key = group_key(&select(row, &columns), &fold);
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(row);
    }
    if group.is_empty() && order.is_empty() {
        order.push(Vec::new());
        groups.insert(Vec::new(), Vec::new());
    }
    let mut rows = Vec::new();
    for key in order {
        let members = &groups[&key];
        let mut row = members.first().map(|row| select(row, &columns)).unwrap_or_default();
        for aggregate in aggregates {
            row.push(fold_group(aggregate, members, &input.scope)?);
        }
        rows.push(row);
    }
    Ok(rows)
}

fn fold_group(aggregate: &Aggregate, members: &[&Row], scope: &Scope<'_>) -> Result<Option<Value>, ContractError> {
    let count = |n: usize| Some(Value::Int64(i64::try_from(n).unwrap_or(i64::MAX)));
    let Some(argument) = &aggregate.argument else { return Ok(count(members.len())) };
    let index = scope.position(argument)?;
    let mut values: Vec<&Value> = members.iter().filter_map(|row| row[index].as_ref()).collect();
    if aggregate.distinct {
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(identity(value, scope.folds(index))));
    }
    Ok(match aggregate.function {
        AggregateFunction::Count => count(values.len()),
        AggregateFunction::Sum => sum(&values)?,
        AggregateFunction::Min => values.into_iter().reduce(|a, b| if is_less(b, a) { b } else { a }).cloned(),
        AggregateFunction::Max => values.into_iter().reduce(|a, b| if is_less(a, b) { b } else { a }).cloned(),
    })
}

fn is_less(a: &Value, b: &Value) -> bool {
    order(a, b).is_lt()
}

/// NaN stands after every number.
fn order(a: &Value, b: &Value) -> Ordering {
    let is_nan = |value: &Value| matches!(value, Value::Float64(x) if x.is_nan());
    compare_values(a, b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

fn sum(values: &[&Value]) -> Result<Option<Value>, ContractError> {
    let overflow = || ContractError::new(Code::SourceFailed, Fault::Source, "a sum is out of range");
    let Some((first, rest)) = values.split_first() else { return Ok(None) };
    let mut total = (*first).clone();
    for value in rest {
        total = match (total, value) {
            (Value::Int64(a), Value::Int64(b)) => Value::Int64(a.checked_add(*b).ok_or_else(overflow)?),
            (Value::Float64(a), Value::Float64(b)) => Value::Float64(a + b),
            (Value::Decimal { unscaled: a, scale }, Value::Decimal { unscaled: b, .. }) => {
                Value::Decimal { unscaled: a.checked_add(*b).ok_or_else(overflow)?, scale }
            }
            _ => return Err(invalid("a sum of something else than numbers")),
        };
    }
    Ok(Some(total))
}
