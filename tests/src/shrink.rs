//! Makes a failing case smaller, as long as it keeps failing.

use crate::case::Case;
use crate::memory::Row;
use crate::query_gen::{Dedup, Element, Expression, Form, Item, Query};
use crate::scenario::{Scenario, Transport, Tuning};
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

/// Smaller queries that parse.
fn smaller_queries(query: &Query) -> Vec<Query> {
    let mut queries = parts_left_out(query);
    queries.retain(|smaller| smaller != query && is_query(smaller));
    queries
}

fn parts_left_out(query: &Query) -> Vec<Query> {
    let mut queries = Vec::new();
    for pattern in smaller_groups(&query.pattern) {
        queries.push(Query { pattern, ..query.clone() });
    }
    if query.values.is_some() {
        queries.push(Query { values: None, ..query.clone() });
    }
    for i in 0..query.dataset.len() {
        let mut smaller = query.clone();
        smaller.dataset.remove(i);
        queries.push(smaller);
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
    if let Some(having) = &query.having {
        queries.push(Query { having: None, ..query.clone() });
        queries.extend(
            smaller_expressions(having).into_iter().map(|having| Query { having: Some(having), ..query.clone() }),
        );
    }
    queries.extend(smaller_forms(query));
    queries
}

fn smaller_forms(query: &Query) -> Vec<Query> {
    let with = |form: Form| Query { form, ..query.clone() };
    match &query.form {
        Form::Ask => Vec::new(),
        Form::Construct(template) => (0..template.len())
            .filter(|_| template.len() > 1)
            .map(|i| with(Form::Construct(without(template, i))))
            .collect(),
        Form::Describe(targets) => (0..targets.len())
            .filter(|_| targets.len() > 1)
            .map(|i| with(Form::Describe(without(targets, i))))
            .collect(),
        Form::Select { dedup, items } => smaller_selections(query, *dedup, items),
    }
}

fn smaller_selections(query: &Query, dedup: Dedup, items: &[Item]) -> Vec<Query> {
    let mut queries = Vec::new();
    if dedup != Dedup::All {
        let form = Form::Select { dedup: Dedup::All, items: items.to_vec() };
        queries.push(Query { form, ..query.clone() });
    }
    for (i, item) in items.iter().enumerate() {
        let fewer = without(items, i);
        let group_by: Vec<_> = query.group_by.iter().filter(|g| g.name() != item.name()).cloned().collect();
        if !fewer.is_empty() {
            let form = Form::Select { dedup, items: fewer };
            queries.push(Query { form: form.clone(), ..query.clone() });
            queries.push(Query { form, group_by, ..query.clone() });
        }
        if let Item::Expression { text, name } = item {
            for text in smaller_expressions(text) {
                let mut items = items.to_vec();
                items[i] = Item::Expression { text, name: name.clone() };
                queries.push(Query { form: Form::Select { dedup, items }, ..query.clone() });
            }
        }
    }
    queries
}

fn without<T: Clone>(items: &[T], index: usize) -> Vec<T> {
    let mut items = items.to_vec();
    items.remove(index);
    items
}

fn is_query(query: &Query) -> bool {
    spargebra::SparqlParser::new().parse_query(&query.text()).is_ok()
}

fn smaller_groups(group: &[Element]) -> Vec<Vec<Element>> {
    let mut groups: Vec<Vec<Element>> = (0..group.len()).map(|i| without(group, i)).collect();
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
    let unwrapped = |group: &[Element], make: &dyn Fn(Vec<Element>) -> Element| -> Vec<Vec<Element>> {
        let mut all = vec![group.to_vec()];
        all.extend(smaller_groups(group).into_iter().map(|group| vec![make(group)]));
        all
    };
    match element {
        Element::Triples(triples) => smaller_triples(triples).into_iter().map(|t| vec![Element::Triples(t)]).collect(),
        Element::Filter(condition) => {
            smaller_expressions(condition).into_iter().map(|condition| vec![Element::Filter(condition)]).collect()
        }
        Element::Bind(value, name) => {
            smaller_expressions(value).into_iter().map(|value| vec![Element::Bind(value, name.clone())]).collect()
        }
        Element::Values(names, rows) => {
            (0..rows.len()).map(|i| vec![Element::Values(names.clone(), without(rows, i))]).collect()
        }
        Element::Optional(group) => unwrapped(group, &Element::Optional),
        Element::Minus(group) => unwrapped(group, &Element::Minus),
        Element::Group(group) => unwrapped(group, &Element::Group),
        Element::Graph(name, group) => unwrapped(group, &|group| Element::Graph(name.clone(), group)),
        Element::Query(query) => {
            let mut all = vec![query.pattern.clone()];
            all.extend(parts_left_out(query).into_iter().map(|query| vec![Element::Query(Box::new(query))]));
            all
        }
        Element::Union(branches) => smaller_unions(branches),
    }
}

fn smaller_unions(branches: &[Vec<Element>]) -> Vec<Vec<Element>> {
    let mut all: Vec<Vec<Element>> = branches.to_vec();
    for i in 0..branches.len() {
        if branches.len() > 2 {
            all.push(vec![Element::Union(without(branches, i))]);
        }
        for group in smaller_groups(&branches[i]) {
            let mut branches = branches.to_vec();
            branches[i] = group;
            all.push(vec![Element::Union(branches)]);
        }
    }
    all
}

fn smaller_triples(triples: &[[String; 3]]) -> Vec<Vec<[String; 3]>> {
    let mut all: Vec<_> = (0..triples.len()).filter(|_| triples.len() > 1).map(|i| without(triples, i)).collect();
    for (i, [subject, path, object]) in triples.iter().enumerate() {
        for path in smaller_texts(path) {
            let mut triples = triples.to_vec();
            triples[i] = [subject.clone(), path, object.clone()];
            all.push(triples);
        }
    }
    all
}

fn smaller_expressions(expression: &Expression) -> Vec<Expression> {
    match expression {
        Expression::Text(text) => smaller_texts(text).into_iter().map(Expression::Text).collect(),
        Expression::Pieces(pieces) => {
            let mut all: Vec<Expression> = pieces.to_vec();
            for (i, piece) in pieces.iter().enumerate() {
                let smaller = smaller_expressions(piece).into_iter().chain([Expression::Text("true".to_owned())]);
                all.extend(smaller.filter(|smaller| smaller != piece).map(|smaller| {
                    let mut pieces = pieces.to_vec();
                    pieces[i] = smaller;
                    Expression::Pieces(pieces)
                }));
            }
            all
        }
        Expression::Exists { exists, group } => {
            smaller_groups(group).into_iter().map(|group| Expression::Exists { exists: *exists, group }).collect()
        }
    }
}

/// An expression or a path with a few of its words left out; most of these do not parse.
fn smaller_texts(text: &str) -> Vec<String> {
    const LONGEST: usize = 40;
    let words = words(text);
    let mut all = Vec::new();
    for length in (1..words.len().min(LONGEST)).rev() {
        for start in 0..=words.len() - length {
            let (part, rest) = (&words[start..start + length], [&words[..start], &words[start + length..]]);
            if is_balanced(part) {
                all.push(rest.concat().concat());
            }
            // A pair of brackets around what stays.
            if let ["(", inner @ .., ")"] = part
                && is_balanced(inner)
            {
                all.push([rest[0], inner, rest[1]].concat().concat());
            }
        }
    }
    all
}

fn is_balanced(words: &[&str]) -> bool {
    let mut depth = 0_i32;
    let never_negative = words.iter().all(|word| {
        depth += i32::from(*word == "(") - i32::from(*word == ")");
        depth >= 0
    });
    never_negative && depth == 0
}

/// IRIs, strings, names and single signs, each with the blank after it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || "_:?#.@-".contains(c);
        let length = match c {
            '<' => rest.find('>').filter(|end| !rest[..*end].contains(' ')).map_or(1, |end| end + 1),
            '"' => rest[1..].match_indices('"').find(|(i, _)| !rest[..=*i].ends_with('\\')).map_or(1, |(i, _)| i + 2),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}

fn smaller_scenarios(scenario: &Scenario) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> =
        usual(&scenario.tuning).into_iter().map(|tuning| Scenario { tuning, ..scenario.clone() }).collect();
    for a in 0..scenario.axioms.len() {
        let mut without = scenario.clone();
        without.axioms.remove(a);
        scenarios.push(without);
    }
    for t in 0..scenario.things.len() {
        let mut without = scenario.clone();
        without.things.remove(t);
        scenarios.push(without);
    }
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

/// What the engine is told, nearer to what is usual.
fn usual(tuning: &Tuning) -> Vec<Tuning> {
    let usual = Tuning::default();
    let mut all = vec![usual.clone()];
    for i in 0..tuning.without.len() {
        let mut nearer = tuning.clone();
        nearer.without.remove(i);
        all.push(nearer);
    }
    all.push(Tuning { read_ahead_rows: usual.read_ahead_rows, ..tuning.clone() });
    all.push(Tuning { batch_rows: usual.batch_rows, ..tuning.clone() });
    all.push(Tuning { key_block: usual.key_block, ..tuning.clone() });
    all.retain(|nearer| nearer != tuning);
    all
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
