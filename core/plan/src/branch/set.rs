//! Unions of branches.

use super::Branch;
use crate::PlanLimits;
use crate::catalogue::Catalogue;
use crate::meeting::{Key, MOST_SHARED, Meeting, Member, connected};
use crate::namespace::Namespace;
use crate::parallel;
use oxrdf::Variable;

/// More pairs of branches are not looked at one by one.
const MOST_LOOKS: usize = 100_000;

/// A union of branches with set semantics over `variables`.
#[derive(Clone, Debug)]
pub(crate) struct BranchSet {
    pub(crate) branches: Vec<Branch>,
    pub(crate) variables: Vec<Variable>,
}

impl BranchSet {
    /// Whether the union of the branches gives each solution once without further work.
    pub(crate) fn is_set(&self, catalogue: &Catalogue, limits: &PlanLimits) -> bool {
        let determines = |branch: &Branch| branch.determines_rows(catalogue, &self.variables);
        parallel::each(self.branches.iter().collect(), limits, determines).into_iter().all(|all| all)
            && self.is_disjoint(catalogue)
    }

    /// Whether no two branches share a solution. Branches are told apart by one variable after another; what is still
    /// together then is compared pair by pair.
    fn is_disjoint(&self, catalogue: &Catalogue) -> bool {
        let all: Vec<u32> = (0..u32::try_from(self.branches.len()).unwrap_or(u32::MAX)).collect();
        let mut groups = if all.len() > 1 { vec![all] } else { Vec::new() };
        for variable in &self.variables {
            if groups.is_empty() {
                return true;
            }
            let of = |branch: u32| self.branches[branch as usize].namespace(variable);
            groups = groups.iter().flat_map(|group| connected(catalogue.namespaces(), group, of)).collect();
        }
        groups.iter().all(|group| {
            let pairs = group.len().saturating_mul(group.len());
            let branch = |position: &u32| &self.branches[*position as usize];
            pairs <= MOST_LOOKS
                && group
                    .iter()
                    .enumerate()
                    .all(|(i, a)| group[i + 1..].iter().all(|b| branch(a).is_disjoint(branch(b))))
        })
    }

    /// Whether every solution binds the variable.
    pub(crate) fn binds(&self, variable: &Variable) -> bool {
        self.branches.iter().all(|branch| branch.occurrences_of(variable).any(|o| !o.optional))
    }

    /// Which branches can have solutions with branches of the other.
    pub(crate) fn meeting(&self, other: &Self, catalogue: &Catalogue) -> Meeting {
        let mut shared: Vec<&Variable> = self.variables.iter().filter(|v| other.variables.contains(v)).collect();
        shared.truncate(MOST_SHARED);
        Meeting::new(catalogue.namespaces(), &self.members(&shared, catalogue), &other.members(&shared, catalogue))
    }

    /// The branches as members of a union, with the namespaces of these variables.
    pub(crate) fn members(&self, shared: &[&Variable], catalogue: &Catalogue) -> Vec<Member> {
        let member = |branch: &Branch| {
            let mut key: Key = [Namespace::Any; MOST_SHARED];
            key.iter_mut().zip(shared).for_each(|(place, variable)| *place = branch.namespace(variable));
            Member { key, requests: branch.requests(catalogue) }
        };
        self.branches.iter().map(member).collect()
    }

    /// The join of two sets, where joining them branch by branch is not dearer and no variable they share is optional.
    pub(crate) fn and(&self, other: &Self, catalogue: &Catalogue, limits: &PlanLimits) -> Option<Self> {
        let mut shared = self.variables.iter().filter(|variable| other.variables.contains(variable)).peekable();
        shared.peek()?;
        if !shared.all(|variable| self.binds(variable) && other.binds(variable)) {
            return None;
        }
        let meeting = self.meeting(other, catalogue);
        if !meeting.pays(limits) {
            return None;
        }
        let mut branches = Vec::with_capacity(meeting.pairs());
        for (position, branch) in self.branches.iter().enumerate() {
            let others = meeting.right_of(position).into_iter();
            branches.extend(others.filter_map(|other_position| branch.and(&other.branches[other_position])));
        }
        let mut variables = self.variables.clone();
        variables.extend(other.variables.iter().filter(|v| !self.variables.contains(v)).cloned());
        Some(Self { branches, variables })
    }
}
