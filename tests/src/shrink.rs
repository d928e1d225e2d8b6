//! Makes a failing case smaller, as long as it keeps failing.

use crate::case::Case;
use crate::memory::Row;
use crate::query_gen::{Dedup, Element, Form, Query};
use crate::scenario::{Scenario, Transport};
use weft_model::contract::{JoinSupport, RelationalCapabilities};

/// Removes what is not needed for the failure, trying at most `attempts` smaller cases.
pub fn shrink(case: Case, mut attempts: usize, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    loop {
        let candidates = smaller(&best);
        let next = candidates.into_iter().find(|candidate| {
            if attempts == 0 {
                return false;
            }
            attempts -= 1;
            fails(candidate)
        });
        match next {
            Some(case) => best = case,
            None => return best,
        }
    }
}

/// Smaller cases, those that leave out most first.
fn smaller(case: &Case) -> Vec<Case> {
    let queries = smaller_queries(&case.query).into_iter().map(|query| Case { query, ..case.clone() });
    let scenarios = smaller_scenarios(&case.scenario).into_iter().map(|scenario| Case { scenario, ..case.clone() });
    queries.chain(scenarios).collect()
}

fn smaller_queries(query: &Query) -> Vec<Query> {
    let mut queries = Vec::new();
    for pattern in smaller_groups(&query.pattern) {
        queries.push(Query { pattern, ..query.clone() });
    }
    if query.limit.is_some() || query.offset.is_some() {
        queries.push(Query { limit: None, offset: None, ..query.clone() });
        queries.push(Query { offset: None, ..query.clone() });
    }
    for i in 0..query.order_by.len() {
        let mut smaller = query.clone();
        smaller.order_by.remove(i);
        queries.push(smaller);
    }
    if query.having.is_some() {
        queries.push(Query { having: None, ..query.clone() });
    }
    if let Form::Select { dedup, items } = &query.form {
        if *dedup != Dedup::All {
            let form = Form::Select { dedup: Dedup::All, items: items.clone() };
            queries.push(Query { form, ..query.clone() });
        }
        for i in 0..items.len() {
            let mut items = items.clone();
            let removed = items.remove(i);
            let group_by: Vec<_> = query.group_by.iter().filter(|g| g.name() != removed.name()).cloned().collect();
            if !items.is_empty() {
                let form = Form::Select { dedup: *dedup, items: items.clone() };
                queries.push(Query { form: form.clone(), ..query.clone() });
                queries.push(Query { form, group_by, ..query.clone() });
            }
        }
    }
    queries.retain(|smaller| smaller != query && is_query(smaller));
    queries
}

fn is_query(query: &Query) -> bool {
    spargebra::SparqlParser::new().parse_query(&query.text()).is_ok()
}

fn smaller_groups(group: &[Element]) -> Vec<Vec<Element>> {
    let mut groups = Vec::new();
    for i in 0..group.len() {
        let mut without = group.to_vec();
        without.remove(i);
        groups.push(without);
    }
    for (i, element) in group.iter().enumerate() {
        for replacement in smaller_elements(element) {
            let mut with = group.to_vec();
            with.splice(i..=i, replacement);
            groups.push(with);
        }
    }
    groups
}

/// What can stand in the place of an element.
fn smaller_elements(element: &Element) -> Vec<Vec<Element>> {
    let wrap = |groups: Vec<Vec<Element>>, make: &dyn Fn(Vec<Element>) -> Element| -> Vec<Vec<Element>> {
        groups.into_iter().map(|group| vec![make(group)]).collect()
    };
    match element {
        Element::Triples(triples) => (0..triples.len())
            .filter(|_| triples.len() > 1)
            .map(|i| {
                let mut triples = triples.clone();
                triples.remove(i);
                vec![Element::Triples(triples)]
            })
            .collect(),
        Element::Filter(_) | Element::Bind(..) => Vec::new(),
        Element::Values(names, rows) => (0..rows.len())
            .map(|i| {
                let mut rows = rows.clone();
                rows.remove(i);
                vec![Element::Values(names.clone(), rows)]
            })
            .collect(),
        Element::Optional(group) => {
            let mut all = vec![group.clone()];
            all.extend(wrap(smaller_groups(group), &Element::Optional));
            all
        }
        Element::Group(group) => {
            let mut all = vec![group.clone()];
            all.extend(wrap(smaller_groups(group), &Element::Group));
            all
        }
        Element::Graph(name, group) => {
            let mut all = vec![group.clone()];
            all.extend(wrap(smaller_groups(group), &|group| Element::Graph(name.clone(), group)));
            all
        }
        Element::Union(branches) => {
            let mut all: Vec<Vec<Element>> = branches.clone();
            for i in 0..branches.len() {
                if branches.len() > 2 {
                    let mut fewer = branches.clone();
                    fewer.remove(i);
                    all.push(vec![Element::Union(fewer)]);
                }
                for group in smaller_groups(&branches[i]) {
                    let mut branches = branches.clone();
                    branches[i] = group;
                    all.push(vec![Element::Union(branches)]);
                }
            }
            all
        }
    }
}

fn smaller_scenarios(scenario: &Scenario) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for s in 0..scenario.sources.len() {
        let mut without = scenario.clone();
        without.sources.remove(s);
        scenarios.push(without);
        for (m, map) in scenario.sources[s].mapping.maps.iter().enumerate() {
            let mut without = scenario.clone();
            without.sources[s].mapping.maps.remove(m);
            scenarios.push(without);
            for p in 0..map.predicate_objects.len() {
                let mut without = scenario.clone();
                without.sources[s].mapping.maps[m].predicate_objects.remove(p);
                scenarios.push(without);
            }
        }
        for t in 0..scenario.sources[s].rows.len() {
            for rows in fewer_rows(&scenario.sources[s].rows[t]) {
                let mut without = scenario.clone();
                without.sources[s].rows[t] = rows;
                scenarios.push(without);
            }
        }
        scenarios.extend(plainer_source(scenario, s));
    }
    scenarios
}

/// Halves first, then single rows.
fn fewer_rows(rows: &[Row]) -> Vec<Vec<Row>> {
    let middle = rows.len() / 2;
    let mut all = Vec::new();
    if rows.len() > 2 {
        all.extend([rows[..middle].to_vec(), rows[middle..].to_vec()]);
    }
    for i in 0..rows.len() {
        let mut without = rows.to_vec();
        without.remove(i);
        all.push(without);
    }
    all
}

/// The same source with less to offer, or in memory.
fn plainer_source(scenario: &Scenario, s: usize) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    let source = &scenario.sources[s];
    if source.transport != Transport::Memory {
        let mut plainer = scenario.clone();
        plainer.sources[s].transport = Transport::Memory;
        scenarios.push(plainer);
        return scenarios;
    }
    if source.description.relational != RelationalCapabilities::read_only() {
        let mut plainer = scenario.clone();
        plainer.sources[s].description.relational = RelationalCapabilities::read_only();
        scenarios.push(plainer);
        if source.description.relational.join != JoinSupport::None {
            let mut plainer = scenario.clone();
            plainer.sources[s].description.relational.join = JoinSupport::None;
            scenarios.push(plainer);
        }
    }
    for (t, table) in source.description.tables.iter().enumerate() {
        if !table.filters.is_empty() {
            let mut plainer = scenario.clone();
            plainer.sources[s].description.tables[t].filters.clear();
            scenarios.push(plainer);
        }
        if table.max_keys > 0 {
            let mut plainer = scenario.clone();
            plainer.sources[s].description.tables[t].max_keys = 0;
            scenarios.push(plainer);
        }
        if table.rows.is_some() {
            let mut plainer = scenario.clone();
            plainer.sources[s].description.tables[t].rows = None;
            scenarios.push(plainer);
        }
    }
    scenarios
}

#[cfg(test)]
mod tests;
