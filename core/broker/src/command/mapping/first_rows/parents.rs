//! The rows that references look at.

use super::{FirstRows, required, schema};
use crate::failure::Failure;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, Field as ArrowField, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use weft_mapping::{Join, TripleMap, VirtualGraph};
use weft_model::Code;
use weft_model::contract::{Binding, Column, KeyBlock, Table};

/// Rows that all references from one table to another may look at.
const MOST_ROWS: usize = 10_000;

/// A join: the table it starts from, and what it joins.
type Joined = (String, String, Vec<(String, String)>);

/// The joined tables that were read. Each join has rows of its own, under a name of its own: the joined rows of a table are
/// not among its first.
pub(super) struct Parents<'a> {
    rows: &'a FirstRows<'a>,
    read: BTreeMap<Joined, Option<Parent<'a>>>,
    /// What could not be read, and why.
    pub(super) notes: Vec<String>,
}

struct Parent<'a> {
    alias: String,
    table: &'a Table,
    rows: RecordBatch,
}

impl<'a> Parents<'a> {
    pub(super) fn new(rows: &'a FirstRows<'a>) -> Self {
        Self { rows, read: BTreeMap::new(), notes: Vec::new() }
    }

    /// The name under which the rows are that a triple map joins; nothing where they could not be read.
    pub(super) async fn alias(
        &mut self,
        graph: &VirtualGraph,
        triple: &TripleMap,
        join: &Join,
    ) -> Result<Option<String>, Failure> {
        let joined = (triple.table.clone(), join.table.clone(), join.on.clone());
        if let Some(known) = self.read.get(&joined) {
            return Ok(known.as_ref().map(|parent| parent.alias.clone()));
        }
        let parent = self.parent(graph, &joined, join).await?;
        let alias = parent.as_ref().map(|parent| parent.alias.clone());
        self.read.insert(joined, parent);
        Ok(alias)
    }

    /// Each name, its table, and its rows.
    pub(super) fn into_read(self) -> impl Iterator<Item = (String, &'a Table, RecordBatch)> {
        self.read.into_values().flatten().map(|parent| (parent.alias, parent.table, parent.rows))
    }

    async fn parent(
        &mut self,
        graph: &VirtualGraph,
        joined: &Joined,
        join: &Join,
    ) -> Result<Option<Parent<'a>>, Failure> {
        let tables = &self.rows.description.tables;
        let Some(table) = tables.iter().find(|table| table.name == join.table) else { return Ok(None) };
        let Some(child) = self.rows.rows.get(&joined.0) else { return Ok(None) };
        let needed: BTreeSet<&String> = graph
            .triples
            .iter()
            .filter(|other| other.table == joined.0 && other.join.as_ref() == Some(join))
            .flat_map(|other| other.object.columns.iter().chain(required(other, true)))
            .chain(join.on.iter().map(|(_, parent)| parent))
            .collect();
        let columns: Vec<&Column> = table.columns.iter().filter(|column| needed.contains(&column.name)).collect();
        let rows = match keys(child, join, table)? {
            Some(keys) => self.by_keys(table, &columns, keys).await?,
            None => self.rows.scan(table, &columns, None, MOST_ROWS + 1).await?,
        };
        if rows.num_rows() > MOST_ROWS {
            let (child, parent) = (&joined.0, &table.name);
            self.notes.push(format!(
                "references from {child} to {parent} are not shown: more than {MOST_ROWS} rows of {parent} would be read"
            ));
            return Ok(None);
        }
        let mut alias = format!("{} joined {}", table.name, self.read.len());
        while tables.iter().any(|table| table.name == alias) {
            alias.push('\'');
        }
        Ok(Some(Parent { alias, table, rows }))
    }

    /// One more row than is allowed shows that there are too many.
    async fn by_keys(&self, table: &Table, columns: &[&Column], keys: KeyBlock) -> Result<RecordBatch, Failure> {
        let total = keys.keys.num_rows();
        let mut found = vec![RecordBatch::new_empty(schema(columns))];
        let mut rows = 0;
        for start in (0..total).step_by(table.max_keys.max(1) as usize) {
            let count = (table.max_keys.max(1) as usize).min(total - start);
            let block = KeyBlock { columns: keys.columns.clone(), keys: keys.keys.slice(start, count) };
            let batch = self.rows.scan(table, columns, Some(block), MOST_ROWS + 1 - rows).await?;
            rows += batch.num_rows();
            found.push(batch);
            if rows > MOST_ROWS {
                break;
            }
        }
        concat_batches(&schema(columns), &found).map_err(|error| Failure::caused(Code::Internal, &error))
    }
}

/// The different keys of the child's rows; nothing where the table takes none of that kind.
fn keys(child: &RecordBatch, join: &Join, parent: &Table) -> Result<Option<KeyBlock>, Failure> {
    let mut names: Vec<String> = Vec::with_capacity(join.on.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(join.on.len());
    for (own, other) in &join.on {
        let (Some(array), Some(column)) = (child.column_by_name(own), parent.column(other)) else { return Ok(None) };
        let is_bindable = column.binding != Binding::None && *array.data_type() == column.data_type.to_arrow();
        if parent.max_keys == 0 || !is_bindable || names.contains(other) {
            return Ok(None);
        }
        names.push(other.clone());
        arrays.push(array.clone());
    }
    let keys = distinct(&names, &arrays).map_err(|error| Failure::caused(Code::Internal, &error))?;
    Ok(Some(KeyBlock { columns: names, keys }))
}

/// The rows without null, each once.
fn distinct(names: &[String], arrays: &[ArrayRef]) -> Result<RecordBatch, ArrowError> {
    let converter = RowConverter::new(arrays.iter().map(|array| SortField::new(array.data_type().clone())).collect())?;
    let rows = converter.convert_columns(arrays)?;
    let mut seen = HashSet::new();
    let mut places: Vec<u32> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if arrays.iter().all(|array| array.is_valid(place)) && seen.insert(row) {
            places.push(u32::try_from(place).map_err(|error| ArrowError::ExternalError(Box::new(error)))?);
        }
    }
    let places = UInt32Array::from(places);
    let taken = arrays.iter().map(|array| take(array, &places, None)).collect::<Result<Vec<_>, _>>()?;
    let fields = names.iter().zip(&taken).map(|(name, array)| ArrowField::new(name, array.data_type().clone(), false));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow_array::{Int64Array, StringViewArray};

    #[test]
    fn keys_are_whole_and_different() {
        let names = ["a".to_owned(), "b".to_owned()];
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(1), None, Some(2), Some(1)]));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("x"), Some("y"), Some("x"), None, Some("x")]));
        let keys = distinct(&names, &[numbers, texts]).unwrap();
        assert_eq!(keys.num_rows(), 2);
        assert_eq!(keys.schema().field(1).name(), "b");
    }
}
