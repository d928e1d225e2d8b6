//! Links and runs of rules, for people and for programs.

use crate::failure::Failure;
use crate::links::{Explained, RuleOutcome};
use crate::output::plain_table;
use serde::Serialize;
use weft_index::{LinkRecord, LinkState};
use weft_links::SideCoverage;
use weft_model::Code;

pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::caused(Code::Internal, &error))?;
    println!("{text}");
    Ok(())
}

pub(super) fn outcome(outcome: &RuleOutcome) {
    let coverage = &outcome.coverage;
    println!("rule {}: {} confirmed, {} proposed", coverage.rule, coverage.confirmed, coverage.proposed);
    let changes = &coverage.changes;
    println!(
        "  {} new, {} changed, {} unchanged, {} now suspect; {} pairs too little alike",
        changes.new, changes.changed, changes.unchanged, changes.suspect, coverage.ignored
    );
    side("left", &coverage.left);
    side("right", &coverage.right);
    if outcome.skipped > 0 {
        println!("  {} rows have no IRI for the entity, or no value for a key", outcome.skipped);
    }
    if coverage.refused > 0 {
        println!("  {} links violate a shape:", coverage.refused);
        outcome.violations.iter().for_each(|violation| println!("    {violation}"));
    }
}

fn side(name: &str, side: &SideCoverage) {
    let SideCoverage { entities, keyed, linked, ambiguous, without, examples_without } = side;
    println!(
        "  {name}: {linked} of {entities} have a counterpart ({keyed} have usable keys, {ambiguous} have several), {without} have none"
    );
    if !examples_without.is_empty() {
        println!("    such as {}", examples_without.join(", "));
    }
}

pub(super) fn records(records: &[LinkRecord]) {
    let mut table = plain_table(&["link", "state", "subject", "predicate", "object", "by", "confidence"]);
    for record in records {
        table.add_row([
            record.id.to_string(),
            record.state.to_string(),
            record.subject.as_str().to_owned(),
            record.predicate.as_str().to_owned(),
            record.object.as_str().to_owned(),
            by(record),
            confidence(record),
        ]);
    }
    println!("{table}");
}

pub(super) fn history(records: &[LinkRecord]) {
    let mut table =
        plain_table(&["recorded", "superseded", "state", "by", "confidence", "valid from", "valid to", "evidence"]);
    let time = |time: &Option<weft_index::LinkTime>| time.as_ref().map_or_else(String::new, ToString::to_string);
    for record in records {
        table.add_row([
            record.recorded_at.to_string(),
            time(&record.superseded_at),
            record.state.to_string(),
            by(record),
            confidence(record),
            time(&record.valid_from),
            time(&record.valid_to),
            record.evidence.clone().unwrap_or_default(),
        ]);
    }
    println!("{table}");
}

pub(super) fn explained(link: &Explained) {
    println!("link {}: {}", link.id, link.state);
    println!("  <{}>\n  <{}>\n  <{}>", link.subject, link.predicate, link.object);
    if link.state != LinkState::Confirmed {
        println!("queries do not see it");
    }
    for opinion in &link.opinions {
        let confidence = opinion.confidence.map_or_else(String::new, |score| format!(", confidence {score}"));
        println!("\n{} says {}{confidence}, since {}", by(opinion), opinion.state, opinion.recorded_at);
        if let Some(evidence) = &opinion.evidence {
            println!("  because {evidence}");
        }
        for (word, time) in [("from", &opinion.valid_from), ("to", &opinion.valid_to)] {
            time.iter().for_each(|time| println!("  valid {word} {time}"));
        }
    }
    for run in &link.rules {
        let time = run.ran_at.as_ref().map_or_else(String::new, |time| format!(", as it ran at {time}"));
        println!("\nrule {}{time}:", run.rule);
        run.text.lines().for_each(|line| println!("  {line}"));
    }
}

fn by(record: &LinkRecord) -> String {
    match (&record.rule, &record.author) {
        (Some(rule), _) => format!("rule {rule}"),
        (None, Some(author)) => author.clone(),
        (None, None) => "somebody".to_owned(),
    }
}

fn confidence(record: &LinkRecord) -> String {
    record.confidence.map_or_else(String::new, |confidence| confidence.to_string())
}
