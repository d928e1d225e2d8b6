//! GROUP BY, HAVING and aggregates.

use super::condition::{self, one};
use super::pattern::Patterns;
use super::sub_query::determined;
use super::theme::Theme;
use super::{Aggregate, Bound, Dedup, Element, Expression, Form, Item, Query};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const FUNCTIONS: &[&str] = &["COUNT", "COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT"];

pub(super) fn group(rng: &mut StdRng, query: &mut Query, bound: &[Bound], patterns: &mut Patterns<'_>) {
    // Mostly what a source can compute.
    let plain = patterns.theme == Theme::Star || rng.random_bool(0.35);
    let times: Vec<Bound> = bound.iter().filter(|b| condition::is_time(b)).cloned().collect();
    let values: Vec<Bound> = bound.iter().filter(|b| b.name.starts_with('v')).cloned().collect();
    let bound = if plain && !values.is_empty() { &values } else { bound };
    let count = *[0, 1, 1, 1, 2].choose(rng).unwrap_or(&1);
    query.group_by =
        bound.choose_multiple(rng, count.min(bound.len())).map(|b| Item::Variable(b.name.clone())).collect();
    if !plain && rng.random_bool(0.2) {
        let text = condition::value(rng, bound, 1).into();
        query.group_by.push(Item::Expression { text, name: "group".to_owned() });
    }
    if let Some(time) = times.choose(rng).filter(|_| rng.random_bool(0.6)) {
        let part = one(rng, &["YEAR", "MONTH", "DAY", "HOURS", "MINUTES"]);
        let text = format!("{part}(?{})", time.name).into();
        query.group_by.push(Item::Expression { text, name: "part".to_owned() });
    }
    let is_complex = query
        .pattern
        .iter()
        .any(|element| !matches!(element, Element::Triples(triples) if triples.iter().all(is_simple)));
    let mut items: Vec<Item> = query.group_by.iter().map(|item| Item::Variable(item.name().to_owned())).collect();
    for number in 0..rng.random_range(1..=3) {
        items.push(match rng.random_bool(if plain { 0.0 } else { 0.15 }) {
            true => Item::Expression { text: determined(rng, bound).into(), name: format!("k{number}") },
            false => Item::Aggregate(aggregate(rng, bound, format!("a{number}"), plain, is_complex)),
        });
    }
    if rng.random_bool(0.25) {
        query.having = Some(having(rng, query, bound, patterns));
    }
    query.form = Form::Select { dedup: Dedup::All, items };
}

fn is_simple(triple: &[String; 3]) -> bool {
    triple.iter().all(|part| part != "[]")
        && (triple[1].starts_with('?') || !triple[1].contains(['|', '*', '+', '!', '^', ')']))
}

fn having(rng: &mut StdRng, query: &Query, bound: &[Bound], patterns: &mut Patterns<'_>) -> Expression {
    let threshold = rng.random_range(0..4);
    let count = format!("COUNT(*) {} {threshold}", one(rng, &[">", ">=", "<", "="]));
    let keys: Vec<&Item> = query.group_by.iter().filter(|item| matches!(item, Item::Variable(_))).collect();
    if patterns.theme == Theme::Star || keys.is_empty() || rng.random_bool(0.6) {
        return if rng.random_bool(0.3) {
            format!("{count} || {} > 2", determined(rng, bound)).into()
        } else {
            count.into()
        };
    }
    // Only keys are bound there.
    let known: Vec<Element> = vec![Element::Values(keys.iter().map(|key| key.name().to_owned()).collect(), Vec::new())];
    let exists = patterns.exists(rng, &known, 0);
    Expression::fill(one(rng, &["{}", "{} || ({})", "({}) && {}"]), [exists, count.into()])
}

fn aggregate(rng: &mut StdRng, bound: &[Bound], name: String, plain: bool, is_complex: bool) -> Aggregate {
    let chosen = bound.choose(rng);
    let function = match chosen {
        Some(bound) if plain && condition::is_numeric(bound) => one(rng, &["COUNT", "SUM", "AVG", "MIN", "MAX"]),
        _ if plain => one(rng, &["COUNT", "MIN", "MAX"]),
        _ => one(rng, FUNCTIONS),
    };
    let argument = match chosen {
        _ if function == "COUNT" && rng.random_bool(0.3) => None,
        _ if !plain && rng.random_bool(0.15) => Some(condition::value(rng, bound, 0)),
        Some(bound) => Some(format!("?{}", bound.name)),
        None => None,
    };
    let separator = (function == "GROUP_CONCAT" && rng.random_bool(0.8)).then(|| "|".to_owned());
    // Variables without a name must not count, and the oracle counts them.
    let countable = argument.is_some() || !is_complex;
    let distinct = countable && rng.random_bool(if plain { 0.1 } else { 0.3 });
    Aggregate { function: function.to_owned(), distinct, argument, separator, name }
}
