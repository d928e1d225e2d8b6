//! From a scan request to a lookup.

use crate::error::{Result, invalid_request, schema_changed};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, StringViewArray};
use weft_model::contract::{CompareOperator, DataType, Expression, KeyBlock, Read, Relation, Value};
use weft_triples::{Condition, Dataset, Keys, Lookup, Table};

/// A read of one table.
pub(crate) struct Request {
    pub(crate) table: Table,
    /// Positions of the output columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) names: Vec<String>,
    pub(crate) lookup: Lookup,
    pub(crate) limit: u64,
    /// What is looked up, for people.
    pub(crate) statement: String,
}

impl Request {
    /// `nodes` is the most parts and constants a condition may have.
    pub(crate) fn new(relation: &Relation, dataset: &Dataset, keys: u32, nodes: usize) -> Result<Self> {
        let Relation::Read(read) = relation else {
            return Err(invalid_request("only single tables are read"));
        };
        let table = Table::named(&read.table)
            .ok_or_else(|| schema_changed(format!("there is no table {:?}, only triples and quads", read.table)))?;
        check_schema(read, table)?;
        let mut translation = Translation { table, dataset, room: nodes };
        let condition = read.filter.as_ref().map(|filter| translation.condition(filter)).transpose()?;
        let block = read.keys.as_ref().map(|block| key_block(block, table, dataset, keys)).transpose()?;
        let columns = read.columns.iter().map(|name| column(table, name)).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            table,
            columns,
            names: read.columns.clone(),
            lookup: Lookup { table, condition, keys: block },
            limit: read.limit.unwrap_or(u64::MAX),
            statement: statement(read),
        })
    }
}

/// The tables never change, but what was planned may be another connector's.
fn check_schema(read: &Read, table: Table) -> Result<()> {
    let differs = read
        .schema
        .iter()
        .find(|field| table.column(&field.name).is_none() || field.data_type != DataType::Text || field.nullable);
    match differs {
        Some(field) => {
            Err(schema_changed(format!("column {:?} of table {:?} is not what it was", field.name, read.table)))
        }
        None => Ok(()),
    }
}

fn column(table: Table, name: &str) -> Result<usize> {
    table.column(name).ok_or_else(|| schema_changed(format!("table {} has no column {name:?}", table.name())))
}

fn key_block(block: &KeyBlock, table: Table, dataset: &Dataset, most: u32) -> Result<Keys> {
    let rows = block.keys.num_rows();
    if rows > most as usize {
        return Err(invalid_request(format!("a block of {rows} keys, limits.keys allows {most}")));
    }
    if block.columns.len() != block.keys.num_columns() || block.columns.is_empty() {
        return Err(invalid_request("a key block has another number of columns than it names"));
    }
    let columns = block.columns.iter().map(|name| column(table, name)).collect::<Result<Vec<_>>>()?;
    let values: Vec<&StringViewArray> = block
        .keys
        .columns()
        .iter()
        .map(|array| array.as_string_view_opt().filter(|texts| texts.null_count() == 0))
        .collect::<Option<_>>()
        .ok_or_else(|| invalid_request("a key column holds something else than text"))?;
    Ok(Keys::new(dataset, columns, (0..rows).map(|row| values.iter().map(move |texts| texts.value(row)))))
}

struct Translation<'a> {
    table: Table,
    dataset: &'a Dataset,
    /// Parts and constants that may still come.
    room: usize,
}

impl Translation<'_> {
    fn condition(&mut self, expression: &Expression) -> Result<Condition> {
        self.room = self
            .room
            .checked_sub(match expression {
                Expression::In { values, .. } => 1 + values.len(),
                _ => 1,
            })
            .ok_or_else(|| invalid_request("the condition has more parts than limits.nodes allows"))?;
        Ok(match expression {
            Expression::And(parts) => Condition::All(self.conditions(parts)?),
            Expression::Or(parts) => Condition::Any(self.conditions(parts)?),
            Expression::Not(part) => Condition::Not(Box::new(self.condition(part)?)),
            Expression::IsNull(input) => {
                self.column(input)?;
                Condition::Constant(false)
            }
            Expression::In { input, values } => {
                let column = self.column(input)?;
                let texts = values.iter().map(text).collect::<Result<Vec<_>>>()?;
                Condition::one_of(self.dataset, column, texts)
            }
            Expression::Compare { operator: CompareOperator::Equal, left, right } => self.equal(left, right)?,
            Expression::Compare { operator: CompareOperator::NotEqual, left, right } => {
                Condition::Not(Box::new(self.equal(left, right)?))
            }
            Expression::Literal(Value::Boolean(holds)) => Condition::Constant(*holds),
            other => return Err(undeclared(other)),
        })
    }

    fn conditions(&mut self, parts: &[Expression]) -> Result<Vec<Condition>> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn equal(&self, left: &Expression, right: &Expression) -> Result<Condition> {
        match (left, right) {
            (column @ Expression::Column(_), Expression::Literal(value))
            | (Expression::Literal(value), column @ Expression::Column(_)) => {
                Ok(Condition::one_of(self.dataset, self.column(column)?, [text(value)?]))
            }
            (left @ Expression::Column(_), right @ Expression::Column(_)) => {
                Ok(Condition::Same(self.column(left)?, self.column(right)?))
            }
            _ => Err(invalid_request("columns are compared with constants and other columns only")),
        }
    }

    fn column(&self, expression: &Expression) -> Result<usize> {
        match expression {
            Expression::Column(name) => column(self.table, &name.name),
            other => Err(undeclared(other)),
        }
    }
}

fn text(value: &Value) -> Result<&str> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(invalid_request(format!("a column of text is compared with {:?}", other.kind()))),
    }
}

fn undeclared(expression: &Expression) -> weft_model::contract::ContractError {
    invalid_request("a condition that was not declared").with_detail(format!("{expression:?}"))
}

fn statement(read: &Read) -> String {
    const SHOWN: usize = 2_000;
    let mut text = format!("look up {} in {}", read.columns.join(", "), read.table);
    if let Some(filter) = &read.filter {
        let filter: String = show(filter).replace('\u{1}', " ").chars().take(SHOWN).collect();
        text.push_str(&format!(" where {filter}"));
    }
    if let Some(keys) = &read.keys {
        text.push_str(&format!(" with {} keys for {}", keys.keys.num_rows(), keys.columns.join(", ")));
    }
    if let Some(limit) = read.limit {
        text.push_str(&format!(", at most {limit}"));
    }
    text
}

fn show(expression: &Expression) -> String {
    let list =
        |parts: &[Expression], word: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(word));
    match expression {
        Expression::Column(column) => column.name.clone(),
        Expression::Literal(Value::Text(text)) => format!("{text:?}"),
        Expression::Literal(value) => format!("{value:?}"),
        Expression::And(parts) => list(parts, " and "),
        Expression::Or(parts) => list(parts, " or "),
        Expression::Not(part) => format!("not {}", show(part)),
        Expression::IsNull(part) => format!("{} is null", show(part)),
        Expression::In { input, values } => format!("{} in ({} terms)", show(input), values.len()),
        Expression::Compare { operator, left, right } => {
            let sign = if *operator == CompareOperator::NotEqual { "<>" } else { "=" };
            format!("{} {sign} {}", show(left), show(right))
        }
        other => format!("{other:?}"),
    }
}
