//! What is needed of the rows of a plan.

use hashbrown::HashSet;
use oxrdf::Variable;

/// The variables that something above looks at, and whether it looks at how often a row comes.
#[derive(Clone, Debug)]
pub(crate) struct Needed {
    pub(crate) variables: HashSet<Variable>,
    pub(crate) duplicates: bool,
}

impl Needed {
    /// These variables of every row.
    pub(crate) fn all(variables: HashSet<Variable>) -> Self {
        Self { variables, duplicates: true }
    }

    /// These variables of rows that may come as often as they like, but come.
    pub(crate) fn once(variables: HashSet<Variable>) -> Self {
        Self { variables, duplicates: false }
    }

    /// Other variables of the same rows.
    pub(super) fn of(&self, variables: HashSet<Variable>) -> Self {
        Self { variables, duplicates: self.duplicates }
    }

    pub(super) fn with(&self, more: HashSet<Variable>) -> Self {
        self.of(self.variables.union(&more).cloned().collect())
    }

    /// For what is computed anew from each row, and may be something else for each.
    pub(super) fn each(self, is_volatile: bool) -> Self {
        Self { duplicates: self.duplicates || is_volatile, ..self }
    }
}
