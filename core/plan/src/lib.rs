//! From SPARQL text to a plan over the tables of mapped sources.
//!
//! Pure: text and a [`Catalogue`] in, a [`Plan`] out. This crate knows no connector and opens no connection; whatever a
//! plan needs to know of a source is in the catalogue.
//!
//! The way of a query: [`limits`] looks at its size before anything recursive does; [`parse`] reads it; [`tree`] turns
//! the algebra into joins of [`branch`]es (each a conjunction of table accesses); [`group`] makes each branch a join of
//! scans, one a source where the source can; [`push`] moves aggregates, order and limits into them; [`explain`] tells
//! all of it.

mod branch;
mod catalogue;
mod constant;
mod cost;
mod error;
mod explain;
mod group;
mod join;
mod limits;
mod node;
mod parse;
mod pattern;
mod push;
mod pushdown;
mod tree;
mod unfold;

pub use catalogue::Catalogue;
pub use constant::canonical;
pub use error::{PlanError, Position};
pub use explain::{explain_json, explain_text};
pub use limits::PlanLimits;
pub use node::{Binding, Form, JoinMethod, KeySlot, Node, NodeKind, Plan, Pruned, Scan, ScanOutput, SlotColumn};

use spargebra::Query;

/// Plans a query.
///
/// # Errors
/// `invalid-query` with line and column; `unsupported-query` naming the feature; `query-too-large` naming the limit.
pub fn plan(text: &str, base_iri: Option<&str>, catalogue: &Catalogue, limits: &PlanLimits) -> Result<Plan, PlanError> {
    limits.check_text(text)?;
    let query = parse::parse(text, base_iri, catalogue)?;
    limits.check_depth(&query)?;
    let (form, pattern) = parse::form(&query)?;
    let mut translation = tree::Translation::new(catalogue, limits);
    let tree = translation.translate(pattern)?;
    let pruned = translation.into_pruned();
    let needed = parse::needed_variables(&form);
    let mut root = join::Planner::new(catalogue, limits).plan(tree, &needed, None)?;
    if form == Form::Ask {
        root = join::first(root, 1);
    }
    push::push_down(&mut root, catalogue);
    limits.check_plan(&root)?;
    Ok(Plan { form, root, algebra: algebra_text(&query), pruned })
}

fn algebra_text(query: &Query) -> String {
    query.to_sse()
}
