//! An engine that gets one part of the language wrong is found out: its answer, which is the right one to a query with that
//! part changed, is not accepted for some of the queries drawn.

use std::collections::BTreeMap;
use weft_tests::compare::{Found, Verdict, evaluate, judge};
use weft_tests::oracle::World;
use weft_tests::query_gen::{Dedup, Element, Expression, Form, Query};

type Edit = fn(&mut Query) -> bool;

/// Mistakes, and how each changes a query; false when there is nothing to change.
const MISTAKES: &[(&str, Edit)] = &[
    ("MINUS takes nothing away", |query| elements(query, &mut |element| replace(element, is_minus, Vec::new()))),
    ("EXISTS is NOT EXISTS", |query| expressions(query, &mut negate)),
    ("OPTIONAL is a join", |query| elements(query, &mut optional_joins)),
    ("GRAPH is the default graph", |query| elements(query, &mut no_graph)),
    ("FROM is all graphs", |query| !std::mem::take(&mut query.dataset).is_empty()),
    ("UNION is its first side", |query| elements(query, &mut first_side)),
    ("a path of zero steps has one", |query| paths(query, '*', "+")),
    ("a path of many steps has one", |query| paths(query, '+', "")),
    ("a path is not turned round", |query| paths(query, '^', "")),
    ("optional steps are taken", |query| paths(query, '?', "")),
    ("a negated set has all predicates", all_predicates),
    ("DISTINCT of a sub-query is not seen", |query| sub_queries(query, &mut without_distinct)),
    ("LIMIT of a sub-query is not seen", |query| sub_queries(query, &mut without_limit)),
    ("a sub-query hands out all", |query| sub_queries(query, &mut handing_out_all)),
    ("VALUES at the end is not seen", |query| query.values.take().is_some()),
    ("HAVING is not seen", |query| query.having.take().is_some()),
    ("DISTINCT is not seen", |query| without_distinct(query)),
];

/// Worlds of the seed below that are looked at until each mistake is seen twice, ten cases each.
const WORLDS: u64 = 440;
const SEED: u64 = 41;

#[test]
fn an_engine_that_is_wrong_about_one_thing_is_found_out() {
    let mut counts: BTreeMap<&str, (u32, u32)> = MISTAKES.iter().map(|(name, _)| (*name, (0, 0))).collect();
    for number in 0..WORLDS {
        if counts.values().all(|(_, seen)| *seen >= 2) {
            break;
        }
        let world = World::new(SEED, number).unwrap();
        for case in number * 10..(number + 1) * 10 {
            let (query, Some(_)) = world.case(SEED, case).unwrap() else { continue };
            for (name, edit) in MISTAKES {
                let mut wrong = query.clone();
                if !edit(&mut wrong) || spargebra::SparqlParser::new().parse_query(&wrong.text()).is_err() {
                    continue;
                }
                let Some(found) = evaluate(&world.union, &wrong.unordered().text()).unwrap() else { continue };
                let found = cut(&query, found);
                let verdict = judge(&world.union, &query, &found).unwrap();
                let (made, seen) = counts.entry(name).or_default();
                *made += 1;
                *seen += u32::from(matches!(verdict, Verdict::Differs { .. }));
            }
        }
    }
    println!("mistakes, how often they could be made, and how often they were seen:");
    counts.iter().for_each(|(name, (made, seen))| println!("  {name:<40} {made:>5} {seen:>5}"));
    let unseen: Vec<_> = counts.iter().filter(|(_, (_, seen))| *seen < 2).collect();
    assert!(unseen.is_empty(), "hardly seen: {unseen:?}");
}

/// As many rows as the query asks for; in which order they are is not what is looked at here.
fn cut(query: &Query, found: Found) -> Found {
    let Found::Rows { variables, rows } = found else { return found };
    let rows = rows.into_iter().skip(query.offset.unwrap_or(0)).take(query.limit.unwrap_or(usize::MAX)).collect();
    Found::Rows { variables, rows }
}

fn is_minus(element: &Element) -> bool {
    matches!(element, Element::Minus(_))
}

fn replace(element: &mut Element, fits: fn(&Element) -> bool, by: Vec<Element>) -> bool {
    let replaced = fits(element);
    if replaced {
        *element = Element::Group(by);
    }
    replaced
}

fn optional_joins(element: &mut Element) -> bool {
    let Element::Optional(group) = element else { return false };
    *element = Element::Group(std::mem::take(group));
    true
}

fn no_graph(element: &mut Element) -> bool {
    let Element::Graph(name, group) = element else { return false };
    if name.starts_with('?') {
        return false;
    }
    *element = Element::Group(std::mem::take(group));
    true
}

fn first_side(element: &mut Element) -> bool {
    let Element::Union(branches) = element else { return false };
    branches.truncate(1);
    true
}

fn negate(expression: &mut Expression) -> bool {
    let Expression::Exists { exists, .. } = expression else { return false };
    *exists = !*exists;
    true
}

fn paths(query: &mut Query, sign: char, by: &str) -> bool {
    elements(query, &mut |element| {
        let Element::Triples(triples) = element else { return false };
        let mut changed = false;
        for [_, path, _] in triples.iter_mut().filter(|triple| !triple[1].starts_with('?')) {
            changed |= path.contains(sign);
            *path = path.replace(sign, by);
        }
        changed
    })
}

fn all_predicates(query: &mut Query) -> bool {
    elements(query, &mut |element| {
        let Element::Triples(triples) = element else { return false };
        let mut changed = false;
        for [_, path, _] in triples.iter_mut().filter(|triple| triple[1].starts_with('!')) {
            *path = "!ex:unheardOf".to_owned();
            changed = true;
        }
        changed
    })
}

fn without_distinct(query: &mut Query) -> bool {
    let Form::Select { dedup, .. } = &mut query.form else { return false };
    std::mem::replace(dedup, Dedup::All) == Dedup::Distinct
}

fn without_limit(query: &mut Query) -> bool {
    query.offset = None;
    query.limit.take().is_some()
}

fn handing_out_all(query: &mut Query) -> bool {
    let Form::Select { items, .. } = &mut query.form else { return false };
    query.group_by.is_empty() && !std::mem::take(items).is_empty()
}

fn sub_queries(query: &mut Query, edit: &mut dyn FnMut(&mut Query) -> bool) -> bool {
    let mut changed = false;
    query.sub_queries(&mut |inner| changed |= edit(inner));
    changed
}

/// Edits every element at any depth.
fn elements(query: &mut Query, edit: &mut dyn FnMut(&mut Element) -> bool) -> bool {
    group(&mut query.pattern, edit)
}

fn group(elements: &mut [Element], edit: &mut dyn FnMut(&mut Element) -> bool) -> bool {
    let mut changed = false;
    for element in elements {
        changed |= edit(element);
        changed |= match element {
            Element::Optional(inner) | Element::Group(inner) | Element::Minus(inner) | Element::Graph(_, inner) => {
                group(inner, edit)
            }
            Element::Union(branches) => {
                branches.iter_mut().fold(false, |changed, branch| group(branch, edit) | changed)
            }
            Element::Query(query) => group(&mut query.pattern, edit),
            Element::Triples(_) | Element::Filter(_) | Element::Bind(..) | Element::Values(..) => false,
        };
    }
    changed
}

/// Edits every piece of the expressions of filters and bindings.
fn expressions(query: &mut Query, edit: &mut dyn FnMut(&mut Expression) -> bool) -> bool {
    elements(query, &mut |element| match element {
        Element::Filter(expression) | Element::Bind(expression, _) => pieces(expression, edit),
        _ => false,
    })
}

fn pieces(expression: &mut Expression, edit: &mut dyn FnMut(&mut Expression) -> bool) -> bool {
    let own = edit(expression);
    match expression {
        Expression::Pieces(all) => all.iter_mut().fold(own, |changed, piece| pieces(piece, edit) | changed),
        _ => own,
    }
}
