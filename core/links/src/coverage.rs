//! What a run of a rule covered.

use crate::reconcile::ChangeCounts;
use crate::{Entities, Matches};
use oxrdf::NamedNode;
use serde::Serialize;
use std::collections::BTreeSet;

/// How many entities have a counterpart by a rule, and what the run found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    pub rule: String,
    pub left: SideCoverage,
    pub right: SideCoverage,
    pub confirmed: u64,
    pub proposed: u64,
    /// Pairs that were compared and are too little alike.
    pub ignored: u64,
    /// Links that violate a shape.
    pub refused: u64,
    pub changes: ChangeCounts,
}

/// Entities of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideCoverage {
    pub entities: u64,
    /// Those whose keys the normalisers accept.
    pub keyed: u64,
    /// Those that have a counterpart.
    pub linked: u64,
    /// Those that have several.
    pub ambiguous: u64,
    /// Those that have none.
    pub without: u64,
    /// Some of these.
    pub examples_without: Vec<String>,
}

/// Entities without a counterpart that are named.
const EXAMPLES: usize = 5;

impl Coverage {
    /// `matches` are those that violate no shape.
    pub fn new(
        rule: &str,
        [left, right]: [&Entities; 2],
        matches: &Matches,
        refused: u64,
        changes: ChangeCounts,
    ) -> Self {
        let subjects: BTreeSet<&NamedNode> = matches.links.iter().map(|found| &found.subject).collect();
        let objects: BTreeSet<&NamedNode> = matches.links.iter().map(|found| &found.object).collect();
        let linked: BTreeSet<&NamedNode> = subjects.union(&objects).copied().collect();
        let confirmed = matches.links.iter().filter(|found| found.is_confirmed).count() as u64;
        Self {
            rule: rule.to_owned(),
            left: side(left, &linked, matches.ambiguous_subjects),
            right: side(right, &linked, matches.ambiguous_objects),
            confirmed,
            proposed: matches.links.len() as u64 - confirmed,
            ignored: matches.ignored,
            refused,
            changes,
        }
    }
}

fn side(entities: &Entities, linked: &BTreeSet<&NamedNode>, ambiguous: u64) -> SideCoverage {
    let without = || entities.all().iter().filter(|entity| !linked.contains(entity));
    let all = entities.all().len() as u64;
    let alone = without().count() as u64;
    SideCoverage {
        entities: all,
        keyed: entities.keyed() as u64,
        linked: all - alone,
        ambiguous,
        without: alone,
        examples_without: without().take(EXAMPLES).map(|entity| entity.as_str().to_owned()).collect(),
    }
}
