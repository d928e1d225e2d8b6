//! The keys of a bind join: terms of the left rows as native values of the right table.

use crate::columns::{Layout, TermReader, native_scalar, own_codes, own_labels};
use crate::error::QueryError;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{Field, Schema};
use datafusion_common::{DataFusionError, Result as StreamResult, ScalarValue};
use datafusion_execution::TaskContext;
use hashbrown::HashSet;
use oxrdf::{Term, Variable};
use std::sync::Arc;
use weft_model::contract::KeyBlock;
use weft_model::term::{KeyValue, LiteralType, TermType, encode};
use weft_plan::{KeySlot, SlotColumn};

/// The left rows whose keys the scans on the right are asked for: one at least of each key.
#[derive(Clone, Debug)]
pub(crate) struct KeySource {
    pub(crate) layout: Layout,
    pub(crate) rows: RecordBatch,
}

/// What an operator on the right of a bind join is built with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys<'a> {
    Known(&'a KeySource),
    /// Those of the block that it is run for, so laid out: it is built once and run for each.
    OfBlock(&'a Layout),
}

impl KeySource {
    /// No keys.
    pub(super) fn none(layout: &Layout) -> Self {
        Self { layout: layout.clone(), rows: RecordBatch::new_empty(layout.schema().clone()) }
    }

    /// What operators are run with to be run for these keys.
    pub(super) fn given_to(self, context: &TaskContext) -> Arc<TaskContext> {
        let config = context.session_config().clone().with_extension(Arc::new(self));
        Arc::new(TaskContext::new(
            context.task_id(),
            context.session_id(),
            config,
            context.scalar_functions().clone(),
            context.higher_order_functions().clone(),
            context.aggregate_functions().clone(),
            context.window_functions().clone(),
            context.runtime_env(),
        ))
    }

    /// The keys that operators are run for.
    pub(super) fn of_block(context: &TaskContext) -> StreamResult<Arc<Self>> {
        let keys = context.session_config().get_extension::<Self>();
        keys.ok_or_else(|| DataFusionError::Internal("operators are run for no block of keys".to_owned()))
    }

    /// The distinct keys for a slot; `None` when no left row can match the table.
    pub(crate) fn block(&self, slot: &KeySlot) -> Result<Option<KeyBlock>, QueryError> {
        let mut names = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for column in &slot.columns {
            names.extend(column.columns.iter().cloned());
            let terms = self.terms_as(column)?;
            let terms = match &column.labels {
                None => terms,
                Some(labels) => terms
                    .iter()
                    .map(|terms| own_labels(terms, labels))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| DataFusionError::Internal("encoded keys that are not text".to_owned()))?,
            };
            let Some(codes) = &column.codes else {
                columns.extend(terms);
                continue;
            };
            let coded = terms.iter().map(|terms| own_codes(terms, codes)).collect::<Option<Vec<_>>>();
            columns.extend(coded.ok_or_else(|| DataFusionError::Internal("codes of no text".to_owned()))?);
        }
        let keys = distinct(&columns)?;
        if keys.is_empty() {
            return Ok(None);
        }
        let fields: Vec<Field> =
            names.iter().zip(&columns).map(|(name, c)| Field::new(name, c.data_type().clone(), false)).collect();
        let columns = columns
            .iter()
            .map(|column| arrow_select::take::take(column, &keys, None))
            .collect::<Result<Vec<_>, _>>()
            .map_err(DataFusionError::from)?;
        let keys = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DataFusionError::from)?;
        Ok(Some(KeyBlock { columns: names, keys }))
    }

    /// The distinct terms of a variable, encoded.
    pub(crate) fn terms(&self, variable: &Variable) -> Result<Vec<String>, QueryError> {
        let Some((start, from)) = self.layout.get(variable) else { return Ok(Vec::new()) };
        if self.rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let reader = TermReader::new(from, &self.rows.columns()[start..start + from.columns().len()])?;
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for row in 0..self.rows.num_rows() {
            if let Some(term) = reader.term(row)?.map(|term| encode(&term))
                && seen.insert(term.clone())
            {
                found.push(term);
            }
        }
        Ok(found)
    }

    /// The terms of a variable as columns of the slot's type, null where the table cannot have the term.
    fn terms_as(&self, column: &SlotColumn) -> Result<Vec<ArrayRef>, QueryError> {
        let Some((start, from)) = self.layout.get(&column.variable) else {
            return Err(DataFusionError::Internal(format!("no keys for {}", column.variable)).into());
        };
        let arrays = &self.rows.columns()[start..start + from.columns().len()];
        if *from == column.term_type {
            return Ok(arrays.to_vec());
        }
        let types = column.term_type.columns();
        if self.rows.num_rows() == 0 {
            return Ok(types.iter().map(arrow_array::new_empty_array).collect());
        }
        let reader = TermReader::new(from, arrays)?;
        let mut cells: Vec<Vec<ScalarValue>> = vec![Vec::with_capacity(self.rows.num_rows()); types.len()];
        for row in 0..self.rows.num_rows() {
            let values = reader.term(row)?.and_then(|term| native(&term, &column.term_type));
            for (i, data_type) in types.iter().enumerate() {
                cells[i].push(match &values {
                    Some(values) => values[i].clone(),
                    None => ScalarValue::try_from(data_type)?,
                });
            }
        }
        Ok(cells.into_iter().map(ScalarValue::iter_to_array).collect::<Result<Vec<_>, _>>()?)
    }
}

/// The native values that stand for a term in columns of a type.
fn native(term: &Term, term_type: &TermType) -> Option<Vec<ScalarValue>> {
    let text = |value: &str| ScalarValue::Utf8View(Some(value.to_owned()));
    match (term_type, term) {
        (TermType::Iri { shape, keys }, Term::NamedNode(node)) => Some(
            shape
                .invert(node.as_str(), keys)?
                .into_iter()
                .map(|key| match key {
                    KeyValue::Int64(n) => ScalarValue::Int64(Some(n)),
                    KeyValue::Text(value) => text(&value),
                })
                .collect(),
        ),
        (TermType::Literal(LiteralType::Other(datatype)), Term::Literal(literal)) => {
            (literal.datatype() == datatype.as_ref()).then(|| vec![text(literal.value())])
        }
        (TermType::Literal(literal_type), Term::Literal(literal)) => {
            if literal.datatype() != literal_type.datatype() {
                return None;
            }
            Some(vec![native_scalar(literal_type, literal)?])
        }
        (TermType::LangString(tag), Term::Literal(literal)) => {
            (literal.language() == Some(tag)).then(|| vec![text(literal.value())])
        }
        (TermType::General, term) => Some(vec![text(&encode(term))]),
        _ => None,
    }
}

/// The first row of every distinct key without null.
fn distinct(columns: &[ArrayRef]) -> Result<UInt32Array, QueryError> {
    let rows = columns.first().map_or(0, |column| column.len());
    let converter = RowConverter::new(columns.iter().map(|c| SortField::new(c.data_type().clone())).collect())
        .map_err(DataFusionError::from)?;
    let encoded = converter.convert_columns(columns).map_err(DataFusionError::from)?;
    let mut seen: HashSet<&[u8]> = HashSet::with_capacity(rows);
    let mut first = Vec::new();
    for row in 0..rows {
        let complete = columns.iter().all(|column| column.is_valid(row));
        if complete && seen.insert(encoded.row(row).data()) {
            first.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
    }
    Ok(UInt32Array::from(first))
}
