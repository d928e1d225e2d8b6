//! The operators with one input, and union.

use super::distinct::in_order as distinct_in_order;
use super::projection::projected;
use super::union::concurrently;
use super::{Relation, Run, batches, filler, is_filler, layout};
use crate::aggregate::aggregate;
use crate::columns::{ColumnExpr, Layout, convert, null_columns, widen};
use crate::error::QueryError;
use crate::expression;
use arrow_schema::SchemaRef;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion_physical_plan::filter::FilterExec;
use datafusion_physical_plan::limit::GlobalLimitExec;
use datafusion_physical_plan::sorts::sort::SortExec;
use oxrdf::Variable;
use spargebra::algebra::{AggregateExpression, Expression, OrderExpression};
use std::sync::Arc;
use weft_model::term::{LiteralType, TermType};

/// One variable of a relation that is being made, and the expressions for its columns.
pub(super) struct Selected {
    pub(super) variable: Variable,
    pub(super) term_type: TermType,
    pub(super) columns: Vec<ColumnExpr>,
    pub(super) optional: bool,
}

impl Selected {
    /// A variable of a relation as it is; unbound where the relation does not have it.
    pub(super) fn of(input: &Relation, variable: &Variable) -> Result<Self, QueryError> {
        let term_type = input.layout.get(variable).map_or(TermType::General, |(_, term_type)| term_type.clone());
        Self::widened(input, variable, &term_type)
    }

    pub(super) fn widened(input: &Relation, variable: &Variable, to: &TermType) -> Result<Self, QueryError> {
        Ok(Self {
            variable: variable.clone(),
            term_type: to.clone(),
            columns: widen(&input.layout, variable, to)?,
            optional: input.is_optional(variable),
        })
    }
}

/// A relation that is being made, and the expressions for its columns.
pub(super) struct LaidOut {
    pub(super) layout: Layout,
    pub(super) optional: Vec<bool>,
    pub(super) columns: Vec<ColumnExpr>,
}

pub(super) fn lay_out(selected: Vec<Selected>) -> Result<LaidOut, QueryError> {
    let mut optional: Vec<bool> =
        selected.iter().map(|s| s.optional && !matches!(s.term_type, TermType::Constant(_))).collect();
    let variables = selected.iter().map(|s| (s.variable.clone(), s.term_type.clone())).collect();
    let layout = layout(variables, &mut optional);
    let mut columns: Vec<ColumnExpr> = selected.into_iter().flat_map(|s| s.columns).collect();
    if columns.len() < layout.schema().fields().len()
        && let Some((_, term_type)) = layout.get(&filler())
    {
        columns.extend(null_columns(term_type)?);
    }
    Ok(LaidOut { layout, optional, columns })
}

/// A projection of `input` that lays out these variables.
pub(super) fn select(input: &Arc<dyn ExecutionPlan>, selected: Vec<Selected>) -> Result<Relation, QueryError> {
    let LaidOut { layout, optional, columns } = lay_out(selected)?;
    let plan = projected(input, columns, layout.schema());
    Ok(Relation { plan, layout, optional })
}

/// The variables of a relation, without the filler.
pub(super) fn variables(relation: &Relation) -> impl Iterator<Item = &Variable> {
    relation.layout.variables().iter().filter(|variable| !is_filler(variable))
}

pub(super) fn project(input: Relation, kept: &[Variable]) -> Result<Relation, QueryError> {
    let selected = kept.iter().map(|variable| Selected::of(&input, variable)).collect::<Result<_, _>>()?;
    select(&input.plan, selected)
}

pub(super) fn union(run: &Run, inputs: Vec<Relation>) -> Result<Relation, QueryError> {
    let mut all: Vec<Variable> = Vec::new();
    for input in &inputs {
        for variable in variables(input) {
            if !all.contains(variable) {
                all.push(variable.clone());
            }
        }
    }
    let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(inputs.len());
    let mut shape = None;
    for (input, selected) in inputs.iter().zip(aligned(&inputs, &all)?) {
        let aligned = select(&input.plan, selected)?;
        plans.push(aligned.plan.clone());
        shape.get_or_insert(aligned);
    }
    let Some(shape) = shape else { return Ok(batches::unit_empty()) };
    if plans.len() == 1 {
        return Ok(shape);
    }
    let schema = shape.layout.schema();
    let plan = concurrently(plans, schema, run.limits.parallel_scans, run.context.deadline);
    Ok(Relation { plan, ..shape })
}

/// These variables of each input, of types that hold them in all.
pub(super) fn aligned(inputs: &[Relation], all: &[Variable]) -> Result<Vec<Vec<Selected>>, QueryError> {
    let types: Vec<(TermType, bool)> = all.iter().map(|variable| common_type(inputs, variable)).collect();
    let of = |input: &Relation| {
        let selected = |(variable, (term_type, optional)): (&Variable, &(TermType, bool))| {
            Ok(Selected { optional: *optional, ..Selected::widened(input, variable, term_type)? })
        };
        all.iter().zip(&types).map(selected).collect::<Result<Vec<_>, QueryError>>()
    };
    inputs.iter().map(of).collect()
}

/// The type that holds a variable in every input, and whether some row leaves it unbound.
fn common_type(inputs: &[Relation], variable: &Variable) -> (TermType, bool) {
    let optional = inputs.iter().any(|input| input.is_optional(variable));
    let types = inputs.iter().filter_map(|input| input.layout.get(variable).map(|(_, term_type)| term_type.clone()));
    let common = types.reduce(|a, b| a.widen(&b)).unwrap_or(TermType::General);
    (nullable(common, optional), optional)
}

/// A constant has no column that could be null.
pub(super) fn nullable(term_type: TermType, optional: bool) -> TermType {
    if optional && matches!(term_type, TermType::Constant(_)) { TermType::General } else { term_type }
}

pub(super) fn filter(run: &Run, input: Relation, expression: &Expression) -> Result<Relation, QueryError> {
    let condition = expression::filter(expression, &input.layout, &run.expressions)?;
    let plan = Arc::new(FilterExec::try_new(condition, input.plan.clone())?);
    Ok(Relation { plan, ..input })
}

pub(super) fn extend(
    run: &Run,
    input: Relation,
    variable: &Variable,
    expression: &Expression,
) -> Result<Relation, QueryError> {
    let (term_type, columns) = expression::value(expression, &input.layout, &run.expressions)?;
    let mut selected = variables(&input).map(|v| Selected::of(&input, v)).collect::<Result<Vec<_>, _>>()?;
    selected.push(Selected { variable: variable.clone(), term_type, columns, optional: true });
    select(&input.plan, selected)
}

/// The type whose columns the engine compares as terms are: it takes the two zeros of a double for one.
pub(super) fn identity_type(term_type: TermType) -> TermType {
    if term_type == TermType::Literal(LiteralType::Double) { TermType::General } else { term_type }
}

/// The relation with columns that are equal exactly where terms are.
fn by_identity(input: Relation) -> Result<Relation, QueryError> {
    if input.layout.types().iter().all(|known| identity_type(known.clone()) == *known) {
        return Ok(input);
    }
    let selected = variables(&input)
        .map(|variable| {
            let known = input.layout.get(variable).map_or(TermType::General, |(_, term_type)| term_type.clone());
            Selected::widened(&input, variable, &identity_type(known))
        })
        .collect::<Result<_, _>>()?;
    select(&input.plan, selected)
}

/// Each row once, with `ordered` in the order they come in.
pub(super) fn distinct(input: Relation, ordered: bool) -> Result<Relation, QueryError> {
    let input = by_identity(input)?;
    if ordered {
        return Ok(Relation { plan: distinct_in_order(input.plan), ..input });
    }
    let schema = input.plan.schema();
    let group = schema.fields().iter().enumerate().map(|(i, field)| column(field.name(), i)).collect();
    let plan = aggregate_exec(group, Vec::new(), &input.plan, schema)?;
    Ok(Relation { plan, ..input })
}

fn column(name: &str, index: usize) -> (ColumnExpr, String) {
    (Arc::new(Column::new(name, index)), name.to_owned())
}

fn aggregate_exec(
    group: Vec<(ColumnExpr, String)>,
    aggregates: Vec<Arc<AggregateFunctionExpr>>,
    input: &Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
    let filters = vec![None; aggregates.len()];
    let group = PhysicalGroupBy::new_single(group);
    Ok(Arc::new(AggregateExec::try_new(AggregateMode::Single, group, aggregates, filters, input.clone(), schema)?))
}

pub(super) fn sort(
    run: &Run,
    input: Relation,
    keys: &[OrderExpression],
    fetch: Option<usize>,
) -> Result<Relation, QueryError> {
    let mut order = Vec::new();
    for key in keys {
        for (expression, options) in expression::sort_keys(key, &input.layout, &run.expressions)? {
            order.push(PhysicalSortExpr::new(expression, options));
        }
    }
    // Keys that are constants order nothing.
    let Some(order) = LexOrdering::new(order) else { return Ok(input) };
    // The engine cannot keep the first none; the slice above does.
    let fetch = fetch.filter(|count| *count > 0);
    let plan = Arc::new(SortExec::new(order, input.plan.clone()).with_fetch(fetch));
    Ok(Relation { plan, ..input })
}

pub(super) fn slice(input: Relation, offset: usize, count: Option<usize>) -> Relation {
    let plan = Arc::new(GlobalLimitExec::new(input.plan.clone(), offset, count));
    Relation { plan, ..input }
}

pub(super) fn group(
    run: &Run,
    input: Relation,
    keys: &[Variable],
    aggregates: &[(Variable, AggregateExpression)],
) -> Result<Relation, QueryError> {
    let input = group_input(input, keys)?;
    let schema = input.plan.schema();
    let mut variables: Vec<(Variable, TermType)> = Vec::new();
    let mut optional: Vec<bool> = Vec::new();
    let mut group = Vec::new();
    for key in keys {
        let Some((start, term_type)) = input.layout.get(key) else { continue };
        let columns = start..start + term_type.columns().len();
        group.extend(columns.map(|i| column(schema.field(i).name(), i)));
        optional.push(input.is_optional(key));
        variables.push((key.clone(), term_type.clone()));
    }
    let mut functions = Vec::new();
    for (variable, expression) in aggregates {
        let (term_type, function) = aggregate(variable.as_str(), expression, &input.layout, &run.expressions)?;
        functions.push(function);
        optional.push(true);
        variables.push((variable.clone(), term_type));
    }
    if group.is_empty() && functions.is_empty() {
        // One group of everything: `GROUP BY` over nothing, without an aggregate.
        return Ok(batches::unit());
    }
    let layout = Layout::new(variables);
    let plan = aggregate_exec(group, functions, &input.plan, schema)?;
    Ok(Relation { plan, layout, optional })
}

/// Group keys need columns that are equal where terms are: rows of one constant key are one group, and no rows are none.
fn group_input(input: Relation, keys: &[Variable]) -> Result<Relation, QueryError> {
    let unfit = |key: &Variable| {
        input
            .layout
            .get(key)
            .is_none_or(|(_, known)| matches!(known, TermType::Constant(_)) || identity_type(known.clone()) != *known)
    };
    if !keys.iter().any(unfit) {
        return Ok(input);
    }
    let mut selected = Vec::new();
    for variable in variables(&input).filter(|variable| !keys.contains(variable)) {
        selected.push(Selected::of(&input, variable)?);
    }
    for key in keys {
        let term_type = match input.layout.get(key) {
            Some((_, known)) if !matches!(known, TermType::Constant(_)) => identity_type(known.clone()),
            _ => TermType::General,
        };
        selected.push(Selected::widened(&input, key, &term_type)?);
    }
    select(&input.plan, selected)
}

/// The columns of a variable in a relation of another layout.
pub(super) fn converted(
    relation: &Relation,
    variable: &Variable,
    to: &TermType,
) -> Result<Vec<ColumnExpr>, QueryError> {
    match relation.layout.get(variable) {
        None => Ok(null_columns(to)?),
        Some((_, from)) => Ok(convert(from, relation.layout.columns(variable), to)?),
    }
}
