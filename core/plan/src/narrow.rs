//! Columns that a join narrows to the values it has read of its other side.
//!
//! A join that has read one side whole needs no rows of the other that are equal to none of it. Where a variable is bound
//! on both sides for certain, in the columns of one type, a row of the other side whose value is outside of all values
//! read can neither join nor keep a row from being unmatched; so whatever gives the value may leave the row out. That is
//! so for all rows of an inner or semi join, and for the right rows of every join. The value must come from the scan as it
//! is: nothing between the scan and the join may count rows, cut them or number them.

use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::push::TextExactness as _;
use crate::{JoinKind, JoinMethod, NarrowedColumn, Node, NodeKind, Scan, ScanOutput};
use oxrdf::Variable;
use std::sync::Arc;
use weft_mapping::Build;
use weft_model::contract::{
    Capability, Column, ColumnRef, FilterOperation, JoinKind as RelationJoin, Read, Relation, Table, TypeKind,
};
use weft_model::term::TermType;

/// Marks the scans that the joins below `node` can narrow. The operators have their ids.
pub(crate) fn mark(node: &mut Node, catalogue: &Catalogue) {
    let join = node.id;
    if let NodeKind::Join { left, right, kind, method, .. } = &mut node.kind {
        for (variable, term_type) in certain(left, right) {
            let narrowing = Narrowing { catalogue, join, variable: &variable, term_type: &term_type };
            match second(left, right, kind, *method) {
                Some(Side::Left) => narrowing.node(left),
                Some(Side::Right) => narrowing.node(Arc::make_mut(right)),
                None => {}
            }
        }
    }
    node.kind.children_mut().into_iter().for_each(|child| mark(child, catalogue));
}

enum Side {
    Left,
    Right,
}

/// The side that is read when the other is complete, where it may be narrowed.
fn second(left: &Node, right: &Node, kind: &JoinKind, method: JoinMethod) -> Option<Side> {
    match method {
        JoinMethod::Bind { hash_from: None, .. } => None,
        JoinMethod::Bind { .. } => Some(Side::Right),
        JoinMethod::Hash if left.estimate <= right.estimate => Some(Side::Right),
        JoinMethod::Hash => matches!(kind, JoinKind::Inner | JoinKind::Semi).then_some(Side::Left),
    }
}

/// The variables that rows of both sides have for certain, in columns of one type.
fn certain(left: &Node, right: &Node) -> Vec<(Variable, TermType)> {
    let both = left.bindings.iter().filter_map(|mine| {
        let theirs = right.binding(&mine.variable)?;
        let same = !mine.optional && !theirs.optional && mine.term_type == theirs.term_type;
        same.then(|| (mine.variable.clone(), mine.term_type.clone()))
    });
    both.filter(|(_, term_type)| !term_type.columns().is_empty()).collect()
}

struct Narrowing<'a> {
    catalogue: &'a Catalogue,
    join: usize,
    variable: &'a Variable,
    term_type: &'a TermType,
}

impl Narrowing<'_> {
    fn node(&self, node: &mut Node) {
        if !node.binding(self.variable).is_some_and(|b| !b.optional && b.term_type == *self.term_type) {
            return;
        }
        match &mut node.kind {
            NodeKind::Scan(scan) => {
                let output = scan.outputs.iter().find(|output| output.variable == *self.variable);
                let columns = output.map_or_else(Vec::new, |output| self.columns(scan, output));
                narrow(scan, columns);
            }
            NodeKind::Unpivot(unpivot) => {
                let mut outputs = unpivot.ways.iter().map(|way| way.iter().find(|o| o.variable == *self.variable));
                let Some(Some(first)) = outputs.next() else { return };
                let same = |o: Option<&ScanOutput>| o.is_some_and(|o| o.inputs == first.inputs && o.term == first.term);
                if outputs.all(same) {
                    let columns = self.columns(&unpivot.scan, first);
                    narrow(&mut unpivot.scan, columns);
                }
            }
            NodeKind::Join { left, right, kind: JoinKind::Inner, method: JoinMethod::Hash, .. } => {
                self.node(left);
                self.node(Arc::make_mut(right));
            }
            NodeKind::Join { left, .. } => self.node(left),
            NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| self.node(input)),
            NodeKind::Extend { input, variable, .. } if variable != self.variable => self.node(input),
            NodeKind::Filter { input, .. } | NodeKind::Project { input } | NodeKind::Distinct { input } => {
                self.node(input);
            }
            NodeKind::Sort { input, fetch: None, .. } => self.node(input),
            _ => {}
        }
    }

    fn columns(&self, scan: &Scan, output: &ScanOutput) -> Vec<NarrowedColumn> {
        if output.term.build != Build::Columns || output.term.term_type != *self.term_type {
            return Vec::new();
        }
        let arrows = self.term_type.columns();
        let parts = output.inputs.iter().zip(&arrows).enumerate();
        parts.filter_map(|(part, (input, arrow))| self.column(scan, *input, part, arrow)).collect()
    }

    fn column(&self, scan: &Scan, input: usize, part: usize, arrow: &arrow_schema::DataType) -> Option<NarrowedColumn> {
        let (read, name) = origin_at(&scan.relation, input)?;
        let graph = self.catalogue.position(&scan.source)?;
        let table = self.catalogue.table(graph, &read.table)?;
        let column = table.column(name)?;
        let (range, list) = (takes_range(table, column), takes_list(table, column));
        let fits = is_native(column, arrow) && is_comparable(column) && (range || list);
        let (join, variable) = (self.join, self.variable.clone());
        let distinct = if table.is_unique(&[name]) { table.rows } else { column.distinct };
        let distinct = distinct.map(|statistic| statistic.count);
        let (read, column) = (read.alias.clone(), name.to_owned());
        fits.then_some(NarrowedColumn { join, variable, part, read, column, range, list, distinct })
    }
}

fn narrow(scan: &mut Arc<Scan>, columns: Vec<NarrowedColumn>) {
    if !columns.is_empty() {
        Arc::make_mut(scan).narrowed.extend(columns);
    }
}

/// Doubles have values that are equal to nothing and two zeros that are two terms; decimals are laid out anew.
fn is_comparable(column: &Column) -> bool {
    matches!(column.data_type.kind(), TypeKind::Int64 | TypeKind::Text | TypeKind::Date | TypeKind::Timestamp)
}

/// Whether the source orders the values as the broker finds their bounds.
fn takes_range(table: &Table, column: &Column) -> bool {
    table.filter_capability(FilterOperation::Range, column) > Capability::None && column.text_comparison_is_exact()
}

fn takes_list(table: &Table, column: &Column) -> bool {
    table.filter_capability(FilterOperation::In, column) > Capability::None
}

/// The read and the column a field comes from, where a condition on that column does no more than leave out rows of the
/// relation.
fn origin_at(relation: &Relation, position: usize) -> Option<(&Read, &str)> {
    match relation {
        Relation::Read(read) if read.limit.is_none() => Some((read, read.columns.get(position)?)),
        Relation::Filter { input, .. } | Relation::Distinct { input } | Relation::Sort { input, .. } => {
            origin_at(input, position)
        }
        Relation::Project { input, columns } => {
            let column = columns.get(position)?;
            if column.part.is_some() { None } else { origin(input, &column.column) }
        }
        Relation::Aggregate { input, group, .. } => origin(input, group.get(position)?),
        Relation::Join { .. } => origin(relation, &relation.fields().ok()?.get(position)?.0),
        Relation::Read(_) | Relation::Limit { .. } | Relation::Recurse { .. } => None,
    }
}

/// As [`origin_at`], of the field that is referred to so.
fn origin<'a>(relation: &'a Relation, field: &ColumnRef) -> Option<(&'a Read, &'a str)> {
    match relation {
        Relation::Read(read) => {
            let is_own = read.limit.is_none() && read.alias == field.relation;
            let name = read.columns.iter().find(|name| **name == field.name)?;
            is_own.then_some((read, name))
        }
        Relation::Filter { input, .. } | Relation::Distinct { input } | Relation::Sort { input, .. } => {
            origin(input, field)
        }
        Relation::Project { input, columns } => {
            let column = columns.iter().find(|column| field.relation.is_empty() && column.name == field.name)?;
            if column.part.is_some() { None } else { origin(input, &column.column) }
        }
        Relation::Join { left, right, kind, .. } => origin(left, field).or_else(|| match kind {
            RelationJoin::Inner => origin(right, field),
            RelationJoin::Left => None,
        }),
        // All rows of a group have its values, so groups are left out whole.
        Relation::Aggregate { input, group, .. } if group.contains(field) => origin(input, field),
        Relation::Aggregate { .. } | Relation::Limit { .. } | Relation::Recurse { .. } => None,
    }
}
