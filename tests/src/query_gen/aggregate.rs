//! GROUP BY, HAVING and aggregates.

use super::condition::{self, one};
use super::{Aggregate, Bound, Dedup, Form, Item, Query};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const FUNCTIONS: &[&str] = &["COUNT", "COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT"];

/// `plain`: mostly what a source can compute.
pub(super) fn group(rng: &mut StdRng, query: &mut Query, bound: &[Bound], plain: bool) {
    let values: Vec<Bound> = bound.iter().filter(|b| b.name.starts_with('v')).cloned().collect();
    let bound = if plain && !values.is_empty() { &values } else { bound };
    let count = *[0, 1, 1, 1, 2].choose(rng).unwrap_or(&1);
    query.group_by =
        bound.choose_multiple(rng, count.min(bound.len())).map(|b| Item::Variable(b.name.clone())).collect();
    if !plain && rng.random_bool(0.1) {
        let text = condition::value(rng, bound, 1);
        query.group_by.push(Item::Expression { text, name: "group".to_owned() });
    }
    let mut items: Vec<Item> = query.group_by.iter().map(|item| Item::Variable(item.name().to_owned())).collect();
    for number in 0..rng.random_range(1..=3) {
        items.push(Item::Aggregate(aggregate(rng, bound, format!("a{number}"), plain)));
    }
    if rng.random_bool(0.2) {
        let threshold = rng.random_range(0..4);
        query.having = Some(format!("COUNT(*) {} {threshold}", one(rng, &[">", ">=", "<", "="])));
    }
    query.form = Form::Select { dedup: Dedup::All, items };
}

fn aggregate(rng: &mut StdRng, bound: &[Bound], name: String, plain: bool) -> Aggregate {
    let chosen = bound.choose(rng);
    let function = match chosen {
        Some(bound) if plain && condition::is_numeric(bound) => one(rng, &["COUNT", "SUM", "AVG", "MIN", "MAX"]),
        _ if plain => one(rng, &["COUNT", "MIN", "MAX"]),
        _ => one(rng, FUNCTIONS),
    };
    let argument = match chosen {
        _ if function == "COUNT" && rng.random_bool(0.3) => None,
        _ if !plain && rng.random_bool(0.1) => Some(condition::value(rng, bound, 0)),
        Some(bound) => Some(format!("?{}", bound.name)),
        None => None,
    };
    let separator = (function == "GROUP_CONCAT").then(|| "|".to_owned());
    Aggregate {
        function: function.to_owned(),
        distinct: rng.random_bool(if plain { 0.1 } else { 0.3 }),
        argument,
        separator,
        name,
    }
}
