//! Conditions on rows. Columns are never null, so that a condition is true or false.

use crate::dataset::{Dataset, Row, TermId};
use std::collections::HashSet;

/// A condition, in the numbers of one dataset.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Constant(bool),
    /// The column holds one of these terms.
    OneOf(usize, Terms),
    /// Two columns hold the same term.
    Same(usize, usize),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

/// A set of terms of one dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms(pub(crate) HashSet<TermId>);

impl Condition {
    /// The column holds one of these encoded terms. What the dataset does not have, no row holds.
    pub fn one_of<'a>(dataset: &Dataset, column: usize, texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::OneOf(column, Terms(texts.into_iter().filter_map(|text| dataset.terms.id(text)).collect()))
    }

    pub(crate) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Constant(holds) => *holds,
            Self::OneOf(column, terms) => terms.0.contains(&row[*column]),
            Self::Same(a, b) => row[*a] == row[*b],
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Not(part) => !part.holds(row),
        }
    }

    /// The restrictions of single columns that every row fulfils.
    pub(crate) fn restrictions<'a>(&'a self, found: &mut Vec<(usize, &'a HashSet<TermId>)>) {
        match self {
            Self::OneOf(column, terms) => found.push((*column, &terms.0)),
            Self::All(parts) => parts.iter().for_each(|part| part.restrictions(found)),
            _ => {}
        }
    }
}
