//! Joins on compatible solutions (SPARQL section 18.5).
//!
//! Two rows join when every variable both have is the same term, or unbound in one of them. Where a variable is bound
//! for certain on both sides that is an equality the hash table takes; otherwise it is part of the join's condition.

use super::at_once::{Begun, at_once, counted};
use super::bind::{Plan, bind_join};
use super::coalesce::in_larger_batches;
use super::narrow::{Given, Narrowing, Sideways, narrowed_by, observed};
use super::operators::{Selected, converted, identity_type, nullable, project, select, sort, variables};
use super::projection::projected;
use super::shared::number;
use super::unclaimed::unclaimed;
use super::{Relation, Run, build};
use crate::columns::{ColumnExpr, Layout, convert};
use crate::error::QueryError;
use crate::expression;
use crate::report::JoinKeys;
use datafusion_common::{DataFusionError, JoinSide, JoinType, NullEquality};
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{BinaryExpr, CaseExpr, Column, IsNotNullExpr, IsNullExpr, lit};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{CrossJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, PartitionMode};
use oxrdf::Variable;
use spargebra::algebra::{Expression, OrderExpression};
use std::sync::Arc;
use weft_model::term::{LiteralType, TermType};
use weft_plan::{JoinKind, JoinMethod, Node, NodeKind, map_expression, shape_of_join};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// How two relations are joined.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    kind: JoinKind,
    condition: Option<Expression>,
    /// The side that is held in memory.
    held: Side,
}

pub(super) fn join(run: &Arc<Run>, node: &Node, given: Given<'_>) -> Result<Relation, QueryError> {
    let NodeKind::Join { left, right, kind, condition, method, goal, ordered } = &node.kind else {
        return Err(DataFusionError::Internal("a join is made of no join".to_owned()).into());
    };
    let join = HashJoin {
        id: node.id,
        spec: Spec { kind: kind.clone(), condition: condition.clone(), held: Side::Left },
        ordered: *ordered,
        estimates: [left.estimate, right.estimate],
    };
    match *method {
        // With keys of another join, few of the left rows are read.
        JoinMethod::Bind { hash_from: Some(keys), at_once: true, .. } if given.keys.is_none() => {
            let joined = join.at_once(run, left, right, given, keys)?;
            match unread_beside(node, right) {
                Some(kept) => project(joined, &kept),
                None => Ok(joined),
            }
        }
        JoinMethod::Bind { block, hash_from, .. } => {
            let left_rows = build(run, left, given)?;
            // Of the keys of another join there are as many as that gives.
            let is_kept = hash_from.is_some() && given.keys.is_none();
            let shape = if is_kept { shape_of_join(left, right) } else { None };
            let kept = unread_beside(node, right);
            bind_join(run, left_rows, Plan { left, right, join, block, hash_from, goal: *goal, shape, kept })
        }
        JoinMethod::Hash if *ordered || left.estimate > right.estimate => join.right_first(run, left, right, given),
        JoinMethod::Hash => join.left_first(run, build(run, left, given)?, right, given),
    }
}

/// The variables of a join whose keys are not read back. The rows of the right side have them all.
fn unread_beside(node: &Node, right: &Node) -> Option<Vec<Variable>> {
    let NodeKind::Scan(scan) = &right.kind else { return None };
    scan.whole.as_ref().map(|_| node.bindings.iter().map(|binding| binding.variable.clone()).collect())
}

/// A join of two sides that are read whole, one after the other.
#[derive(Clone, Debug)]
pub(super) struct HashJoin {
    /// That of its node.
    pub(super) id: usize,
    pub(super) spec: Spec,
    /// Whether rows come in the order of the left rows.
    pub(super) ordered: bool,
    /// The rows expected of either side.
    estimates: [f64; 2],
}

impl HashJoin {
    fn held(&self, held: Side) -> Spec {
        Spec { held, ..self.spec.clone() }
    }

    /// Holds the left rows, and reads only what they need of the right.
    fn left_first(
        &self,
        run: &Arc<Run>,
        mut left: Relation,
        right: &Node,
        given: Given<'_>,
    ) -> Result<Relation, QueryError> {
        let variables = narrowed_by(self.id, right);
        let read = Arc::new(Sideways::default());
        let narrowing = Narrowing::new(self.id, &read, given);
        let right = build(run, right, given.narrowed((!variables.is_empty()).then_some(&narrowing)))?;
        if !variables.is_empty() {
            left.plan = observed(left.plan, &left.layout, variables, read.clone());
        }
        self.held(Side::Left).join(run, left, right)
    }

    /// Holds the right rows, and reads only what they need of the left.
    fn right_first(&self, run: &Arc<Run>, left: &Node, right: &Node, given: Given<'_>) -> Result<Relation, QueryError> {
        let variables = narrowed_by(self.id, left);
        let read = Arc::new(Sideways::default());
        let narrowing = Narrowing::new(self.id, &read, given);
        let left = build(run, left, given.narrowed((!variables.is_empty()).then_some(&narrowing)))?;
        let mut right = build(run, right, given)?;
        if !variables.is_empty() {
            right.plan = observed(right.plan, &right.layout, variables, read.clone());
        }
        if self.ordered { self.in_left_order(run, left, right) } else { self.held(Side::Right).join(run, left, right) }
    }

    /// Whether the left side is to be held, of which there are at least or just so many rows.
    fn holds_left(&self, (rows, is_all): (usize, bool)) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "estimates need no exactness")]
        let rows = if is_all { rows as f64 } else { self.estimates[0].max(rows as f64) };
        rows <= self.estimates[1]
    }

    /// The join of left rows that are being read, of which there are at least or just so many, with all of the right.
    pub(super) fn of_running(
        &self,
        run: &Arc<Run>,
        left: Relation,
        known: (usize, bool),
        right: &Node,
    ) -> Result<Relation, QueryError> {
        if self.holds_left(known) {
            return self.left_first(run, left, right, Given::default());
        }
        self.held(Side::Right).join(run, left, build(run, right, Given::default())?)
    }

    /// The join of two sides that are read at the same time. There were at least so many `keys` on the left before.
    fn at_once(
        &self,
        run: &Arc<Run>,
        left: &Node,
        right: &Node,
        given: Given<'_>,
        keys: u64,
    ) -> Result<Relation, QueryError> {
        let held = if self.estimates[0] <= self.estimates[1] { Side::Left } else { Side::Right };
        let begun = Begun::within(given.begun);
        let of = |side| given.begun(if side == held { Some(&begun) } else { given.begun });
        let mut left_rows = build(run, left, of(Side::Left))?;
        let mut right_rows = build(run, right, Given::default().begun(of(Side::Right).begun))?;
        if let Some((source, shape)) = shape_of_join(left, right) {
            left_rows.plan = counted(left_rows.plan, {
                let run = run.clone();
                move |rows| {
                    if rows < keys {
                        run.report.join(JoinKeys { source: source.clone(), shape: shape.clone(), keys: rows });
                    }
                }
            });
        }
        let most = run.limits.read_ahead_rows;
        let (first, second) = match held {
            Side::Left => (&mut left_rows.plan, &mut right_rows.plan),
            Side::Right => (&mut right_rows.plan, &mut left_rows.plan),
        };
        [*first, *second] = at_once(first, second, begun, most);
        self.held(held).join(run, left_rows, right_rows)
    }

    /// The join of two relations, its rows in the order of the left ones where that is wanted.
    pub(super) fn in_left_order(&self, run: &Run, left: Relation, right: Relation) -> Result<Relation, QueryError> {
        if !self.ordered {
            return self.spec.join(run, left, right);
        }
        let place = Variable::new_unchecked("_:place");
        let joined = self.held(Side::Right).join(run, number(left, &place)?, right)?;
        let kept: Vec<Variable> = variables(&joined).filter(|variable| **variable != place).cloned().collect();
        let in_order = sort(run, joined, &[OrderExpression::Asc(Expression::Variable(place))], None)?;
        project(in_order, &kept)
    }
}

impl Spec {
    pub(super) fn join(&self, run: &Run, left: Relation, right: Relation) -> Result<Relation, QueryError> {
        let shared: Vec<Variable> = variables(&left).filter(|v| right.layout.get(v).is_some()).cloned().collect();
        if self.kind == JoinKind::Minus && shared.is_empty() {
            return Ok(left);
        }
        let right = self.rename(right, &shared)?;
        let (first, second) = match self.held {
            Side::Left => (&left, &right),
            Side::Right => (&right, &left),
        };
        let both = Both::new(first, second);
        let mut on: Vec<(ColumnExpr, ColumnExpr)> = Vec::new();
        let mut conditions: Vec<ColumnExpr> = Vec::new();
        let mut both_bound: Option<ColumnExpr> = None;
        let mut is_bound_for_certain = false;
        for variable in &shared {
            let theirs = renamed(variable);
            let common = identity_type(type_of(&left, variable).widen(&type_of(&right, &theirs)));
            if left.is_optional(variable) || right.is_optional(&theirs) {
                conditions.push(both.compatible(variable, &theirs, &common)?);
                let bound = both.bound(variable, &theirs, &common)?;
                both_bound = Some(either(both_bound, bound));
                continue;
            }
            is_bound_for_certain = true;
            let pairs = converted(&left, variable, &common)?.into_iter().zip(converted(&right, &theirs, &common)?);
            on.extend(pairs.map(|(l, r)| if self.held == Side::Left { (l, r) } else { (r, l) }));
        }
        if let Some(condition) = &self.condition {
            let condition = substitute(condition, &|v| shared.contains(v) && left.is_optional(v));
            conditions.push(expression::filter(&condition, &both.layout, &run.expressions)?);
        }
        // MINUS takes nothing away for a row with no variable in common.
        if self.kind == JoinKind::Minus && !is_bound_for_certain {
            conditions.extend(both_bound);
        }
        let plan = self.operator(first, second, on, both.filter(conditions))?;
        match &self.kind {
            JoinKind::Inner | JoinKind::Left => self.result(&left, &right, &shared, &both, &plan),
            JoinKind::Semi | JoinKind::Anti | JoinKind::Minus => Ok(Relation { plan, ..left }),
            JoinKind::Mark(variable) => marked(&left, &plan, variable),
        }
    }

    /// The right side with other names for what the left has, and with columns that can be null where rows may not match.
    fn rename(&self, right: Relation, shared: &[Variable]) -> Result<Relation, QueryError> {
        let mut selected = Vec::new();
        for variable in variables(&right) {
            let term_type = nullable(type_of(&right, variable), self.kind == JoinKind::Left);
            let column = Selected::widened(&right, variable, &term_type)?;
            let name = if shared.contains(variable) { renamed(variable) } else { variable.clone() };
            selected.push(Selected { variable: name, ..column });
        }
        let named = select(&right.plan, selected)?;
        if variables(&named).next().is_some() && named.layout.get(&super::filler()).is_none() {
            return Ok(named);
        }
        // Two fillers would have one name.
        let mut optional = named.optional.clone();
        let types = named.layout.types().iter().cloned();
        let names = named
            .layout
            .variables()
            .iter()
            .map(|v| if *v == super::filler() { super::right_filler() } else { v.clone() });
        let layout = super::layout(names.zip(types).collect(), &mut optional);
        let columns = named.layout.schema().fields().iter().enumerate();
        let columns = columns.map(|(i, old)| Arc::new(Column::new(old.name(), i)) as ColumnExpr).collect();
        let plan = projected(&named.plan, columns, layout.schema());
        Ok(Relation { plan, layout, optional })
    }

    fn operator(
        &self,
        first: &Relation,
        second: &Relation,
        on: Vec<(ColumnExpr, ColumnExpr)>,
        filter: Option<JoinFilter>,
    ) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        let join_type = match (&self.kind, self.held) {
            (JoinKind::Inner, _) => JoinType::Inner,
            (JoinKind::Left, Side::Left) => JoinType::Left,
            (JoinKind::Left, Side::Right) => JoinType::Right,
            (JoinKind::Semi, Side::Left) => JoinType::LeftSemi,
            (JoinKind::Semi, Side::Right) => JoinType::RightSemi,
            (JoinKind::Anti | JoinKind::Minus, Side::Left) => JoinType::LeftAnti,
            (JoinKind::Anti | JoinKind::Minus, Side::Right) => JoinType::RightAnti,
            (JoinKind::Mark(_), Side::Left) => JoinType::LeftMark,
            (JoinKind::Mark(_), Side::Right) => JoinType::RightMark,
        };
        let (first, second) = (first.plan.clone(), second.plan.clone());
        if !on.is_empty() {
            let join = HashJoinExecBuilder::new(first, second, on, join_type)
                .with_filter(filter)
                .with_partition_mode(PartitionMode::CollectLeft)
                .with_null_equality(NullEquality::NullEqualsNothing)
                .build_exec()?;
            return Ok(if self.kind == JoinKind::Left { unclaimed(join) } else { join });
        }
        if filter.is_none() && join_type == JoinType::Inner {
            return Ok(in_larger_batches(Arc::new(CrossJoinExec::new(first, second))));
        }
        Ok(in_larger_batches(Arc::new(NestedLoopJoinExec::try_new(first, second, filter, &join_type, None)?)))
    }

    /// The joined rows with one set of columns for each variable.
    fn result(
        &self,
        left: &Relation,
        right: &Relation,
        shared: &[Variable],
        both: &Both,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Relation, QueryError> {
        let mut selected = Vec::new();
        for variable in variables(left) {
            selected.push(if shared.contains(variable) {
                self.shared(left, right, variable, both)?
            } else {
                both.select(variable, left.is_optional(variable))
            });
        }
        for variable in variables(right).filter(|v| !v.as_str().starts_with(RENAMED)) {
            selected.push(both.select(variable, right.is_optional(variable) || self.kind == JoinKind::Left));
        }
        select(plan, selected)
    }

    fn shared(
        &self,
        left: &Relation,
        right: &Relation,
        variable: &Variable,
        both: &Both,
    ) -> Result<Selected, QueryError> {
        let theirs = renamed(variable);
        let right_optional = right.is_optional(&theirs) || self.kind == JoinKind::Left;
        if !left.is_optional(variable) {
            // Both say the same where both are bound; the narrower type is kept.
            let narrower = type_of(left, variable) == TermType::General && !right_optional;
            let from = if narrower { &theirs } else { variable };
            return Ok(Selected { variable: variable.clone(), ..both.select(from, false) });
        }
        let common = nullable(type_of(left, variable).widen(&type_of(right, &theirs)), true);
        let mine = both.converted(variable, &common)?;
        let columns = mine
            .iter()
            .zip(both.converted(&theirs, &common)?)
            .map(|(l, r)| coalesce(&mine[0], l, r))
            .collect::<Result<_, _>>()?;
        Ok(Selected { variable: variable.clone(), term_type: common, columns, optional: right_optional })
    }
}

/// The left rows and the mark, which the operator puts behind their columns.
fn marked(left: &Relation, plan: &Arc<dyn ExecutionPlan>, variable: &Variable) -> Result<Relation, QueryError> {
    let mut selected = variables(left).map(|v| Selected::of(left, v)).collect::<Result<Vec<_>, _>>()?;
    let schema = plan.schema();
    let last = schema.fields().len().saturating_sub(1);
    let mark: ColumnExpr = Arc::new(Column::new(schema.field(last).name(), last));
    let term_type = TermType::Literal(LiteralType::Boolean);
    selected.push(Selected { variable: variable.clone(), term_type, columns: vec![mark], optional: false });
    select(plan, selected)
}

const RENAMED: &str = "_:right.";

fn renamed(variable: &Variable) -> Variable {
    Variable::new_unchecked(format!("{RENAMED}{}", variable.as_str()))
}

fn type_of(relation: &Relation, variable: &Variable) -> TermType {
    relation.layout.get(variable).map_or(TermType::General, |(_, term_type)| term_type.clone())
}

/// `l` where the variable is bound on the left, else `r`.
fn coalesce(bound: &ColumnExpr, l: &ColumnExpr, r: ColumnExpr) -> Result<ColumnExpr, QueryError> {
    let bound: ColumnExpr = Arc::new(IsNotNullExpr::new(bound.clone()));
    Ok(Arc::new(CaseExpr::try_new(None, vec![(bound, l.clone())], Some(r))?))
}

/// Rows of both sides next to each other.
struct Both {
    layout: Layout,
    indices: Vec<ColumnIndex>,
}

impl Both {
    fn new(first: &Relation, second: &Relation) -> Self {
        let variables = [first, second]
            .into_iter()
            .flat_map(|r| r.layout.variables().iter().cloned().zip(r.layout.types().iter().cloned()))
            .collect();
        let side = |relation: &Relation, side| {
            (0..relation.layout.schema().fields().len()).map(move |index| ColumnIndex { index, side })
        };
        let indices = side(first, JoinSide::Left).chain(side(second, JoinSide::Right)).collect();
        Self { layout: Layout::new(variables), indices }
    }

    fn select(&self, variable: &Variable, optional: bool) -> Selected {
        let term_type = self.layout.get(variable).map_or(TermType::General, |(_, term_type)| term_type.clone());
        Selected { variable: variable.clone(), term_type, columns: self.layout.columns(variable), optional }
    }

    fn converted(&self, variable: &Variable, to: &TermType) -> Result<Vec<ColumnExpr>, QueryError> {
        let from = self.layout.get(variable).map_or(TermType::General, |(_, term_type)| term_type.clone());
        Ok(convert(&from, self.layout.columns(variable), to)?)
    }

    /// Unbound in one of the two, or the same term.
    fn compatible(&self, mine: &Variable, theirs: &Variable, common: &TermType) -> Result<ColumnExpr, QueryError> {
        let (left, right) = (self.converted(mine, common)?, self.converted(theirs, common)?);
        let mut equal: Option<ColumnExpr> = None;
        for (l, r) in left.iter().zip(&right) {
            equal = Some(and(equal, binary(l.clone(), Operator::Eq, r.clone())));
        }
        let nulls = [left.first(), right.first()].into_iter().flatten();
        let unbound = nulls.map(|column| Arc::new(IsNullExpr::new(column.clone())) as ColumnExpr);
        let compatible = unbound.chain(equal).reduce(|a, b| binary(a, Operator::Or, b));
        compatible.ok_or_else(|| {
            QueryError::new(
                weft_model::Code::Internal,
                weft_model::Fault::Broker,
                format!("{mine} has no columns to compare"),
            )
        })
    }

    /// Bound in both.
    fn bound(&self, mine: &Variable, theirs: &Variable, common: &TermType) -> Result<ColumnExpr, QueryError> {
        let columns = [self.converted(mine, common)?, self.converted(theirs, common)?];
        let bound = columns.iter().filter_map(|columns| columns.first());
        let bound = bound.map(|column| Arc::new(IsNotNullExpr::new(column.clone())) as ColumnExpr);
        Ok(bound.reduce(|a, b| binary(a, Operator::And, b)).unwrap_or_else(|| lit(true)))
    }

    fn filter(&self, conditions: Vec<ColumnExpr>) -> Option<JoinFilter> {
        let expression = conditions.into_iter().reduce(|a, b| binary(a, Operator::And, b))?;
        Some(JoinFilter::new(expression, self.indices.clone(), self.layout.schema().clone()))
    }
}

fn and(known: Option<ColumnExpr>, more: ColumnExpr) -> ColumnExpr {
    match known {
        None => more,
        Some(known) => binary(known, Operator::And, more),
    }
}

fn either(known: Option<ColumnExpr>, more: ColumnExpr) -> ColumnExpr {
    match known {
        None => more,
        Some(known) => binary(known, Operator::Or, more),
    }
}

fn binary(left: ColumnExpr, operator: Operator, right: ColumnExpr) -> ColumnExpr {
    Arc::new(BinaryExpr::new(left, operator, right))
}

/// The condition of an OPTIONAL over both rows: a variable that may be unbound on the left has the right one's value.
fn substitute(expression: &Expression, doubled: &dyn Fn(&Variable) -> bool) -> Expression {
    map_expression(expression, &|part| match part {
        Expression::Variable(v) if doubled(v) => {
            Some(Expression::Coalesce(vec![Expression::Variable(v.clone()), Expression::Variable(renamed(v))]))
        }
        Expression::Bound(v) if doubled(v) => {
            Some(Expression::Or(Box::new(Expression::Bound(v.clone())), Box::new(Expression::Bound(renamed(v)))))
        }
        _ => None,
    })
}
