//! What is known of the columns behind the variables of a scan.

use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::pushdown::not_null;
use crate::{Scan, ScanOutput};
use oxrdf::Variable;
use weft_mapping::Build;
use weft_model::contract::{
    Column, ColumnRef, Expression as Condition, ProjectColumn, Read, Relation, RelationalCapabilities, Table,
    TextComparison, TimePart, TypeKind,
};
use weft_model::term::{LiteralType, TermType};

pub(crate) fn capabilities<'a>(scan: &Scan, catalogue: &'a Catalogue) -> Option<&'a RelationalCapabilities> {
    Some(&catalogue.graph(graph_of(scan, catalogue)?).description.relational)
}

fn graph_of(scan: &Scan, catalogue: &Catalogue) -> Option<usize> {
    catalogue.position(&scan.source)
}

pub(super) struct NativeLiteral<'a> {
    pub(super) literal: LiteralType,
    pub(super) reference: ColumnRef,
    pub(super) column: &'a Column,
}

/// A variable that is one native literal column, compared by the source as SPARQL does.
pub(super) fn native_literal<'a>(
    scan: &Scan,
    catalogue: &'a Catalogue,
    variable: &Variable,
) -> Option<NativeLiteral<'a>> {
    let output = scan.outputs.iter().find(|output| output.variable == *variable)?;
    let (TermType::Literal(literal), [input], Build::Columns) =
        (&output.term.term_type, output.inputs.as_slice(), &output.term.build)
    else {
        return None;
    };
    let (reference, column) = described(scan, catalogue, *input)?;
    let native = is_native(column, &literal.arrow()) && !matches!(literal, LiteralType::Other(_));
    (native && column.text_comparison_is_exact()).then(|| NativeLiteral { literal: literal.clone(), reference, column })
}

/// The described column behind a field of the scan's relation; a part of a date or time has none.
pub(crate) fn described<'a>(scan: &Scan, catalogue: &'a Catalogue, input: usize) -> Option<(ColumnRef, &'a Column)> {
    let reference = scan.relation.fields().ok()?.get(input)?.0.clone();
    if part(&scan.relation, &reference).is_some() {
        return None;
    }
    let origin = origin(&scan.relation, &reference);
    let table = table_of(scan, catalogue, &origin.relation)?;
    Some((reference, table.column(&origin.name)?))
}

/// The table that the read with this alias is of.
pub(crate) fn table_of<'a>(scan: &Scan, catalogue: &'a Catalogue, alias: &str) -> Option<&'a Table> {
    let read = scan.relation.reads().into_iter().find(|read| read.alias == alias)?;
    catalogue.table(graph_of(scan, catalogue)?, &read.table)
}

/// The part of a date or time that a field is.
pub(crate) fn part(relation: &Relation, reference: &ColumnRef) -> Option<TimePart> {
    match relation {
        Relation::Project { input, columns } => {
            let column = projected(columns, reference)?;
            column.part.or_else(|| part(input, &column.column))
        }
        Relation::Sort { input, .. }
        | Relation::Limit { input, .. }
        | Relation::Distinct { input }
        | Relation::Filter { input, .. } => part(input, reference),
        _ => None,
    }
}

fn projected<'r>(columns: &'r [ProjectColumn], reference: &ColumnRef) -> Option<&'r ProjectColumn> {
    columns.iter().find(|column| reference.relation.is_empty() && column.name == reference.name)
}

/// The column of a read that a field comes from: it is null where the field is.
pub(crate) fn origin(relation: &Relation, reference: &ColumnRef) -> ColumnRef {
    match relation {
        Relation::Project { input, columns } => {
            projected(columns, reference).map_or_else(|| reference.clone(), |column| origin(input, &column.column))
        }
        Relation::Sort { input, .. } | Relation::Limit { input, .. } | Relation::Distinct { input } => {
            origin(input, reference)
        }
        Relation::Recurse { step, from, to, .. } => from
            .iter()
            .chain(to)
            .find(|column| reference.relation.is_empty() && column.name == reference.name)
            .map_or_else(|| reference.clone(), |column| origin(step, column)),
        _ => reference.clone(),
    }
}

/// Whether the broker drops no row of the scan.
pub(crate) fn rows_are_final(scan: &Scan) -> bool {
    let Ok(fields) = scan.relation.fields() else { return false };
    let is_there = |output: &ScanOutput| {
        let types = output.inputs.iter().filter_map(|input| fields.get(*input)).map(|(_, field)| field.data_type);
        !output.term.may_be_absent(scan.invalid_values, &types.collect::<Vec<_>>())
    };
    if !scan.outputs.iter().all(is_there) {
        return false;
    }
    scan.outputs.iter().filter(|output| output.required).all(|output| {
        output.inputs.iter().all(|input| {
            fields.get(*input).is_some_and(|(reference, field)| {
                !field.nullable || is_demanded(&scan.relation, &origin(&scan.relation, reference))
            })
        })
    })
}

fn is_demanded(relation: &Relation, column: &ColumnRef) -> bool {
    let demanded = |read: &&Read| {
        read.alias == column.relation && read.filter.as_ref().is_some_and(|filter| excludes_null(filter, &column.name))
    };
    relation.reads().iter().any(demanded)
}

/// Whether a condition is never true where the column is null.
fn excludes_null(condition: &Condition, column: &str) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().any(|part| excludes_null(part, column)),
        other => *other == not_null(column),
    }
}

pub(crate) trait TextExactness {
    /// Whether the source's text equality and order are by code point; true for all other types.
    fn text_comparison_is_exact(&self) -> bool;
}

impl TextExactness for Column {
    fn text_comparison_is_exact(&self) -> bool {
        self.data_type.kind() != TypeKind::Text || self.text_comparison == TextComparison::CodePoint
    }
}
