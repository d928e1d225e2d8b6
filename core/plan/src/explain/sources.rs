//! Which sources a plan asks, and why others are left out: short for people however many there are.

use crate::unfold::MAX_PRUNED;
use crate::{Catalogue, Plan, Pruned, Request, ServiceName};
use std::collections::BTreeSet;

/// The sources of a catalogue as a plan sees them, each once and in order.
pub(super) struct Sources<'a> {
    pub(super) configured: usize,
    pub(super) asked: BTreeSet<&'a str>,
    /// Those that have triples with a predicate of the query, and none that match.
    pub(super) left_out: BTreeSet<&'a str>,
    pub(super) services: BTreeSet<String>,
    /// Whether not everything that was left out is known.
    pub(super) is_cut: bool,
}

impl<'a> Sources<'a> {
    pub(super) fn new(plan: &'a Plan, catalogue: &Catalogue) -> Self {
        let mut asked = BTreeSet::new();
        let mut services = BTreeSet::new();
        for request in plan.root.requests() {
            match request {
                Request::Scan(scan) => {
                    asked.insert(&*scan.source);
                }
                Request::Service(service) => {
                    services.insert(match &service.endpoint {
                        ServiceName::Iri(iri) => iri.to_string(),
                        ServiceName::Variable(variable) => variable.to_string(),
                    });
                }
            }
        }
        let left_out = plan.pruned.iter().map(|p| &*p.source).filter(|source| !asked.contains(source)).collect();
        let is_cut = plan.pruned.len() >= MAX_PRUNED;
        Self { configured: catalogue.graphs().len(), asked, left_out, services, is_cut }
    }

    /// Those that have nothing to do with the query; or, where the list is cut, that are left out as well.
    pub(super) fn others(&self) -> usize {
        self.configured.saturating_sub(self.asked.len() + self.left_out.len())
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![match self.asked.is_empty() {
            true => format!("asked: none of {}", self.configured),
            false => format!("asked: {} of {}: {}", self.asked.len(), self.configured, some(&self.asked)),
        }];
        if !self.left_out.is_empty() {
            lines.push(format!("left out: {}: {}", self.left_out.len(), some(&self.left_out)));
        }
        if self.others() > 0 {
            let or = if self.is_cut { ", or left out as well" } else { "" };
            lines.push(format!("without a matching predicate{or}: {}", self.others()));
        }
        if !self.services.is_empty() {
            let services = self.services.iter().map(String::as_str).collect();
            lines.push(format!("services: {}: {}", self.services.len(), some(&services)));
        }
        lines
    }
}

/// Names that are listed before the rest is counted.
const LISTED: usize = 10;

fn some(names: &BTreeSet<&str>) -> String {
    let listed: Vec<&str> = names.iter().take(LISTED).copied().collect();
    match names.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// What was left out for one pattern.
pub(super) struct LeftOut<'a> {
    pub(super) pattern: &'a str,
    pub(super) entries: Vec<&'a Pruned>,
}

/// What was left out, pattern by pattern.
pub(super) fn left_out(pruned: &[Pruned]) -> Vec<LeftOut<'_>> {
    let mut all: Vec<LeftOut<'_>> = Vec::new();
    for entry in pruned {
        match all.iter_mut().find(|known| known.pattern == entry.pattern) {
            Some(known) => known.entries.push(entry),
            None => all.push(LeftOut { pattern: &entry.pattern, entries: vec![entry] }),
        }
    }
    all
}

impl LeftOut<'_> {
    /// The first reasons, and how many more there are.
    pub(super) fn lines(&self) -> Vec<String> {
        const SHOWN: usize = 5;
        let shown = self.entries.iter().take(SHOWN);
        let mut lines: Vec<String> =
            shown.map(|entry| format!("source {}, table {}: {}", entry.source, entry.table, entry.reason)).collect();
        let more: &[&Pruned] = self.entries.get(SHOWN..).unwrap_or_default();
        let sources: BTreeSet<&str> = more.iter().map(|entry| &*entry.source).collect();
        if !more.is_empty() {
            lines.push(format!("{} more for such reasons, of {} sources", more.len(), sources.len()));
        }
        lines
    }
}
