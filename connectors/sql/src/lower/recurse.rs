//! Transitive closures: `WITH RECURSIVE`, whose `UNION` keeps each pair once and so ends on cycles.

use super::block::{Block, Output, Source, all, column_alias};
use super::keys::key;
use super::relation::{find, text};
use super::{Lowering, Parameter};
use crate::catalogue::Storage;
use crate::error::{Result, invalid_request};
use sea_query::{CommonTableExpression, Expr, ExprTrait, Query, SelectStatement, UnionType};
use weft_model::contract::{ColumnRef, DataType, KeyBlock, Relation, Value};

/// A column of the pairs.
struct End {
    output: Output,
    /// Kept as it is stored, so that an index on it serves each step.
    native: bool,
}

/// The columns at both ends of the pairs of one table expression.
struct Pairs {
    from: Vec<End>,
    to: Vec<End>,
}

impl Lowering<'_> {
    pub(super) fn recurse(
        &mut self,
        step: &Relation,
        from: &[ColumnRef],
        to: &[ColumnRef],
        start: Option<&KeyBlock>,
    ) -> Result<Block> {
        let (block, pairs) = self.step(step, from, to, start.is_some())?;
        let (step, closure) = (self.expression_name("weft_step"), self.expression_name("weft_closure"));
        // Named twice, but what is bound in it is bound once.
        let is_stored = is_stored(&block, &pairs);
        let mut step_expression = CommonTableExpression::new();
        step_expression.table_name(step.clone()).materialized(!is_stored);
        step_expression.query(block.into_select(true));
        let steps = pairs.of(&step);
        // What a view computes can be 5.0 where 5 is declared: it equals the key, and has to be read to be seen.
        let one = start.filter(|_| is_stored).map(|keys| self.one_start(&steps.from, keys)).transpose()?.flatten();
        // All pairs begin at the one start: what is followed is their other ends alone.
        let pairs = if one.is_some() { Pairs { from: Vec::new(), ..pairs } } else { pairs }.of(&closure);
        let mut union = Query::select();
        let begins = steps.from.iter().take(pairs.from.len());
        union.exprs(begins.chain(&steps.to).map(End::carried)).from(step.clone());
        if let Some(keys) = start {
            let scope: Vec<Output> = steps.from.iter().map(|end| end.output.clone()).collect();
            union.cond_where(self.keys(&scope, keys)?);
        }
        union.union(UnionType::Distinct, self.longer((&step, &steps), (&closure, &pairs))?);
        let mut closure_expression = CommonTableExpression::new();
        closure_expression.table_name(closure.clone());
        closure_expression.columns((0..pairs.both().count()).map(column_alias)).query(union);
        let is_one = one.is_some();
        let outputs = one.into_iter().flatten().chain(pairs.both().map(|end| end.output.clone())).collect();
        let mut block = Block::new(Source::Table { schema: None, table: closure, alias: None }, outputs);
        block.with = vec![step_expression, closure_expression];
        // Named as columns, for a parameter cannot be grouped by everywhere.
        Ok(if is_one { self.derive(block) } else { block })
    }

    /// The first columns of all pairs where the key to start at is a single one. What equals it must be it in every way:
    /// of numbers with fractions and of times, several forms may be equal.
    fn one_start(&mut self, from: &[End], keys: &KeyBlock) -> Result<Option<Vec<Output>>> {
        let is_plain = |end: &End| !end.native && matches!(end.output.data_type, DataType::Int64 | DataType::Text);
        if keys.keys.num_rows() != 1 || !from.iter().all(is_plain) {
            return Ok(None);
        }
        let mut outputs = Vec::with_capacity(from.len());
        for End { output, .. } in from {
            let Some(position) = keys.columns.iter().position(|column| *column == output.reference.name) else {
                return Ok(None);
            };
            let parameter = match key(keys.keys.column(position), 0, output)? {
                Value::Int64(number) => Parameter::Int64(number),
                // PostgreSQL has no NUL in texts.
                Value::Text(text) if !text.contains('\0') => Parameter::Text(text),
                _ => return Ok(None),
            };
            outputs.push(Output { value: self.bind(parameter), ..output.clone() });
        }
        Ok(Some(outputs))
    }

    /// The rows of the step that are pairs.
    fn step(&mut self, step: &Relation, from: &[ColumnRef], to: &[ColumnRef], started: bool) -> Result<(Block, Pairs)> {
        let fields = step.fields().map_err(|e| invalid_request(e.to_string()))?;
        let mut block = self.relation(step)?;
        if !block.is_plain() {
            block = self.derive(block);
        }
        block.order.clear();
        let mut pairs = Pairs { from: Vec::with_capacity(from.len()), to: Vec::with_capacity(to.len()) };
        for (from, to) in from.iter().zip(to) {
            let (from, to) = (find(&block.outputs, from)?.clone(), find(&block.outputs, to)?.clone());
            let native = is_uuid(&from) && is_uuid(&to);
            pairs.from.push(End { output: from, native });
            pairs.to.push(End { output: to, native });
        }
        // Where a pair begins at a key or at the end of another, null and values of a wrong type are not equal to that.
        let begins = if started { &[] } else { pairs.from.as_slice() };
        for end in begins.iter().chain(&pairs.to) {
            block.conditions.extend(self.check(&end.output));
            if fields.iter().all(|(column, field)| *column != end.output.reference || field.nullable) {
                block.conditions.push(end.carried().is_not_null());
            }
        }
        block.outputs = pairs.both().map(|end| Output { value: end.carried(), ..end.output.clone() }).collect();
        Ok((block, pairs))
    }

    /// A pair and a step after it.
    fn longer(&mut self, (step, steps): (&str, &Pairs), (closure, pairs): (&str, &Pairs)) -> Result<SelectStatement> {
        let mut on = Vec::with_capacity(pairs.to.len());
        for (next, last) in steps.from.iter().zip(&pairs.to) {
            on.push(self.equality(&next.output, &last.output)?);
        }
        let mut select = Query::select();
        select.exprs(pairs.from.iter().chain(&steps.to).map(End::carried));
        // SQLite takes one pair at a time and must look for its steps, not the other way round: its CROSS JOIN keeps the
        // order.
        select.from(closure.to_owned()).cross_join(step.to_owned()).cond_where(all(on));
        Ok(select)
    }

    /// A name that hides no table.
    fn expression_name(&mut self, wanted: &str) -> String {
        let tables = self.tables;
        loop {
            let name = self.alias(wanted);
            if !tables.iter().any(|table| table.table.eq_ignore_ascii_case(&name)) {
                return name;
            }
        }
    }
}

impl End {
    fn carried(&self) -> Expr {
        match &self.output.stored {
            Some((stored, _)) if self.native => stored.clone(),
            _ => self.output.value.clone(),
        }
    }
}

impl Pairs {
    fn both(&self) -> impl Iterator<Item = &End> {
        self.from.iter().chain(&self.to)
    }

    /// The same columns, of the table expression `table` over these.
    fn of(&self, table: &str) -> Self {
        let column = |(position, end): (usize, &End)| {
            let column = Expr::col((table.to_owned(), column_alias(position)));
            let output = Output {
                reference: ColumnRef::bare(&end.output.reference.name),
                value: if end.native { text(column.clone()) } else { column.clone() },
                stored: end.native.then_some((column, Storage::Uuid)),
                // The step has checked its rows.
                unchecked: false,
                ..end.output.clone()
            };
            End { output, native: end.native }
        };
        let mut both: Vec<End> = self.both().enumerate().map(column).collect();
        let to = both.split_off(self.from.len());
        Self { from: both, to }
    }
}

fn is_uuid(output: &Output) -> bool {
    matches!(output.stored, Some((_, Storage::Uuid)))
}

/// Whether pairs begin at columns of tables. The rows after a pair can be looked up by those, so that the step need not be
/// computed whole.
fn is_stored(block: &Block, pairs: &Pairs) -> bool {
    let is_table = |source: &Source| matches!(source, Source::Table { .. });
    let is_indexable = |end: &End| end.native || matches!(end.output.stored, Some((_, Storage::Plain)));
    block.with.is_empty()
        && is_table(&block.from)
        && block.joins.iter().all(|joined| !joined.outer && is_table(&joined.source))
        && pairs.from.iter().all(is_indexable)
}
