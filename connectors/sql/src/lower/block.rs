//! One SELECT in the making, and when it has to become a derived table.

use super::relation::{keyword, number};
use crate::catalogue::Storage;
use sea_query::{
    CommonTableExpression, Condition, Expr, Func, FunctionCall, IntoIden, JoinType, NullOrdering, Order, Query,
    SelectStatement, TableRef, WithClause,
};
use weft_model::contract::{ColumnRef, DataType};

/// A column that the next operator can name.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) reference: ColumnRef,
    pub(super) data_type: DataType,
    /// The value, as the contract compares it.
    pub(super) value: Expr,
    /// The stored column behind the value, while it can be named.
    pub(super) stored: Option<(Expr, Storage)>,
    pub(super) label: Option<usize>,
    /// PostgreSQL's number of the collation of `value`.
    pub(super) collation: u32,
    /// Whether a stored value may be of another type than declared.
    pub(super) unchecked: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Table { schema: Option<String>, table: String, alias: Option<String> },
    View { query: String, alias: String },
    Derived { select: Box<SelectStatement>, alias: String },
}

#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) outer: bool,
    pub(super) source: Source,
    pub(super) on: Vec<Expr>,
}

/// The clauses of one SELECT.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Table expressions that the sources name.
    pub(super) with: Vec<CommonTableExpression>,
    pub(super) from: Source,
    pub(super) joins: Vec<Joined>,
    pub(super) conditions: Vec<Expr>,
    pub(super) outputs: Vec<Output>,
    pub(super) group: Option<Vec<Expr>>,
    pub(super) distinct: bool,
    pub(super) order: Vec<(Expr, Order, NullOrdering)>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

impl Block {
    pub(super) fn new(from: Source, outputs: Vec<Output>) -> Self {
        Self {
            with: Vec::new(),
            from,
            joins: Vec::new(),
            conditions: Vec::new(),
            outputs,
            group: None,
            distinct: false,
            order: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some() || self.offset > 0
    }

    /// Whether rows are still just rows of the joined tables.
    pub(super) fn is_plain(&self) -> bool {
        self.group.is_none() && !self.distinct && !self.is_limited()
    }

    /// Times that are only read need no function of ours in the database: whoever reads them converts them.
    pub(super) fn leave_stored(&mut self) -> Vec<bool> {
        let rows = self.group.is_none() && !self.distinct;
        let leave = |output: &mut Output| match &output.stored {
            Some((stored, Storage::WallClockText | Storage::InstantText)) if rows => {
                output.value = stored.clone();
                true
            }
            _ => false,
        };
        self.outputs.iter_mut().map(leave).collect()
    }

    /// Makes this block the derived table `alias` of a new one with the same outputs.
    pub(super) fn derive(self, alias: String) -> Self {
        let outputs = self.outputs.iter().enumerate().map(|(i, output)| Output {
            value: Expr::col((alias.clone(), column_alias(i))),
            stored: None,
            ..output.clone()
        });
        let outputs = outputs.collect();
        let select = Box::new(self.into_select(true));
        Self::new(Source::Derived { select, alias }, outputs)
    }

    /// The statement; with names for its columns when it is to be a derived table.
    pub(super) fn into_select(self, named: bool) -> SelectStatement {
        let mut select = Query::select();
        if !self.with.is_empty() {
            let mut with = WithClause::new();
            with.recursive(true);
            for expression in self.with {
                with.cte(expression);
            }
            select.with_cte(with);
        }
        if self.distinct {
            select.distinct();
        }
        if self.outputs.is_empty() {
            // Rows without columns still count.
            select.expr(number(1));
        }
        for (i, output) in self.outputs.into_iter().enumerate() {
            match named {
                true => select.expr_as(output.value, column_alias(i)),
                false => select.expr(output.value),
            };
        }
        self.from.add_to(&mut select);
        for joined in self.joins {
            joined.add_to(&mut select);
        }
        if !self.conditions.is_empty() {
            select.cond_where(all(self.conditions));
        }
        select.add_group_by(self.group.into_iter().flatten());
        for (expr, order, nulls) in self.order {
            select.order_by_expr_with_nulls(expr, order, nulls);
        }
        if let Some(limit) = self.limit.or((self.offset > 0).then_some(i64::MAX as u64)) {
            // SQLite has no OFFSET without LIMIT.
            select.limit(limit);
        }
        if self.offset > 0 {
            select.offset(self.offset);
        }
        select
    }
}

impl Source {
    fn add_to(self, select: &mut SelectStatement) {
        match self {
            Self::Table { schema: None, table, alias: None } => select.from(table),
            Self::Table { schema: None, table, alias: Some(alias) } => select.from_as(table, alias),
            Self::Table { schema: Some(schema), table, alias: None } => select.from((schema, table)),
            Self::Table { schema: Some(schema), table, alias: Some(alias) } => select.from_as((schema, table), alias),
            Self::View { query, alias } => select.from_function(in_parentheses(query), alias),
            Self::Derived { select: inner, alias } => select.from_subquery(*inner, alias),
        };
    }
}

impl Joined {
    fn add_to(self, select: &mut SelectStatement) {
        let kind = if self.outer { JoinType::LeftJoin } else { JoinType::InnerJoin };
        let on = if self.on.is_empty() { Condition::all().add(keyword("TRUE")) } else { all(self.on) };
        match self.source {
            Source::Table { schema: None, table, alias } => {
                let name = alias.unwrap_or_else(|| table.clone());
                select.join_as(kind, table, name, on)
            }
            Source::Table { schema: Some(schema), table, alias } => {
                let name = alias.unwrap_or_else(|| table.clone());
                select.join_as(kind, (schema, table), name, on)
            }
            Source::View { query, alias } => {
                select.join(kind, TableRef::FunctionCall(in_parentheses(query), alias.into_iden()), on)
            }
            Source::Derived { select: inner, alias } => select.join_subquery(kind, *inner, alias, on),
        };
    }
}

/// The text of a configuration as a sub-query. Its last line may be a comment. The builder knows sub-queries of its own making
/// only, but takes any text for the argument of a function, here one without name.
fn in_parentheses(query: String) -> FunctionCall {
    Func::cust("").arg(Expr::cust(format!("{query}\n")))
}

pub(super) fn all(conditions: Vec<Expr>) -> Condition {
    conditions.into_iter().fold(Condition::all(), Condition::add)
}

pub(super) fn column_alias(index: usize) -> String {
    format!("c{index}")
}
