//! Property paths, walked through triples that are there.

use super::condition::one;
use super::subject_of;
use oxrdf::vocab::rdf;
use oxrdf::{Quad, Term};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// A path and the two ends of a walk along it.
pub(super) struct Walk {
    pub(super) path: String,
    pub(super) from: Term,
    pub(super) to: Term,
}

/// One step of a walk: the predicate, which way, and where it leads.
struct Step {
    text: String,
    to: Term,
}

/// A walk of a few steps that starts at a term of `starts`, when one of them has a triple.
pub(super) fn walk(rng: &mut StdRng, quads: &[&Quad], start: Option<&Term>) -> Option<Walk> {
    let from = match start {
        Some(term) => term.clone(),
        None => subject_of(best_start(rng, quads)?),
    };
    let mut at = from.clone();
    let mut parts: Vec<String> = Vec::new();
    for _ in 0..one_of(rng, &[1, 1, 1, 1, 2, 2, 3]) {
        let Some(step) = step(rng, quads, &at) else { break };
        let (text, to) = repeat(rng, quads, &at, step);
        parts.push(text);
        at = to;
    }
    if parts.is_empty() {
        return None;
    }
    let mut path = parts.join("/");
    if parts.len() > 1 && rng.random_bool(0.25) {
        path = format!("({path}){}", one(rng, &["", "?", "*", "+", "+"]));
    }
    if rng.random_bool(0.12) {
        path = format!("{path}|{}", any_predicate(rng, quads));
    }
    Some(Walk { path, from, to: at })
}

/// Mostly where one can go on: a subject that is the object of another triple too.
fn best_start<'q>(rng: &mut StdRng, quads: &[&'q Quad]) -> Option<&'q Quad> {
    let linked: Vec<&&Quad> =
        quads.iter().filter(|quad| !quad.object.is_literal() && quad.predicate.as_ref() != rdf::TYPE).collect();
    if rng.random_bool(0.9)
        && let Some(quad) = linked.choose(rng)
    {
        return Some(quad);
    }
    quads.choose(rng).copied()
}

fn step(rng: &mut StdRng, quads: &[&Quad], at: &Term) -> Option<Step> {
    let out: Vec<&&Quad> = quads.iter().filter(|quad| subject_of(quad) == *at).collect();
    let links: Vec<&&Quad> = out.iter().filter(|quad| !quad.object.is_literal()).copied().collect();
    let into: Vec<&&Quad> = quads.iter().filter(|quad| quad.object == *at).collect();
    let backwards = into.choose(rng).filter(|_| rng.random_bool(0.25) || out.is_empty());
    if let Some(quad) = backwards {
        return Some(Step { text: format!("^{}", quad.predicate), to: subject_of(quad) });
    }
    let quad = if rng.random_bool(0.85) { links.choose(rng).or_else(|| out.choose(rng)) } else { out.choose(rng) }?;
    Some(Step { text: predicate(rng, quad), to: quad.object.clone() })
}

fn predicate(rng: &mut StdRng, quad: &Quad) -> String {
    if quad.predicate.as_ref() == rdf::TYPE && rng.random_bool(0.5) {
        "a".to_owned()
    } else {
        quad.predicate.to_string()
    }
}

/// The step as it is, among others, or repeated; and where it can lead then.
fn repeat(rng: &mut StdRng, quads: &[&Quad], at: &Term, step: Step) -> (String, Term) {
    let other = any_predicate(rng, quads);
    let text = match rng.random_range(0..100) {
        0..22 => step.text,
        22..32 => format!("({}|{other})", step.text),
        32..36 => format!("({}|^{other})", step.text),
        36..44 => return (negated(rng, quads, &step), step.to),
        44..48 => format!("({}|{}/{other})", step.text, step.text),
        48..52 => format!("(({})?/{other}|{})", step.text, step.text),
        _ => {
            let inner = match rng.random_range(0..10) {
                0..5 => step.text.clone(),
                5 | 6 => format!("({}|{other})", step.text),
                7 => format!("({}|^{other})", step.text),
                8 => format!("({}/{other}?)", step.text),
                _ => negated(rng, quads, &step),
            };
            let sign = one(rng, &["*", "*", "+", "+", "+", "?"]);
            let to = if sign == "?" { step.to } else { follow(rng, quads, at, &step) };
            let inner = if inner.starts_with('(') { inner } else { format!("({inner})") };
            return (format!("{inner}{sign}"), to);
        }
    };
    (text, step.to)
}

/// Where more steps of the same kind lead.
fn follow(rng: &mut StdRng, quads: &[&Quad], at: &Term, step: &Step) -> Term {
    let mut to = step.to.clone();
    for _ in 0..rng.random_range(0..3) {
        let next: Vec<Term> = match step.text.strip_prefix('^') {
            Some(back) => quads
                .iter()
                .filter(|quad| quad.object == to && quad.predicate.as_str() == back.trim_matches(['<', '>']))
                .map(|quad| subject_of(quad))
                .collect(),
            None => quads
                .iter()
                .filter(|quad| subject_of(quad) == to && quad.predicate.to_string() == step.text)
                .map(|quad| quad.object.clone())
                .collect(),
        };
        match next.choose(rng) {
            Some(next) => to = next.clone(),
            None => return if rng.random_bool(0.1) { at.clone() } else { to },
        }
    }
    to
}

/// A negated set that the step passes.
fn negated(rng: &mut StdRng, quads: &[&Quad], step: &Step) -> String {
    let is_back = step.text.starts_with('^');
    let mut others: Vec<String> = (0..rng.random_range(1..3)).map(|_| any_predicate(rng, quads)).collect();
    others.retain(|other| *other != step.text.trim_start_matches('^'));
    let mut members: Vec<String> = others
        .into_iter()
        .map(|other| if is_back || rng.random_bool(0.2) { format!("^{other}") } else { other })
        .collect();
    if members.is_empty() {
        members.push(if is_back { "^ex:unheardOf".to_owned() } else { "ex:unheardOf".to_owned() });
    }
    if members.len() == 1 { format!("!{}", members[0]) } else { format!("!({})", members.join("|")) }
}

fn any_predicate(rng: &mut StdRng, quads: &[&Quad]) -> String {
    quads.choose(rng).map_or_else(|| "ex:unheardOf".to_owned(), |quad| quad.predicate.to_string())
}

fn one_of(rng: &mut StdRng, numbers: &[usize]) -> usize {
    numbers.choose(rng).copied().unwrap_or(1)
}
