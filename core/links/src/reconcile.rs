//! What a run of a rule changes of what is known.

use crate::{Found, Link, LinkRecord, LinkRule, LinkState};
use oxrdf::NamedNode;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// What is to be recorded after a run of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub links: Vec<Link>,
    pub counts: ChangeCounts,
}

/// How many links a run changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Not known before.
    pub new: u64,
    /// With another state, score or evidence than before.
    pub changed: u64,
    pub unchanged: u64,
    /// Those that were held before and are no longer found, or violate a shape.
    pub suspect: u64,
}

/// Compares what a rule finds with its current records. `refused` are links that violate a shape, with the message;
/// `entities` are all there are on both sides. Records of others, and of people, are not looked at.
pub fn reconcile(
    rule: &LinkRule,
    current: &[LinkRecord],
    found: &[Found],
    refused: &HashMap<(NamedNode, NamedNode), String>,
    entities: &BTreeSet<&NamedNode>,
) -> Changes {
    let mut changes = Changes::default();
    let known: HashMap<(&NamedNode, &NamedNode), &LinkRecord> = current
        .iter()
        .filter(|record| record.predicate == rule.predicate)
        .map(|record| ((&record.subject, &record.object), record))
        .collect();
    let mut kept: BTreeSet<(&NamedNode, &NamedNode)> = BTreeSet::new();
    for found in found {
        let pair = (found.subject.clone(), found.object.clone());
        if refused.contains_key(&pair) {
            continue;
        }
        kept.insert((&found.subject, &found.object));
        let link = link(rule, found);
        match known.get(&(&found.subject, &found.object)) {
            None => changes.counts.new += 1,
            Some(record) if says(record, &link) => {
                changes.counts.unchanged += 1;
                continue;
            }
            Some(_) => changes.counts.changed += 1,
        }
        changes.links.push(link);
    }
    for record in current {
        let is_kept = record.predicate == rule.predicate && kept.contains(&(&record.subject, &record.object));
        if is_kept || !matches!(record.state, LinkState::Proposed | LinkState::Confirmed | LinkState::Suspect) {
            continue;
        }
        let why = why_not(record, refused, entities);
        if record.state == LinkState::Suspect && record.evidence.as_deref() == Some(why.as_str()) {
            changes.counts.unchanged += 1;
            continue;
        }
        changes.counts.suspect += 1;
        changes.links.push(suspect(record, why));
    }
    changes
}

/// A record of a rule as one that is to be looked at again.
pub fn suspect(record: &LinkRecord, why: String) -> Link {
    Link {
        subject: record.subject.clone(),
        predicate: record.predicate.clone(),
        object: record.object.clone(),
        rule: record.rule.clone(),
        author: record.author.clone(),
        evidence: Some(why),
        confidence: record.confidence,
        state: LinkState::Suspect,
        valid_from: record.valid_from.as_ref().map(ToString::to_string),
        valid_to: record.valid_to.as_ref().map(ToString::to_string),
    }
}

fn link(rule: &LinkRule, found: &Found) -> Link {
    Link {
        subject: found.subject.clone(),
        predicate: rule.predicate.clone(),
        object: found.object.clone(),
        rule: Some(rule.name.clone()),
        author: None,
        evidence: Some(found.evidence.clone()),
        confidence: Some(found.score),
        state: if found.is_confirmed { LinkState::Confirmed } else { LinkState::Proposed },
        valid_from: None,
        valid_to: None,
    }
}

fn says(record: &LinkRecord, link: &Link) -> bool {
    record.state == link.state && record.confidence == link.confidence && record.evidence == link.evidence
}

fn why_not(
    record: &LinkRecord,
    refused: &HashMap<(NamedNode, NamedNode), String>,
    entities: &BTreeSet<&NamedNode>,
) -> String {
    if let Some(message) = refused.get(&(record.subject.clone(), record.object.clone())) {
        return format!("a shape is violated: {message}");
    }
    let gone: Vec<String> = [&record.subject, &record.object]
        .iter()
        .filter(|end| !entities.contains(*end))
        .map(ToString::to_string)
        .collect();
    if gone.is_empty() {
        "the keys no longer match".to_owned()
    } else {
        format!("no longer among the entities of the rule: {}", gone.join(", "))
    }
}
