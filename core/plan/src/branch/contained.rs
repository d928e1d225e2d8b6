//! Branches that say no more than others of the same union.
//!
//! `?x a :Document ; :title ?t` where a program of another source is a document because it ran: the branch that asks both
//! sources finds rows of the one that has titles, and those are documents already.

use super::{Access, Branch, BranchSet, Occurrence};

/// More pairs of branches are not compared.
const MOST_PAIRS: usize = 20_000;

impl BranchSet {
    /// Leaves out branches all of whose solutions are solutions of another one with fewer accesses.
    ///
    /// A branch has the rows that its accesses give together. Where each access, condition, variable and filter of one is
    /// also in another, the rows of the other are rows of the one, with more beside them; and all variables of the union are
    /// bound by both, to the same columns. The union is a set, so the other adds nothing to it.
    pub(crate) fn drop_contained(&mut self) {
        let sizes = || self.branches.iter().map(|branch| branch.accesses.len());
        let (Some(least), Some(most)) = (sizes().min(), sizes().max()) else { return };
        if least == most || self.branches.len().saturating_mul(self.branches.len()) > MOST_PAIRS {
            return;
        }
        let is_contained = |branch: &Branch| {
            let smaller = self.branches.iter().filter(|other| other.accesses.len() < branch.accesses.len());
            smaller.into_iter().any(|other| other.contains(branch))
        };
        let contained: Vec<bool> = self.branches.iter().map(is_contained).collect();
        let mut contained = contained.into_iter();
        self.branches.retain(|_| !contained.next().unwrap_or(false));
    }
}

impl Branch {
    /// Whether every solution of `other` is one of this branch, as far as accesses tell one by one.
    fn contains(&self, other: &Self) -> bool {
        if !self.filters.iter().all(|filter| other.filters.contains(filter)) {
            return false;
        }
        let fits = |mine: usize, theirs: usize| {
            is_looser(&self.accesses[mine], &other.accesses[theirs])
                && occurrences(self, Some(mine)).all(|occurrence| is_in(occurrence, other, Some(theirs)))
        };
        occurrences(self, None).all(|occurrence| is_in(occurrence, other, None))
            && (0..self.accesses.len()).all(|mine| (0..other.accesses.len()).any(|theirs| fits(mine, theirs)))
    }
}

/// Whether all rows of `other` are rows of `access`.
fn is_looser(access: &Access, other: &Access) -> bool {
    access.graph == other.graph
        && access.table == other.table
        && access.conditions.iter().all(|condition| other.conditions.contains(condition))
}

fn occurrences(branch: &Branch, access: Option<usize>) -> impl Iterator<Item = &Occurrence> {
    branch.occurrences.iter().filter(move |occurrence| occurrence.access == access)
}

fn is_in(occurrence: &Occurrence, other: &Branch, access: Option<usize>) -> bool {
    occurrences(other, access).any(|theirs| {
        theirs.variable == occurrence.variable
            && theirs.term == occurrence.term
            && theirs.optional == occurrence.optional
    })
}
