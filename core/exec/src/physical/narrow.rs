//! What is known of the rows an operator's will be joined with: keys that are asked for, and values that are needed.

mod values;

use self::values::{Needed, Seen};
use super::at_once::Begun;
use super::keys::{KeySource, Keys};
use super::stream_exec::StreamExec;
use crate::columns::Layout;
use arrow_array::RecordBatch;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::sync::{Arc, Mutex, PoisonError};
use weft_model::contract::{ColumnRef, CompareOperator, Expression, Relation as SourceRelation, Value};
use weft_model::term::TermType;
use weft_plan::{NarrowedColumn, Node, NodeKind, Scan};

/// What an operator may use of the other side of the joins it is below.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'a> {
    /// Those of the bind join the operator is on the right of.
    pub(super) keys: Option<Keys<'a>>,
    narrowing: Option<&'a Narrowing<'a>>,
    /// Where its requests are counted until they are answered.
    pub(super) begun: Option<&'a Arc<Begun>>,
}

impl<'a> From<Option<&'a KeySource>> for Given<'a> {
    fn from(keys: Option<&'a KeySource>) -> Self {
        Self { keys: keys.map(Keys::Known), ..Self::default() }
    }
}

impl<'a> From<Keys<'a>> for Given<'a> {
    fn from(keys: Keys<'a>) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }
}

impl<'a> Given<'a> {
    /// With other keys.
    pub(super) fn keyed<'b>(self, keys: Option<&'b KeySource>) -> Given<'b>
    where
        'a: 'b,
    {
        Given { keys: keys.map(Keys::Known), ..self }
    }

    /// Of whose requests it is known when they are answered.
    pub(super) fn begun<'b>(self, begun: Option<&'b Arc<Begun>>) -> Given<'b>
    where
        'a: 'b,
    {
        Given { begun, ..self }
    }

    pub(super) fn narrowed(self, narrowing: Option<&'a Narrowing<'a>>) -> Self {
        Self { narrowing: narrowing.or(self.narrowing), ..self }
    }

    fn read_by(&self, join: usize) -> Option<&'a Arc<Sideways>> {
        let mut next = self.narrowing;
        while let Some(narrowing) = next {
            if narrowing.join == join {
                return Some(narrowing.read);
            }
            next = narrowing.outer;
        }
        None
    }

    /// The columns of a scan that are narrowed, and what by.
    pub(super) fn narrowings(&self, scan: &Scan) -> Vec<(NarrowedColumn, Arc<Sideways>)> {
        let known =
            scan.narrowed.iter().filter_map(|column| Some((column.clone(), self.read_by(column.join)?.clone())));
        known.collect()
    }
}

/// A join that reads one side first, around the operators of its other side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrowing<'a> {
    join: usize,
    read: &'a Arc<Sideways>,
    outer: Option<&'a Narrowing<'a>>,
}

impl<'a> Narrowing<'a> {
    pub(super) fn new(join: usize, read: &'a Arc<Sideways>, given: Given<'a>) -> Self {
        Self { join, read, outer: given.narrowing }
    }
}

/// What the first side of a join turned out to have, once it is read to its end.
#[derive(Debug, Default)]
pub(super) struct Sideways(Mutex<Option<Arc<Read>>>);

#[derive(Debug)]
struct Read {
    rows: usize,
    variables: Vec<ReadVariable>,
}

#[derive(Debug)]
struct ReadVariable {
    variable: Variable,
    term_type: TermType,
    /// One entry a column of the type.
    parts: Vec<Seen>,
}

impl Sideways {
    fn known(&self) -> Option<Arc<Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, read: Read) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(read));
    }
}

/// The variables that a join narrows scans below `node` by.
pub(super) fn narrowed_by(join: usize, node: &Node) -> Vec<Variable> {
    let mut found = Vec::new();
    collect(join, node, &mut found);
    found
}

fn collect(join: usize, node: &Node, found: &mut Vec<Variable>) {
    let scan = match &node.kind {
        NodeKind::Scan(scan) => Some(scan),
        NodeKind::Unpivot(unpivot) => Some(&unpivot.scan),
        _ => None,
    };
    for column in scan.iter().flat_map(|scan| &scan.narrowed).filter(|column| column.join == join) {
        if !found.contains(&column.variable) {
            found.push(column.variable.clone());
        }
    }
    node.kind.children().into_iter().for_each(|child| collect(join, child, found));
}

/// The rows as they are; when all of them have passed, what they have for these variables is told.
pub(super) fn observed(
    rows: Arc<dyn ExecutionPlan>,
    layout: &Layout,
    variables: Vec<Variable>,
    told: Arc<Sideways>,
) -> Arc<dyn ExecutionPlan> {
    let (schema, layout) = (layout.schema().clone(), layout.clone());
    StreamExec::new("Observe", schema.clone(), move |context| {
        let read = Observation::new(&layout, &variables);
        let (rows, told) = (rows.clone(), told.clone());
        let batches = stream::once(async move { rows.execute(0, context) }).try_flatten();
        let observed = stream::try_unfold((batches.boxed(), read, told), |(mut batches, mut read, told)| async move {
            match batches.next().await.transpose()? {
                Some(batch) => {
                    read.see(&batch);
                    Ok(Some((batch, (batches, read, told))))
                }
                None => {
                    told.publish(read.read);
                    Ok(None)
                }
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), observed))
    })
}

struct Observation {
    read: Read,
    /// The first column of each variable.
    starts: Vec<usize>,
}

impl Observation {
    fn new(layout: &Layout, variables: &[Variable]) -> Self {
        let (mut found, mut starts) = (Vec::new(), Vec::new());
        for variable in variables {
            let Some((start, term_type)) = layout.get(variable) else { continue };
            let parts = term_type.columns().iter().map(Seen::nothing).collect();
            found.push(ReadVariable { variable: variable.clone(), term_type: term_type.clone(), parts });
            starts.push(start);
        }
        Self { read: Read { rows: 0, variables: found }, starts }
    }

    fn see(&mut self, batch: &RecordBatch) {
        self.read.rows += batch.num_rows();
        for (variable, start) in self.read.variables.iter_mut().zip(&self.starts) {
            for (part, column) in variable.parts.iter_mut().zip(&batch.columns()[*start..]) {
                part.see(column.as_ref());
            }
        }
    }
}

/// What a scan need not give.
pub(super) enum Narrowed {
    /// All of it: nothing is asked.
    Everything,
    /// The rows that do not meet these conditions, each on the read of this alias.
    Rows(Vec<(String, Expression)>),
}

/// What the joins around a scan know by now of the rows they need from it. `term_type` tells how the scan lays out a
/// variable.
pub(super) fn narrowed(
    columns: &[(NarrowedColumn, Arc<Sideways>)],
    term_type: impl Fn(&Variable) -> Option<TermType>,
) -> Narrowed {
    let mut conditions = Vec::new();
    for (column, read) in columns {
        let Some(read) = read.known() else { continue };
        if read.rows == 0 {
            return Narrowed::Everything;
        }
        let own = term_type(&column.variable);
        let variable = read.variables.iter().find(|known| known.variable == column.variable);
        let variable = variable.filter(|known| own.as_ref() == Some(&known.term_type));
        if let Some(seen) = variable.and_then(|known| known.parts.get(column.part)) {
            conditions.extend(condition(column, seen, read.rows).map(|condition| (column.read.clone(), condition)));
        }
    }
    Narrowed::Rows(conditions)
}

/// The condition that the values seen in so many rows are to a column.
fn condition(column: &NarrowedColumn, seen: &Seen, rows: usize) -> Option<Expression> {
    let input = || Box::new(Expression::Column(ColumnRef::bare(&column.column)));
    let bound = |operator, value| {
        let right = Box::new(Expression::Literal(value));
        Expression::Compare { operator, left: input(), right }
    };
    match seen.needed()? {
        Needed { few: Some(values), .. } if column.list => Some(Expression::In { input: input(), values }),
        Needed { least, most, .. } if column.range && !is_wide(column, &least, &most, rows) => {
            Some(Expression::And(vec![
                bound(CompareOperator::GreaterOrEqual, least),
                bound(CompareOperator::LessOrEqual, most),
            ]))
        }
        _ => None,
    }
}

/// Whether bounds leave little out of a column: at least half of its values are between them. A source that is given bounds
/// may look its rows up by an index, which takes longer than reading them one after the other.
fn is_wide(column: &NarrowedColumn, least: &Value, most: &Value, rows: usize) -> bool {
    let Some(distinct) = column.distinct else { return false };
    let between = match (least, most) {
        (Value::Int64(least), Value::Int64(most)) => most.abs_diff(*least).saturating_add(1),
        _ => 0,
    };
    between.max(rows as u64).saturating_mul(2) >= distinct
}

/// Adds conditions to reads of a relation, each once.
pub(super) fn restrict(relation: &mut SourceRelation, conditions: Vec<(String, Expression)>) {
    for (alias, condition) in conditions {
        let Some(read) = relation.read_mut(&alias) else { continue };
        let mut parts = match read.filter.take() {
            None => Vec::new(),
            Some(Expression::And(parts)) => parts,
            Some(other) => vec![other],
        };
        let more = match condition {
            Expression::And(more) => more,
            other => vec![other],
        };
        for part in more {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        read.filter = if parts.len() > 1 { Some(Expression::And(parts)) } else { parts.pop() };
    }
}
