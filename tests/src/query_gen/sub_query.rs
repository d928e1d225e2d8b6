//! Queries within patterns. What they hand out is determined, so that whatever is around them is too.

use super::condition::{self, one};
use super::pattern::Patterns;
use super::{Bound, Dedup, Form, Item, Query};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Aggregates with one right value: no sums of floating numbers, no choice among values without an order.
const DETERMINED: &[&str] = &[
    "COUNT(*)",
    "COUNT({})",
    "COUNT(DISTINCT {})",
    "SUM(STRLEN(STR({})))",
    "SUM(DISTINCT STRLEN(STR({})))",
    "AVG(STRLEN(STR({})))",
    "MIN(STR({}))",
    "MAX(STR({}))",
    "COUNT({}) + 1",
    "MAX(STRLEN(STR({})))",
    "GROUP_CONCAT(\"x\")",
];

impl Patterns<'_> {
    pub(super) fn sub_query(&mut self, rng: &mut StdRng, depth: usize) -> Query {
        let pattern = self.group(rng, depth);
        let bound = self.in_scope(&pattern);
        let mut query = Query::new(pattern);
        if rng.random_bool(0.35) && !bound.is_empty() {
            self.sub_groups(rng, &mut query, &bound);
        } else {
            self.sub_projection(rng, &mut query, &bound);
        }
        if rng.random_bool(0.06) {
            query.values = Some(self.table(rng, &bound));
        }
        // In a graph there are several answers to take the first rows of.
        if !self.is_in_graph() && rng.random_bool(0.55) {
            let names = query.projected();
            query.order_by = names.into_iter().map(|name| (name, rng.random_bool(0.4))).collect();
            query.limit = Some(*[1, 1, 1, 2, 2, 3, 5].choose(rng).unwrap_or(&1));
            query.offset = rng.random_bool(0.25).then(|| rng.random_range(0..3));
        }
        query
    }

    fn sub_groups(&mut self, rng: &mut StdRng, query: &mut Query, bound: &[Bound]) {
        let count = *[0, 1, 1, 1, 2].choose(rng).unwrap_or(&1);
        query.group_by =
            bound.choose_multiple(rng, count.min(bound.len())).map(|b| Item::Variable(b.name.clone())).collect();
        let mut items: Vec<Item> = query.group_by.iter().filter(|_| rng.random_bool(0.9)).cloned().collect();
        for _ in 0..rng.random_range(1..=2) {
            items.push(Item::Expression { text: determined(rng, bound).into(), name: self.fresh_name("a") });
        }
        if rng.random_bool(0.25) {
            query.having = Some(format!("{} {} 1", determined(rng, bound), one(rng, &[">", ">=", "="])).into());
        }
        query.form = Form::Select { dedup: Dedup::All, items };
    }

    fn sub_projection(&mut self, rng: &mut StdRng, query: &mut Query, bound: &[Bound]) {
        let dedup = if rng.random_bool(0.4) { Dedup::Distinct } else { Dedup::All };
        let mut items: Vec<Item> = Vec::new();
        if rng.random_bool(0.8) && !bound.is_empty() {
            // Duplicates come where little of a row is handed out.
            let most = if dedup == Dedup::Distinct { 1 } else { bound.len() };
            let count = rng.random_range(1..=most);
            items = bound.choose_multiple(rng, count).map(|b| Item::Variable(b.name.clone())).collect();
            if rng.random_bool(0.2) {
                items.push(Item::Expression {
                    text: condition::value(rng, bound, 1).into(),
                    name: self.fresh_name("k"),
                });
            }
        }
        query.form = Form::Select { dedup, items };
    }
}

/// An aggregate over one of these variables.
pub(super) fn determined(rng: &mut StdRng, bound: &[Bound]) -> String {
    let variable = bound.choose(rng).map_or_else(|| "?nowhere".to_owned(), |b| format!("?{}", b.name));
    one(rng, DETERMINED).replace("{}", &variable)
}
