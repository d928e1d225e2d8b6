//! Whether an answer is one that SPARQL allows over the union of the data.
//!
//! Where the standard leaves a choice (rows without order under LIMIT, SAMPLE, the order inside GROUP_CONCAT, MIN over
//! values that have no order), every choice is accepted and nothing else.

mod blank;
mod evaluation;
mod graph;
mod order;
mod path;
mod size;
mod standard;
mod term;
mod values;

pub use evaluation::{Found, evaluate, evaluate_as_written};
pub use order::is_determined_cut;
pub use term::{canonical, canonical_cell};

use crate::query_gen::{Aggregate, Dedup, Form, Item, Query};
use crate::union::Union;
use anyhow::{Context, bail};
use order::{Family, family};
use oxrdf::Term;
use std::collections::{BTreeMap, HashMap};

/// One row of an answer.
pub type Cells = Vec<Option<Term>>;

#[derive(Debug)]
pub enum Verdict {
    /// The answer is right; so many rows without LIMIT.
    Agrees { rows: usize },
    /// What is wrong, and the answer that was expected.
    Differs { reason: String, expected: Found },
    /// The oracle cannot say, for this reason.
    Undecided(&'static str),
}

/// Judges `found`, an answer to `query` over all the data.
pub fn judge(union: &Union, query: &Query, found: &Found) -> anyhow::Result<Verdict> {
    let Some(expected) = evaluate(union, &whole(query).text())? else { return Ok(Verdict::Undecided("too many rows")) };
    judge_against(union, query, expected, found)
}

/// What the oracle is asked: all rows, of which ORDER BY, LIMIT, OFFSET and REDUCED choose.
pub fn whole(query: &Query) -> Query {
    Query { form: without_reduced(&query.form), ..query.unordered() }
}

/// The same for who has the oracle's answer to the [`whole`] query already.
pub fn judge_against(union: &Union, query: &Query, expected: Found, found: &Found) -> anyhow::Result<Verdict> {
    let Some(members) = members_of_groups(union, query)? else { return Ok(Verdict::Undecided("too many members")) };
    let reason = match (&expected, found) {
        (Found::Boolean(a), Found::Boolean(b)) if a == b => return Ok(Verdict::Agrees { rows: usize::from(*a) }),
        (Found::Boolean(_), Found::Boolean(_)) => "the other truth value".to_owned(),
        (Found::Rows { variables, rows }, Found::Rows { variables: names, rows: found_rows }) => {
            let star = matches!(&query.form, Form::Select { items, .. } if items.is_empty());
            match arrange(variables, names, found_rows, star) {
                Err(reason) => reason,
                Ok(found_rows) => {
                    let same = same_rows(query);
                    let (rows, found_rows) = (&blank::rename(rows, same), blank::rename(&found_rows, same));
                    let judge = Judge { query, variables, rows, members: &members };
                    match judge.rows(&found_rows)? {
                        None => return Ok(Verdict::Agrees { rows: rows.len() }),
                        Some(reason) => reason,
                    }
                }
            }
        }
        (Found::Graph(triples), Found::Graph(found)) => match graph::difference(triples, found) {
            None => return Ok(Verdict::Agrees { rows: triples.len() }),
            Some(reason) => reason,
        },
        _ => "an answer of another form".to_owned(),
    };
    Ok(Verdict::Differs { reason, expected })
}

/// Whether the oracle gives another answer when it is asked again, or when it does not optimise. spareval does for some NOT
/// EXISTS whose own filter is an error, and where it takes sums apart that are of dates.
pub fn contradicts_itself(union: &Union, query: &Query, expected: &Found) -> anyhow::Result<bool> {
    if is_unsteady(union, query, expected)? {
        return Ok(true);
    }
    let whole = whole(query);
    let Some(written) = evaluate_as_written(union, &whole.text())? else { return Ok(false) };
    Ok(matches!(judge_against(union, &whole, expected.clone(), &written)?, Verdict::Differs { .. }))
}

/// What right answers to the query have in common.
fn same_rows(query: &Query) -> blank::Same {
    if query.limit.is_some() || query.offset.is_some() || has_choice(&query.form) {
        return blank::Same::Nothing;
    }
    match &query.form {
        Form::Select { dedup: Dedup::Reduced, .. } => blank::Same::Set,
        _ => blank::Same::Multiset,
    }
}

/// Whether the oracle gives another answer when it is asked again in the same way.
pub fn is_unsteady(union: &Union, query: &Query, expected: &Found) -> anyhow::Result<bool> {
    const TIMES: usize = 40;
    let whole = whole(query);
    for _ in 0..TIMES {
        let Some(again) = evaluate(union, &whole.text())? else { return Ok(false) };
        if matches!(judge_against(union, &whole, expected.clone(), &again)?, Verdict::Differs { .. }) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether rows hold what may differ between right answers.
fn has_choice(form: &Form) -> bool {
    matches!(form, Form::Select { items, .. } if items.iter().any(|item| matches!(item, Item::Aggregate(_))))
}

fn without_reduced(form: &Form) -> Form {
    match form {
        Form::Select { dedup: Dedup::Reduced, items } => Form::Select { dedup: Dedup::All, items: items.clone() },
        other => other.clone(),
    }
}

/// The found rows with the columns of the expected ones; for `SELECT *` their order means nothing.
fn arrange(expected: &[String], found: &[String], rows: &[Cells], star: bool) -> Result<Vec<Cells>, String> {
    let mut sorted = (expected.to_vec(), found.to_vec());
    sorted.0.sort();
    sorted.1.sort();
    if sorted.0 != sorted.1 || (!star && expected != found) {
        return Err(format!("variables {found:?} instead of {expected:?}"));
    }
    let positions: Vec<usize> =
        expected.iter().filter_map(|name| found.iter().position(|other| other == name)).collect();
    Ok(rows.iter().map(|row| positions.iter().map(|i| row[*i].clone()).collect()).collect())
}

/// The values an aggregate is made of, by group; none where the argument is an error.
type Members = HashMap<Vec<String>, Vec<Option<Term>>>;

/// The members for each aggregate that may choose among them, by its name; none when there are too many.
fn members_of_groups(union: &Union, query: &Query) -> anyhow::Result<Option<HashMap<String, Members>>> {
    let Form::Select { items, .. } = &query.form else { return Ok(Some(HashMap::new())) };
    let mut all = HashMap::new();
    for item in items {
        let Item::Aggregate(aggregate) = item else { continue };
        if matches!(aggregate.function.as_str(), "SAMPLE" | "MIN" | "MAX") {
            let Some(members) = group_members(union, query, aggregate)? else { return Ok(None) };
            all.insert(aggregate.name.clone(), members);
        }
    }
    Ok(Some(all))
}

fn group_members(union: &Union, query: &Query, aggregate: &Aggregate) -> anyhow::Result<Option<Members>> {
    let mut items = query.group_by.clone();
    let text = aggregate.argument.clone().context("an aggregate without argument")?;
    items.push(Item::Expression { text: text.into(), name: "member_of_group".to_owned() });
    let inner = query.ungrouped(items);
    let Some(Found::Rows { rows, .. }) = evaluate(union, &inner.text())? else { return Ok(None) };
    let mut members = Members::new();
    for mut row in rows {
        let value = row.pop().flatten();
        let key = row.iter().map(canonical_cell).collect();
        members.entry(key).or_default().push(value);
    }
    Ok(Some(members))
}

struct Judge<'a> {
    query: &'a Query,
    members: &'a HashMap<String, Members>,
    variables: &'a [String],
    /// All solutions, without LIMIT and OFFSET.
    rows: &'a [Cells],
}

/// How one column is compared.
enum Comparison<'a> {
    Exact,
    /// Floating sums depend on the order of addition.
    Tolerant,
    /// Equal numbers are the same minimum, whatever their type.
    ByValue,
    /// The pieces of a concatenation, in any order.
    Pieces(String),
    /// Any member of the group, by group key.
    Member(&'a Members),
}

impl<'a> Judge<'a> {
    /// What is wrong with the rows, if anything.
    fn rows(&self, found: &[Cells]) -> anyhow::Result<Option<String>> {
        let offset = self.query.offset.unwrap_or(0);
        let rest = self.rows.len().saturating_sub(offset);
        let count = self.query.limit.map_or(rest, |limit| limit.min(rest));
        let Form::Select { dedup, items } = &self.query.form else { bail!("rows for a query that asks no rows") };
        let comparisons = self.comparisons(items);
        if *dedup == Dedup::Reduced {
            return Ok(self.reduced(found));
        }
        if found.len() != count {
            return Ok(Some(format!("{} rows instead of {count}", found.len())));
        }
        if let Some(reason) = self.members(found, items, &comparisons) {
            return Ok(Some(reason));
        }
        let whole = self.query.limit.is_none() && self.query.offset.is_none();
        if let Some(reason) = compare_rows(self.rows, found, &comparisons, whole) {
            return Ok(Some(reason));
        }
        Ok(order::violation(self.query, self.variables, self.rows, found))
    }

    /// REDUCED: every solution at least once and at most as often as it is there.
    fn reduced(&self, found: &[Cells]) -> Option<String> {
        let exact: Vec<Comparison> = self.variables.iter().map(|_| Comparison::Exact).collect();
        let (all, got) = (multiset(self.rows, &exact), multiset(found, &exact));
        for (row, values) in &got {
            if values.len() > all.get(row).map_or(0, Vec::len) {
                return Some(format!("a row too often: {row}"));
            }
        }
        let whole = self.query.limit.is_none() && self.query.offset.is_none();
        let missing = all.keys().find(|row| whole && !got.contains_key(*row));
        if let Some(row) = missing {
            return Some(format!("a row is missing: {row}"));
        }
        let offset = self.query.offset.unwrap_or(0);
        let least = all.len().saturating_sub(offset).min(self.query.limit.unwrap_or(usize::MAX));
        (found.len() < least || self.query.limit.is_some_and(|limit| found.len() > limit))
            .then(|| format!("{} rows, but at least {least} and at most LIMIT", found.len()))
    }

    fn comparisons(&self, items: &[Item]) -> Vec<Comparison<'a>> {
        if items.is_empty() {
            return self.variables.iter().map(|_| Comparison::Exact).collect();
        }
        items.iter().map(|item| self.comparison(item)).collect()
    }

    fn comparison(&self, item: &Item) -> Comparison<'a> {
        let Item::Aggregate(aggregate) = item else { return Comparison::Exact };
        let members = self.members.get(&aggregate.name);
        match aggregate.function.as_str() {
            "SUM" | "AVG" => Comparison::Tolerant,
            "GROUP_CONCAT" => Comparison::Pieces(aggregate.separator.clone().unwrap_or_else(|| " ".into())),
            "MIN" | "MAX" if members.is_none_or(|m| m.values().all(|terms| is_ordered(terms))) => Comparison::ByValue,
            _ => members.map_or(Comparison::Exact, Comparison::Member),
        }
    }

    fn members(&self, found: &[Cells], items: &[Item], comparisons: &[Comparison<'_>]) -> Option<String> {
        let keys: Vec<usize> =
            self.query.group_by.iter().filter_map(|g| items.iter().position(|i| i.name() == g.name())).collect();
        // VALUES at the end binds what is unbound in the key of a group.
        let later: Vec<&String> = self.query.values.iter().flat_map(|(names, _)| names).collect();
        let is_bound_later: Vec<bool> =
            keys.iter().map(|i| later.iter().any(|name| items[*i].name() == **name)).collect();
        let unbound = canonical_cell(&None);
        for (column, comparison) in comparisons.iter().enumerate() {
            let Comparison::Member(members) = comparison else { continue };
            for row in found {
                if keys.iter().any(|i| matches!(row[*i], Some(Term::BlankNode(_)))) {
                    continue;
                }
                let key: Vec<String> = keys.iter().map(|i| canonical_cell(&row[*i])).collect();
                let may_be = |known: &[String]| {
                    let parts = known.iter().zip(&key).zip(&is_bound_later);
                    parts.into_iter().all(|((known, own), later)| known == own || *later && *known == unbound)
                };
                let group: Vec<_> =
                    members.iter().filter(|(known, _)| may_be(known)).flat_map(|(_, all)| all).collect();
                let fits = match &row[column] {
                    // An error may make the whole an error.
                    None => group.iter().any(|member| member.is_none()) || group.is_empty(),
                    Some(Term::BlankNode(_)) => group.iter().copied().flatten().any(Term::is_blank_node),
                    Some(term) => group.iter().copied().flatten().any(|other| canonical(other) == canonical(term)),
                };
                if !fits && keys.len() == self.query.group_by.len() {
                    return Some(format!("{:?} is no member of the group {key:?}", row[column]));
                }
            }
        }
        None
    }
}

/// Whether any two of the terms have an order that SPARQL defines.
fn is_ordered(terms: &[Option<Term>]) -> bool {
    let mut families = terms.iter().flatten().map(family);
    let Some(first) = families.next() else { return true };
    first != Family::Unordered && families.all(|other| other == first)
}

/// Whether `found` is the same multiset, or, when not `whole`, a part of it.
fn compare_rows(expected: &[Cells], found: &[Cells], comparisons: &[Comparison<'_>], whole: bool) -> Option<String> {
    let (all, got) = (multiset(expected, comparisons), multiset(found, comparisons));
    for (row, values) in &got {
        let Some(others) = all.get(row) else { return Some(format!("a row that should not be: {row}")) };
        if values.len() > others.len() {
            return Some(format!("a row {} times instead of {}: {row}", values.len(), others.len()));
        }
        let same = values.len() < others.len() || values.iter().zip(others).all(|(a, b)| is_close(a, b));
        if !same {
            return Some(format!("numbers that differ: {values:?} instead of {others:?} in {row}"));
        }
    }
    let missing = all.iter().find(|(row, values)| got.get(*row).map_or(0, Vec::len) < values.len());
    missing.filter(|_| whole).map(|(row, _)| format!("a row is missing: {row}"))
}

/// Rows as text, with the doubles of tolerant columns beside them.
fn multiset(rows: &[Cells], comparisons: &[Comparison<'_>]) -> BTreeMap<String, Vec<Vec<f64>>> {
    let mut set: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
    for row in rows {
        let mut doubles = Vec::new();
        let cells: Vec<String> = row
            .iter()
            .zip(comparisons)
            .map(|(cell, comparison)| match (cell, comparison) {
                (_, Comparison::Member(_)) => "*".to_owned(),
                (Some(term), Comparison::Tolerant) => match term::double(term) {
                    Some(x) => {
                        doubles.push(x);
                        "a double".to_owned()
                    }
                    None => canonical(term),
                },
                (Some(Term::Literal(literal)), Comparison::Pieces(separator)) => {
                    let mut pieces: Vec<&str> = literal.value().split(separator.as_str()).collect();
                    pieces.sort_unstable();
                    // Section 18.5.1.7: a plain string, to which spareval gives the language all pieces share.
                    format!("{pieces:?}")
                }
                (Some(term), Comparison::ByValue) => term::by_value(term),
                (cell, _) => canonical_cell(cell),
            })
            .collect();
        set.entry(cells.join("  ")).or_default().push(doubles);
    }
    for values in set.values_mut() {
        values.sort_by(|a, b| {
            let orders = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    set
}

fn is_close(a: &[f64], b: &[f64]) -> bool {
    let close = |a: f64, b: f64| {
        let both_finite = a.is_finite() && b.is_finite();
        a == b || (a.is_nan() && b.is_nan()) || both_finite && (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-300)
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(*a, *b))
}

#[cfg(test)]
mod tests;
