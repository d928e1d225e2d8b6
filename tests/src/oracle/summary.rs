//! What a run has looked at.

use crate::case::Outcome;
use crate::query_gen::{Query, features};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use weft_model::contract::Relation;

/// How often a part of the language was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub cases: u64,
    /// With an answer that is not empty.
    pub answered: u64,
    pub refused: u64,
    pub undecided: u64,
}

#[derive(Debug, Default)]
pub struct Summary {
    pub total: Counts,
    pub features: BTreeMap<String, Counts>,
    /// How many cases the engine refused, by what it said.
    pub refusals: BTreeMap<String, u64>,
    /// Cases that the oracle cannot decide, by reason.
    pub undecided: BTreeMap<&'static str, u64>,
    /// Sources, by how they are reached.
    pub transports: BTreeMap<String, u64>,
    /// What was asked of sources in memory.
    pub asked: BTreeMap<&'static str, u64>,
    pub failures: Vec<String>,
    /// How many cases took at most so many milliseconds, and their seconds together.
    pub durations: BTreeMap<u128, (u64, f64)>,
    /// Where the time went.
    pub seconds: BTreeMap<&'static str, f64>,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        self.cases += 1;
        match outcome {
            Outcome::Right { rows } => self.answered += u64::from(*rows > 0),
            Outcome::Refused(_) => self.refused += 1,
            Outcome::Undecided(_) => self.undecided += 1,
            Outcome::Wrong { .. } | Outcome::Failed(_) | Outcome::Silent => {}
        }
    }
}

impl Summary {
    pub(super) fn add(&mut self, query: &Query, in_thread: bool, outcome: &Outcome) {
        self.total.add(outcome);
        if in_thread {
            self.features.entry("thread view".to_owned()).or_default().add(outcome);
        }
        for feature in features(&query.text()) {
            self.features.entry(feature).or_default().add(outcome);
        }
        match outcome {
            Outcome::Refused(reason) => *self.refusals.entry(reason.clone()).or_default() += 1,
            Outcome::Undecided(reason) => *self.undecided.entry(reason).or_default() += 1,
            _ => {}
        }
    }

    pub(super) fn asked(&mut self, scans: &[Relation]) {
        for kind in scans.iter().flat_map(kinds) {
            *self.asked.entry(kind).or_default() += 1;
        }
    }

    pub(super) fn spent(&mut self, on: &'static str, seconds: f64) {
        *self.seconds.entry(on).or_default() += seconds;
    }

    pub(super) fn took(&mut self, time: Duration) {
        let at_most = [10, 30, 100, 300, 1_000, 3_000].into_iter().find(|most| time.as_millis() <= *most);
        let (cases, seconds) = self.durations.entry(at_most.unwrap_or(u128::MAX)).or_default();
        *cases += 1;
        *seconds += time.as_secs_f64();
    }

    /// One line for each feature.
    pub fn table(&self) -> String {
        let mut text =
            format!("{:<34} {:>8} {:>9} {:>8} {:>9}\n", "feature", "cases", "non-empty", "refused", "undecided");
        for (feature, counts) in &self.features {
            let Counts { cases, answered, refused, undecided } = counts;
            let _ = writeln!(text, "{feature:<34} {cases:>8} {answered:>9} {refused:>8} {undecided:>9}");
        }
        text
    }

    /// Everything but the failures, in one line.
    pub fn line(&self, seed: u64) -> String {
        let Counts { cases, answered, refused, undecided } = self.total;
        format!(
            "oracle: seed {seed}, {cases} cases, {answered} with an answer that is not empty, {refused} refused, {undecided} undecided, {} failures",
            self.failures.len()
        )
    }

    /// The rest of what was counted.
    pub fn details(&self) -> String {
        let seconds: Vec<String> = self.seconds.iter().map(|(on, s)| format!("{on} {s:.1}")).collect();
        let durations: Vec<String> = self
            .durations
            .iter()
            .map(|(most, (cases, seconds))| match *most {
                u128::MAX => format!("longer: {cases} ({seconds:.0} s)"),
                most => format!("up to {most} ms: {cases} ({seconds:.0} s)"),
            })
            .collect();
        format!(
            "sources {:?}\nasked of sources in memory {:?}\nrefused {:#?}\nundecided {:?}\ncases that took {}\nseconds: {}",
            self.transports,
            self.asked,
            self.refusals,
            self.undecided,
            durations.join(", "),
            seconds.join(", ")
        )
    }
}

/// What a relation is made of.
fn kinds(relation: &Relation) -> Vec<&'static str> {
    let mut kinds = vec!["scan"];
    for read in relation.reads() {
        kinds.extend(read.filter.is_some().then_some("filter"));
        kinds.extend(read.keys.is_some().then_some("keys"));
    }
    let mut rest = Some(relation);
    while let Some(relation) = rest {
        let (kind, input) = match relation {
            Relation::Read(read) => (if read.limit.is_some() { "limit" } else { "scan" }, None),
            Relation::Filter { input, .. } => ("filter", Some(input)),
            Relation::Project { input, .. } => ("project", Some(input)),
            Relation::Join { left, .. } => ("join", Some(left)),
            Relation::Aggregate { input, .. } => ("aggregate", Some(input)),
            Relation::Distinct { input } => ("distinct", Some(input)),
            Relation::Sort { input, .. } => ("sort", Some(input)),
            Relation::Limit { input, .. } => ("limit", Some(input)),
            Relation::Recurse { step, .. } => ("recurse", Some(step)),
        };
        kinds.push(kind);
        rest = input.map(|input| input.as_ref());
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
