//! From SPARQL text to a plan over the tables of mapped sources.
//!
//! Pure: text and a [`Catalogue`] in, a [`Plan`] out. This crate knows no connector and opens no connection; whatever a
//! plan needs to know of a source is in the catalogue.
//!
//! The way of a query: [`limits`] looks at its size before anything recursive does; [`parse`] reads it; [`translate`]
//! turns the algebra into a [`tree`] of joins of [`branch`]es (each a conjunction of table accesses); [`group`] makes each branch a join of
//! scans, one a source where the source can; [`push`] moves aggregates, order and limits into them; [`explain`] tells
//! all of it.

mod at_once;
mod branch;
mod catalogue;
mod combine;
mod constant;
mod cost;
mod dataset;
mod eager;
mod error;
mod explain;
mod expression;
mod group;
mod join;
mod limits;
mod meeting;
mod namespace;
mod narrow;
mod node;
mod observed;
mod operators;
mod parallel;
mod parse;
mod pattern;
mod push;
mod pushdown;
mod recurse;
mod require;
mod rewrite;
mod rules;
mod self_join;
mod thread;
mod translate;
mod tree;
mod unfold;
mod unpivot;
mod unread;

pub use at_once::shape_of_join;
pub use catalogue::Catalogue;
pub use constant::{term_of, value_of};
pub use cost::request_cost;
pub use dataset::Dataset;
pub use error::{PlanError, Position};
pub use explain::{Analysis, Explained, OperatorRun, RequestRun, explain_json, explain_text};
pub use expression::{children, is_cast};
pub use limits::PlanLimits;
pub use node::{
    Basis, Binding, Closure, FirstRows, Form, JoinKind, JoinMethod, KeyCodes, KeyPlace, KeySlot, NarrowedColumn, Node,
    NodeKind, Plan, Pruned, Reach, Request, Scan, ScanOutput, Service, ServiceName, SlotColumn, Start, Unkeyed,
    Unpivot,
};
pub use observed::{Latency, Observed, Seen, Shape, SourceObserved, shape_of};
pub use rewrite::map_expression;
pub use rules::{Rule, Rules};
pub use thread::Pragmas;

use hashbrown::HashSet;
use oxrdf::Variable;
use spargebra::Query;

/// Plans a query that asks for no view but by its own pragmas. See [`plan_view`].
///
/// # Errors
/// As [`plan_view`].
pub fn plan(
    text: &str,
    base_iri: Option<&str>,
    dataset: Option<&Dataset>,
    catalogue: &Catalogue,
    limits: &PlanLimits,
) -> Result<Plan, PlanError> {
    plan_view(text, base_iri, dataset, false, catalogue, limits)
}

/// Plans a query, with `thread` or its pragma in the thread view. A dataset chosen by the request takes the place of the one the query chooses.
///
/// # Errors
/// `invalid-query` with line and column; `unsupported-query` naming the feature; `query-too-large` naming the limit;
/// `limit-exceeded` where a thing has more names than the thread view takes.
pub fn plan_view(
    text: &str,
    base_iri: Option<&str>,
    dataset: Option<&Dataset>,
    thread: bool,
    catalogue: &Catalogue,
    limits: &PlanLimits,
) -> Result<Plan, PlanError> {
    limits.check_text(text)?;
    let thread = thread || Pragmas::of_text(text)?.thread;
    let query = parse::parse(text, base_iri, catalogue)?;
    limits.check_depth(&query)?;
    let known = if thread { catalogue.known_aliases()? } else { None };
    let query = match known {
        Some(known) => thread::with_representatives(query, &**known.aliases()),
        None => query,
    };
    let own = query.dataset().map(Dataset::of_query);
    let mut translation = translate::Translation::new(catalogue, dataset.or(own.as_ref()), limits).in_thread(known);
    let (form, tree) = form(text, &query, &mut translation)?;
    let (pruned, notes) = translation.into_notes();
    let (tree, needed) = match form {
        Form::Ask => (one_row(tree), join::Needed::once(HashSet::new())),
        _ => (tree, join::Needed::all(needed_variables(&form))),
    };
    let mut root = join::Planner::new(catalogue, limits).plan(tree, &needed, None)?;
    push::push_down(&mut root, catalogue, limits);
    root.number(0);
    if limits.rules.allows(Rule::SidewaysFilter) {
        narrow::mark(&mut root, catalogue);
    }
    if limits.rules.allows(Rule::UnreadKeys) {
        unread::mark(&mut root, catalogue);
    }
    if limits.rules.allows(Rule::ReadAtOnce) {
        at_once::mark(&mut root, &limits.observed);
    }
    limits.check_plan(&root)?;
    let base_iri = query.base_iri().map(|base| base.as_str().to_owned());
    Ok(Plan {
        form,
        root,
        base_iri,
        algebra: query.to_sse(),
        pruned,
        rules: limits.rules,
        thread: thread.then_some(notes),
    })
}

/// ASK needs no more.
fn one_row(tree: tree::Tree) -> tree::Tree {
    tree::Tree::Slice { input: Box::new(tree), offset: 0, count: Some(1) }
}

/// What the query asks for, and the tree of its rows.
fn form(
    text: &str,
    query: &Query,
    translation: &mut translate::Translation<'_>,
) -> Result<(Form, tree::Tree), PlanError> {
    Ok(match query {
        Query::Select { pattern, .. } => {
            (Form::Select(parse::shown_variables(text, pattern)), translation.translate(pattern)?)
        }
        Query::Ask { pattern, .. } => (Form::Ask, translation.translate(pattern)?),
        Query::Construct { template, pattern, .. } => {
            let tree = translation.translate(pattern)?;
            (Form::Construct(template.clone()), parse::once_for_template(tree, template))
        }
        Query::Describe { pattern, .. } => {
            let (tree, template) = translation.describe(pattern)?;
            (Form::Construct(template), tree)
        }
    })
}

/// The variables the answer shows.
fn needed_variables(form: &Form) -> HashSet<Variable> {
    match form {
        Form::Select(variables) => variables.iter().cloned().collect(),
        Form::Ask => HashSet::new(),
        Form::Construct(template) => parse::template_variables(template).into_iter().collect(),
    }
}
