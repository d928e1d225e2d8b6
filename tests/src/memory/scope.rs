//! Which column of which table a name stands for, at each level of a relation.

use super::condition::Resolve;
use super::invalid;
use weft_model::contract::{
    Capability, Column, ColumnRef, ContractError, Description, FilterOperation, Read, Relation, Table, TextComparison,
};
use weft_model::{Code, Fault};

/// The columns of an intermediate result, in order.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub(super) columns: Vec<ScopeColumn<'a>>,
}

#[derive(Clone, Debug)]
pub(super) struct ScopeColumn<'a> {
    pub(super) name: ColumnRef,
    /// None for what is computed: the result of an aggregate, a part of a time.
    pub(super) origin: Option<(&'a Table, &'a Column)>,
}

impl<'a> Scope<'a> {
    /// All columns of a table, by their bare names: what a read's own filter sees.
    pub(super) fn of_table(table: &'a Table) -> Self {
        let column =
            |column: &'a Column| ScopeColumn { name: ColumnRef::bare(&column.name), origin: Some((table, column)) };
        Self { columns: table.columns.iter().map(column).collect() }
    }

    pub(super) fn position(&self, name: &ColumnRef) -> Result<usize, ContractError> {
        self.columns
            .iter()
            .position(|column| column.name == *name)
            .ok_or_else(|| invalid(format!("no column is called {:?}.{:?} here", name.relation, name.name)))
    }

    pub(super) fn column(&self, name: &ColumnRef) -> Result<&ScopeColumn<'a>, ContractError> {
        Ok(&self.columns[self.position(name)?])
    }

    /// Whether the source compares this column without regard to case.
    pub(super) fn folds(&self, index: usize) -> bool {
        self.columns[index].origin.is_some_and(|(_, column)| folds(column))
    }
}

pub(super) fn folds(column: &Column) -> bool {
    column.text_comparison != TextComparison::CodePoint && column.data_type == weft_model::contract::DataType::Text
}

impl Resolve for Scope<'_> {
    fn resolve(&self, column: &ColumnRef) -> Result<(usize, &Table, &Column), ContractError> {
        let index = self.position(column)?;
        let (table, origin) = self.columns[index]
            .origin
            .ok_or_else(|| invalid(format!("a condition on {:?}, which is computed, is not offered", column.name)))?;
        Ok((index, table, origin))
    }

    fn connective_level(&self, operation: FilterOperation) -> Capability {
        let tables = self.columns.iter().filter_map(|column| column.origin);
        tables.map(|(table, _)| table.connective_capability(operation)).min().unwrap_or(Capability::None)
    }
}

/// The table a read names.
pub(super) fn table_of<'a>(description: &'a Description, read: &Read) -> Result<(usize, &'a Table), ContractError> {
    let found = description.tables.iter().enumerate().find(|(_, table)| table.name == read.table);
    found.ok_or_else(|| {
        ContractError::new(Code::SchemaChanged, Fault::Source, format!("there is no table {:?}", read.table))
    })
}

/// The output columns of a relation.
pub(super) fn scope_of<'a>(description: &'a Description, relation: &Relation) -> Result<Scope<'a>, ContractError> {
    match relation {
        Relation::Read(read) => scope_of_read(description, read),
        Relation::Filter { input, .. }
        | Relation::Distinct { input }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. } => scope_of(description, input),
        Relation::Project { input, columns } => {
            let inputs = scope_of(description, input)?;
            let project = |c: &weft_model::contract::ProjectColumn| {
                let origin = inputs.column(&c.column)?.origin.filter(|_| c.part.is_none());
                Ok(ScopeColumn { name: ColumnRef::bare(&c.name), origin })
            };
            Ok(Scope { columns: columns.iter().map(project).collect::<Result<_, ContractError>>()? })
        }
        Relation::Join { left, right, .. } => {
            let mut scope = scope_of(description, left)?;
            scope.columns.extend(scope_of(description, right)?.columns);
            Ok(scope)
        }
        Relation::Aggregate { input, group, aggregates } => {
            let inputs = scope_of(description, input)?;
            let mut columns = Vec::new();
            for name in group {
                columns.push(inputs.column(name)?.clone());
            }
            columns.extend(aggregates.iter().map(|a| ScopeColumn { name: ColumnRef::bare(&a.name), origin: None }));
            Ok(Scope { columns })
        }
        Relation::Recurse { step, from, to, .. } => {
            let inputs = scope_of(description, step)?;
            let output = |column: &ColumnRef| {
                let origin = inputs.column(column)?.origin;
                Ok(ScopeColumn { name: ColumnRef::bare(&column.name), origin })
            };
            Ok(Scope { columns: from.iter().chain(to).map(output).collect::<Result<_, ContractError>>()? })
        }
    }
}

fn scope_of_read<'a>(description: &'a Description, read: &Read) -> Result<Scope<'a>, ContractError> {
    let (_, table) = table_of(description, read)?;
    let column = |name: &String| {
        let column = table.column(name).ok_or_else(|| {
            let message = format!("table {:?} has no column {name:?}", table.name);
            ContractError::new(Code::SchemaChanged, Fault::Source, message)
        })?;
        Ok(ScopeColumn { name: ColumnRef::new(&read.alias, name), origin: Some((table, column)) })
    };
    Ok(Scope { columns: read.columns.iter().map(column).collect::<Result<_, ContractError>>()? })
}
