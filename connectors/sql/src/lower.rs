//! Turns a relation into one SQL statement with bind parameters.

mod block;
mod expression;
mod keys;
mod literal;
mod part;
mod recurse;
mod relation;
mod size;

#[cfg(test)]
mod tests;

use crate::catalogue::LiveTable;
use crate::error::{Result, internal, invalid_request, limit_exceeded};
use sea_query::{Expr, PostgresQueryBuilder, SqliteQueryBuilder, Value as SqlValue};
use std::collections::HashSet;
use weft_model::contract::{Field, Relation};

pub(crate) use part::function_name;
pub(crate) use size::SizeLimits;

/// SQLITE_MAX_VARIABLE_NUMBER of the bundled library.
const SQLITE_VARIABLES: usize = 32_766;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A value that is bound to a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parameter {
    Boolean(bool),
    Int64(i64),
    Float64(f64),
    Text(String),
    /// PostgreSQL `char(n)`.
    Padded(String),
    /// PostgreSQL `uuid`, as its sixteen bytes.
    Uuid([u8; 16]),
    Decimal {
        unscaled: i128,
        scale: u8,
    },
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Timestamp {
        micros: i64,
        zoned: bool,
    },
    Binary(Vec<u8>),
    /// PostgreSQL: an array; never empty, all of one kind.
    List(Vec<Parameter>),
}

/// A column of a table, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) table: String,
    pub(crate) column: String,
}

/// What is sent to the database, and how its answer is read.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Parameter>,
    /// The output columns.
    pub(crate) fields: Vec<Field>,
    /// For each output column, where it comes from: an index into `labels`; nothing for aggregates.
    pub(crate) origins: Vec<Option<usize>>,
    /// For each output column, whether it comes as it is stored, to be converted here: SQLite's times.
    pub(crate) as_stored: Vec<bool>,
    pub(crate) labels: Vec<Label>,
}

impl Statement {
    /// Names an output column in a message.
    pub(crate) fn describe_output(&self, column: usize) -> String {
        match self.origins.get(column).copied().flatten().and_then(|i| self.labels.get(i)) {
            Some(label) => label.to_string(),
            None => format!("output column {:?}", self.fields.get(column).map_or("", |f| f.name.as_str())),
        }
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "column {:?} of table {:?}", self.column, self.table)
    }
}

/// Lowers `relation` over these live tables.
///
/// # Errors
///
/// `invalid-request` for a relation that does not fit together or is larger than `size`; `schema-changed` for one that
/// was planned with other tables.
pub(crate) fn lower(
    relation: &Relation,
    dialect: Dialect,
    tables: &[LiveTable],
    size: SizeLimits,
) -> Result<Statement> {
    size.check(relation)?;
    let reads = relation.reads().len();
    let mut lowering = Lowering::new(dialect, tables, reads);
    let mut block = lowering.relation(relation)?;
    let as_stored = block.leave_stored();
    let fields = relation.fields().map_err(|e| invalid_request(e.to_string()))?;
    let origins = block.outputs.iter().map(|output| output.label).collect();
    let select = block.into_select(false);
    let (sql, values) = match dialect {
        Dialect::Sqlite => select.build(SqliteQueryBuilder),
        Dialect::Postgres => select.build(PostgresQueryBuilder),
    };
    if dialect == Dialect::Sqlite && values.0.len() > SQLITE_VARIABLES {
        let most = SQLITE_VARIABLES;
        return Err(limit_exceeded(format!("the statement needs {} values, SQLite takes {most}", values.0.len())));
    }
    let parameters = values.into_iter().map(|value| lowering.parameter(&value)).collect::<Result<_>>()?;
    let fields = fields.into_iter().map(|(_, field)| field).collect();
    Ok(Statement { sql, parameters, fields, origins, as_stored, labels: lowering.labels })
}

/// What is collected while a relation is lowered.
struct Lowering<'a> {
    dialect: Dialect,
    tables: &'a [LiveTable],
    /// Whether there is one read only, which then needs no alias.
    single: bool,
    parameters: Vec<Parameter>,
    labels: Vec<Label>,
    aliases: HashSet<String>,
}

impl<'a> Lowering<'a> {
    fn new(dialect: Dialect, tables: &'a [LiveTable], reads: usize) -> Self {
        let (parameters, labels, aliases) = (Vec::new(), Vec::new(), HashSet::new());
        Self { dialect, tables, single: reads == 1, parameters, labels, aliases }
    }

    /// A placeholder for `parameter`. The builder is given its number and hands it back in the order of the text.
    fn bind(&mut self, parameter: Parameter) -> Expr {
        self.parameters.push(parameter);
        let number = u32::try_from(self.parameters.len() - 1).unwrap_or(u32::MAX);
        Expr::val(SqlValue::Unsigned(Some(number)))
    }

    fn parameter(&self, value: &SqlValue) -> Result<Parameter> {
        match value {
            SqlValue::Unsigned(Some(number)) => {
                self.parameters.get(*number as usize).cloned().ok_or_else(|| internal("a placeholder without a value"))
            }
            // The builder binds LIMIT and OFFSET itself.
            SqlValue::BigUnsigned(Some(count)) => Ok(Parameter::Int64(i64::try_from(*count).unwrap_or(i64::MAX))),
            other => Err(internal(format!("the builder made a value of its own: {other:?}"))),
        }
    }

    fn label(&mut self, table: &str, column: &str) -> usize {
        let label = Label { table: table.to_owned(), column: column.to_owned() };
        if let Some(at) = self.labels.iter().position(|known| *known == label) {
            return at;
        }
        self.labels.push(label);
        self.labels.len() - 1
    }

    /// An alias that nothing else in the statement has: the wanted one if that is possible.
    fn alias(&mut self, wanted: &str) -> String {
        // PostgreSQL cuts identifiers at 63 bytes without an error.
        let fits = !wanted.is_empty() && wanted.len() <= 60 && !wanted.contains('\0');
        let base = if fits { wanted } else { "t" };
        let mut alias = base.to_owned();
        let mut number = 1;
        while !self.aliases.insert(alias.to_lowercase()) {
            number += 1;
            alias = format!("{}{number}", if fits && wanted.len() <= 50 { base } else { "t" });
        }
        alias
    }
}
