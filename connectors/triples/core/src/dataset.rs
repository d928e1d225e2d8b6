//! Statements as rows of numbers, with the rows of every term in every column.

use crate::lookup::{Lookup, Rows};
use std::collections::HashMap;
use std::sync::Arc;

/// The statements of the default graph, or those of the named graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Triples,
    Quads,
}

impl Table {
    pub const ALL: [Self; 2] = [Self::Triples, Self::Quads];

    pub fn name(self) -> &'static str {
        match self {
            Self::Triples => "triples",
            Self::Quads => "quads",
        }
    }

    /// The columns, none of which is ever null. All together are unique.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Triples => &["s", "p", "o"],
            Self::Quads => &["s", "p", "o", "g"],
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The position of a column.
    pub fn column(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| *column == name)
    }
}

/// The number of a term.
pub(crate) type TermId = u32;

/// One statement; triples have no graph.
pub(crate) type Row = [TermId; 4];

/// Statements, each once. Never changes.
#[derive(Debug, Default)]
pub struct Dataset {
    pub(crate) terms: Terms,
    triples: Statements,
    quads: Statements,
}

/// Every term once.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, TermId>,
}

impl Terms {
    /// `None` when there are more terms than can be numbered.
    pub(crate) fn intern(&mut self, text: String) -> Option<TermId> {
        if let Some(id) = self.ids.get(text.as_str()) {
            return Some(*id);
        }
        let id = TermId::try_from(self.texts.len()).ok()?;
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        Some(id)
    }

    pub(crate) fn id(&self, text: &str) -> Option<TermId> {
        self.ids.get(text).copied()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Statements {
    rows: Vec<Row>,
    by_term: [HashMap<TermId, Vec<u32>>; 4],
}

impl Statements {
    fn new(mut rows: Vec<Row>, columns: usize) -> Self {
        rows.sort_unstable();
        rows.dedup();
        let mut by_term: [HashMap<TermId, Vec<u32>>; 4] = Default::default();
        for (number, row) in (0..).zip(&rows) {
            for (term, rows_of) in row.iter().zip(&mut by_term).take(columns) {
                rows_of.entry(*term).or_default().push(number);
            }
        }
        Self { rows, by_term }
    }

    pub(crate) fn len(&self) -> u32 {
        // The loader stops long before.
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn row(&self, number: u32) -> &Row {
        &self.rows[number as usize]
    }

    /// The rows with a term in a column.
    pub(crate) fn with(&self, column: usize, term: TermId) -> &[u32] {
        self.by_term[column].get(&term).map_or(&[], Vec::as_slice)
    }
}

impl Dataset {
    pub(crate) fn new(terms: Terms, triples: Vec<Row>, quads: Vec<Row>) -> Self {
        Self { terms, triples: Statements::new(triples, 3), quads: Statements::new(quads, 4) }
    }

    pub(crate) fn statements(&self, table: Table) -> &Statements {
        match table {
            Table::Triples => &self.triples,
            Table::Quads => &self.quads,
        }
    }

    pub fn rows(&self, table: Table) -> u64 {
        self.statements(table).rows.len() as u64
    }

    /// The number of different terms in a column.
    pub fn distinct(&self, table: Table, column: usize) -> u64 {
        self.statements(table).by_term.get(column).map_or(0, |terms| terms.len() as u64)
    }

    /// The encoded term in a row that [`Dataset::find`] gave.
    pub fn cell(&self, table: Table, row: u32, column: usize) -> &str {
        &self.terms.texts[self.statements(table).row(row)[column] as usize]
    }

    /// The rows a lookup wants, each once.
    pub fn find(&self, lookup: Lookup) -> Rows<'_> {
        Rows::new(self, lookup)
    }
}
