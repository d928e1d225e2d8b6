//! CONSTRUCT and DESCRIBE.

use super::condition::one;
use super::pattern::{Patterns, constant};
use super::{Bound, Element, Form, Query};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

impl Patterns<'_> {
    pub(super) fn construct(&mut self, rng: &mut StdRng, query: &mut Query, bound: &[Bound]) {
        if bound.is_empty() || rng.random_bool(0.2) {
            let triples = self.plain_triples(rng).into_iter().filter(|triple| triple[2] != "[]").collect();
            query.pattern = vec![Element::Triples(triples)];
            query.form = Form::Construct(Vec::new());
            return;
        }
        let own: Vec<[String; 3]> = query.pattern.iter().flat_map(triples_of).collect();
        let mut template = Vec::new();
        for _ in 0..rng.random_range(1..=4) {
            let copied = own.choose(rng).filter(|triple| is_template(triple) && rng.random_bool(0.5)).cloned();
            template.push(copied.unwrap_or_else(|| triple(rng, bound)));
        }
        query.form = Form::Construct(template);
    }

    pub(super) fn describe(&mut self, rng: &mut StdRng, query: &mut Query, bound: &[Bound]) {
        let things: Vec<&Bound> =
            bound.iter().filter(|b| b.sample.as_ref().is_none_or(|term| !term.is_literal())).collect();
        let mut targets: Vec<String> = Vec::new();
        for _ in 0..rng.random_range(1..=2) {
            match things.choose(rng) {
                Some(bound) if rng.random_bool(0.8) => targets.push(format!("?{}", bound.name)),
                Some(Bound { sample: Some(term), .. }) if term.is_named_node() => targets.push(constant(rng, term)),
                _ => targets.push("<http://example.com/part/1>".to_owned()),
            }
        }
        targets.retain(|target| target.starts_with(['?', '<']));
        targets.dedup();
        let only_names = !targets.iter().any(|target| target.starts_with('?'));
        if only_names && rng.random_bool(0.7) {
            query.pattern.clear();
        } else if !bound.is_empty() && rng.random_bool(0.05) {
            targets.clear();
        }
        query.form = Form::Describe(targets);
    }
}

fn triples_of(element: &Element) -> Vec<[String; 3]> {
    match element {
        Element::Triples(triples) => triples.clone(),
        _ => Vec::new(),
    }
}

/// A path cannot stand in a template.
fn is_template(triple: &[String; 3]) -> bool {
    let is_name = |text: &str| text.starts_with('<') && text.ends_with('>') && text.matches('<').count() == 1;
    is_name(&triple[1]) || triple[1].starts_with(['?', 'e'])
}

fn triple(rng: &mut StdRng, bound: &[Bound]) -> [String; 3] {
    let subject = match rng.random_range(0..10) {
        0..7 => variable(rng, bound),
        7 => "_:b".to_owned(),
        8 => "[]".to_owned(),
        _ => "ex:Whole".to_owned(),
    };
    let predicate =
        if rng.random_bool(0.1) { variable(rng, bound) } else { one(rng, &["ex:has", "ex:name", "a"]).to_owned() };
    let object = match rng.random_range(0..10) {
        0..7 => variable(rng, bound),
        7 => "_:b".to_owned(),
        _ => one(rng, &["ex:Thing", "1", "\"x\"@en", "\"01\"^^xsd:integer", "true"]).to_owned(),
    };
    [subject, predicate, object]
}

fn variable(rng: &mut StdRng, bound: &[Bound]) -> String {
    bound.choose(rng).map_or_else(|| "?nowhere".to_owned(), |bound| format!("?{}", bound.name))
}
