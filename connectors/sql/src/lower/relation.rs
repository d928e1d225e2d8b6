//! The operators of a relation, each added to the SELECT below it where SQL's order of clauses allows.

use super::block::{Block, Joined, Output, Source};
use super::{Dialect, Lowering};
use crate::catalogue::{COLLATION_C, COLLATION_DEFAULT, LiveColumn, LiveTable, Storage};
use crate::error::{Result, invalid_request, schema_changed};
use sea_query::{BinOper, Expr, ExprTrait, Func, Keyword, NullOrdering, Order};
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, DataType, Expression, JoinKind, ProjectColumn, Read, Relation, SortKey,
};

impl Lowering<'_> {
    pub(super) fn relation(&mut self, relation: &Relation) -> Result<Block> {
        match relation {
            Relation::Read(read) => self.read(read),
            Relation::Filter { input, predicate } => {
                let block = self.relation(input)?;
                self.filter(block, predicate)
            }
            Relation::Project { input, columns } => {
                let block = self.relation(input)?;
                self.project(block, columns)
            }
            Relation::Join { left, right, kind, on } => {
                let (left, right) = (self.relation(left)?, self.relation(right)?);
                self.join(left, right, *kind, on)
            }
            Relation::Aggregate { input, group, aggregates } => {
                let block = self.relation(input)?;
                self.aggregate(block, group, aggregates)
            }
            Relation::Distinct { input } => {
                let mut block = self.relation(input)?;
                if block.is_limited() {
                    block = self.derive(block);
                }
                block.order.clear();
                block.distinct = true;
                Ok(block)
            }
            Relation::Sort { input, keys } => {
                let block = self.relation(input)?;
                self.sort(block, keys)
            }
            Relation::Limit { input, offset, count } => {
                let block = self.relation(input)?;
                Ok(self.limit(block, *offset, *count))
            }
            Relation::Recurse { step, from, to, start } => {
                relation.fields().map_err(|e| invalid_request(e.to_string()))?;
                self.recurse(step, from, to, start.as_ref())
            }
        }
    }

    pub(super) fn derive(&mut self, block: Block) -> Block {
        let alias = self.alias("q");
        block.derive(alias)
    }

    fn read(&mut self, read: &Read) -> Result<Block> {
        let tables = self.tables;
        let Some(table) = tables.iter().find(|table| table.name == read.table) else {
            return Err(schema_changed(format!("there is no table {:?}", read.table)));
        };
        table.check(read)?;
        let wanted = if read.alias.is_empty() && table.query.is_some() { &table.name } else { &read.alias };
        let alias = (!self.single || table.query.is_some()).then(|| self.alias(wanted));
        let mut scope = Vec::with_capacity(read.schema.len());
        for field in &read.schema {
            let column = table.column(&field.name).ok_or_else(|| schema_changed("a column is gone"))?;
            scope.push(self.stored(table, column, alias.as_deref()));
        }
        let mut conditions = Vec::new();
        if let Some(keys) = &read.keys {
            conditions.push(self.keys(&scope, keys)?);
        }
        if let Some(filter) = &read.filter {
            self.predicate(&scope, filter, &mut conditions)?;
        }
        let mut outputs = Vec::with_capacity(read.columns.len());
        for name in &read.columns {
            let found = scope.iter().find(|output| output.reference.name == *name);
            let output = found.ok_or_else(|| {
                invalid_request(format!("column {name:?} is not in the schema of table {:?}", read.table))
            })?;
            outputs.push(Output { reference: ColumnRef::new(&read.alias, name), ..output.clone() });
        }
        let from = match (&table.query, alias) {
            (Some(query), Some(alias)) => Source::View { query: query.clone(), alias },
            (_, alias) => Source::Table { schema: table.schema.clone(), table: table.table.clone(), alias },
        };
        let mut block = Block::new(from, outputs);
        block.conditions = conditions;
        block.limit = read.limit;
        Ok(block)
    }

    /// A stored column, and its value as the contract compares it.
    fn stored(&mut self, table: &LiveTable, column: &LiveColumn, alias: Option<&str>) -> Output {
        let label = self.label(&table.name, &column.name);
        let raw = match alias {
            Some(alias) => Expr::col((alias.to_owned(), column.name.clone())),
            None => Expr::col(column.name.clone()),
        };
        let (value, collation) = match column.storage {
            Storage::Plain => (raw.clone(), column.collation),
            Storage::CollatedText => (self.code_points(raw.clone()), COLLATION_C),
            Storage::WallClockText => (checked("weft_wall_clock", raw.clone(), label), 0),
            Storage::InstantText => (checked("weft_instant", raw.clone(), label), 0),
            Storage::PaddedText(width) => {
                let padded = Func::cust("RPAD").arg(text(raw.clone())).arg(number(width.into()));
                (padded.into(), column.collation)
            }
            Storage::Single => (text(raw.clone()).cast_as("float8"), 0),
            Storage::Uuid | Storage::CastText => (text(raw.clone()), COLLATION_DEFAULT),
        };
        Output {
            reference: ColumnRef::bare(&column.name),
            data_type: column.data_type,
            value,
            stored: Some((raw, column.storage)),
            label: Some(label),
            collation,
            unchecked: !table.typed && !matches!(column.storage, Storage::WallClockText | Storage::InstantText),
        }
    }

    /// Text that compares by code point.
    pub(super) fn code_points(&self, text: Expr) -> Expr {
        match self.dialect {
            Dialect::Sqlite => text.binary(BinOper::Custom("COLLATE"), keyword("BINARY")),
            Dialect::Postgres => text.binary(BinOper::Custom("COLLATE"), keyword("\"C\"")),
        }
    }

    /// The value, for an operation that looks at the order of texts.
    pub(super) fn ordered(&self, output: &Output) -> Expr {
        let by_collation = output.data_type == DataType::Text && output.collation != COLLATION_C;
        match self.dialect {
            Dialect::Postgres if by_collation => self.code_points(output.value.clone()),
            // SQLite's texts without a collation of their own are compared by code point.
            _ => output.value.clone(),
        }
    }

    fn filter(&mut self, mut block: Block, predicate: &Expression) -> Result<Block> {
        if block.group.is_some() || block.is_limited() {
            block = self.derive(block);
        }
        let mut conditions = std::mem::take(&mut block.conditions);
        self.predicate(&block.outputs, predicate, &mut conditions)?;
        block.conditions = conditions;
        Ok(block)
    }

    fn project(&mut self, mut block: Block, columns: &[ProjectColumn]) -> Result<Block> {
        // Without any aggregate function in it, a SELECT without GROUP BY would not be one group.
        let one_group = block.group.as_ref().is_some_and(Vec::is_empty);
        if block.distinct || (one_group && columns.is_empty()) {
            block = self.derive(block);
        }
        let mut outputs = Vec::with_capacity(columns.len());
        for column in columns {
            outputs.push(self.projected(&block.outputs, column)?);
        }
        block.outputs = outputs;
        Ok(block)
    }

    fn join(&mut self, left: Block, right: Block, kind: JoinKind, on: &[(ColumnRef, ColumnRef)]) -> Result<Block> {
        let outer = kind == JoinKind::Left;
        let mut left = if left.is_plain() { left } else { self.derive(left) };
        let splits = right.joins.iter().any(|joined| joined.outer) || (outer && !right.joins.is_empty());
        let right = if right.is_plain() && !splits { right } else { self.derive(right) };
        let mut conditions = Vec::with_capacity(on.len());
        for (l, r) in on {
            conditions.push(self.equality(find(&left.outputs, l)?, find(&right.outputs, r)?)?);
        }
        // An order below a join means nothing.
        left.order.clear();
        left.outputs.extend(right.outputs);
        left.with.extend(right.with);
        let mut joins = vec![Joined { outer, source: right.from, on: Vec::new() }];
        joins.extend(right.joins);
        if let Some(last) = joins.last_mut() {
            // All tables of the right side can be named there.
            last.on.extend(conditions);
        }
        match outer {
            // What the right side leaves out must not leave out rows of the left.
            true => joins[0].on.extend(right.conditions),
            false => left.conditions.extend(right.conditions),
        }
        left.joins.extend(joins);
        Ok(left)
    }

    fn aggregate(&mut self, mut block: Block, group: &[ColumnRef], aggregates: &[Aggregate]) -> Result<Block> {
        if group.is_empty() && aggregates.is_empty() {
            return Err(invalid_request("an aggregate needs a group or a function"));
        }
        if !block.is_plain() {
            block = self.derive(block);
        }
        block.order.clear();
        let mut outputs = Vec::with_capacity(group.len() + aggregates.len());
        for column in group {
            let output = find(&block.outputs, column)?;
            // After grouping only this very expression may be named.
            outputs.push(Output { reference: column.clone(), stored: None, ..output.clone() });
        }
        let keys = outputs.iter().map(|output| output.value.clone()).collect();
        for aggregate in aggregates {
            outputs.push(self.aggregate_output(&block.outputs, aggregate)?);
        }
        block.conditions.extend(self.argument_checks(&block.outputs, aggregates)?);
        block.outputs = outputs;
        block.group = Some(keys);
        Ok(block)
    }

    /// A value that is not of its column's type must not vanish in a minimum.
    fn argument_checks(&self, inputs: &[Output], aggregates: &[Aggregate]) -> Result<Vec<Expr>> {
        let mut seen = Vec::new();
        let mut checks = Vec::new();
        for argument in aggregates.iter().filter_map(|aggregate| aggregate.argument.as_ref()) {
            let output = find(inputs, argument)?;
            if !seen.contains(&&output.reference) {
                seen.push(&output.reference);
                checks.extend(self.check(output));
            }
        }
        Ok(checks)
    }

    fn aggregate_output(&mut self, inputs: &[Output], aggregate: &Aggregate) -> Result<Output> {
        let argument = aggregate.argument.as_ref().map(|column| find(inputs, column)).transpose()?;
        let (value, data_type) = match (aggregate.function, argument) {
            (AggregateFunction::Count, None) => (Func::cust("COUNT").arg(keyword("*")).into(), DataType::Int64),
            (AggregateFunction::Count, Some(a)) if aggregate.distinct => {
                (Func::count_distinct(a.value.clone()).into(), DataType::Int64)
            }
            (AggregateFunction::Count, Some(a)) => (Func::count(a.value.clone()).into(), DataType::Int64),
            (AggregateFunction::Sum, Some(a)) => self.sum(a, aggregate.distinct)?,
            (AggregateFunction::Min, Some(a)) => (self.extreme(a, true)?, a.data_type),
            (AggregateFunction::Max, Some(a)) => (self.extreme(a, false)?, a.data_type),
            (function, None) => return Err(invalid_request(format!("{function:?} needs an argument"))),
        };
        Ok(Output {
            reference: ColumnRef::bare(&aggregate.name),
            data_type,
            value,
            stored: None,
            label: None,
            collation: if data_type == DataType::Text { COLLATION_C } else { 0 },
            unchecked: false,
        })
    }

    fn sum(&self, argument: &Output, distinct: bool) -> Result<(Expr, DataType)> {
        let value = argument.value.clone();
        let wide =
            |t| if let DataType::Decimal { scale, .. } = t { DataType::Decimal { precision: 38, scale } } else { t };
        let data_type = wide(argument.data_type);
        let expr = match (self.dialect, argument.data_type) {
            // SQLite adds whole numbers exactly or fails.
            (Dialect::Sqlite, DataType::Int64 | DataType::Float64) => self.call("SUM", value, distinct),
            (Dialect::Sqlite, DataType::Decimal { .. }) => self.call("weft_sum_decimal", value, distinct),
            // The sum of bigint is numeric; the cast fails where it does not fit.
            (Dialect::Postgres, DataType::Int64) => self.call("SUM", value, distinct).cast_as("bigint"),
            (Dialect::Postgres, DataType::Float64) => self.call("SUM", value.cast_as("float8"), distinct),
            (Dialect::Postgres, DataType::Decimal { .. }) => self.call("SUM", value, distinct),
            (_, t) => return Err(invalid_request(format!("the sum of a column of type {t} is not defined"))),
        };
        Ok((expr, data_type))
    }

    fn call(&self, function: &'static str, argument: Expr, distinct: bool) -> Expr {
        if !distinct {
            return Func::cust(function).arg(argument).into();
        }
        let placeholder = if self.dialect == Dialect::Sqlite { "?" } else { "$1" };
        Expr::cust_with_exprs(format!("{function}(DISTINCT {placeholder})"), [argument])
    }

    fn extreme(&self, argument: &Output, least: bool) -> Result<Expr> {
        let function = match (argument.data_type, self.dialect) {
            (DataType::Binary, _) => {
                return Err(invalid_request("the least or greatest of a column of type binary is not defined"));
            }
            // PostgreSQL has no order of booleans in MIN and MAX.
            (DataType::Boolean, Dialect::Postgres) if least => "BOOL_AND",
            (DataType::Boolean, Dialect::Postgres) => "BOOL_OR",
            _ if least => "MIN",
            _ => "MAX",
        };
        Ok(self.call(function, self.ordered(argument), false))
    }

    fn sort(&mut self, mut block: Block, keys: &[SortKey]) -> Result<Block> {
        // SELECT DISTINCT sorts by its own columns only.
        if block.distinct || block.is_limited() {
            block = self.derive(block);
        }
        let mut order = Vec::with_capacity(keys.len());
        for key in keys {
            let output = find(&block.outputs, &key.column)?;
            let direction = if key.descending { Order::Desc } else { Order::Asc };
            let nulls = if key.nulls_first { NullOrdering::First } else { NullOrdering::Last };
            order.push((self.ordered(output), direction, nulls));
        }
        block.order = order;
        Ok(block)
    }

    fn limit(&mut self, mut block: Block, offset: u64, count: Option<u64>) -> Block {
        if block.is_limited() {
            block = self.derive(block);
        }
        block.limit = count;
        block.offset = offset;
        block
    }
}

/// The output a reference names: exactly, or by a bare name that only one output has.
pub(super) fn find<'a>(outputs: &'a [Output], column: &ColumnRef) -> Result<&'a Output> {
    if let Some(output) = outputs.iter().find(|output| output.reference == *column) {
        return Ok(output);
    }
    let mut named = outputs.iter().filter(|output| output.reference.name == column.name);
    match (column.relation.is_empty(), named.next(), named.next()) {
        (true, Some(output), None) => Ok(output),
        (true, Some(_), Some(_)) => Err(invalid_request(format!("more than one column is called {:?}", column.name))),
        _ => Err(invalid_request(format!("no column is called {:?} in relation {:?}", column.name, column.relation))),
    }
}

pub(super) fn text(value: Expr) -> Expr {
    value.cast_as("text")
}

/// Text of our own that stands for itself.
pub(super) fn keyword(text: &'static str) -> Expr {
    Expr::Keyword(Keyword::Custom(text.into()))
}

/// A number of our own, in the text of the statement.
pub(super) fn number(number: i64) -> Expr {
    Expr::Constant(number.into())
}

/// A call of one of our own functions for SQLite; the number says which column to blame.
pub(super) fn checked(function: &'static str, value: Expr, label: usize) -> Expr {
    Func::cust(function).arg(value).arg(number(i64::try_from(label).unwrap_or(i64::MAX))).into()
}
