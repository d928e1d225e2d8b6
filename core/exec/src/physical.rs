//! From the plan to DataFusion operators, one for one.
//!
//! Every relation is one partition: small plans are fastest so, and the order of a sort holds. The type of a variable in
//! a batch is decided here, from the bottom up: an expression may give a narrower one than the plan could know.

mod alias;
mod at_once;
mod batches;
mod bind;
mod closure;
mod coalesce;
mod distinct;
mod first_rows;
mod join;
mod key_set;
mod keys;
mod measure;
mod narrow;
mod operators;
mod projection;
mod repeat;
mod requests;
mod run;
mod scan;
mod service;
mod shared;
mod stream_exec;
#[cfg(test)]
mod tests;
mod unclaimed;
mod union;

pub(crate) use first_rows::first_request;
pub(crate) use requests::request;
pub(crate) use run::{GoingOn, Run, RunLimits};
pub(crate) use service::explain as explain_service;
pub(crate) use shared::SharedRelations;

use crate::columns::Layout;
use crate::error::QueryError;
use datafusion_physical_plan::ExecutionPlan;
use keys::Keys;
use narrow::Given;
use oxrdf::Variable;
use std::sync::Arc;
use weft_model::term::{LiteralType, TermType};
use weft_plan::{Node, NodeKind};

/// Operators, and how their rows are laid out.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) layout: Layout,
    /// Which variables of the layout can be unbound.
    pub(crate) optional: Vec<bool>,
}

impl Relation {
    fn is_optional(&self, variable: &Variable) -> bool {
        let position = self.layout.variables().iter().position(|v| v == variable);
        position.is_none_or(|position| self.optional[position])
    }
}

/// Stands in a row that would have no column at all: engines lose count of such rows.
fn filler() -> Variable {
    Variable::new_unchecked("_:row")
}

/// The filler of the right side of a join, where the left may have one of its own.
fn right_filler() -> Variable {
    Variable::new_unchecked("_:row.right")
}

fn is_filler(variable: &Variable) -> bool {
    *variable == filler() || *variable == right_filler()
}

/// The layout of these variables, never without a column.
fn layout(mut variables: Vec<(Variable, TermType)>, optional: &mut Vec<bool>) -> Layout {
    if variables.iter().all(|(_, term_type)| term_type.columns().is_empty()) {
        variables.push((filler(), TermType::Literal(LiteralType::Boolean)));
        optional.push(true);
    }
    Layout::new(variables)
}

/// Builds the operators of a plan, which may use what is known of the rows theirs will be joined with.
pub(crate) fn build<'a>(run: &Arc<Run>, node: &Node, given: impl Into<Given<'a>>) -> Result<Relation, QueryError> {
    let relation = operator(run, node, given.into())?;
    Ok(match &run.profile {
        Some(profile) => measure::measured(profile, node.id, relation),
        None => relation,
    })
}

fn operator(run: &Arc<Run>, node: &Node, given: Given<'_>) -> Result<Relation, QueryError> {
    let keys = match given.keys {
        Some(Keys::OfBlock(layout)) if !repeat::is_repeatable(&node.kind) => return repeat::rebuilt(run, node, layout),
        Some(Keys::OfBlock(_)) | None => None,
        Some(Keys::Known(keys)) => Some(keys),
    };
    match &node.kind {
        NodeKind::Scan(scan) => scan::scan(run, node, scan, given),
        NodeKind::Unpivot(plan) => scan::unpivot(run, node, plan, given),
        NodeKind::Unit => Ok(batches::unit()),
        NodeKind::Empty => Ok(batches::empty(node)),
        NodeKind::Values { rows } => batches::values(node, rows),
        NodeKind::Join { .. } => join::join(run, node, given),
        NodeKind::Union(inputs) => {
            // An empty branch has no rows, and would only widen the types of the others.
            let inputs = inputs.iter().filter(|input| !matches!(input.kind, NodeKind::Empty));
            operators::union(run, inputs.map(|input| build(run, input, given)).collect::<Result<Vec<_>, _>>()?)
        }
        NodeKind::Filter { input, expression } => operators::filter(run, build(run, input, given)?, expression),
        NodeKind::Extend { input, variable, expression } => {
            operators::extend(run, build(run, input, given)?, variable, expression)
        }
        NodeKind::Project { input } => {
            let variables: Vec<Variable> = node.bindings.iter().map(|binding| binding.variable.clone()).collect();
            operators::project(build(run, input, given)?, &variables)
        }
        NodeKind::Distinct { input } => operators::distinct(build(run, input, given)?, distinct::is_ordered(input)),
        NodeKind::Sort { input, keys: order, fetch } => operators::sort(run, build(run, input, given)?, order, *fetch),
        NodeKind::Slice { input, offset, count } => Ok(operators::slice(build(run, input, given)?, *offset, *count)),
        NodeKind::Group { input, keys: variables, aggregates } => {
            operators::group(run, build(run, input, given)?, variables, aggregates)
        }
        NodeKind::Closure(plan) => closure::closure(run, plan, keys),
        NodeKind::Service(service) => service::service(run, node, service, keys),
        NodeKind::Shared { id, input } => shared::shared(run, *id, input),
        NodeKind::Alias { input, names } => alias::alias(run, node, names, input, (given, keys)),
        NodeKind::Number { input, variable } => shared::number(build(run, input, given)?, variable),
    }
}
