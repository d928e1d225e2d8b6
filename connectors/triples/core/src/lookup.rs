//! Finding rows: by key, by the index of the most selective restriction, or one after the other.

use crate::condition::Condition;
use crate::dataset::{Dataset, Statements, Table, TermId};
use std::collections::HashSet;

/// What rows are wanted.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub table: Table,
    pub condition: Option<Condition>,
    pub keys: Option<Keys>,
}

/// Rows match that hold one of these keys in the columns.
#[derive(Clone, Debug)]
pub struct Keys {
    pub(crate) columns: Vec<usize>,
    pub(crate) keys: Vec<Vec<TermId>>,
}

impl Keys {
    /// Keys with a term the dataset does not have, and repeated ones, are left out.
    pub fn new<'a, K: IntoIterator<Item = &'a str>>(
        dataset: &Dataset,
        columns: Vec<usize>,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        let mut seen = HashSet::new();
        let known = |key: K| key.into_iter().map(|text| dataset.terms.id(text)).collect::<Option<Vec<_>>>();
        let keys = keys.into_iter().filter_map(known).filter(|key| seen.insert(key.clone())).collect();
        Self { columns, keys }
    }
}

/// Looks at candidates one by one: `Some` row that is wanted, or `None` for one that is not, so that whoever asks can
/// look at the clock.
#[derive(Debug)]
pub struct Rows<'d> {
    statements: &'d Statements,
    condition: Option<Condition>,
    candidates: Candidates<'d>,
}

#[derive(Debug)]
enum Candidates<'d> {
    All(std::ops::Range<u32>),
    /// Lists of rows that have no row in common.
    Listed(std::vec::IntoIter<&'d [u32]>, std::slice::Iter<'d, u32>),
    Keyed {
        keys: Keys,
        next: usize,
        rows: std::slice::Iter<'d, u32>,
    },
}

impl<'d> Rows<'d> {
    pub(crate) fn new(dataset: &'d Dataset, lookup: Lookup) -> Self {
        let statements = dataset.statements(lookup.table);
        let candidates = match lookup.keys {
            Some(keys) => Candidates::Keyed { keys, next: 0, rows: [].iter() },
            None => candidates(statements, lookup.condition.as_ref()),
        };
        Self { statements, condition: lookup.condition, candidates }
    }

    /// The next candidate, and whether the keys allow it.
    fn candidate(&mut self) -> Option<(u32, bool)> {
        match &mut self.candidates {
            Candidates::All(rows) => rows.next().map(|row| (row, true)),
            Candidates::Listed(lists, rows) => loop {
                if let Some(row) = rows.next() {
                    return Some((*row, true));
                }
                *rows = lists.next()?.iter();
            },
            Candidates::Keyed { keys, next, rows } => loop {
                if let Some(row) = rows.next() {
                    let cells = self.statements.row(*row);
                    let key = &keys.keys[*next - 1];
                    let holds = keys.columns.iter().zip(key).all(|(column, term)| cells[*column] == *term);
                    return Some((*row, holds));
                }
                let key = keys.keys.get(*next)?;
                *next += 1;
                let lists = keys.columns.iter().zip(key).map(|(column, term)| self.statements.with(*column, *term));
                *rows = lists.min_by_key(|list| list.len()).unwrap_or(&[]).iter();
            },
        }
    }
}

/// The rows of the most selective restriction.
fn candidates<'d>(statements: &'d Statements, condition: Option<&Condition>) -> Candidates<'d> {
    let mut restrictions = Vec::new();
    if let Some(condition) = condition {
        condition.restrictions(&mut restrictions);
    }
    let lists = |(column, terms): (usize, &HashSet<TermId>)| -> Vec<&'d [u32]> {
        terms.iter().map(|term| statements.with(column, *term)).collect()
    };
    let size = |lists: &Vec<&[u32]>| lists.iter().map(|list| list.len()).sum::<usize>();
    match restrictions.into_iter().map(lists).min_by_key(size) {
        Some(lists) => Candidates::Listed(lists.into_iter(), [].iter()),
        None => Candidates::All(0..statements.len()),
    }
}

impl Iterator for Rows<'_> {
    type Item = Option<u32>;

    fn next(&mut self) -> Option<Self::Item> {
        let (row, allowed) = self.candidate()?;
        let holds = || self.condition.as_ref().is_none_or(|condition| condition.holds(self.statements.row(row)));
        Some((allowed && holds()).then_some(row))
    }
}
